#pragma once
// Cancellation: a request to stop that may come from any thread and from a signal handler.

#include <atomic>
#include <initializer_list>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace net {

/// Thread-safe. Once requested it stays requested.
class Cancellation {
 public:
  Cancellation();
  ~Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  /// Async-signal-safe. Returns how often it was requested before.
  int Request() noexcept;
  int count() const noexcept { return count_.load(std::memory_order_acquire); }
  bool requested() const noexcept { return count() > 0; }
  /// Readable once requested; for poll(2) in a thread that blocks.
  int event_fd() const noexcept { return event_fd_; }
  /// Returns when requested; on any loop, for any number of waiters.
  Task<base::Result<void>> Wait(base::Deadline deadline) const;

 private:
  std::atomic<int> count_{0};
  int event_fd_ = -1;
};

/// While it lives, the given signals request `target` to stop. At most one at a time in a process.
class SignalBridge {
 public:
  SignalBridge(Cancellation& target, std::initializer_list<int> signals);
  ~SignalBridge();
  SignalBridge(const SignalBridge&) = delete;
  SignalBridge& operator=(const SignalBridge&) = delete;

 private:
  struct Saved;
  std::vector<Saved> saved_;
};

}  // namespace net
