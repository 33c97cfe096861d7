#pragma once
// When iterations are due and when users are there: closed forms, no clock.

#include <cstdint>
#include <vector>

#include "assay/workload/pacing/executor.h"
#include "lib/base/clock.h"

namespace assay::workload {

/// The arrivals of an open model. With N(t) the integral of the rate from 0 to t, arrival k (from
/// 0) is due at the first moment after which N exceeds k: at k / rate when the rate is constant.
/// Within a stage whose rate goes evenly from a to b in d seconds, q arrivals after its begin is
///
///   s = 2 q / (a + sqrt(a^2 + 2 q (b - a) / d))
///
/// seconds, the root of a s + (b - a) s^2 / 2d = q in the form that does not cancel.
class ArrivalSchedule {
 public:
  /// Requires: executor.is_open().
  explicit ArrivalSchedule(const Executor& executor);

  /// How many arrivals there are.
  uint64_t count() const { return CountUntil(span_); }
  /// From the start. Requires: k < count().
  base::Duration TimeOf(uint64_t k) const;
  /// How many are due before `time`.
  uint64_t CountUntil(base::Duration time) const;
  base::Duration span() const { return span_; }

 private:
  struct Piece {
    double begin_s;   // seconds from the start
    double length_s;  // over zero
    double from;      // arrivals a second
    double to;
    double before;  // arrivals before it
    double Within(double seconds) const;
    double arrivals() const { return (from + to) / 2 * length_s; }
  };
  std::vector<Piece> pieces_;
  base::Duration span_{};
};

/// When a user of a closed model is there: begins iterations in [begin, end); one that is going on
/// at `end` may take until `last`.
struct Presence {
  base::Duration begin{};
  base::Duration end{};
  base::Duration last{};
  bool operator==(const Presence&) const = default;
};

/// The users of a closed model. While a stage goes from a to b users in d, the i-th of |b - a|
/// changes happens after d * i / |b - a|. The user with the highest number leaves first.
class UserSchedule {
 public:
  /// Requires: !executor.is_open().
  explicit UserSchedule(const Executor& executor);

  int64_t most_users() const { return most_; }
  /// How many are there at `time` from the start; 0 from the end on.
  int64_t UsersAt(base::Duration time) const;
  /// `user` counts from 0; in order, without overlaps.
  std::vector<Presence> PresenceOf(int64_t user) const;

 private:
  struct Ramp {
    base::Duration begin;
    base::Duration length;
    int64_t from;
    int64_t to;
    base::Duration ChangeAt(int64_t change) const;  // the change-th, from 1
  };
  std::vector<Ramp> ramps_;
  int64_t first_ = 0;
  base::Duration span_{};
  base::Duration graceful_stop_{};
  base::Duration graceful_ramp_down_{};
  int64_t most_ = 0;
};

}  // namespace assay::workload
