// The series of a monitor as drawings inside the page: nothing is loaded from elsewhere.

#include <algorithm>
#include <cmath>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/value.h"
#include "assay/history/blob_store.h"
#include "assay/history/outcome.h"
#include "assay/report/html_page.h"
#include "lib/base/units.h"

namespace assay::report::html {
namespace {

using cel::Value;

constexpr double kWidth = 640;
constexpr double kHeight = 90;
constexpr double kMargin = 4;

class RunBlobs final : public history::BlobSource {
 public:
  explicit RunBlobs(const ReportInput& input) : input_(input) {}
  base::Result<std::string> Get(std::string_view name) const override {
    return input_.read_blob(name);
  }

 private:
  const ReportInput& input_;
};

struct Point {
  double seconds;
  double mean;
  double low;
  double high;
};

double Number(const Value* value) { return value == nullptr ? 0 : value->AsDouble().value_or(0); }

std::vector<Point> PointsOf(const Value& series) {
  std::vector<Point> points;
  const Value* list = series.Find("points");
  if (list == nullptr || !list->is_list()) return points;
  for (const Value& item : list->list()) {
    if (!item.is_list() || item.list().size() != 4) continue;
    const auto fields = item.list();
    points.push_back(
        {Number(&fields[0]), Number(&fields[1]), Number(&fields[2]), Number(&fields[3])});
  }
  return points;
}

std::string Shown(double value, std::string_view unit) {
  if (unit.starts_with("bytes")) {
    const auto bytes = static_cast<uint64_t>(std::max(value, 0.0));
    return base::HumanSize(bytes) + std::string(unit.substr(5));
  }
  return fmt::format("{:.4g}{}{}", value, unit.empty() ? "" : " ", unit);
}

// Where a value stands in the drawing; up is more.
class Scale {
 public:
  explicit Scale(const std::vector<Point>& points) {
    from_ = points.front().seconds;
    to_ = points.back().seconds;
    low_ = points.front().low;
    high_ = points.front().high;
    for (const Point& point : points) {
      low_ = std::min(low_, point.low);
      high_ = std::max(high_, point.high);
    }
  }
  double X(double seconds) const {
    const double span = to_ - from_;
    return kMargin + (span > 0 ? (seconds - from_) / span : 0) * (kWidth - 2 * kMargin);
  }
  double Y(double value) const {
    const double span = high_ - low_;
    return kHeight - kMargin - (span > 0 ? (value - low_) / span : 0.5) * (kHeight - 2 * kMargin);
  }

 private:
  double from_ = 0;
  double to_ = 0;
  double low_ = 0;
  double high_ = 0;
};

std::string Drawing(const std::vector<Point>& points) {
  const Scale scale(points);
  std::string line;
  std::string upper;
  std::string lower;
  for (const Point& point : points) {
    const double x = scale.X(point.seconds);
    line += fmt::format("{:.1f},{:.1f} ", x, scale.Y(point.mean));
    upper += fmt::format("{:.1f},{:.1f} ", x, scale.Y(point.high));
    lower = fmt::format("{:.1f},{:.1f} ", x, scale.Y(point.low)) + lower;
  }
  return fmt::format(
      "<svg viewBox='0 0 {0} {1}' width='{0}' height='{1}' role=img style='max-width:100%'>"
      "<polygon points='{2}{3}' fill='currentColor' opacity='.15'/>"
      "<polyline points='{4}' fill='none' stroke='currentColor' stroke-width='1.5'/></svg>",
      kWidth, kHeight, upper, lower, line);
}

std::string Plot(std::string_view name, std::string_view quantity, const Value& series) {
  const std::vector<Point> points = PointsOf(series);
  if (points.empty()) return {};
  const Value* unit_value = series.Find("unit");
  const std::string unit(unit_value != nullptr && unit_value->is_string() ? unit_value->string()
                                                                          : "");
  const auto shown = [&](const char* field) { return Shown(Number(series.Find(field)), unit); };
  std::string trend;
  if (const Value* known = series.Find("known"); known != nullptr && known->is_true()) {
    const Value* rising = series.Find("rising");
    trend = fmt::format(", grew by {} ({})", shown("growth"),
                        rising != nullptr && rising->is_true() ? "rising" : "no certain trend");
  }
  const std::string text = fmt::format("lowest {}, highest {}, mean {}, last {}{}; {:.0f} s",
                                       shown("min"), shown("max"), shown("mean"), shown("last"),
                                       trend, points.back().seconds - points.front().seconds);
  return fmt::format(
      "<figure style='margin:.4rem 0'><figcaption><code>{}.{}</code> <span "
      "class=dim>{}</span></figcaption>{}</figure>",
      Escape(name), Escape(quantity), Escape(text), Drawing(points));
}

}  // namespace

std::string MonitorPlots(const history::StepResult& step, const ReportInput& input) {
  if (step.attempts.empty() || !input.read_blob) return {};
  const auto outcome = history::ReadRecordedValue(step.attempts.back().value, RunBlobs(input));
  if (!outcome) return fmt::format("<p class=dim>{}</p>", Escape(outcome.error().ToString()));
  const Value* all = outcome->Find("series");
  if (all == nullptr || !all->is_map()) return {};
  std::string out;
  for (const auto& [name, quantities] : all->map().entries()) {
    if (!quantities.is_map() || !name.is_string()) continue;
    for (const auto& [quantity, series] : quantities.map().entries()) {
      if (quantity.is_string()) out += Plot(name.string(), quantity.string(), series);
    }
  }
  return out;
}

}  // namespace assay::report::html
