#include "montage/analysis/sleep/sleep.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "montage/analysis/sleep/derivations.h"
#include "montage/analysis/sleep/scan.h"
#include "montage/analysis/sleep/stage_model.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr double kLeastUsable = 0.5;       ///< of the epochs
constexpr double kArousalBeforeS = 10.0;   ///< of sleep
constexpr double kLongestArousalS = 15.0;  ///< a longer one counts when it ends in wake or N1
constexpr double kChinRise = 1.5;          ///< of the level, in an arousal from REM

std::string TooShort(double duration_s, double least_s) {
  return fmt::format("the recording has {:.4g} min, expected at least {:.4g} min to stage sleep",
                     duration_s / 60, least_s / 60);
}
constexpr std::string_view kNoDerivation =
    "no usable EEG channel for sleep staging, expected C4, C3, Cz or another electrode of the "
    "10-10 "
    "system at 64 Hz or more that quality control does not call bad";

SleepChannels NamesOf(const SleepDerivations& derivations) {
  const auto name = [](const std::vector<Derivation>& list, size_t which) {
    return which < list.size() ? list[which].name : std::string();
  };
  const auto one = [](const std::optional<Derivation>& derivation) {
    return derivation ? derivation->name : std::string();
  };
  return {.central = name(derivations.central, 0),
          .central_stand_in = name(derivations.central, 1),
          .frontal = name(derivations.frontal, 0),
          .occipital = name(derivations.occipital, 0),
          .spindles = one(derivations.vertex),
          .eyes = one(derivations.eyes),
          .chin = one(derivations.chin)};
}

class Reporter {
 public:
  Reporter(NightScan scan, const SleepOptions& options)
      : scan_(std::move(scan)), options_(options) {}

  SleepReport Run(const SleepDerivations& derivations) {
    Stage(derivations.bipolar);
    out_.metrics = MeasureHypnogram(out_.hypnogram);
    Count(out_.spindles, scan_.spindles, IsSpindleStage);
    Count(out_.slow_waves, scan_.slow_waves, IsSpindleStage);
    if (derivations.eyes) CountEyeMovements();
    CountArousals();
    out_.flags = FlagsOf(out_.metrics);
    const double n2 = out_.metrics.stage_minutes[static_cast<size_t>(SleepStage::kN2)];
    const double density = out_.spindles.per_minute[static_cast<size_t>(SleepStage::kN2)];
    out_.quality = ScoreSleep(out_.metrics, n2 > 0 ? std::optional(density) : std::nullopt);
    out_.channels = NamesOf(derivations);
    out_.notes = derivations.notes;
    AddNotes();
    return std::move(out_);
  }

 private:
  static bool IsSpindleStage(SleepStage stage) {
    return stage == SleepStage::kN2 || stage == SleepStage::kN3;
  }

  void Stage(bool bipolar) {
    out_.probabilities = SmoothStages(LikelihoodsOf(scan_.epochs, StageTableFor(bipolar)));
    double sum = 0;
    for (const StageProbabilities& row : out_.probabilities) {
      const auto best = std::ranges::max_element(row);
      out_.hypnogram.push_back(static_cast<SleepStage>(best - row.begin()));
      sum += *best;
    }
    out_.confidence = sum / static_cast<double>(out_.hypnogram.size());
    out_.guessed_epochs = static_cast<size_t>(std::ranges::count(scan_.measured, 0));
  }

  SleepStage StageAt(double seconds) const {
    const auto epoch = static_cast<size_t>(std::max(seconds, 0.0) / kSleepEpochS);
    return out_.hypnogram[std::min(epoch, out_.hypnogram.size() - 1)];
  }

  template <typename Figure, typename Counts>
  void Count(Figures<Figure>& into, const std::vector<Figure>& found, Counts counts) const {
    for (const Figure& figure : found) {
      const SleepStage stage = StageAt(figure.onset_s);
      if (!counts(stage)) continue;
      ++into.count;
      ++into.by_stage[static_cast<size_t>(stage)];
      if (into.events.size() < options_.max_events) into.events.push_back(figure);
    }
    for (size_t s = 0; s < kSleepStages; ++s) {
      const double minutes = out_.metrics.stage_minutes[s];
      if (minutes > 0) into.per_minute[s] = static_cast<double>(into.by_stage[s]) / minutes;
    }
  }

  void CountEyeMovements() {
    std::vector<EyeMovement> rapid;
    std::ranges::copy_if(scan_.eye_movements, std::back_inserter(rapid), [](const auto& movement) {
      return movement.kind == EyeMovementKind::kRapid;
    });
    Count(out_.rapid_eye_movements.emplace(), rapid,
          [](SleepStage stage) { return stage == SleepStage::kRem; });
  }

