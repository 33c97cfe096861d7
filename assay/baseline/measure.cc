#include "assay/baseline/measure.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <numbers>

#include "assay/baseline/configuration.h"
#include "assay/baseline/measure_parts.h"
#include "assay/history/outcome.h"
#include "lib/stats/sample.h"

namespace assay::baseline {
namespace {

using history::ScenarioResult;
using history::StepResult;
using history::Verdict;

// Starting a program or waking a thread differs by so much on a busy machine.
constexpr double kStepFloorS = 0.010;
constexpr double kScenarioFloorS = 0.050;

double Seconds(base::Duration span) { return std::chrono::duration<double>(span).count(); }

bool HasOwnPace(const StepResult& step) {
  constexpr std::array kPaced = {"wait", "workload", "monitor", "fault", "manual",
                                 "note", "set",      "join",    "check"};
  return step.background || step.cleanup || !step.children.empty() ||
         std::ranges::find(kPaced, step.action) != kPaced.end();
}

// By path without rounds.
using Durations = std::map<std::string, std::vector<double>>;

void AddDurations(const Durations& durations, std::vector<Metric>& into) {
  for (const auto& [path, seconds] : durations) {
    Metric metric{.name = path + ":duration",
                  .unit = "s",
                  .better = Better::kLower,
                  .value = stats::Median(seconds),
                  .error = {},
                  .floor = kStepFloorS};
    if (seconds.size() >= kFewestParts) {
      // The error of a median of a normal sample.
      metric.error = stats::RobustDeviationOfFew(seconds) *
                     std::sqrt(std::numbers::pi / (2 * static_cast<double>(seconds.size())));
    }
    into.push_back(std::move(metric));
  }
}

cel::Value OutcomeOf(const StepResult& step, const history::BlobSource& blobs) {
  if (step.attempts.empty()) return cel::Value::Object({});
  auto value = history::ReadRecordedValue(step.attempts.back().value, blobs);
  return value && value->is_map() ? *std::move(value) : cel::Value::Object({});
}

void MeasureScenario(const ScenarioResult& scenario, const history::BlobSource& blobs,
                     std::vector<Metric>& into) {
  into.push_back({.name = scenario.instance + ":duration",
                  .unit = "s",
                  .better = Better::kLower,
                  .value = Seconds(scenario.duration),
                  .error = {},
                  .floor = kScenarioFloorS});
  Durations durations;
  history::ForEachStep(scenario.steps, [&](const StepResult& step) {
    if (!step.finished || step.verdict != Verdict::kPassed) return;
    if (step.action == "workload") MeasureLoad(step, OutcomeOf(step, blobs), into);
    if (step.action == "monitor") MeasureMonitor(step, OutcomeOf(step, blobs), into);
    if (HasOwnPace(step)) return;
    durations[WithoutRounds(step.path)].push_back(Seconds(step.duration));
  });
  AddDurations(durations, into);
}

}  // namespace

std::string WithoutRounds(std::string_view path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '#') {  // a further try
      i = std::min(path.find('/', i), path.size()) - 1;
      continue;
    }
    out += path[i];
    if (path[i] == '[') i = std::min(path.find(']', i), path.size()) - 1;
  }
  return out;
}

std::optional<double> ErrorFromParts(std::vector<double> parts) {
  if (parts.size() < kFewestParts) return std::nullopt;
  const auto count = static_cast<double>(parts.size());
  return stats::RobustDeviationOfFew(std::move(parts)) / std::sqrt(count);
}

MeasuredRun MeasureRun(const history::RunModel& run, const history::BlobSource& blobs) {
  MeasuredRun out;
  out.id = run.id;
  out.head = run.head_hash;
  out.started = run.started;
  out.verdict = run.verdict;
  out.complete = run.complete && !run.interrupted;
  out.configuration = ConfigurationOf(run);
  for (const ScenarioResult& scenario : run.scenarios) {
    if (!scenario.finished || scenario.verdict != Verdict::kPassed) {
      out.not_passed.emplace_back(scenario.instance, history::ToString(scenario.verdict));
    } else if (scenario.attempts > 1) {
      out.not_passed.emplace_back(scenario.instance, "passed on a retry");
    } else {
      MeasureScenario(scenario, blobs, out.metrics);
    }
  }
  std::erase_if(out.metrics, [](const Metric& one) { return !std::isfinite(one.value); });
  std::ranges::sort(out.metrics, {}, &Metric::name);
  const auto twice = std::ranges::unique(out.metrics, {}, &Metric::name);
  out.metrics.erase(twice.begin(), twice.end());
  return out;
}

}  // namespace assay::baseline
