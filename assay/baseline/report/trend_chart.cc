#include "assay/baseline/report/trend_chart.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "assay/baseline/metric.h"
#include "assay/report/html_page.h"

namespace assay::baseline {
namespace {

using report::html::Escape;

constexpr double kWidth = 640;
constexpr double kHeight = 130;
constexpr double kLeft = 90;
constexpr double kEdge = 12;

// The values that must be visible; never a span of nothing.
struct Range {
  double low;
  double high;

  void Include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double Y(double value) const {
    return kHeight - kEdge - (value - low) / (high - low) * (kHeight - 2 * kEdge);
  }
};

Range RangeOf(const std::vector<TrendPoint>& points, const std::optional<TrendLimits>& limits) {
  Range range{points.front().value, points.front().value};
  for (const TrendPoint& point : points) range.Include(point.value);
  if (limits) {
    range.Include(limits->middle);
    range.Include(limits->worst);
  }
  const double room =
      std::max((range.high - range.low) * 0.1, std::max(std::abs(range.high) * 1e-3, 1e-12));
  return {range.low - room, range.high + room};
}

std::string Limits(const TrendLimits& limits, const Range& range) {
  const double edge = limits.worst >= limits.middle ? kEdge : kHeight - kEdge;
  const double at = range.Y(limits.worst);
  return fmt::format(
      "<rect x='{0:.1f}' y='{1:.1f}' width='{2:.1f}' height='{3:.1f}' style='fill:var(--failed)' "
      "opacity='.12'><title>regression</title></rect><line x1='{0:.1f}' x2='{4:.1f}' y1='{5:.1f}' "
      "y2='{5:.1f}' stroke='var(--dim)' stroke-dasharray='4 3'><title>baseline</title></line>",
      kLeft, std::min(edge, at), kWidth - kLeft - kEdge, std::abs(edge - at), kWidth - kEdge,
      range.Y(limits.middle));
}

std::string Labels(const Range& range, std::string_view unit) {
  std::string out;
  for (const double part : {0.0, 0.5, 1.0}) {
    const double value = range.low + part * (range.high - range.low);
    out += fmt::format("<text class=dimtext text-anchor=end x='{:.1f}' y='{:.1f}'>{}</text>",
                       kLeft - 8, range.Y(value) + 4, Escape(Shown(value, unit)));
  }
  return out;
}

}  // namespace

std::string TrendChart(std::string_view name, std::string_view unit,
                       const std::vector<TrendPoint>& points,
                       const std::optional<TrendLimits>& limits) {
  if (points.empty()) return "";
  const Range range = RangeOf(points, limits);
  const double step =
      (kWidth - kLeft - 2 * kEdge) / std::max(1.0, static_cast<double>(points.size() - 1));
  std::string line;
  std::string dots;
  double x = kLeft + kEdge;
  for (const TrendPoint& point : points) {
    line += fmt::format("{:.1f},{:.1f} ", x, range.Y(point.value));
    dots += fmt::format(
        "<circle cx='{:.1f}' cy='{:.1f}' r='{}' style='fill:var(--{})'><title>{}: "
        "{}</title></circle>",
        x, range.Y(point.value), point.judged ? 4.5 : 2.5, point.judged ? "accent" : "dim",
        Escape(point.run), Escape(Shown(point.value, unit)));
    x += step;
  }
  return fmt::format(
      "<figure style='margin:.4rem 0'><figcaption><code>{0}</code></figcaption><svg viewBox='0 0 "
      "{1} {2}' width='{1}' height='{2}' role=img aria-label='{0} over {3} runs' "
      "style='max-width:100%'>{4}{5}<polyline points='{6}' fill=none stroke='var(--dim)' "
      "stroke-width='1.2'/>{7}</svg></figure>",
      Escape(name), kWidth, kHeight, points.size(), Labels(range, unit),
      limits ? Limits(*limits, range) : "", line, dots);
}

}  // namespace assay::baseline
