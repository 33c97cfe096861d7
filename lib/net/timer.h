#pragma once
// Waiting for time, and bounding other tasks by it.

#include <memory>
#include <optional>
#include <utility>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/cancellation.h"
#include "lib/net/runtime.h"
#include "lib/net/task.h"

namespace net {

/// kCancelled when the caller was cancelled before.
Task<base::Result<void>> Sleep(base::Duration span);
Task<base::Result<void>> SleepUntil(base::Deadline time);

namespace internal {

/// Runs `task`, cancels it at `deadline`, and returns after it has ended. True: the deadline came
/// first.
Task<bool> RunUntil(Task<void> task, base::Deadline deadline);
/// The same for a cancellation source.
Task<bool> RunUntil(Task<void> task, const Cancellation& source);
base::Error Overdue();
base::Error Stopped();

}  // namespace internal

/// Runs `task` and cancels it at `deadline`; then the result is kTimeout, unless the task had
/// succeeded all the same. Returns only after the task has ended.
template <typename T>
Task<base::Result<T>> WithDeadline(Task<base::Result<T>> task, base::Deadline deadline) {
  std::optional<base::Result<T>> result;
  const bool overdue =
      co_await internal::RunUntil(internal::StoreInto(std::move(task), &result), deadline);
  if (overdue && !result->has_value()) co_return base::Fail(internal::Overdue());
  co_return std::move(*result);
}

/// Runs `task` and cancels it when `source` is requested to stop; then the result is kCancelled,
/// unless the task had succeeded all the same. `source` outlives the call.
template <typename T>
Task<base::Result<T>> WithCancellation(Task<base::Result<T>> task, const Cancellation& source) {
  std::optional<base::Result<T>> result;
  const bool stopped =
      co_await internal::RunUntil(internal::StoreInto(std::move(task), &result), source);
  if (stopped && !result->has_value()) co_return base::Fail(internal::Stopped());
  co_return std::move(*result);
}

}  // namespace net
