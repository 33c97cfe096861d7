// Prints montage/analysis/sleep/stage_table.h: the distributions of the measures of sleep stages,
// fitted to generated nights.
//
//   bench_fit_stages > montage/analysis/sleep/stage_table.h
//
// Development seeds only: training nights have seeds 1 to 400, of which each layout takes its
// share.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "lib/base/random.h"
#include "montage/analysis/generated_testing.h"
#include "montage/analysis/sleep/scan.h"
#include "montage/analysis/sleep/stage_model.h"

namespace montage::analysis {
namespace {

constexpr uint64_t kNights = 60;  ///< a table
constexpr double kHours = 4;

struct Row {
  SleepStage stage = SleepStage::kWake;
  EpochFeatures values{};
};

SleepStage StageOf(synth::SleepStage stage) { return static_cast<SleepStage>(stage); }

/// Night by night the channels, the rate and the voltage vary.
synth::EegSpec SpecOf(uint64_t seed, bool bipolar) {
  base::Random random = base::Random::ForPart(seed, "fit");
  constexpr double kRates[] = {100, 128, 200, 256};
  synth::EegSpec spec;
  spec.seed = seed;
  spec.rate_hz = kRates[random.Below(std::size(kRates))];
  spec.duration_s = kHours * 3600;
  constexpr synth::NightKind kKinds[] = {synth::NightKind::kNormal, synth::NightKind::kFragmented,
                                         synth::NightKind::kLate, synth::NightKind::kShallow};
  spec.hypnogram = synth::PlanNight(static_cast<size_t>(kHours * 120), seed,
                                    kKinds[random.Below(std::size(kKinds))]);
  if (bipolar) {
    spec.channels = {"Fpz-Cz", "Pz-Oz"};
  } else {
    spec.channels = {"F3", "F4", "C3", "C4", "Cz", "O1", "O2", "F7", "F8"};
  }
  if (seed % 3 != 0) spec.channels.emplace_back("E1");
  if (seed % 3 == 1) spec.channels.emplace_back("E2");
  spec.channels.emplace_back("EMG chin");
  return spec;
}

/// Looking around: blinks and saccades of the waking sleeper, as eye electrodes and the scalp see
/// them. Without these the table would take the delta of open eyes for deep sleep.
class LookingAround final : public SampleSource {
 public:
  LookingAround(GeneratedRecording& recording, uint64_t seed)
      : recording_(recording), view_(recording.view()) {
    view_.source = this;
    base::Random random = base::Random::ForPart(seed, "eyes");
    const double blink_uv = random.Uniform(70, 220), saccade_uv = random.Uniform(30, 130);
    const double blinks = random.Uniform(2, 15), saccades = random.Uniform(4, 25);  // an epoch
    gain_ = random.Uniform(0.1, 0.5);
    const auto& hypnogram = recording.truth().hypnogram;
    for (size_t e = 0; e < hypnogram.size(); ++e) {
      const bool open = random.Uniform() < 0.6;
      if (hypnogram[e] != synth::SleepStage::kWake || !open) continue;
      const auto scatter = [&](double count, double uv, bool blink) {
        const double gap_s = kSleepEpochS / count;
        for (double at_s = gap_s * random.Uniform(); at_s < kSleepEpochS - 2;
             at_s += gap_s * random.Uniform(0.5, 1.5)) {
          const double sign = blink || random.Uniform() < 0.5 ? 1 : -1;
          moves_.push_back({kSleepEpochS * static_cast<double>(e) + at_s,
                            sign * uv * random.Uniform(0.5, 1.5), blink});
        }
      };
      scatter(blinks, blink_uv, true);
      scatter(saccades, saccade_uv, false);
    }
    std::ranges::sort(moves_, {}, &Move::at_s);
  }

  const RecordingView& view() const { return view_; }

  base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                          base::Deadline deadline) override {
    TRY(recording_.Read(channel, first, out, deadline));
    const double rate = view_.channels[channel].rate_hz;
    const double from_s = static_cast<double>(first) / rate;
    const double to_s = from_s + static_cast<double>(out.size()) / rate;
    const auto [blink, saccade] = GainsOf(view_.channels[channel].name);
    auto move = std::ranges::lower_bound(moves_, from_s - 2, {}, &Move::at_s);
    for (; move != moves_.end() && move->at_s < to_s; ++move) {
      const double uv = move->uv * (move->blink ? blink : saccade);
      for (size_t i = 0; uv != 0 && i < out.size(); ++i) {
        out[i] += uv * Shape(from_s + static_cast<double>(i) / rate - move->at_s, move->blink);
      }
    }
    return {};
  }

