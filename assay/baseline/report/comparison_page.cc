#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/baseline/report/comparison_report.h"
#include "assay/baseline/report/trend_chart.h"
#include "assay/report/html_page.h"

namespace assay::baseline {
namespace {

using report::html::Escape;

constexpr size_t kMostCharts = 60;

std::string Page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport "
      "content='width=device-width,initial-scale=1'><title>{0}</title><style>{1}</style></head>"
      "<body><main><h1>{0}</h1>{2}</main></body></html>\n",
      Escape(title), report::html::Style(), body);
}

std::string_view ClassOf(Change change) {
  switch (change) {
    case Change::kRegressed:
      return "failed";
    case Change::kInconclusive:
      return "inconclusive";
    case Change::kNotJudged:
      return "skipped";
    default:
      return "passed";
  }
}

// How large a change must be to be a regression.
std::optional<TrendLimits> LimitsOf(const MetricChange& change) {
  if (change.rule.better == Better::kNeither) return std::nullopt;
  const double amount = std::max(change.judgement.tolerated, change.judgement.noise);
  const double sign = change.rule.better == Better::kHigher ? -1 : 1;
  return TrendLimits{change.judgement.before, change.judgement.before + sign * amount};
}

std::string Chart(const MetricChange& change, const Comparison& comparison,
                  const std::vector<MeasuredRun>& trend) {
  const auto judged = [&](const std::string& run) {
    return std::ranges::find(comparison.after, run) != comparison.after.end();
  };
  std::vector<TrendPoint> points;
  for (const MeasuredRun& run : trend) {
    const Metric* metric = run.Find(change.metric.name);
    if (metric != nullptr && !judged(run.id)) points.push_back({run.id, metric->value, false});
  }
  if (points.empty()) {
    for (const double value : change.before.values) points.push_back({"baseline", value, false});
  }
  for (const double value : change.after.values) {
    points.push_back({fmt::format("{}", fmt::join(comparison.after, ", ")), value, true});
  }
  return TrendChart(change.metric.name, change.metric.unit, points, LimitsOf(change));
}

std::string Row(const MetricChange& change, const Places& places) {
  const auto place = places.find(change.metric.path());
  return fmt::format(
      "<tr><td><span class='pill {}'>{}</span><td class=mono>{}<div "
      "class=dim>{}</div><td>{}<td>{}<td>{}<td>{}<td>{}</tr>",
      ClassOf(change.judgement.change), ToString(change.judgement.change),
      Escape(change.metric.name), place == places.end() ? "" : Escape(place->second),
      Escape(Shown(change.judgement.before, change.metric.unit)),
      Escape(Shown(change.judgement.after, change.metric.unit)), Escape(ShownChange(change)),
      Escape(ShownTolerance(change)), Escape(ShownNoise(change)));
}

constexpr std::string_view kHead =
    "<table class=list><tr><th><th>metric<th>before<th>after<th>change<th>tolerance<th>noise</tr>";

std::string Differences(const Comparison& comparison) {
  if (comparison.differences.empty()) return "";
  std::string out =
      fmt::format("<h2>{}</h2><table class=list><tr><th>condition<th>before<th>now</tr>",
                  comparison.refused() ? "Not compared: the conditions differ"
                                       : "Compared by force, although the conditions differ");
  for (const Difference& one : comparison.differences) {
    out += fmt::format("<tr><td class=mono>{}<td class=mono>{}<td class=mono>{}</tr>",
                       Escape(one.what), Escape(one.before), Escape(one.after));
  }
  return out + "</table>";
}

std::string Missing(const Comparison& comparison) {
  if (comparison.missing.empty()) return "";
  std::string out = "<h2>Not measured, so not judged</h2><table class=list>";
  for (const MissingMetric& one : comparison.missing) {
    out += fmt::format("<tr><td class=mono>{}<td>{}</tr>", Escape(one.name), Escape(one.reason));
  }
  return out + "</table>";
}

bool Changed(const MetricChange& change) {
  return change.judgement.change != Change::kUnchanged &&
         change.judgement.change != Change::kNotJudged;
}

}  // namespace

std::string ComparisonPage(const Comparison& comparison, const Places& places,
                           const std::vector<MeasuredRun>& trend) {
  std::string body = fmt::format("<p>{} <span class=dim>{} against {} ({} run{})</span></p>",
                                 report::html::Pill(comparison.verdict()),
                                 Escape(fmt::format("{}", fmt::join(comparison.after, ", "))),
                                 Escape(comparison.baseline), comparison.before.size(),
                                 comparison.before.size() == 1 ? "" : "s");
  body += Differences(comparison) + Missing(comparison);
  std::string changed;
  std::string charts;
  size_t drawn = 0;
  std::string others;
  for (const MetricChange& change : comparison.metrics) {
    if (!Changed(change)) {
      others += Row(change, places);
      continue;
    }
    changed += Row(change, places);
    if (drawn++ < kMostCharts) charts += Chart(change, comparison, trend);
  }
  if (!changed.empty()) {
    body += fmt::format("<h2>Changed</h2>{}{}</table>{}", kHead, changed, charts);
  }
  if (!others.empty()) body += fmt::format("<h2>Not changed</h2>{}{}</table>", kHead, others);
  return Page("Comparison", body);
}

std::string TrendPage(std::string_view title, const std::vector<MeasuredRun>& runs,
                      std::string_view pattern) {
  std::map<std::string, std::pair<std::string, std::vector<TrendPoint>>> series;
  for (const MeasuredRun& run : runs) {
    for (const Metric& metric : run.metrics) {
      if (!MatchesWildcard(metric.name, pattern)) continue;
      auto& [unit, points] = series[metric.name];
      unit = metric.unit;
      points.push_back({run.id, metric.value, false});
    }
  }
  std::string body =
      fmt::format("<p class=dim>{} runs, {} metrics</p>", runs.size(), series.size());
  for (const auto& [name, one] : series) {
    body += TrendChart(name, one.first, one.second, std::nullopt);
  }
  return Page(title, body);
}

}  // namespace assay::baseline
