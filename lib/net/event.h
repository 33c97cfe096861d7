#pragma once
// Event and Semaphore: how tasks of one loop wait for each other. Not thread-safe.

#include <cstddef>
#include <list>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace net {

namespace internal {

struct Waiter;

/// Tasks that wait until somebody wakes them.
class WaitList {
 public:
  /// kTimeout or kCancelled when nobody woke the caller.
  Task<base::Result<void>> Wait(base::Deadline deadline, const char* what);
  /// False when nobody waits.
  bool WakeOne();
  void WakeAll();

 private:
  std::list<Waiter*> waiters_;
};

}  // namespace internal

/// A flag that tasks can wait for.
class Event {
 public:
  void Set();
  void Reset() { set_ = false; }
  bool is_set() const { return set_; }
  Task<base::Result<void>> Wait(base::Deadline deadline);

 private:
  bool set_ = false;
  internal::WaitList waiting_;
};

/// At most `permits` holders at a time, first come first served. With one permit: a mutex.
class Semaphore {
 public:
  explicit Semaphore(size_t permits) : free_(permits) {}
  Task<base::Result<void>> Acquire(base::Deadline deadline);
  void Release();

 private:
  size_t free_;
  internal::WaitList waiting_;
};

}  // namespace net
