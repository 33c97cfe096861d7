#include "montage/evaluation/scoring.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "montage/evaluation/statistics/bootstrap.h"

namespace montage::evaluation {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr Interval kNoInterval = {kNan, kNan};
constexpr double kBriefS = 1.5;
constexpr double kOnsetToleranceS = 0.5;

std::vector<TimedEvent> Pick(const std::vector<TimedEvent>& events, std::span<const size_t> which) {
  std::vector<TimedEvent> out;
  for (const size_t i : which) out.push_back(events[i]);
  return out;
}

KindOutcome CompareDischarges(const std::vector<TimedEvent>& truth,
                              const std::vector<TimedEvent>& found) {
  std::vector<TimedEvent> brief, lasting;
  for (const TimedEvent& event : truth)
    (event.duration_s < kBriefS ? brief : lasting).push_back(event);
  const Matching moments = MatchOnsets(brief, found, kOnsetToleranceS);
  KindOutcome out{moments.pairs.size(), moments.missed.size(), 0};
  // A train may be reported discharge by discharge.
  const Matching trains = MatchCoverage(lasting, Pick(found, moments.false_alarms), {0.3, 0.3});
  out.hits += trains.pairs.size();
  out.missed += trains.missed.size();
  out.false_alarms = trains.false_alarms.size();
  return out;
}

std::vector<TimedEvent> Reviewed(const Truth& truth, const std::vector<TimedEvent>& found) {
  if (!truth.reviewed) return found;
  const Matching inside = MatchCoverage(found, *truth.reviewed, {0, 0});
  std::vector<TimedEvent> out;
  for (const auto& [index, by] : inside.pairs) out.push_back(found[index]);
  return out;
}

/// Sums over recordings of one kind.
struct KindTally {
  uint64_t hits = 0;
  uint64_t missed = 0;
  uint64_t false_alarms = 0;
  double hours = 0;
  Count clean;       ///< recordings without the kind in which none was found
  Count recordings;  ///< recordings with the kind in which one was found
};

/// A detector that did not run has found nothing, but neither was it right about that. One that was
/// left out because the recording is normal has said so.
bool HasEvents(const Prediction& prediction) {
  return prediction.Completed("event_detection") ||
         std::ranges::find(prediction.incomplete, "event_detection: not_abnormal") !=
             prediction.incomplete.end();
}

bool Concerns(std::string_view kind, const Case& one) {
  const auto is = [&](const TimedEvent& event) { return event.kind == kind; };
  return std::ranges::any_of(one.truth.events, is) ||
         std::ranges::any_of(one.prediction.events, is);
}

/// Whether a truth says where events of the kind are, be it nowhere.
bool Knows(const Truth& truth, std::string_view kind) {
  return !truth.annotated || std::ranges::find(*truth.annotated, kind) != truth.annotated->end() ||
         !OfKind(truth.events, kind).empty();
}

KindTally TallyOf(std::string_view kind, const std::vector<Case>& cases) {
  KindTally tally;
  for (const Case& one : cases) {
    if (!HasEvents(one.prediction)) continue;
    const KindOutcome outcome = CompareKind(kind, one.truth, one.prediction.events);
    tally.hits += outcome.hits;
    tally.missed += outcome.missed;
    tally.false_alarms += outcome.false_alarms;
    tally.hours += ReviewedHours(one);
    if (outcome.hits + outcome.missed == 0) {
      tally.clean.Add(outcome.false_alarms == 0);
    } else {
      tally.recordings.Add(outcome.hits > 0);
    }
  }
  return tally;
}

Figure FalseAlarmRate(std::string_view kind, const KindTally& tally) {
  const bool known = tally.hours > 0;
  return {.subject = std::string(kind),
          .measure = "false alarms an hour",
          .value = known ? static_cast<double>(tally.false_alarms) / tally.hours : kNan,
          .interval = known ? PoissonInterval(tally.false_alarms, tally.hours) : kNoInterval,
          .basis = fmt::format("{} in {:.1f} h", tally.false_alarms, tally.hours)};
}

/// A figure of the summed confusion matrices, with an interval by recording.
Figure StageFigure(std::string measure, const std::vector<ConfusionMatrix>& nights,
                   double (*figure)(const ConfusionMatrix&)) {
  const auto summed = [&](std::span<const size_t> chosen) {
    ConfusionMatrix sum(kSleepStages);
    for (const size_t i : chosen) sum += nights[i];
    return figure(sum);
  };
  ConfusionMatrix all(kSleepStages);
  for (const ConfusionMatrix& night : nights) all += night;
  return {.subject = "stages",
          .measure = std::move(measure),
          .value = figure(all),
          // One recording says nothing of how recordings differ.
          .interval = nights.size() > 1 ? ClusterBootstrap(nights.size(), summed) : kNoInterval,
          .basis = fmt::format("{} epochs, {} recordings", all.total(), nights.size())};
}

void AddNotes(const std::vector<Case>& cases, std::string_view stage, FigureTable& table) {
  std::map<std::string, size_t> counts;
  for (const Case& one : cases) {
    for (const std::string& incomplete : one.prediction.incomplete)
      if (incomplete.starts_with(stage)) counts[incomplete] += 1;
  }
  for (const auto& [what, count] : counts)
    table.notes.push_back(fmt::format("{} in {} of {} recordings.", what, count, cases.size()));
}

}  // namespace

