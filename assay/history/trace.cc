#include "assay/history/trace.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <boost/json.hpp>

namespace assay::history {
namespace {

using Evidence = std::map<std::string, std::vector<TraceEvidence>, std::less<>>;
using Fingerprints = std::map<std::string, std::string, std::less<>>;

Fingerprints FingerprintsOf(const RunModel& run) {
  Fingerprints out;
  const auto* list = run.manifest.if_contains("requirements");
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& item : list->get_array()) {
    const auto* entry = item.if_object();
    if (entry == nullptr) continue;
    const auto* id = entry->if_contains("id");
    const auto* print = entry->if_contains("fingerprint");
    if (id != nullptr && print != nullptr && id->is_string() && print->is_string()) {
      out[std::string(id->get_string())] = std::string(print->get_string());
    }
  }
  return out;
}

void AddExpectations(std::span<const ExpectationResult> expectations, TraceEvidence& evidence) {
  for (const auto& expectation : expectations) evidence.events.push_back(expectation.seq);
}

void AddExpectationsBelow(const StepResult& step, TraceEvidence& evidence) {
  AddExpectations(step.expectations, evidence);
  ForEachStep(step.children,
              [&](const StepResult& child) { AddExpectations(child.expectations, evidence); });
}

// What a scenario says about an id: as a whole when it names the id itself, and by each of its
// steps that names it. A passed scenario in which nothing was evaluated proves nothing.
TraceEvidence EvidenceOf(const RunModel& run, const ScenarioResult& scenario,
                         const std::string& id) {
  TraceEvidence evidence{
      run.id, scenario.instance, scenario.verdict, scenario.reason, scenario.flaky, false, {}};
  if (std::ranges::find(scenario.verifies, id) != scenario.verifies.end()) {
    for (const auto& step : scenario.steps) AddExpectationsBelow(step, evidence);
    AddExpectations(scenario.success, evidence);
  } else {
    const auto by_step = [&](const StepResult& step) {
      if (std::ranges::find(step.verifies, id) == step.verifies.end()) return;
      AddExpectationsBelow(step, evidence);
      if (step.verdict > evidence.verdict) {
        evidence.verdict = step.verdict;
        evidence.reason = step.reason;
      }
    };
    ForEachStep(scenario.steps, by_step);
    ForEachStep(scenario.cleanup, by_step);
  }
  if (evidence.verdict == Verdict::kPassed) {
    evidence.reason = evidence.events.empty() ? "passed, but no expectation was evaluated" : "";
  }
  evidence.events.push_back(scenario.last_seq);
  std::ranges::sort(evidence.events);
  const auto repeated = std::ranges::unique(evidence.events);
  evidence.events.erase(repeated.begin(), repeated.end());
  return evidence;
}

Evidence Collect(std::span<const RunModel> runs) {
  std::map<std::string, std::pair<const RunModel*, const ScenarioResult*>> latest;
  for (const RunModel& run : runs) {
    for (const ScenarioResult& scenario : run.scenarios) {
      auto& slot = latest[scenario.instance];
      if (slot.first == nullptr || slot.first->started <= run.started) slot = {&run, &scenario};
    }
  }
  Evidence evidence;
  for (const auto& [instance, found] : latest) {
    for (const std::string& id : found.second->AllVerifies()) {
      evidence[id].push_back(EvidenceOf(*found.first, *found.second, id));
    }
  }
  return evidence;
}

void Judge(RequirementTrace& trace) {
  const auto proves = [](const TraceEvidence& e) {
    return e.verdict == Verdict::kPassed && e.reason.empty();
  };
  if (trace.evidence.empty()) {
    trace.verdict = TraceVerdict::kUncovered;
  } else if (std::ranges::any_of(trace.evidence, [](const auto& e) {
               return e.verdict == Verdict::kFailed && !e.stale;
             })) {
    trace.verdict = TraceVerdict::kFailed;
  } else if (std::ranges::any_of(trace.evidence, &TraceEvidence::stale)) {
    trace.verdict = TraceVerdict::kStale;
  } else if (std::ranges::all_of(trace.evidence, proves)) {
    trace.verdict = TraceVerdict::kVerified;
    trace.flaky = std::ranges::any_of(trace.evidence, &TraceEvidence::flaky);
  } else {
    trace.verdict = TraceVerdict::kNotVerified;
  }
}

}  // namespace

std::string_view ToString(TraceVerdict verdict) {
  switch (verdict) {
    case TraceVerdict::kVerified:
      return "verified";
    case TraceVerdict::kFailed:
      return "failed";
    case TraceVerdict::kNotVerified:
      return "not_verified";
    case TraceVerdict::kStale:
      return "stale";
    case TraceVerdict::kUncovered:
      return "uncovered";
  }
  std::unreachable();
}

std::vector<RequirementTrace> Trace(std::span<const CatalogueEntry> catalogue,
                                    std::span<const RunModel> runs) {
  Evidence evidence = Collect(runs);
  std::map<std::string, Fingerprints, std::less<>> recorded;
  for (const RunModel& run : runs) recorded[run.id] = FingerprintsOf(run);
  std::vector<RequirementTrace> matrix;
  for (const CatalogueEntry& entry : catalogue) {
    RequirementTrace trace{entry.id, entry.system, {}, false, {}};
    if (auto found = evidence.extract(entry.id); !found.empty()) {
      trace.evidence = std::move(found.mapped());
    }
    for (TraceEvidence& item : trace.evidence) {
      const Fingerprints& prints = recorded[item.run];
      const auto print = prints.find(entry.id);
      item.stale = print == prints.end() || print->second != entry.fingerprint;
    }
    Judge(trace);
    matrix.push_back(std::move(trace));
  }
  for (auto& [id, items] : evidence) {
    RequirementTrace trace{id, "", {}, false, std::move(items)};
    Judge(trace);
    matrix.push_back(std::move(trace));
  }
  return matrix;
}

boost::json::object ToJson(std::span<const RequirementTrace> matrix) {
  boost::json::object counts;
  for (const auto verdict :
       {TraceVerdict::kVerified, TraceVerdict::kFailed, TraceVerdict::kNotVerified,
        TraceVerdict::kStale, TraceVerdict::kUncovered}) {
    counts[ToString(verdict)] = std::ranges::count(matrix, verdict, &RequirementTrace::verdict);
  }
  boost::json::array requirements;
  for (const RequirementTrace& trace : matrix) {
    boost::json::array evidence;
    for (const TraceEvidence& item : trace.evidence) {
      boost::json::array events;
      for (const uint64_t seq : item.events) events.emplace_back(seq);
      evidence.push_back({{"run", item.run},
                          {"instance", item.instance},
                          {"verdict", ToString(item.verdict)},
                          {"reason", item.reason},
                          {"flaky", item.flaky},
                          {"stale", item.stale},
                          {"events", std::move(events)}});
    }
    requirements.push_back({{"id", trace.id},
                            {"system", trace.system},
                            {"verdict", ToString(trace.verdict)},
                            {"flaky", trace.flaky},
                            {"evidence", std::move(evidence)}});
  }
  return {{"counts", std::move(counts)}, {"requirements", std::move(requirements)}};
}

}  // namespace assay::history
