#pragma once
// When an I/O call must be over. Every I/O function takes one; there is no hidden default.

#include <algorithm>

#include "lib/base/clock.h"

namespace base {

class Deadline {
 public:
  static Deadline Never() { return Deadline(SteadyTime::max()); }
  static Deadline At(SteadyTime time) { return Deadline(time); }
  static Deadline After(const Clock& clock, Duration span) {
    return Deadline(clock.Steady() + span);
  }
  /// On the real clock; for code that talks to the kernel anyway.
  static Deadline After(Duration span) { return Deadline(std::chrono::steady_clock::now() + span); }

  bool is_never() const { return time_ == SteadyTime::max(); }
  SteadyTime time() const { return time_; }
  bool HasPassed(const Clock& clock) const { return clock.Steady() >= time_; }
  /// Never negative; Duration::max() for Never().
  Duration Remaining(const Clock& clock) const {
    if (is_never()) return Duration::max();
    return std::max(Duration::zero(), Duration(time_ - clock.Steady()));
  }
  Deadline Earlier(Deadline other) const { return Deadline(std::min(time_, other.time_)); }

 private:
  explicit Deadline(SteadyTime time) : time_(time) {}
  SteadyTime time_;
};

}  // namespace base
