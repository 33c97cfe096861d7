#pragma once
// Time is injected, so that nothing in a test waits for it.

#include <chrono>
#include <mutex>
#include <string>

namespace base {

using Duration = std::chrono::nanoseconds;
/// Nanoseconds since the Unix epoch, UTC.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime Now() const = 0;
  virtual SteadyTime Steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  WallTime Now() const override;
  SteadyTime Steady() const override;
};

/// Moves only when told to.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start = WallTime{});
  WallTime Now() const override;
  SteadyTime Steady() const override;
  void Advance(Duration by);

 private:
  mutable std::mutex mutex_;
  WallTime wall_;
  SteadyTime steady_{};
};

/// RFC 3339 with nanoseconds: `2026-11-21T03:12:51.000000042Z`.
std::string FormatRfc3339(WallTime time);

}  // namespace base
