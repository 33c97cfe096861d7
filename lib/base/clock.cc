#include "lib/base/clock.h"

#include <fmt/format.h>

namespace base {

WallTime SystemClock::Now() const {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::Steady() const { return std::chrono::steady_clock::now(); }

ManualClock::ManualClock(WallTime start) : wall_(start) {}

WallTime ManualClock::Now() const {
  const std::lock_guard lock(mutex_);
  return wall_;
}

SteadyTime ManualClock::Steady() const {
  const std::lock_guard lock(mutex_);
  return steady_;
}

void ManualClock::Advance(Duration by) {
  const std::lock_guard lock(mutex_);
  wall_ += by;
  steady_ += by;
}

std::string FormatRfc3339(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace base