 private:
  struct Move {
    double at_s = 0;
    double uv = 0;
    bool blink = false;
  };
  struct Gains {
    double blink, saccade;
  };

  /// Blinks are positive at the front and reach both eyes; saccades have opposite signs.
  Gains GainsOf(const std::string& name) const {
    if (name == "E1") return {0.5, 1.0};
    if (name == "E2") return {0.4, -1.0};
    if (name == "Fpz-Cz") return {0.8, gain_};
    if (name.starts_with("F")) return {0.3, name == "F3" || name == "F7" ? 0.4 : -0.4};
    if (name.starts_with("C")) return {0.1, name == "C3" ? 0.1 : -0.1};
    return name.starts_with("EMG") ? Gains{0, 0} : Gains{0.03, 0.03};
  }

  static double Shape(double t, bool blink) {
    if (t <= 0 || t > 2) return 0;
    if (blink) return t < 0.3 ? std::pow(std::sin(3.14159265358979 * t / 0.3), 2) : 0;
    return std::min(t / 0.05, 1.0) * std::exp(-t / 0.4);
  }

  GeneratedRecording& recording_;
  RecordingView view_;
  double gain_ = 0;
  std::vector<Move> moves_;
};

std::vector<Row> MeasureNights(bool bipolar) {
  std::vector<Row> rows;
  const uint64_t first = bipolar ? 201 : 1;
  for (uint64_t seed = first; seed < first + kNights; ++seed) {
    auto generator = synth::EegGenerator::Create(SpecOf(seed, bipolar));
    if (!generator) continue;
    GeneratedRecording recording(std::move(*generator));
    LookingAround awake(recording, seed);
    const auto derivations = ChooseDerivations(awake.view(), nullptr);
    const auto scan = ScanNight(awake.view(), nullptr, derivations, {});
    if (!scan) continue;
    for (size_t e = 0; e < scan->epochs.size(); ++e) {
      rows.push_back({StageOf(recording.truth().hypnogram[e]), scan->epochs[e]});
    }
  }
  return rows;
}

EpochFeatures MeanOf(std::span<const Row* const> rows) {
  EpochFeatures mean{};
  for (size_t f = 0; f < kSleepFeatures; ++f) {
    double sum = 0, count = 0;
    for (const Row* row : rows) {
      if (!std::isfinite(row->values[f])) continue;
      sum += row->values[f];
      count += 1;
    }
    mean[f] = count > 0 ? sum / count : 0;
  }
  return mean;
}

/// Wake is two things: with the eyes closed there is alpha at the back, with open eyes there is
/// not. Two means along the posterior alpha (Lloyd's iteration).
std::array<std::vector<const Row*>, 2> SplitByAlpha(const std::vector<const Row*>& rows) {
  double low = 1e9, high = -1e9;
  for (const Row* row : rows) {
    const double alpha = row->values[kBackAlpha];
    if (!std::isfinite(alpha)) continue;
    low = std::min(low, alpha);
    high = std::max(high, alpha);
  }
  std::array<std::vector<const Row*>, 2> halves;
  for (int round = 0; round < 50; ++round) {
    halves = {};
    for (const Row* row : rows) {
      const double alpha = row->values[kBackAlpha];
      halves[std::abs(alpha - low) < std::abs(alpha - high) ? 0 : 1].push_back(row);
    }
    if (halves[0].empty() || halves[1].empty()) break;
    low = MeanOf(halves[0])[kBackAlpha];
    high = MeanOf(halves[1])[kBackAlpha];
  }
  return halves;
}

class Fit {
 public:
  explicit Fit(const std::vector<Row>& rows) {
    for (size_t s = 0; s < kSleepStages; ++s) {
      std::vector<const Row*> of_stage;
      for (const Row& row : rows) {
        if (static_cast<size_t>(row.stage) == s && std::isfinite(row.values[kAmplitude])) {
          of_stage.push_back(&row);
        }
      }
      const auto stage = static_cast<SleepStage>(s);
      if (stage != SleepStage::kWake) {
        Add(stage, of_stage, 1.0);
        continue;
      }
      for (const auto& half : SplitByAlpha(of_stage)) {
        const auto share = static_cast<double>(half.size()) / static_cast<double>(of_stage.size());
        // Neither kind of wake is rare in real recordings.
        if (half.size() > 20) Add(stage, half, std::clamp(share, 0.3, 0.7));
      }
    }
    Finish();
  }