KindOutcome CompareKind(std::string_view kind, const Truth& truth,
                        const std::vector<TimedEvent>& found) {
  const std::vector<TimedEvent> planted = OfKind(truth.events, kind);
  const std::vector<TimedEvent> events = Reviewed(truth, OfKind(found, kind));
  if (kind == "epileptiform") return CompareDischarges(planted, events);
  const Matching matching = MatchCoverage(planted, events, {0.3, kind == "artifact" ? 0 : 0.3});
  return {matching.pairs.size(), matching.missed.size(), matching.false_alarms.size()};
}

double ReviewedHours(const Case& one) {
  if (!one.truth.reviewed) return one.duration_s / 3600;
  double sum = 0;
  for (const TimedEvent& stretch : *one.truth.reviewed) sum += stretch.duration_s;
  return sum / 3600;
}

FigureTable ScoreEvents(const std::vector<Case>& cases, const Bars& bars) {
  FigureTable table{.title = "Events"};
  for (const std::string_view kind : kEventKinds) {
    if (std::ranges::none_of(cases, [&](const Case& one) { return Knows(one.truth, kind); }))
      continue;
    if (std::ranges::none_of(cases, [&](const Case& one) { return Concerns(kind, one); })) continue;
    const KindTally tally = TallyOf(kind, cases);
    const std::string name(kind);
    table.AddShare(name, "sensitivity", {tally.hits, tally.hits + tally.missed}, "events",
                   bars.sensitivity);
    table.AddShare(name, "specificity", tally.clean, "recordings without", bars.specificity);
    table.AddShare(name, "precision", {tally.hits, tally.hits + tally.false_alarms}, "found");
    table.figures.push_back({.subject = name,
                             .measure = "F1",
                             .value = F1Score(tally.hits, tally.missed, tally.false_alarms),
                             .interval = kNoInterval});
    table.figures.push_back(FalseAlarmRate(kind, tally));
    table.AddShare(name, "recordings with", tally.recordings, "recordings");
  }
  AddNotes(cases, "event_detection", table);
  return table;
}

FigureTable ScoreAbnormality(const std::vector<Case>& cases, const Bars& bars) {
  FigureTable table{.title = "Normal and abnormal recordings"};
  std::vector<Scored> scores;
  Count sensitivity, specificity, accuracy;
  for (const Case& one : cases) {
    if (!one.truth.is_abnormal || !one.prediction.is_abnormal) continue;
    const bool truth = *one.truth.is_abnormal;
    const bool found = *one.prediction.is_abnormal;
    accuracy.Add(truth == found);
    (truth ? sensitivity : specificity).Add(truth == found);
    if (one.prediction.abnormality) scores.push_back({*one.prediction.abnormality, truth});
  }
  const RocArea roc = AreaUnderRoc(scores);
  const Calibration calibration = Calibrate(scores);
  table.figures.push_back(
      {.subject = "abnormal",
       .measure = "AUROC",
       .value = roc.area,
       .interval = std::isfinite(roc.area) ? roc.interval : kNoInterval,
       .basis = fmt::format("{} abnormal, {} normal", roc.positives, roc.negatives),
       .bar = bars.auroc});
  table.AddShare("abnormal", "sensitivity", sensitivity, "abnormal recordings", bars.sensitivity);
  table.AddShare("abnormal", "specificity", specificity, "normal recordings", bars.specificity);
  table.AddShare("abnormal", "accuracy", accuracy, "recordings");
  table.figures.push_back({.subject = "abnormal",
                           .measure = "Brier score",
                           .value = calibration.brier,
                           .interval = kNoInterval});
  table.figures.push_back({.subject = "abnormal",
                           .measure = "expected calibration error",
                           .value = calibration.expected_error,
                           .interval = kNoInterval});
  AddNotes(cases, "abnormality_detection", table);
  return table;
}

