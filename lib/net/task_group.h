#pragma once
// TaskGroup: the lifetime of concurrent tasks. Whatever runs beside its caller belongs to one
// group, and the group is closed before what its tasks refer to goes away. There are no detached
// tasks.

#include <cstddef>
#include <functional>
#include <memory>

#include "lib/base/deadline.h"
#include "lib/base/error.h"
#include "lib/net/event.h"
#include "lib/net/task.h"

namespace net {

/// Belongs to one loop: call it only there, or before the loop runs.
class TaskGroup {
 public:
  /// Gets the exception that left a task, as kInternal.
  using ErrorSink = std::function<void(const base::Error&)>;

  TaskGroup(Executor executor, ErrorSink sink);
  /// Requires: the group is empty (Join or Shutdown returned), or its loop does not run any more.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task` soon, not inside this call.
  void Spawn(Task<void> task);
  size_t size() const;

  /// Asks the tasks to finish by themselves: sets stopping().
  void Stop();
  /// Set by Stop; for tasks that end in an orderly way, such as a server that drains.
  Event& stopping();
  /// Cancels all tasks, also those spawned later.
  void Cancel();

  /// Returns when no task is left. kTimeout, kCancelled: some are.
  Task<base::Result<void>> Join(base::Deadline deadline);
  /// Stop, wait until `grace`, Cancel, wait for the rest. Returns how many tasks had to be
  /// cancelled. The caller's own cancellation only shortens the grace.
  Task<size_t> Shutdown(base::Deadline grace);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace net