  void Print(std::string_view name) const {
    fmt::print("inline constexpr std::array<StageComponent, {}> k{}Components = {{{{\n",
               components_.size(), name);
    for (const StageComponent& c : components_) {
      fmt::print("    {{static_cast<SleepStage>({}), {:.4g}, {{{}}}}},\n",
                 static_cast<int>(c.stage), c.weight, Join(c.mean));
    }
    fmt::print("}}}};\n");
    fmt::print("inline constexpr std::array<EpochFeatures, kSleepFeatures> k{}Scale = {{{{\n",
               name);
    for (const EpochFeatures& row : scale_) fmt::print("    {{{}}},\n", Join(row));
    fmt::print("}}}};\n");
  }

 private:
  static std::string Join(const EpochFeatures& row) {
    std::string out;
    for (const double value : row) out += fmt::format("{}{:.4g}", out.empty() ? "" : ", ", value);
    return out;
  }

  void Add(SleepStage stage, std::span<const Row* const> rows, double weight) {
    StageComponent component{.stage = stage, .weight = weight, .mean = MeanOf(rows)};
    // Every component has the same say in the shared scale, however rare it is.
    for (size_t i = 0; i < kSleepFeatures; ++i) {
      for (size_t j = 0; j < kSleepFeatures; ++j) {
        double sum = 0, count = 0;
        for (const Row* row : rows) {
          const double a = row->values[i] - component.mean[i];
          const double b = row->values[j] - component.mean[j];
          if (!std::isfinite(a * b)) continue;
          sum += a * b;
          count += 1;
        }
        if (count > 20) {
          scale_[i][j] += sum / count;
          counts_[i][j] += 1;
        }
      }
    }
    components_.push_back(component);
  }

  /// Generated people differ less than real ones and their measures hang together more: every
  /// deviation is widened and correlations are drawn towards none.
  void Finish() {
    constexpr double kShrink = 0.35, kWiden = 1.3;
    EpochFeatures floor;
    floor.fill(0.1);
    floor[kDepthOfNight] = floor[kAmplitudeOfNight] = floor[kSlowWaves] = 0.03;
    floor[kChin] = 0.3;  // amplifiers and electrodes differ by a factor of two
    floor[kSpindles] = floor[kRapidEyes] = floor[kSlowEyes] = 0.2;
    for (size_t i = 0; i < kSleepFeatures; ++i) {
      for (size_t j = 0; j < kSleepFeatures; ++j) {
        double& value = scale_[i][j];
        value = counts_[i][j] > 0 ? value / counts_[i][j] : 0.0;
        value *= kWiden * (i == j ? 1.0 : 1.0 - kShrink);
        if (i == j) value += floor[i];
      }
    }
  }

  std::vector<StageComponent> components_;
  std::array<EpochFeatures, kSleepFeatures> scale_{}, counts_{};
};

void Run() {
  fmt::print(
      "#pragma once\n"
      "// Distributions of the measures of SleepFeature by stage. Written by\n"
      "// bench/detection/fit_stages from {} generated nights of {} h a table (seeds 1 to {} and\n"
      "// 201 to {}; rates of 100 to 256 Hz; all kinds of nights); not edited by hand.\n"
      "// check: long table\n"
      "// clang-format off\n\n"
      "#include <array>\n\n"
      "#include \"montage/analysis/sleep/stage_model.h\"\n\n"
      "namespace montage::analysis {{\n\n",
      kNights, kHours, kNights, 200 + kNights);
  Fit(MeasureNights(false)).Print("Referred");
  fmt::print("\n");
  Fit(MeasureNights(true)).Print("Bipolar");
  fmt::print("\n}}  // namespace montage::analysis\n// clang-format on\n");
}

}  // namespace
}  // namespace montage::analysis

int main() {
  montage::analysis::Run();
  return 0;
}
