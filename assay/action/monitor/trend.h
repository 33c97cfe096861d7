#pragma once
// Whether a quantity grows: what a leak looks like.

#include <string>
#include <vector>

#include "assay/action/monitor/series.h"

namespace assay::action {

/// A robust line through the points of a series from one moment to another (Theil and Sen, see
/// lib/stats/robust_line.h; confidence 95 %).
struct Trend {
  bool known = false;    ///< false: fewer than eight points, nothing can be said
  double slope = 0;      ///< units a second
  double slope_low = 0;  ///< bounds of its confidence interval
  double slope_high = 0;
  double growth = 0;  ///< slope times the time between the first and the last point
  size_t points = 0;

  /// Grows for certain: the whole interval is above zero.
  bool rising() const { return known && slope_low > 0; }
};

/// Points at or after `from` and before `to`.
Trend TrendOf(const Series& series, base::Duration from, base::Duration to);

/// A part of the time of a monitor with a name.
struct Phase {
  std::string name;
  base::Duration from{};
  base::Duration to{};
};

}  // namespace assay::action