  void CountArousals() {
    std::vector<Arousal> arousals;
    for (const Arousal& shift : scan_.shifts) {
      const SleepStage stage = StageAt(shift.onset_s - 0.5);
      if (shift.onset_s < kArousalBeforeS || !IsAsleep(stage) ||
          !IsAsleep(StageAt(shift.onset_s - kArousalBeforeS))) {
        continue;
      }
      Arousal arousal = shift;
      if (arousal.duration_s > kLongestArousalS) {
        const SleepStage after = StageAt(shift.onset_s + shift.duration_s);
        if (after != SleepStage::kWake && after != SleepStage::kN1) continue;
        arousal.duration_s = kLongestArousalS;
      }
      if (stage == SleepStage::kRem && !ChinRises(arousal)) continue;
      arousals.push_back(arousal);
    }
    // Counted in the stage that the sleeper was in before.
    std::vector<Arousal> as_before = arousals;
    for (Arousal& arousal : as_before) arousal.onset_s -= 0.5;
    Count(out_.arousals, as_before, IsAsleep);
    for (Arousal& arousal : out_.arousals.events) arousal.onset_s += 0.5;
    const double hours = out_.metrics.total_sleep / 60;
    out_.arousals_per_hour = hours > 0 ? static_cast<double>(out_.arousals.count) / hours : 0;
  }

  /// At least one second above the usual of the ten before. True without a chin channel.
  bool ChinRises(const Arousal& arousal) const {
    if (scan_.chin_uv.empty()) return true;
    const auto level = [&](double seconds) {
      return scan_.chin_uv[std::min(static_cast<size_t>(seconds), scan_.chin_uv.size() - 1)];
    };
    std::vector<double> before;
    for (double s = 1; s <= kArousalBeforeS; s += 1) {
      const double value = static_cast<double>(level(arousal.onset_s - s));
      if (std::isfinite(value)) before.push_back(value);
    }
    if (before.empty()) return true;
    const double usual = signal::Median(before);
    for (double s = 0; s < arousal.duration_s; s += 1) {
      if (static_cast<double>(level(arousal.onset_s + s)) >= kChinRise * usual) return true;
    }
    return false;
  }

  void AddNotes() {
    const auto note = [&](std::string text) { out_.notes.push_back(std::move(text)); };
    if (scan_.stand_in_epochs > 0) {
      note(fmt::format("{} epochs were measured on {} instead of {}", scan_.stand_in_epochs,
                       out_.channels.central_stand_in, out_.channels.central));
    }
    if (out_.guessed_epochs > 0) {
      note(
          fmt::format("{} epochs without usable EEG have the likeliest stage between their "
                      "neighbours",
                      out_.guessed_epochs));
    }
    if (!(out_.metrics.total_sleep > 0)) note("no sleep: percentages of sleep are 0");
  }

  NightScan scan_;
  const SleepOptions& options_;
  SleepReport out_;
};

class SleepAnalysis final : public Analysis {
 public:
  analysis::Stage stage() const override { return analysis::Stage::kSleepAnalysis; }
  Method method() const override { return kSleepMethod; }
  std::vector<analysis::Stage> needs() const override { return {analysis::Stage::kQualityControl}; }
  std::optional<Skip> Declines(const RecordingView& recording,
                               const Findings& findings) const override {
    const SleepOptions options;
    if (!(recording.duration_s >= options.min_duration_s)) {
      return Skip{SkipReason::kRecordingTooShort,
                  TooShort(recording.duration_s, options.min_duration_s)};
    }
    const QualityReport* quality = findings.quality ? &*findings.quality : nullptr;
    if (!ChooseDerivations(recording, quality).CanStage()) {
      return Skip{SkipReason::kUnsuitableRecording, std::string(kNoDerivation)};
    }
    return std::nullopt;
  }
  base::Result<boost::json::object> Run(const RecordingView& recording, Findings& findings,
                                        const Control& control) const override {
    const QualityReport* quality = findings.quality ? &*findings.quality : nullptr;
    TRY(const auto report, AnalyseSleep(recording, quality, {}, control));
    return ToJson(report);
  }
};

}  // namespace

base::Result<SleepReport> AnalyseSleep(const RecordingView& recording, const QualityReport* quality,
                                       const SleepOptions& options, const Control& control) {
  if (!(recording.duration_s >= std::max(options.min_duration_s, kSleepEpochS))) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        TooShort(recording.duration_s, std::max(options.min_duration_s, kSleepEpochS)));
  }
  const SleepDerivations derivations = ChooseDerivations(recording, quality);
  if (!derivations.CanStage()) {
    return base::Fail(base::ErrorCode::kInvalid, std::string(kNoDerivation));
  }
  TRY(NightScan scan, ScanNight(recording, quality, derivations, control));
  const auto usable = static_cast<double>(std::ranges::count(scan.measured, 1));
  const auto epochs = static_cast<double>(scan.measured.size());
  if (usable < kLeastUsable * epochs) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("{} has usable EEG in {} of {} epochs, expected at least half of them to stage "
                    "sleep",
                    derivations.central.front().name, usable, epochs));
  }
  control.Report(1.0);
  return Reporter(std::move(scan), options).Run(derivations);
}

std::unique_ptr<Analysis> MakeSleepAnalysis() { return std::make_unique<SleepAnalysis>(); }

}  // namespace montage::analysis
