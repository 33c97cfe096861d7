#pragma once
// Varied generated recordings with known bad channels: montages of 8 to 64 channels, rates of 128
// to 1000 Hz, quiet and loud backgrounds, and what physiology does that a careless check takes for
// a fault: blinks, strong alpha, slow waves of sleep, spikes, discharges, burst suppression.

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "lib/base/random.h"
#include "lib/synth/eeg.h"
#include "montage/analysis/recording_view.h"
#include "montage/analysis/scalp_testing.h"

namespace montage::analysis {

struct CorpusCase {
  MemoryRecording recording = {};
  std::set<std::string> bad = {};  ///< names of the channels that must be found
  std::string what = {};           ///< for messages: channels, rate, scene, faults
};

/// Renders the generator's samples in microvolts. The spec must be valid.
inline MemoryRecording Render(const synth::EegSpec& spec) {
  const synth::EegGenerator generator = synth::EegGenerator::Create(spec).value();
  const auto count = static_cast<size_t>(spec.duration_s * spec.rate_hz);
  MemoryRecording recording;
  std::vector<int16_t> ticks(count);
  for (size_t c = 0; c < spec.channels.size(); ++c) {
    generator.Render(c, 0, ticks);
    std::vector<double> samples(count);
    std::ranges::transform(ticks, samples.begin(), [](int16_t tick) { return 0.1 * tick; });
    recording.Add(spec.channels[c], spec.rate_hz, std::move(samples));
  }
  return recording;
}

/// What the head does in a recording, none of it a fault of a channel.
inline std::string AddScene(base::Random& random, synth::EegSpec& spec) {
  using synth::PlantKind;
  const auto plant = [&](PlantKind kind, double every_s = 0) -> synth::Plant& {
    spec.plants.push_back({.kind = kind});
    if (every_s > 0) spec.plants.back().every_s = every_s;
    return spec.plants.back();
  };
  const double end = spec.duration_s;
  std::string what;
  switch (random.Below(10)) {
    case 0:
      what = "rest";
      break;
    case 1:
      plant(PlantKind::kBlink, random.Uniform(2, 6));
      what = "blinks";
      break;
    case 2:
      plant(PlantKind::kAlpha).amplitude_uv = random.Uniform(30, 70);
      what = "alpha";
      break;
    case 3:
      spec.hypnogram.assign(static_cast<size_t>(end / 30), synth::SleepStage::kN3);
      what = "N3";
      break;
    case 4:
      spec.hypnogram.assign(static_cast<size_t>(end / 30), synth::SleepStage::kN2);
      spec.hypnogram.back() = synth::SleepStage::kRem;
      what = "N2 and REM";
      break;
    case 5: {
      plant(PlantKind::kSpike, random.Uniform(1, 5)).channels = {spec.channels[2]};
      what = "spikes";
      break;
    }
    case 6: {
      auto& seizure = plant(PlantKind::kSeizure);
      seizure.channels = {spec.channels[3]};
      seizure.from_s = end / 4;
      seizure.until_s = end / 2;
      plant(PlantKind::kSpikeWave).from_s = 0.7 * end;
      what = "seizure";
      break;
    }
    case 7:
      plant(PlantKind::kBurstSuppression);
      what = "burst suppression";
      break;
    case 8:
      plant(PlantKind::kGped).hz = random.Uniform(0.8, 2);
      what = "GPED";
      break;
    default: {
      auto& muscle = plant(PlantKind::kMuscle);
      muscle.at_s = {end / 6};
      muscle.length_s = end / 8;
      muscle.channels = {spec.channels[0]};
      plant(PlantKind::kMovement).at_s = {end / 2, 0.8 * end};
      plant(PlantKind::kBlink, 5);
      what = "artifacts";
    }
  }
  return what;
}

/// Gives a channel one fault that the generator knows, or names one to be made afterwards.
inline std::string AddFault(base::Random& random, const std::string& channel,
                            synth::EegSpec& spec) {
  using synth::PlantKind;
  const auto plant = [&](PlantKind kind, double amplitude_uv) -> synth::Plant& {
    spec.plants.push_back({.kind = kind, .channels = {channel}, .amplitude_uv = amplitude_uv});
    return spec.plants.back();
  };
  switch (random.Below(7)) {
    case 0:
      plant(PlantKind::kFlat, 0);
      return "flat";
    case 1:
      plant(PlantKind::kNoisy, random.Uniform(80, 400));
      return "noisy";
    case 2:
      plant(PlantKind::kDcOffset, random.Uniform(500, 2500));
      return "offset";
    case 3:
      plant(PlantKind::kClipped, random.Uniform(0.8, 1.8) * *spec.background_uv);
      return "clipped";
    case 4:
      plant(PlantKind::kLineNoise, random.Uniform(20, 90)).hz = spec.seed % 2 == 0 ? 50 : 60;
      return "line";
    case 5:
      plant(PlantKind::kElectrodePop, random.Uniform(200, 600)).every_s = random.Uniform(1.5, 4);
      return "pops";
    default:
      return "disconnected";
  }
}

/// One recording of the corpus, 60 s unless stated, a fifth of its channels bad at most; one in
/// four has none.
inline CorpusCase MakeCorpusCase(uint64_t seed, double seconds = 60) {
  base::Random random = base::Random::ForPart(seed, "quality corpus");
  const double rates[] = {128, 200, 250, 256, 256, 500, 512, 1000};
  const size_t counts[] = {8, 19, 19, 19, 32, 64};
  synth::EegSpec spec;
  const size_t count = counts[random.Below(std::size(counts))];
  spec.channels = synth::FirstChannels(count).value();
  if (count == 8) spec.channels = {"Fp1", "Fp2", "C3", "C4", "T7", "T8", "O1", "O2"};
  spec.rate_hz = rates[random.Below(std::size(rates))];
  spec.duration_s = seconds;
  spec.seed = seed;
  spec.background_uv = random.Uniform(8, 22);
  CorpusCase made;
  made.what =
      fmt::format("seed {}, {} ch, {} Hz, {}", seed, count, spec.rate_hz, AddScene(random, spec));
  const size_t faults = random.Below(4) == 0 ? 0 : 1 + random.Below(count / 5);
  std::vector<std::string> disconnected;
  while (made.bad.size() < faults) {
    const std::string channel = spec.channels[random.Below(count)];
    // The ears are no electrodes with neighbours, so nothing could tell that one is disconnected.
    if (!signal::FindElectrode(channel)) continue;
    if (!made.bad.insert(channel).second) continue;
    const std::string fault = AddFault(random, channel, spec);
    if (fault == "disconnected") disconnected.push_back(channel);
    made.what += fmt::format(", {} {}", channel, fault);
  }
  made.recording = Render(spec);
  for (const std::string& channel : disconnected) {
    const auto samples = SamplesOf(made.recording, channel);
    const auto noise = PinkNoise(samples.size(), random);
    for (size_t i = 0; i < samples.size(); ++i) samples[i] = *spec.background_uv * noise[i];
  }
  return made;
}

/// Counts over a corpus.
struct Detection {
  size_t planted = 0, found = 0, sound = 0, wrong = 0;
  double Sensitivity() const { return static_cast<double>(found) / static_cast<double>(planted); }
  double Specificity() const {
    return 1.0 - static_cast<double>(wrong) / static_cast<double>(sound);
  }
};

}  // namespace montage::analysis
