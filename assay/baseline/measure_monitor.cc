#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "assay/baseline/measure_parts.h"
#include "lib/stats/sample.h"

namespace assay::baseline {
namespace {

using cel::Value;

constexpr double kMebibyte = 1024.0 * 1024;
constexpr double kNormal95 = 1.959963984540054;

double Number(const Value* value) { return value == nullptr ? 0 : value->AsDouble().value_or(0); }

bool IsTrue(const Value* value) { return value != nullptr && value->is_true(); }

// In the unit of the series: less than that is the allocator's or the scheduler's business.
double FloorOf(std::string_view quantity) {
  if (quantity == "rss" || quantity == "pss") return kMebibyte;
  if (quantity == "read" || quantity == "write") return kMebibyte / 16;
  if (quantity == "cpu") return 0.02;
  return 1;
}

bool CanLeak(std::string_view quantity) {
  constexpr std::array kLeaking = {"rss", "pss", "fds", "threads"};
  return std::ranges::find(kLeaking, quantity) != kLeaking.end();
}

// Means of consecutive parts of the points.
std::vector<double> PartMeans(const Value& series) {
  const Value* points = series.Find("points");
  if (points == nullptr || !points->is_list() || points->list().size() < kFewestParts) return {};
  const auto list = points->list();
  const size_t count = std::min(kParts, list.size());
  std::vector<double> sums(count);
  std::vector<double> sizes(count);
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_list() || list[i].list().size() < 2) return {};
    const size_t part = i * count / list.size();
    sums[part] += Number(&list[i].list()[1]);
    sizes[part] += 1;
  }
  for (size_t part = 0; part < count; ++part) sums[part] /= sizes[part];
  return sums;
}

void MeasureSeries(const std::string& prefix, std::string_view quantity, const Value& series,
                   std::vector<Metric>& into) {
  const Value* unit_value = series.Find("unit");
  const std::string unit(unit_value != nullptr && unit_value->is_string() ? unit_value->string()
                                                                          : "");
  const Better better = quantity == "value" ? Better::kNeither : Better::kLower;
  const double mean = Number(series.Find("mean"));
  const double floor = FloorOf(quantity);
  into.push_back({.name = prefix + ".mean",
                  .unit = unit,
                  .better = better,
                  .value = mean,
                  .error = ErrorFromParts(PartMeans(series)),
                  .floor = floor});
  into.push_back({.name = prefix + ".max",
                  .unit = unit,
                  .better = better,
                  .value = Number(series.Find("max")),
                  .error = {},
                  .floor = floor});
  if (!CanLeak(quantity) || !IsTrue(series.Find("known"))) return;
  const double width = Number(series.Find("slope_high")) - Number(series.Find("slope_low"));
  // A hundredth of what is there in a minute is no leak that a run could show.
  into.push_back({.name = prefix + ".slope",
                  .unit = unit + "/s",
                  .better = better,
                  .value = Number(series.Find("slope")),
                  .error = width / (2 * kNormal95),
                  .floor = std::abs(mean) / 100 / 60});
}

}  // namespace

void MeasureMonitor(const history::StepResult& step, const Value& outcome,
                    std::vector<Metric>& into) {
  const Value* all = outcome.Find("series");
  if (all == nullptr || !all->is_map()) return;
  for (const auto& [name, quantities] : all->map().entries()) {
    if (!quantities.is_map() || !name.is_string()) continue;
    for (const auto& [quantity, series] : quantities.map().entries()) {
      if (!quantity.is_string()) continue;
      MeasureSeries(
          fmt::format("{}:{}.{}", WithoutRounds(step.path), name.string(), quantity.string()),
          quantity.string(), series, into);
    }
  }
}

}  // namespace assay::baseline
