#pragma once
// Internal to the generator: the ongoing activity of every channel.
//
// For each sleep stage (and for open eyes) and channel a table of some seconds of noise is computed
// once: 1/f^b activity of sources on the scalp, mixed by distance, plus the stage's rhythms. The
// recording is cut into hops of 3 s; each hop reads the table from a random place, the same for all
// channels, and fades from the one before it (sine and cosine windows, whose squares sum to 1, so
// that the power is steady):
//
//   hop b-1   ~~~~~~~\.
//   hop b           ./~~~~~~~
//             output(t) = fall(t) table[start(b-1) + hop + t] + rise(t) table[start(b) + t]
//
// A sample depends only on its index, so records can be made in any order.

#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/random.h"
#include "lib/synth/leads.h"
#include "lib/synth/subject/eyes.h"
#include "lib/synth/subject/subject.h"
#include "lib/synth/truth.h"

namespace synth {

class Background {
 public:
  Background(const std::vector<Lead>& leads, double rate_hz, uint64_t seed, const Subject& subject,
             Eyes eyes, std::vector<SleepStage> hypnogram);

  /// Writes samples first, first + 1, ... of a channel, in ticks.
  void Render(size_t channel, uint64_t first, std::span<int16_t> into) const;

 private:
  /// Noise of one stage: samples[channel * length_] ...
  struct SoundTable {
    std::vector<int16_t> samples;
  };
  void FillTable(SoundTable& table, size_t index, const std::vector<Lead>& leads);
  const int16_t* HopStart(size_t channel, uint64_t hop) const;
  size_t SoundAt(uint64_t hop) const;

  double rate_hz_;
  uint64_t seed_;
  uint64_t hop_;     ///< samples
  uint64_t length_;  ///< samples of a channel's table
  Subject subject_;
  Eyes eyes_;
  std::vector<SleepStage> hypnogram_;
  std::vector<SoundTable> sounds_;
  std::vector<int16_t> rise_;
  std::vector<int16_t> fall_;
};

}  // namespace synth
