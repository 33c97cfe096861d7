#pragma once
// Runtime owns the event loops and their threads. Each loop has exactly one thread, so that
// whatever stays on its loop needs no lock; work is spread by giving whole connections to different
// loops.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "lib/net/task.h"

namespace net {

struct RuntimeOptions {
  /// Number of loops; loop 0 runs on the thread that calls Run.
  size_t loops = 1;
};

/// Not thread-safe, apart from executor() and executors().
class Runtime {
 public:
  explicit Runtime(RuntimeOptions options = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  size_t size() const;
  Executor executor(size_t loop = 0) const;
  std::vector<Executor> executors() const;

  /// Runs the loops until `main` has finished and returns what it returned; an exception of `main`
  /// is passed on. `main` closes its task groups itself; what is left over does not run any more.
  template <typename T>
  T Run(Task<T> main);

 private:
  struct Loops;
  void RunToEnd(Task<void> main);

  std::unique_ptr<Loops> loops_;
};

namespace internal {

template <typename T>
Task<void> StoreInto(Task<T> task, std::optional<T>* out) {
  out->emplace(co_await std::move(task));
}

/// Runs `task` as its own thread of control on `executor`; passes on its exception.
Task<void> RunOn(Executor executor, Task<void> task);
/// Runs `task` out of reach of the caller's cancellation.
Task<void> RunShielded(Task<void> task);

}  // namespace internal

template <typename T>
T Runtime::Run(Task<T> main) {
  if constexpr (std::is_void_v<T>) {
    RunToEnd(std::move(main));
  } else {
    std::optional<T> result;
    RunToEnd(internal::StoreInto(std::move(main), &result));
    return std::move(*result);
  }
}

/// Runs `task` on another loop and comes back to the caller's.
template <typename T>
Task<T> RunOn(Executor executor, Task<T> task) {
  if constexpr (std::is_void_v<T>) {
    co_await internal::RunOn(std::move(executor), std::move(task));
  } else {
    std::optional<T> result;
    co_await internal::RunOn(std::move(executor), internal::StoreInto(std::move(task), &result));
    co_return std::move(*result);
  }
}

/// Runs `task` to its end even if the caller is, or gets, cancelled: for clean-up that waits.
template <typename T>
Task<T> Shielded(Task<T> task) {
  if constexpr (std::is_void_v<T>) {
    co_await internal::RunShielded(std::move(task));
  } else {
    std::optional<T> result;
    co_await internal::RunShielded(internal::StoreInto(std::move(task), &result));
    co_return std::move(*result);
  }
}

/// Calls `work` on the loop of `executor`, soon. From any thread; the loop must still run.
void Post(const Executor& executor, std::move_only_function<void()> work);

}  // namespace net
