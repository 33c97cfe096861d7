#include "montage/analysis/abnormality/abnormality.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "montage/analysis/abnormality/model_windows.h"
#include "montage/analysis/events/find_events.h"

namespace montage::analysis {
namespace {

constexpr size_t kModelBatch = 64;
constexpr double kMostlyAsleep = 0.5;
/// When a finding is worth a sentence; figures of healthy adults awake lie on the other side.
constexpr double kSlowShare = 0.75;
constexpr double kFocalRatio = 2.0;
constexpr double kPosteriorHz = 8.0;
constexpr double kSuppressedShare = 0.2;

std::string Seconds(double seconds) {
  return seconds < 120 ? fmt::format("{:.0f} s", seconds) : fmt::format("{:.1f} min", seconds / 60);
}

/// Sentences on what was found, for the reader.
class Sentences {
 public:
  Sentences(const SurveyedEvents& found, const std::vector<WindowMeasures>& windows)
      : found_(found), summary_(SummariseSlowing(found.survey, windows)) {}

  std::vector<std::string> Findings() {
    AddLasting(EventType::kSeizure, "seizure pattern");
    AddLasting(EventType::kBurstSuppression, "burst suppression");
    AddLasting(EventType::kGped, "generalised periodic discharges");
    AddLasting(EventType::kPled, "lateralised periodic discharges");
    AddForm("spike_wave", "spike-and-wave train");
    AddSpikes();
    AddSlowing();
    return std::move(sentences_);
  }

  const SlowingSummary& summary() const { return summary_; }

 private:
  std::string_view RegionOf(const Event& event) const {
    const auto& rows = found_.survey.layout.rows;
    const auto row = std::ranges::find(rows, event.channels.front(), &ScalpRow::name);
    return row == rows.end() ? "unknown position" : row->region;
  }

  template <typename Holds>
  void Add(std::string_view words, Holds holds) {
    size_t count = 0;
    double seconds = 0;
    const Event* longest = nullptr;
    for (const Event& event : found_.events) {
      if (!holds(event)) continue;
      ++count;
      seconds += event.duration_s;
      if (longest == nullptr || event.duration_s > longest->duration_s) longest = &event;
    }
    if (longest == nullptr) return;
    sentences_.push_back(fmt::format("{}: {} in {}, largest at {} ({})", words, count,
                                     Seconds(seconds), longest->channels.front(),
                                     RegionOf(*longest)));
  }

  void AddLasting(EventType type, std::string_view words) {
    Add(words, [&](const Event& event) { return event.type == type; });
  }
  void AddForm(std::string_view form, std::string_view words) {
    Add(words, [&](const Event& event) { return event.form == form; });
  }

  void AddSpikes() {
    const double minutes = found_.survey.layout.duration_s() / 60;
    size_t count = 0;
    const Event* largest = nullptr;
    for (const Event& event : found_.events) {
      if (event.form != "spike" && event.form != "sharp_wave") continue;
      ++count;
      if (largest == nullptr || event.confidence > largest->confidence) largest = &event;
    }
    if (largest == nullptr) return;
    sentences_.push_back(fmt::format("sharp transients: {} ({:.2g} a minute), clearest at {} ({})",
                                     count, static_cast<double>(count) / minutes,
                                     largest->channels.front(), RegionOf(*largest)));
  }

  void AddSlowing() {
    const bool asleep = summary_.asleep_fraction > kMostlyAsleep;
    if (summary_.focal_row && summary_.focal_ratio >= kFocalRatio) {
      const ScalpRow& row = found_.survey.layout.rows[*summary_.focal_row];
      sentences_.push_back(fmt::format(
          "focal slowing: activity of 1 to 8 Hz over {} ({}) has {:.1f} times the power "
          "of the other side",
          row.region, row.name, summary_.focal_ratio));
    }
    if (!asleep && summary_.slow_share >= kSlowShare) {
      sentences_.push_back(
          fmt::format("slowing: delta {:.0f} % and theta {:.0f} % of the power of 1 "
                      "to 30 Hz, median of the channels",
                      100 * summary_.delta_share, 100 * summary_.theta_share));
    }
    if (!asleep && summary_.posterior_hz && *summary_.posterior_hz < kPosteriorHz) {
      sentences_.push_back(
          fmt::format("posterior rhythm of {:.1f} Hz, expected at least {:g} Hz "
                      "awake",
                      *summary_.posterior_hz, kPosteriorHz));
    }
    if (summary_.suppressed_fraction >= kSuppressedShare) {
      sentences_.push_back(fmt::format("suppressed below 10 uV for {:.0f} % of the time",
                                       100 * summary_.suppressed_fraction));
    }
  }

