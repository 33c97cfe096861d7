#include "montage/analysis/sleep/scan.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "montage/analysis/sleep/hypnogram.h"
#include "montage/analysis/sleep/window_powers.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr size_t kBlockEpochs = 10;
constexpr double kMarginS = 10.0;
constexpr double kWindowS = 4.0, kStepS = 2.0;
constexpr size_t kLeastWindows = 5;  ///< of the 14 in an epoch
constexpr size_t kLeastNight = 60;   ///< epochs that a night's quantiles need
constexpr double kEyeUv = 60.0;      ///< left against right, where a movement counts twice
constexpr double kLeastChinUv = 0.05;
constexpr signal::FrequencyRange kBands[] = {{0.4, 1}, {1, 4}, {4, 8}, {8, 12}, {12, 16}, {16, 30}};
constexpr size_t kBandTotal = std::size(kBands);
/// Of the chin, around the mains frequencies.
constexpr signal::FrequencyRange kChinBands[] = {{10, 48}, {52, 58}, {62, 100}};

/// Geometric means over the usable windows of an epoch.
using BandPowers = std::array<double, kBandTotal>;

/// The derivations of one place, of which the second stands in for the first where that is
/// unusable.
class Place {
 public:
  Place(const RecordingView& recording, const QualityReport* quality,
        std::span<const Derivation> derivations) {
    for (const Derivation& derivation : derivations) {
      readers_.emplace_back(recording, quality, derivation);
    }
    traces_.resize(readers_.size());
  }

  bool empty() const { return readers_.empty(); }

  base::Result<void> Load(double from_s, size_t epochs, const Control& control) {
    from_s_ = from_s;
    chosen_.assign(epochs, kNone);
    loaded_ = 0;
    for (size_t r = 0; r < readers_.size(); ++r) {
      if (std::ranges::find(chosen_, kNone) == chosen_.end()) break;
      const double to_s = from_s + kSleepEpochS * static_cast<double>(epochs);
      TRY(readers_[r].Read(from_s - kMarginS, to_s + kMarginS, control, traces_[r]));
      loaded_ = r + 1;
      for (size_t e = 0; e < epochs; ++e) {
        if (chosen_[e] == kNone && UsableWindows(traces_[r], e) >= kLeastWindows) chosen_[e] = r;
      }
    }
    return {};
  }

  size_t loaded() const { return loaded_; }
  const Trace& trace(size_t reader) const { return traces_[reader]; }
  /// Which derivation an epoch of the block is read from; none when nothing is usable.
  std::optional<size_t> ChosenFor(size_t epoch) const {
    return chosen_[epoch] == kNone ? std::nullopt : std::optional(chosen_[epoch]);
  }

  std::vector<std::optional<BandPowers>> Bands() const {
    std::vector<std::optional<BandPowers>> out(chosen_.size());
    for (size_t r = 0; r < loaded_; ++r) {
      if (std::ranges::find(chosen_, r) == chosen_.end()) continue;
      const WindowPowers powers(traces_[r], kWindowS, kStepS, kBands);
      for (size_t e = 0; e < chosen_.size(); ++e) {
        if (chosen_[e] == r) out[e] = Average(powers, traces_[r], e);
      }
    }
    return out;
  }

  /// Runs a detector on the derivations that were loaded and keeps what begins in epochs that are
  /// read from that derivation.
  template <typename Find, typename Figure>
  base::Result<void> Collect(Find find, std::vector<Figure>& into) const {
    const size_t before = into.size();
    for (size_t r = 0; r < loaded_; ++r) {
      if (std::ranges::find(chosen_, r) == chosen_.end()) continue;
      const double to_s = from_s_ + kSleepEpochS * static_cast<double>(chosen_.size());
      TRY(const auto found, find(traces_[r], from_s_, to_s));
      for (const auto& figure : found) {
        if (chosen_[EpochOf(figure.onset_s)] == r) into.push_back(figure);
      }
    }
    std::sort(into.begin() + static_cast<ptrdiff_t>(before), into.end(),
              [](const Figure& a, const Figure& b) { return a.onset_s < b.onset_s; });
    return {};
  }

  size_t EpochOf(double seconds) const {
    const double epoch = std::floor((seconds - from_s_) / kSleepEpochS);
    return std::min(chosen_.size() - 1, static_cast<size_t>(std::max(epoch, 0.0)));
  }

