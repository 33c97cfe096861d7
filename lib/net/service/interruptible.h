#pragma once
// Offload for work that can be told to stop.

#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "lib/net/event.h"
#include "lib/net/offload.h"
#include "lib/net/runtime.h"
#include "lib/net/task_group.h"

namespace net {

/// As Offload; when the caller is cancelled, `interrupt` is called once on the caller's loop, and
/// the work is awaited all the same: it ends soon then, and may refer to the caller's variables.
template <typename F>
Task<std::invoke_result_t<F&>> OffloadInterruptibly(ThreadPool& pool, F work,
                                                    std::function<void()> interrupt) {
  std::optional<std::invoke_result_t<F&>> result;
  std::exception_ptr thrown;
  Event finished;
  const auto run = [&]() -> Task<void> {
    try {
      result.emplace(co_await Offload(pool, [&work] { return work(); }));
    } catch (...) {
      thrown = std::current_exception();
    }
    finished.Set();
  };
  TaskGroup group(co_await CurrentExecutor(), [](const base::Error&) {});
  group.Spawn(run());
  const auto waited = co_await finished.Wait(base::Deadline::Never());
  if (!waited) interrupt();
  (void)co_await Shielded(group.Join(base::Deadline::Never()));
  if (thrown) std::rethrow_exception(thrown);
  co_return std::move(*result);
}

}  // namespace net
