#pragma once
// One metric over runs, as an SVG.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::baseline {

struct TrendPoint {
  std::string run;
  double value = 0;
  bool judged = false;  ///< the run that the comparison is about
};

struct TrendLimits {
  double middle = 0;  ///< of the baseline
  double worst = 0;   ///< from there on it is a regression
};

/// Runs from left to right at equal distances, the baseline's middle as a line, the side behind the
/// limit shaded. Empty for no point.
std::string TrendChart(std::string_view name, std::string_view unit,
                       const std::vector<TrendPoint>& points,
                       const std::optional<TrendLimits>& limits);

}  // namespace assay::baseline