 private:
  static constexpr size_t kNone = ~size_t{0};

  double WindowStart(size_t epoch, size_t window) const {
    return from_s_ + kSleepEpochS * static_cast<double>(epoch) +
           kStepS * static_cast<double>(window);
  }
  static size_t WindowsOfEpoch() {
    return static_cast<size_t>((kSleepEpochS - kWindowS) / kStepS) + 1;
  }
  size_t UsableWindows(const Trace& trace, size_t epoch) const {
    size_t usable = 0;
    for (size_t w = 0; w < WindowsOfEpoch(); ++w) {
      const double at_s = WindowStart(epoch, w);
      usable += trace.IsUsable(at_s, at_s + kWindowS) ? 1U : 0U;
    }
    return usable;
  }

  BandPowers Average(const WindowPowers& powers, const Trace& trace, size_t epoch) const {
    BandPowers sums{};
    double count = 0;
    for (size_t w = 0; w < WindowsOfEpoch(); ++w) {
      const double at_s = WindowStart(epoch, w);
      if (!trace.IsUsable(at_s, at_s + kWindowS)) continue;
      const auto window = static_cast<size_t>(std::llround((at_s - trace.usable_from_s) / kStepS));
      for (size_t b = 0; b < kBandTotal; ++b) sums[b] += std::log(powers.At(window, b) + 1e-6);
      count += 1;
    }
    for (double& sum : sums) sum = std::exp(sum / count);
    return sums;
  }

  std::vector<TraceReader> readers_;
  std::vector<Trace> traces_;
  std::vector<size_t> chosen_;
  size_t loaded_ = 0;
  double from_s_ = 0;
};

/// Level of the chin electromyogram, second by second.
class Chin {
 public:
  Chin(const RecordingView& recording, const Derivation& derivation, bool envelope)
      : recording_(recording), channel_(derivation.active), envelope_(envelope) {}

  base::Result<void> Append(double from_s, const Control& control, std::vector<float>& levels) {
    const Channel& channel = recording_.channels[channel_];
    Trace trace{.rate_hz = channel.rate_hz, .first = std::llround(from_s * channel.rate_hz)};
    const auto wanted = std::llround(kSleepEpochS * channel.rate_hz);
    const auto there =
        std::clamp<int64_t>(static_cast<int64_t>(channel.samples) - trace.first, 0, wanted);
    trace.samples.assign(static_cast<size_t>(wanted), kUnknown);
    if (there > 0) {
      TRY(recording_.source->Read(channel_, static_cast<uint64_t>(trace.first),
                                  std::span(trace.samples).first(static_cast<size_t>(there)),
                                  control.deadline));
    }
    envelope_ ? AppendEnvelope(trace, levels) : AppendPower(trace, levels);
    return {};
  }

 private:
  static constexpr size_t kSeconds = static_cast<size_t>(kSleepEpochS);

  static void AppendEnvelope(const Trace& trace, std::vector<float>& levels) {
    for (size_t s = 0; s < kSeconds; ++s) {
      const auto at = static_cast<size_t>(static_cast<double>(s) * trace.rate_hz);
      levels.push_back(static_cast<float>(std::abs(trace.samples[at])));
    }
  }

  static void AppendPower(Trace& trace, std::vector<float>& levels) {
    std::array<bool, kSeconds> known{};
    for (size_t s = 0; s < kSeconds; ++s) {
      const auto at = [&](size_t second) {
        return static_cast<size_t>(std::llround(static_cast<double>(second) * trace.rate_hz));
      };
      known[s] = true;
      for (size_t i = at(s); i < at(s + 1); ++i) {
        if (std::isfinite(trace.samples[i])) continue;
        known[s] = false;
        trace.samples[i] = 0;
      }
    }
    const WindowPowers powers(trace, 1.0, 1.0, kChinBands);
    for (size_t s = 0; s < kSeconds; ++s) {
      double power = 0;
      for (size_t b = 0; b < std::size(kChinBands) && s < powers.windows(); ++b) {
        power += powers.At(s, b);
      }
      levels.push_back(known[s] ? static_cast<float>(std::sqrt(power)) : std::nanf(""));
    }
  }

  const RecordingView& recording_;
  size_t channel_;
  bool envelope_;
};

