#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/baseline/measure_parts.h"
#include "assay/baseline/report/comparison_report.h"

namespace assay::baseline {
namespace {

using history::Verdict;

constexpr size_t kMostDifferences = 20;

std::string Percent(double share) { return fmt::format("{:.3g} %", share * 100); }

// A part of the baseline's value, or the amount where that is zero.
std::string Amount(double amount, const MetricChange& change) {
  const double base = std::abs(change.judgement.before);
  return base > 0 ? Percent(amount / base) : Shown(amount, change.metric.unit);
}

std::string Runs(size_t count) { return fmt::format("{} run{}", count, count == 1 ? "" : "s"); }

Verdict VerdictOf(Change change) {
  switch (change) {
    case Change::kRegressed:
      return Verdict::kFailed;
    case Change::kInconclusive:
      return Verdict::kInconclusive;
    case Change::kNotJudged:
      return Verdict::kSkipped;
    default:
      return Verdict::kPassed;
  }
}

std::string Line(const MetricChange& change, size_t width, const report::TextStyle& style) {
  const std::string word = fmt::format("{:<13}", ToString(change.judgement.change));
  return fmt::format("  {} {:<{}} {:>11} {:>11} {:>10}  {}\n",
                     report::Painted(word, VerdictOf(change.judgement.change), style),
                     change.metric.name, width, Shown(change.judgement.before, change.metric.unit),
                     Shown(change.judgement.after, change.metric.unit), ShownChange(change),
                     ShownNoise(change));
}

std::string PlaceOf(std::string_view path, const Places& places) {
  const auto found = places.find(path);
  return found == places.end() ? std::string(path) : found->second;
}

std::string Details(const MetricChange& change, const Comparison& comparison,
                    const Places& places) {
  const std::string_view unit = change.metric.unit;
  std::string out = fmt::format(
      "    {}\n      before    {} ({})\n      after     {} ({})\n      change    {}\n      "
      "tolerance "
      "{}\n      noise     {}\n      where     {}\n",
      change.metric.name, Shown(change.judgement.before, unit), Runs(change.before.values.size()),
      Shown(change.judgement.after, unit), Runs(change.after.values.size()), ShownChange(change),
      ShownTolerance(change), ShownNoise(change), PlaceOf(change.metric.path(), places));
  for (const MetricChange* step : SlowerSteps(comparison, change)) {
    out += fmt::format("      of it     {} {}: {}\n", ShownChange(*step),
                       Shown(step->judgement.worse_by, step->metric.unit),
                       PlaceOf(step->metric.path(), places));
  }
  return out;
}

std::string DifferencesText(const Comparison& comparison) {
  if (comparison.differences.empty()) return "";
  std::string out = comparison.refused()
                        ? "not compared: the runs differ in more than what is measured\n"
                        : "compared by force, although the runs differ:\n";
  for (size_t i = 0; i < std::min(kMostDifferences, comparison.differences.size()); ++i) {
    out += fmt::format("  {}\n", ToText(comparison.differences[i]));
  }
  if (comparison.differences.size() > kMostDifferences) {
    out += fmt::format("  and {} more\n", comparison.differences.size() - kMostDifferences);
  }
  if (!comparison.refused()) return out + "\n";
  out +=
      "help: repeat the run under the conditions of the baseline, make a new baseline with "
      "--update-baseline, or compare with --force\n";
  const bool seed = std::ranges::any_of(comparison.differences,
                                        [](const Difference& one) { return one.what == "seed"; });
  if (seed) out += "help: `assay run --seed N` gives runs the same seed\n";
  return out;
}

std::string MissingText(const Comparison& comparison) {
  if (comparison.missing.empty()) return "";
  std::string out = "not measured, so not judged:\n";
  for (size_t i = 0; i < std::min(kMostDifferences, comparison.missing.size()); ++i) {
    out += fmt::format("  {} ({})\n", comparison.missing[i].name, comparison.missing[i].reason);
  }
  if (comparison.missing.size() > kMostDifferences) {
    out += fmt::format("  and {} more\n", comparison.missing.size() - kMostDifferences);
  }
  return out + "\n";
}

// Scenarios that could only be counted, metrics by their judgement.
std::string Sum(const Comparison& comparison, const report::TextStyle& style) {
  std::vector<std::string> parts;
  for (const Change change : {Change::kRegressed, Change::kInconclusive, Change::kWithinNoise,
                              Change::kImproved, Change::kUnchanged, Change::kNotJudged}) {
    const size_t count = comparison.Count(change);
    if (count > 0) parts.push_back(fmt::format("{} {}", count, ToString(change)));
  }
  if (!comparison.missing.empty())
    parts.push_back(fmt::format("{} missing", comparison.missing.size()));
  if (!comparison.added.empty()) parts.push_back(fmt::format("{} new", comparison.added.size()));
  if (comparison.ignored > 0) parts.push_back(fmt::format("{} ignored", comparison.ignored));
  if (parts.empty()) parts.emplace_back("nothing was compared");
  return fmt::format(
      "{}: {}\n",
      report::Painted(history::ToString(comparison.verdict()), comparison.verdict(), style),
      fmt::join(parts, ", "));
}

bool IsWorthALine(const MetricChange& change) {
  return change.judgement.change != Change::kUnchanged &&
         change.judgement.change != Change::kNotJudged;
}

}  // namespace

std::string ShownChange(const MetricChange& change) {
  const auto relative = change.judgement.relative();
  if (relative) return fmt::format("{:+.1f} %", *relative * 100);
  const double rise = change.judgement.after - change.judgement.before;
  return (rise > 0 ? "+" : "") + Shown(rise, change.metric.unit);
}

std::string ShownTolerance(const MetricChange& change) {
  const double share = change.rule.tolerance * std::abs(change.judgement.before);
  if (share >= change.rule.floor) return Percent(change.rule.tolerance);
  return fmt::format("{} or {}", Percent(change.rule.tolerance),
                     Shown(change.rule.floor, change.metric.unit));
}

std::string ShownNoise(const MetricChange& change) {
  const size_t before = change.before.values.size();
  const size_t after = change.after.values.size();
  switch (change.judgement.source) {
    case NoiseSource::kRepeats:
      return fmt::format("{} ({} against {})", Amount(change.judgement.noise, change), Runs(before),
                         after);
    case NoiseSource::kWithinRun:
      return fmt::format("{} inside the runs; from run to run unknown ({})",
                         Amount(change.judgement.noise, change), Runs(before));
    case NoiseSource::kUnknown:
      break;
  }
  return fmt::format("unknown ({})", Runs(before));
}

std::vector<const MetricChange*> SlowerSteps(const Comparison& comparison,
                                             const MetricChange& scenario) {
  std::vector<const MetricChange*> steps;
  const std::string_view path = scenario.metric.path();
  const bool of_scenario = std::ranges::count(path, '/') == 1;
  if (scenario.metric.quantity() != "duration" || !of_scenario) return steps;
  for (const MetricChange& one : comparison.metrics) {
    const bool below = one.metric.path().size() > path.size() &&
                       one.metric.path().starts_with(path) && one.metric.path()[path.size()] == '/';
    if (below && one.metric.quantity() == "duration" && one.judgement.worse_by > 0) {
      steps.push_back(&one);
    }
  }
  std::ranges::sort(steps, [](const auto* a, const auto* b) {
    return a->judgement.worse_by > b->judgement.worse_by;
  });
  constexpr size_t kMost = 3;
  if (steps.size() > kMost) steps.resize(kMost);
  return steps;
}

Places PlacesOf(const history::RunModel& run) {
  Places places;
  const auto place = [](const std::string& title, const std::string& file, uint32_t line) {
    return fmt::format("{} ({}:{})", title, file, line);
  };
  for (const history::ScenarioResult& scenario : run.scenarios) {
    places[scenario.instance] = place(scenario.title, scenario.file, scenario.line);
    history::ForEachStep(scenario.steps, [&](const history::StepResult& step) {
      places.try_emplace(WithoutRounds(step.path),
                         place(step.name.empty() ? step.head : step.name, step.file, step.line));
    });
  }
  return places;
}

std::string ComparisonText(const Comparison& comparison, const Places& places,
                           const report::TextStyle& style, bool verbose) {
  std::string out = fmt::format("{} against {}: {}\n\n", fmt::join(comparison.after, ", "),
                                comparison.baseline, Runs(comparison.before.size()));
  out += DifferencesText(comparison);
  size_t width = 20;
  for (const MetricChange& change : comparison.metrics) {
    if (verbose || IsWorthALine(change)) width = std::max(width, change.metric.name.size());
  }
  std::string table;
  for (const MetricChange& change : comparison.metrics) {
    if (verbose || IsWorthALine(change)) table += Line(change, width, style);
  }
  if (!table.empty()) {
    out += fmt::format("  {:<13} {:<{}} {:>11} {:>11} {:>10}  {}\n", "", "metric", width, "before",
                       "after", "change", "noise");
    out += table + "\n";
  }
  if (comparison.Count(Change::kRegressed) > 0) {
    out += "regressed:\n";
    for (const MetricChange& change : comparison.metrics) {
      if (change.judgement.change == Change::kRegressed) {
        out += Details(change, comparison, places);
      }
    }
    out += "\n";
  }
  out += MissingText(comparison);
  const bool unknown = std::ranges::any_of(comparison.metrics, [](const MetricChange& change) {
    return change.judgement.source != NoiseSource::kRepeats;
  });
  if (unknown) {
    out += fmt::format(
        "note: how much equal runs differ is not known from {}; a baseline of {} runs or more "
        "tells\n",
        Runs(comparison.before.size()), kFewestRuns);
  }
  return out + Sum(comparison, style);
}

}  // namespace assay::baseline
