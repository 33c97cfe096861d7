#include "assay/action/monitor/trend.h"

#include <chrono>

#include "lib/stats/robust_line.h"

namespace assay::action {
namespace {

constexpr size_t kFewestPoints = 8;

double Seconds(base::Duration span) { return std::chrono::duration<double>(span).count(); }

}  // namespace

Trend TrendOf(const Series& series, base::Duration from, base::Duration to) {
  std::vector<double> xs;
  std::vector<double> ys;
  for (const Series::Point& point : series.points()) {
    if (point.at < from || point.at >= to) continue;
    xs.push_back(Seconds(point.at));
    ys.push_back(point.mean);
  }
  Trend trend{.points = xs.size()};
  if (xs.size() < kFewestPoints) return trend;
  const auto line = stats::TheilSen(xs, ys);
  if (!line) return trend;
  trend.known = true;
  trend.slope = line->slope;
  trend.slope_low = line->slope_low;
  trend.slope_high = line->slope_high;
  trend.growth = line->slope * (xs.back() - xs.front());
  return trend;
}

}  // namespace assay::action