void SetCentral(const BandPowers& powers, EpochFeatures& features) {
  double total = 0;
  for (const double power : powers) total += power;
  for (size_t b = 0; b < kBandTotal; ++b) features[kSlowShare + b] = std::log(powers[b] / total);
  features[kAmplitude] = 0.5 * std::log(total);
  features[kDepthOfNight] = std::log((powers[0] + powers[1]) / powers[5]);
}

void SetBack(const BandPowers& powers, EpochFeatures& features) {
  double total = 0;
  for (const double power : powers) total += power;
  features[kBackDelta] = std::log((powers[0] + powers[1]) / total);
  features[kBackTheta] = std::log(powers[2] / total);
  features[kBackAlpha] = std::log(powers[3] / total);
  features[kBackBeta] = std::log(powers[5] / total);
}

std::vector<Derivation> OneOrNone(const std::optional<Derivation>& derivation) {
  if (!derivation) return {};
  return {*derivation};
}

class Scanner {
 public:
  Scanner(const RecordingView& recording, const QualityReport* quality,
          const SleepDerivations& derivations, const Control& control)
      : control_(control),
        central_(recording, quality, derivations.central),
        frontal_(recording, quality, derivations.frontal),
        occipital_(recording, quality, derivations.occipital),
        vertex_(recording, quality, VertexOf(derivations)),
        eyes_(recording, quality, OneOrNone(derivations.eyes)),
        eyes_see_brain_(derivations.eyes_see_brain),
        chin_is_envelope_(derivations.chin_is_envelope) {
    if (derivations.chin) chin_.emplace(recording, *derivations.chin, chin_is_envelope_);
    EpochFeatures unknown;
    unknown.fill(kUnknown);
    const auto epochs = static_cast<size_t>(std::floor(recording.duration_s / kSleepEpochS + 1e-9));
    out_.epochs.assign(epochs, unknown);
    out_.measured.assign(epochs, 0);
  }

  base::Result<NightScan> Run() {
    for (size_t first = 0; first < out_.epochs.size(); first += kBlockEpochs) {
      TRY(control_.Check());
      TRY(ScanBlock(first, std::min(kBlockEpochs, out_.epochs.size() - first)));
      control_.Report(static_cast<double>(first) / static_cast<double>(out_.epochs.size()));
    }
    Normalise();
    return std::move(out_);
  }

 private:
  /// Empty when spindles are looked for on the central derivation.
  static std::vector<Derivation> VertexOf(const SleepDerivations& derivations) {
    if (!derivations.vertex || derivations.vertex->active == derivations.central.front().active) {
      return {};
    }
    return {*derivations.vertex, derivations.central.front()};
  }

  base::Result<void> ScanBlock(size_t first, size_t epochs) {
    const double from_s = kSleepEpochS * static_cast<double>(first);
    for (Place* place : {&central_, &frontal_, &occipital_, &vertex_, &eyes_}) {
      TRY(place->Load(from_s, epochs, control_));
    }
    const auto central = central_.Bands();
    const auto back = occipital_.Bands();
    for (size_t e = 0; e < epochs; ++e) {
      if (central[e]) {
        SetCentral(*central[e], out_.epochs[first + e]);
        out_.measured[first + e] = 1;
        out_.stand_in_epochs += *central_.ChosenFor(e) > 0 ? 1U : 0U;
      }
      if (back[e]) SetBack(*back[e], out_.epochs[first + e]);
    }
    TRY(FindFigures(first, epochs));
    return chin_ ? MeasureChin(first, epochs) : base::Result<void>();
  }

