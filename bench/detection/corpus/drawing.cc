#include "bench/detection/corpus/drawing.h"

#include <algorithm>

namespace detection {

std::string_view ToString(Split split) { return split == Split::kTrain ? "train" : "test"; }

std::string_view ToString(Noise noise) {
  constexpr std::array<std::string_view, 3> kNames = {"quiet", "usual", "loud"};
  return kNames[static_cast<size_t>(noise)];
}

uint64_t SeedOf(Split split, Block block, size_t index) {
  const uint64_t first = split == Split::kTest ? 10'000 : 1000;
  return first + 1000 * static_cast<uint64_t>(block) + index;
}

Drawing::Drawing(Split split, Block block, size_t index)
    : random_(base::Random::ForPart(SeedOf(split, block, index), "corpus")) {
  spec_.seed = SeedOf(split, block, index);
}

std::vector<double> Drawing::Onsets(size_t count, double length_s, double apart_s) {
  // Equal shares of the time, one onset somewhere in each.
  const double share = (spec_.duration_s - 6) / static_cast<double>(count);
  std::vector<double> onsets;
  for (size_t i = 0; i < count; ++i) {
    const double room = std::max(0.0, share - length_s - apart_s);
    onsets.push_back(3 + share * static_cast<double>(i) + random_.Uniform(0, room));
  }
  return onsets;
}

Noise Drawing::AddSurroundings() {
  const auto noise = static_cast<Noise>(random_.Below(3));
  const double mains_hz = Chance(0.5) ? 50 : 60;
  const double mains_uv = noise == Noise::kQuiet   ? 0
                          : noise == Noise::kUsual ? Uniform(0.5, 3)
                                                   : Uniform(4, 10);
  // An amplifier that samples slowly filters the mains out.
  if (mains_uv > 0 && mains_hz < spec_.rate_hz / 2)
    Add({.kind = synth::PlantKind::kLineNoise, .amplitude_uv = mains_uv, .hz = mains_hz});
  if (noise == Noise::kLoud) {
    spec_.subject[static_cast<size_t>(synth::Trait::kMuscleUv)] = Uniform(2, 5);
  }
  return noise;
}

}  // namespace detection