ConfusionMatrix CompareStages(const Case& one) {
  ConfusionMatrix out(kSleepStages);
  const auto& truth = one.truth.stages;
  const auto& found = one.prediction.stages;
  for (size_t i = 0; i < std::min(truth.size(), found.size()); ++i)
    if (truth[i] && found[i])
      out.Add(static_cast<size_t>(*truth[i]), static_cast<size_t>(*found[i]));
  return out;
}

FigureTable ScoreSleep(const std::vector<Case>& cases, const Bars& bars) {
  FigureTable table{.title = "Sleep stages"};
  std::vector<ConfusionMatrix> nights;
  ConfusionMatrix all(kSleepStages);
  uint64_t scored = 0;
  for (const Case& one : cases) {
    scored += static_cast<uint64_t>(std::ranges::count_if(
        one.truth.stages, [](const auto& stage) { return stage.has_value(); }));
    const ConfusionMatrix night = CompareStages(one);
    if (night.total() == 0) continue;
    nights.push_back(night);
    all += night;
  }
  table.figures.push_back(
      StageFigure("kappa", nights, [](const ConfusionMatrix& m) { return m.Kappa(); }));
  table.figures.back().bar = bars.kappa;
  table.figures.push_back(StageFigure(
      "accuracy", nights, [](const ConfusionMatrix& m) { return m.Accuracy().share(); }));
  table.figures.push_back(
      StageFigure("macro F1", nights, [](const ConfusionMatrix& m) { return m.MacroF1(); }));
  for (size_t stage = 0; stage < kSleepStages; ++stage) {
    table.figures.push_back({.subject = std::string(ToString(static_cast<SleepStage>(stage))),
                             .measure = "F1",
                             .value = all.F1(stage),
                             .interval = kNoInterval,
                             .basis = fmt::format("{} epochs", all.truth_total(stage))});
  }
  table.matrix = ToRows(all);
  if (scored > all.total()) {
    table.notes.push_back(
        fmt::format("{} scored epochs were not staged by the analysis.", scored - all.total()));
  }
  AddNotes(cases, "sleep_analysis", table);
  return table;
}

std::vector<std::vector<std::string>> ToRows(const ConfusionMatrix& stages) {
  std::vector<std::vector<std::string>> rows = {{"true \\ found"}};
  for (size_t i = 0; i < kSleepStages; ++i)
    rows[0].emplace_back(ToString(static_cast<SleepStage>(i)));
  for (size_t i = 0; i < kSleepStages; ++i) {
    rows.push_back({std::string(ToString(static_cast<SleepStage>(i)))});
    for (size_t k = 0; k < kSleepStages; ++k)
      rows.back().push_back(fmt::format("{}", stages.at(i, k)));
  }
  return rows;
}

std::vector<FigureTable> Score(const std::vector<Case>& cases, const Bars& bars) {
  std::vector<FigureTable> out;
  const auto any = [&](auto has) { return std::ranges::any_of(cases, has); };
  if (any([](const Case& one) { return one.truth.is_abnormal.has_value(); }))
    out.push_back(ScoreAbnormality(cases, bars));
  const auto has_events = [](const Case& one) {
    return !one.truth.events.empty() || one.truth.reviewed ||
           (one.truth.annotated && !one.truth.annotated->empty());
  };
  if (any(has_events)) out.push_back(ScoreEvents(cases, bars));
  if (any([](const Case& one) { return !one.truth.stages.empty(); }))
    out.push_back(ScoreSleep(cases, bars));
  return out;
}

}  // namespace montage::evaluation
