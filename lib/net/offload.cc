#include "lib/net/offload.h"

#include <exception>
#include <memory>
#include <semaphore>

#include "lib/net/pch/asio.h"

namespace net {
namespace asio = boost::asio;

struct ThreadPool::Threads {
  explicit Threads(size_t count) : pool(std::max<size_t>(1, count)) {}
  asio::thread_pool pool;
};

ThreadPool::ThreadPool(size_t threads) : threads_(std::make_unique<Threads>(threads)) {}

ThreadPool::~ThreadPool() { threads_->pool.join(); }

void ThreadPool::Post(std::move_only_function<void()> work) {
  asio::post(threads_->pool, std::move(work));
}

namespace internal {

Task<void> RunOnPool(ThreadPool& pool, std::move_only_function<void()> work, Cancellation* stop) {
  Executor executor = co_await asio::this_coro::executor;
  if (stop != nullptr && co_await IsCancelled()) stop->Request();
  std::exception_ptr thrown;
  // The caller may end its loop as soon as it goes on, so it waits until the pool's thread has let
  // go of the loop: microseconds.
  auto let_go = std::make_shared<std::binary_semaphore>(0);
  auto start = [&](auto handler) {
    auto guard = asio::make_work_guard(executor);
    if (auto slot = asio::get_associated_cancellation_slot(handler);
        stop != nullptr && slot.is_connected()) {
      slot.assign([stop](asio::cancellation_type type) {
        if (type != asio::cancellation_type::none) stop->Request();
      });
    }
    pool.Post(
        [&work, &thrown, let_go, handler = std::move(handler), guard = std::move(guard)]() mutable {
          try {
            work();
          } catch (...) {
            thrown = std::current_exception();
          }
          {
            const auto held = std::move(guard);
            asio::post(held.get_executor(), std::move(handler));
          }
          let_go->release();
        });
  };
  co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(start, asio::use_awaitable);
  let_go->acquire();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace internal
}  // namespace net
