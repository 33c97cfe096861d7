#pragma once
// Internal to the corpora: how one recording is drawn from its seed.

#include <array>
#include <span>
#include <string_view>

#include "bench/detection/corpus/corpus.h"
#include "lib/base/random.h"

namespace detection {

/// Each corpus has a thousand seeds of its own in each split.
enum class Block : uint64_t { kBadChannels = 0, kEvents = 1, kAbnormality = 2, kNights = 3 };
uint64_t SeedOf(Split split, Block block, size_t index);

/// One recording in the making.
class Drawing {
 public:
  Drawing(Split split, Block block, size_t index);

  base::Random& random() { return random_; }
  synth::EegSpec& spec() { return spec_; }
  double Uniform(double low, double high) { return random_.Uniform(low, high); }
  bool Chance(double probability) { return random_.Uniform() < probability; }
  template <typename T>
  const T& OneOf(std::span<const T> choices) {
    return choices[random_.Below(choices.size())];
  }
  synth::Plant& Add(synth::Plant plant) { return spec_.plants.emplace_back(std::move(plant)); }
  /// `count` onsets of something that lasts up to `length_s`, at least `apart_s` from end to onset,
  /// none in the first and last three seconds.
  std::vector<double> Onsets(size_t count, double length_s, double apart_s);
  /// Mains everywhere and muscle tone, by how loud it is; drawn.
  Noise AddSurroundings();

 private:
  base::Random random_;
  synth::EegSpec spec_;
};

}  // namespace detection