  base::Result<void> FindFigures(size_t first, size_t epochs) {
    const Place& slow = frontal_.empty() ? central_ : frontal_;
    const Place& top = vertex_.empty() ? central_ : vertex_;
    const size_t waves = out_.slow_waves.size(), spindles = out_.spindles.size(),
                 movements = out_.eye_movements.size();
    const Trace* const eyes = eyes_.loaded() > 0 && !eyes_see_brain_ ? &eyes_.trace(0) : nullptr;
    const auto find_waves = [eyes](const Trace& trace, double from_s, double to_s) {
      return FindSlowWaves(trace, eyes, from_s, to_s);
    };
    TRY(slow.Collect(find_waves, out_.slow_waves));
    TRY(top.Collect(FindSpindles, out_.spindles));
    TRY(central_.Collect(FindShifts, out_.shifts));
    const auto find_movements = [](const Trace& trace, double from_s, double to_s) {
      return FindEyeMovements(trace, kEyeUv, from_s, to_s);
    };
    TRY(eyes_.Collect(find_movements, out_.eye_movements));
    EpochFeatures* const into = out_.epochs.data() + first;
    const auto start = [&](const Place& place, size_t feature) {
      for (size_t e = 0; e < epochs; ++e) {
        if (place.ChosenFor(e)) into[e][feature] = 0;
      }
    };
    start(slow, kSlowWaves);
    start(top, kSpindles);
    if (!eyes_.empty()) {
      start(eyes_, kRapidEyes);
      start(eyes_, kSlowEyes);
    }
    for (const SlowWave& wave : std::span(out_.slow_waves).subspan(waves)) {
      into[slow.EpochOf(wave.onset_s)][kSlowWaves] += wave.duration_s / kSleepEpochS;
    }
    for (const Spindle& spindle : std::span(out_.spindles).subspan(spindles)) {
      into[top.EpochOf(spindle.onset_s)][kSpindles] += 1;
    }
    for (const EyeMovement& movement : std::span(out_.eye_movements).subspan(movements)) {
      const bool rapid = movement.kind == EyeMovementKind::kRapid;
      into[eyes_.EpochOf(movement.onset_s)][rapid ? kRapidEyes : kSlowEyes] += 1;
    }
    for (size_t e = 0; e < epochs; ++e) {
      for (const size_t f : {kSlowWaves, kSpindles, kRapidEyes, kSlowEyes}) {
        into[e][f] = std::sqrt(into[e][f]);
      }
    }
    return {};
  }

  base::Result<void> MeasureChin(size_t first, size_t epochs) {
    for (size_t e = 0; e < epochs; ++e) {
      const size_t before = out_.chin_uv.size();
      TRY(chin_->Append(kSleepEpochS * static_cast<double>(first + e), control_, out_.chin_uv));
      scratch_.clear();
      for (const float level : std::span(out_.chin_uv).subspan(before)) {
        if (std::isfinite(level)) scratch_.push_back(static_cast<double>(level));
      }
      if (2 * scratch_.size() < out_.chin_uv.size() - before) continue;
      const double level = signal::Median(scratch_);
      if (level < kLeastChinUv) continue;  // disconnected
      out_.epochs[first + e][kChin] = std::log(level);
    }
    return {};
  }

  /// Fills the features that are relative to the night; unknown in a recording too short for it.
  void Normalise() {
    for (EpochFeatures& epoch : out_.epochs) {
      epoch[kAmplitudeOfNight] = epoch[kAmplitude];
      epoch[kChinOfNight] = epoch[kChin];
    }
    Normalise(kDepthOfNight, true);
    Normalise(kAmplitudeOfNight, true);
    Normalise(kChinOfNight, false);
    if (!chin_is_envelope_) return;
    // How high a recorded envelope stands depends on the recorder: only its course is known.
    for (EpochFeatures& epoch : out_.epochs) epoch[kChin] = kUnknown;
  }

  /// Less the median, over the distance of the 5th and 95th percentile (YASA's robust scaling).
  void Normalise(size_t feature, bool scaled) {
    std::vector<double> known;
    for (const EpochFeatures& epoch : out_.epochs) {
      if (std::isfinite(epoch[feature])) known.push_back(epoch[feature]);
    }
    const bool enough = known.size() >= kLeastNight;
    const double middle = enough ? signal::Percentile(known, 0.5) : kUnknown;
    double width = 1;
    if (enough && scaled) {
      width = signal::Percentile(known, 0.95) - signal::Percentile(known, 0.05);
      width = std::max(width, 0.2);  // a night without contrast is not stretched
    }
    for (EpochFeatures& epoch : out_.epochs) epoch[feature] = (epoch[feature] - middle) / width;
  }

  const Control& control_;
  Place central_, frontal_, occipital_, vertex_, eyes_;
  bool eyes_see_brain_;
  bool chin_is_envelope_;
  std::optional<Chin> chin_;
  std::vector<double> scratch_;
  NightScan out_;
};

}  // namespace

base::Result<NightScan> ScanNight(const RecordingView& recording, const QualityReport* quality,
                                  const SleepDerivations& derivations, const Control& control) {
  return Scanner(recording, quality, derivations, control).Run();
}

}  // namespace montage::analysis
