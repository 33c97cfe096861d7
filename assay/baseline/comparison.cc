#include "assay/baseline/comparison.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace assay::baseline {
namespace {

struct Gathered {
  Metric last;
  Repeats repeats;
  size_t with_error = 0;
};

std::map<std::string, Gathered> Gather(std::span<const MeasuredRun> runs) {
  std::map<std::string, Gathered> out;
  for (const MeasuredRun& run : runs) {
    for (const Metric& metric : run.metrics) {
      Gathered& one = out[metric.name];
      one.last = metric;
      one.repeats.values.push_back(metric.value);
      if (metric.error) one.repeats.errors.push_back(*metric.error);
    }
  }
  for (auto& [name, one] : out) {
    if (one.repeats.errors.size() != one.repeats.values.size()) one.repeats.errors.clear();
  }
  return out;
}

// Every difference once, of all runs against the first of the baseline.
std::vector<Difference> AllDifferences(std::span<const MeasuredRun> before,
                                       std::span<const MeasuredRun> after) {
  std::vector<Difference> out;
  const auto add = [&](const MeasuredRun& run) {
    for (Difference& one : Differences(before.front().configuration, run.configuration)) {
      if (std::ranges::find(out, one) == out.end()) out.push_back(std::move(one));
    }
  };
  for (const MeasuredRun& run : before.subspan(1)) add(run);
  for (const MeasuredRun& run : after) add(run);
  return out;
}

std::string WhyMissing(std::string_view path, std::span<const MeasuredRun> after) {
  for (const MeasuredRun& run : after) {
    for (const auto& [instance, verdict] : run.not_passed) {
      const bool below = path.starts_with(instance) &&
                         (path.size() == instance.size() || path[instance.size()] == '/');
      if (below) return fmt::format("{}: {}", instance, verdict);
    }
  }
  return "not measured any more";
}

}  // namespace

size_t Comparison::Count(Change change) const {
  return static_cast<size_t>(std::ranges::count_if(
      metrics, [&](const MetricChange& one) { return one.judgement.change == change; }));
}

history::Verdict Comparison::verdict() const {
  if (Count(Change::kRegressed) > 0) return history::Verdict::kFailed;
  const bool unsure = refused() || !missing.empty() || Count(Change::kInconclusive) > 0;
  return unsure || metrics.empty() ? history::Verdict::kInconclusive : history::Verdict::kPassed;
}

Comparison Compare(std::span<const MeasuredRun> before, std::span<const MeasuredRun> after,
                   const Tolerances& tolerances, bool force) {
  Comparison out;
  for (const MeasuredRun& run : before) out.before.push_back(run.id);
  for (const MeasuredRun& run : after) out.after.push_back(run.id);
  out.differences = AllDifferences(before, after);
  out.forced = force && !out.differences.empty();
  if (out.refused()) return out;
  auto old = Gather(before);
  auto now = Gather(after);
  for (auto& [name, one] : now) {
    const auto found = old.find(name);
    if (found == old.end()) {
      out.added.push_back(name);
      continue;
    }
    const auto rule = tolerances.RuleFor(one.last);
    if (!rule) {
      ++out.ignored;
      continue;
    }
    const Judgement judgement = Judge(found->second.repeats, one.repeats, *rule);
    out.metrics.push_back(
        {one.last, *rule, std::move(found->second.repeats), std::move(one.repeats), judgement});
  }
  for (const auto& [name, one] : old) {
    if (now.contains(name) || !tolerances.RuleFor(one.last)) continue;
    out.missing.push_back({name, WhyMissing(one.last.path(), after)});
  }
  return out;
}

}  // namespace assay::baseline
