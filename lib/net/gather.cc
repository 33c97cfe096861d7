#include "lib/net/gather.h"

#include <algorithm>
#include <exception>

#include "lib/net/pch/asio.h"
#include "lib/net/spawn.h"

namespace net::internal {
namespace asio = boost::asio;
namespace {

struct Shared {
  std::vector<Task<void>> tasks;
  size_t next = 0;
  std::exception_ptr thrown;
};

/// One of `at_once` runners, which take the tasks in order.
Task<void> Runner(Shared* shared) {
  while (shared->next < shared->tasks.size()) {
    Task<void> task = std::move(shared->tasks[shared->next++]);
    try {
      co_await std::move(task);
    } catch (...) {
      if (!shared->thrown) shared->thrown = std::current_exception();
    }
  }
}

}  // namespace

Task<void> RunAll(std::vector<Task<void>> tasks, size_t at_once) {
  if (tasks.empty()) co_return;
  Shared shared;
  shared.tasks = std::move(tasks);
  const size_t runners = std::clamp<size_t>(at_once, 1, shared.tasks.size());
  Executor executor = co_await asio::this_coro::executor;
  if (runners == 1) {
    co_await Runner(&shared);
  } else {
    using Operation = decltype(asio::co_spawn(executor, Runner(&shared), asio::deferred));
    std::vector<Operation> operations;
    operations.reserve(runners);
    for (size_t i = 0; i < runners; ++i) {
      operations.push_back(asio::co_spawn(executor, Quiet(Runner(&shared)), asio::deferred));
    }
    auto group = asio::experimental::make_parallel_group(std::move(operations));
    co_await group.async_wait(asio::experimental::wait_for_all(),
                              asio::as_tuple(asio::use_awaitable));
  }
  if (shared.thrown) std::rethrow_exception(shared.thrown);
}

}  // namespace net::internal
