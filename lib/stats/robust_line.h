#pragma once
// A straight line through points of which some are wild: the median of the slopes between all
// pairs, which keeps its value while fewer than 29 % of the points are outliers.

#include <cstddef>
#include <span>

#include "lib/base/result.h"

namespace stats {

struct RobustLine {
  double slope = 0;      ///< median of (y_j - y_i) / (x_j - x_i) over all pairs with x_i != x_j
  double intercept = 0;  ///< median of y_i - slope * x_i
  double slope_low = 0;  ///< bounds of the confidence interval of the slope
  double slope_high = 0;
  size_t points = 0;
};

/// More points than this would take seconds: thin them first.
inline constexpr size_t kMostPoints = 4096;

/// H. Theil, "A rank-invariant method of linear and polynomial regression analysis" (1950);
/// interval after P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau",
/// J. Am. Stat. Assoc. 63 (1968), with the correction for ties of both coordinates. `confidence` in
/// (0, 1). kInvalid: lengths differ, fewer than three points, all x equal, or not finite;
/// kTooLarge: over kMostPoints. Time and memory grow with the square of the number of points.
base::Result<RobustLine> TheilSen(std::span<const double> xs, std::span<const double> ys,
                                  double confidence = 0.95);

}  // namespace stats
