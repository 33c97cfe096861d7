#include "lib/net/runtime.h"

#include <exception>

#include "lib/net/pch/asio.h"
#include "lib/net/spawn.h"

namespace net {
namespace asio = boost::asio;

namespace {

struct Loop {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
};

}  // namespace

Task<Executor> CurrentExecutor() { co_return co_await asio::this_coro::executor; }

Task<bool> IsCancelled() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

void Post(const Executor& executor, std::move_only_function<void()> work) {
  asio::post(executor, std::move(work));
}

struct Runtime::Loops {
  std::vector<std::unique_ptr<Loop>> all;
};

Runtime::Runtime(RuntimeOptions options) : loops_(std::make_unique<Loops>()) {
  for (size_t i = 0; i < std::max<size_t>(1, options.loops); ++i) {
    loops_->all.push_back(std::make_unique<Loop>());
  }
}

Runtime::~Runtime() = default;

size_t Runtime::size() const { return loops_->all.size(); }

Executor Runtime::executor(size_t loop) const {
  return loops_->all.at(loop)->context.get_executor();
}

std::vector<Executor> Runtime::executors() const {
  std::vector<Executor> all;
  for (auto& loop : loops_->all) all.emplace_back(loop->context.get_executor());
  return all;
}

void Runtime::RunToEnd(Task<void> main) {
  std::exception_ptr failure;
  auto& first = loops_->all.front()->context;
  asio::co_spawn(first, internal::Quiet(std::move(main)), [&](std::exception_ptr thrown) {
    failure = thrown;
    for (auto& loop : loops_->all) loop->context.stop();
  });
  for (auto& loop : loops_->all) loop->context.restart();
  std::vector<std::jthread> threads;
  for (size_t i = 1; i < size(); ++i) {
    threads.emplace_back([&loop = *loops_->all[i]] { loop.context.run(); });
  }
  first.run();
  threads.clear();
  if (failure) std::rethrow_exception(failure);
}

namespace internal {

Task<void> RunOn(Executor executor, Task<void> task) {
  co_await asio::co_spawn(std::move(executor), Quiet(std::move(task)), asio::use_awaitable);
}

Task<void> RunShielded(Task<void> task) {
  Executor executor = co_await asio::this_coro::executor;
  co_await asio::co_spawn(
      executor, Quiet(std::move(task)),
      asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable));
}

}  // namespace internal
}  // namespace net