  const SurveyedEvents& found_;
  SlowingSummary summary_;
  std::vector<std::string> sentences_;
};

std::vector<double> ScoreByMeasures(const std::vector<WindowMeasures>& windows) {
  std::vector<double> scores;
  scores.reserve(windows.size());
  for (const WindowMeasures& window : windows) {
    scores.push_back(window.usable ? ScoreWindow(Calibration(), window) : NAN);
  }
  return scores;
}

base::Result<std::vector<double>> ScoreByModel(const RecordingView& recording,
                                               const QualityReport& quality,
                                               const std::vector<WindowMeasures>& windows,
                                               WindowModel& model, const Control& control) {
  TRY(const auto input, ModelWindows::Create(recording, quality, model, kWindowStrideS));
  std::vector<double> scores(windows.size(), NAN);
  const size_t count = std::min(input.count(), windows.size());
  for (size_t first = 0; first < count; first += kModelBatch) {
    TRY(control.Check());
    const size_t many = std::min(kModelBatch, count - first);
    TRY(const auto samples, input.Read(first, many, control.deadline));
    TRY(const auto answers, model.AbnormalProbabilities(samples, many, control.deadline));
    if (answers.size() != many) {
      return base::Fail(base::ErrorCode::kCorrupt, fmt::format("model {} answered {} of {} windows",
                                                               model.name(), answers.size(), many));
    }
    for (size_t w = 0; w < many; ++w) {
      if (!(answers[w] >= 0.0F && answers[w] <= 1.0F)) {
        return base::Fail(base::ErrorCode::kCorrupt,
                          fmt::format("model {} gave {} for a window, expected 0 to 1",
                                      model.name(), answers[w]));
      }
      if (windows[first + w].usable) scores[first + w] = static_cast<double>(answers[w]);
    }
    control.Report(static_cast<double>(first + many) / static_cast<double>(count));
  }
  return scores;
}

}  // namespace

Triage TriageOf(double score, const QualityReport& quality) {
  if (score > kUrgentScore) return Triage::kUrgent;
  const bool poor = quality.grade == Grade::kPoor || !quality.is_acceptable;
  return score > kExpediteScore || poor ? Triage::kExpedite : Triage::kRoutine;
}

base::Result<AbnormalityReport> DetectAbnormality(const RecordingView& recording,
                                                  const QualityReport& quality,
                                                  const SurveyedEvents& found, WindowModel* model,
                                                  const Control& control) {
  const auto windows = MeasureWindows(found.survey, found.events);
  AbnormalityReport report;
  report.learned = model != nullptr;
  report.used = static_cast<size_t>(std::ranges::count(windows, true, &WindowMeasures::usable));
  if (report.used < kLeastWindows) {
    return base::Fail(
        base::ErrorCode::kUnsupported,
        fmt::format("{} of {} windows of {:g} s can be judged, expected at least {}: {} of {} "
                    "channels are bad, the others have artifacts",
                    report.used, windows.size(), kWindowS, kLeastWindows,
                    quality.bad_channels.size(), quality.channels.size()));
  }
  if (model != nullptr) {
    TRY(report.scores, ScoreByModel(recording, quality, windows, *model, control));
  } else {
    report.scores = ScoreByMeasures(windows);
  }
  std::vector<double> scores, weights;
  for (size_t w = 0; w < windows.size(); ++w) {
    if (windows[w].usable) report.used_weight += windows[w].weight;
    if (std::isnan(report.scores[w])) continue;
    scores.push_back(report.scores[w]);
    weights.push_back(windows[w].weight);
  }
  report.used_weight /= static_cast<double>(windows.size());
  const auto aggregate = AggregateScores(scores, weights);
  if (!aggregate) {
    return base::Fail(base::ErrorCode::kUnsupported, "no window could be scored");
  }
  report.aggregate = *aggregate;
  const double score = ScoreRecording(Calibration(), report.aggregate);
  report.verdict.score = score;
  report.verdict.is_abnormal = score >= kAbnormalScore;
  report.verdict.triage = TriageOf(score, quality);
  // How probable the verdict is, lowered by what could not be looked at.
  report.verdict.confidence = std::max(score, 1 - score) *
                              (0.5 + 0.5 * report.used_weight * std::min(1.0, 0.5 + quality.score));
  Sentences sentences(found, windows);
  report.findings = sentences.Findings();
  report.asleep = sentences.summary().asleep_fraction > kMostlyAsleep;
  if (sentences.summary().asleep_fraction > 0) {
    report.notes.push_back(fmt::format(
        "{:.0f} % of the windows are near sleep spindles; slow activity is not judged there",
        100 * sentences.summary().asleep_fraction));
  }
  return report;
}

}  // namespace montage::analysis
