#pragma once
// When the eyes are open.

#include <cstdint>
#include <vector>

#include "lib/synth/truth.h"

namespace synth {

/// Changes lie on multiples of this: on the hops of the background (background.h), which fades from
/// one state to the other over the next hop.
inline constexpr double kEyesGrainS = 3;

/// A stretch of a spec's eyes; the list repeats to the end of the recording.
struct EyesFor {
  bool open = false;
  double length_s = 0;
};

/// Alpha is blocked and blinks come while the eyes are open; asleep they are closed.
class Eyes {
 public:
  Eyes(std::vector<EyesFor> plan, std::vector<SleepStage> hypnogram, uint64_t seed);

  bool OpenAt(double seconds) const;
  /// False: they stay closed whatever the time.
  bool CanOpen() const { return can_open_; }
  /// The stretches of a recording with open eyes, by onset.
  std::vector<Stretch> OpenStretches(double duration_s) const;

 private:
  double NextChange(double seconds) const;

  std::vector<EyesFor> plan_;
  double period_s_ = 0;
  std::vector<SleepStage> hypnogram_;
  uint64_t seed_;
  bool can_open_ = false;
};

}  // namespace synth
