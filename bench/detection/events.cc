#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "bench/detection/analysing.h"

namespace detection {
namespace {

namespace evaluation = montage::evaluation;
using evaluation::Case;
using evaluation::Count;
using evaluation::FigureTable;
using evaluation::TimedEvent;

constexpr evaluation::Bars kBars = {.sensitivity = 0.9, .specificity = 0.9};

const std::set<std::string_view> kArtifacts = {"blink", "muscle", "movement", "electrode_pop"};

/// Whether a reader would call `kind` wrong in a recording of `group`: periodic discharges,
/// seizures and bursts are made of sharp waves, a train of spikes and waves is a seizure of its
/// own, and what is no brain activity is judged only where there is no other event.
bool IsJudged(std::string_view kind, std::string_view group) {
  const bool artifacts = group == "none" || kArtifacts.contains(group);
  if (kind == "artifact") return artifacts;
  if (kind == "epileptiform") return artifacts || group == "spike" || group == "spike_wave";
  if (kind == "seizure") return group != "spike_wave";
  return true;
}

/// The cases in which a kind is judged, with the found events of that kind alone.
std::vector<Case> CasesFor(std::string_view kind, const std::vector<Outcome>& outcomes,
                           bool ungated) {
  std::vector<Case> out;
  for (const Outcome& outcome : outcomes) {
    if (!IsJudged(kind, outcome.recording.group)) continue;
    Case one = outcome.compared;
    one.truth.events = evaluation::OfKind(one.truth.events, kind);
    one.prediction.events = evaluation::OfKind(
        ungated ? outcome.ungated_events : outcome.compared.prediction.events, kind);
    out.push_back(std::move(one));
  }
  return out;
}

FigureTable TableOf(std::string title, const std::vector<Outcome>& outcomes, bool ungated,
                    const evaluation::Bars& bars) {
  FigureTable out{.title = std::move(title)};
  for (const std::string_view kind : evaluation::kEventKinds) {
    FigureTable part = evaluation::ScoreEvents(CasesFor(kind, outcomes, ungated), bars);
    std::ranges::move(part.figures, std::back_inserter(out.figures));
    if (out.notes.empty()) out.notes = std::move(part.notes);
  }
  return out;
}

/// Sensitivity of the detector by what was planted, and by how loud the surroundings are.
FigureTable Breakdown(const std::vector<Outcome>& outcomes) {
  std::map<std::string, Count> by_group;
  for (const Outcome& outcome : outcomes) {
    const std::string& group = outcome.recording.group;
    const evaluation::Truth& truth = outcome.compared.truth;
    if (truth.events.empty()) continue;
    const std::string kind = truth.events.front().kind;
    const evaluation::KindOutcome found =
        evaluation::CompareKind(kind, truth, outcome.ungated_events);
    const Count count{found.hits, found.hits + found.missed};
    by_group[group] += count;
    by_group[fmt::format("{} surroundings", ToString(outcome.recording.noise))] += count;
  }
  FigureTable out{.title = "Events by what was planted"};
  for (const auto& [group, count] : by_group) out.AddShare(group, "sensitivity", count, "events");
  return out;
}

}  // namespace

base::Result<Measured> MeasureEvents(const Selection& selection, const Progress& progress) {
  const montage::analysis::Request request{.type = montage::analysis::AnalysisType::kQuick,
                                           .spectral_analysis = false,
                                           .abnormality_detection = true,
                                           .event_detection = true};
  TRY(const auto outcomes, AnalyseAll(EventCorpus(selection), request, progress));
  Measured out = MeasuredOf(outcomes);
  out.tables.push_back(TableOf("Events, the detector alone", outcomes, true, kBars));
  out.tables.push_back(Breakdown(outcomes));
  out.tables.push_back(
      TableOf("Events as published, only of recordings found abnormal", outcomes, false, {}));
  return out;
}

}  // namespace detection
