#pragma once
// WhenAll: many tasks at once, results in the order of the input.

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "lib/net/runtime.h"
#include "lib/net/task.h"

namespace net {

/// No limit on how many tasks run at the same time.
inline constexpr size_t kUnlimited = static_cast<size_t>(-1);

namespace internal {
Task<void> RunAll(std::vector<Task<void>> tasks, size_t at_once);
}  // namespace internal

/// Runs all tasks, at most `at_once` at a time, and returns when every one has ended. Cancelling
/// the caller cancels them all; an exception of one is passed on after all have ended.
template <typename T>
Task<std::vector<T>> WhenAll(std::vector<Task<T>> tasks, size_t at_once = kUnlimited) {
  std::vector<std::optional<T>> results(tasks.size());
  std::vector<Task<void>> running;
  running.reserve(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    running.push_back(internal::StoreInto(std::move(tasks[i]), &results[i]));
  }
  co_await internal::RunAll(std::move(running), at_once);
  std::vector<T> values;
  values.reserve(results.size());
  for (auto& result : results) values.push_back(std::move(*result));
  co_return values;
}

inline Task<void> WhenAll(std::vector<Task<void>> tasks, size_t at_once = kUnlimited) {
  return internal::RunAll(std::move(tasks), at_once);
}

}  // namespace net
