#pragma once
// Offload: blocking work (files, databases, number crunching) on a thread pool, awaited by a task.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "lib/net/cancellation.h"
#include "lib/net/task.h"

namespace net {

/// Threads for work that blocks. Thread-safe. The destructor waits for the work that was started.
class ThreadPool {
 public:
  explicit ThreadPool(size_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Runs `work`, which does not throw, on one of the threads.
  void Post(std::move_only_function<void()> work);

 private:
  struct Threads;
  std::unique_ptr<Threads> threads_;
};

namespace internal {
/// `stop`, when there is one, is requested when the caller is cancelled.
Task<void> RunOnPool(ThreadPool& pool, std::move_only_function<void()> work,
                     Cancellation* stop = nullptr);
}  // namespace internal

/// Runs `work()` on the pool and resumes on the caller's loop with what it returned or threw. It is
/// not interrupted by cancellation: `work` may refer to the caller's variables.
template <typename F>
Task<std::invoke_result_t<F&>> Offload(ThreadPool& pool, F work) {
  using T = std::invoke_result_t<F&>;
  if constexpr (std::is_void_v<T>) {
    co_await internal::RunOnPool(pool, [&work] { work(); });
  } else {
    std::optional<T> result;
    co_await internal::RunOnPool(pool, [&work, &result] { result.emplace(work()); });
    co_return std::move(*result);
  }
}

/// The same for work that waits: when the caller is cancelled, `stop` is requested, which `work()`
/// watches to end early. Still returns only when `work()` has; `stop` outlives the call.
template <typename F>
Task<std::invoke_result_t<F&>> OffloadUntil(ThreadPool& pool, Cancellation& stop, F work) {
  std::optional<std::invoke_result_t<F&>> result;
  co_await internal::RunOnPool(pool, [&work, &result] { result.emplace(work()); }, &stop);
  co_return std::move(*result);
}

}  // namespace net
