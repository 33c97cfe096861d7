#pragma once
// Burst suppression: more than half of the time suppressed below 10 uV, with bursts of half a
// second and more between (ACNS 2021).
//
// A frame of 0.25 s is suppressed when the median over the channels of 2 sqrt(2) rms, the
// peak-to-peak amplitude of a sine of that power, is below 10 uV.

#include <cstddef>
#include <vector>

#include "montage/analysis/events/survey.h"

namespace montage::analysis {

/// rms below which a frame is suppressed: 10 uV / (2 sqrt(2)).
inline constexpr float kSuppressedRmsUv = 3.54F;

struct BurstSuppression {
  double start_s = 0;
  double end_s = 0;
  size_t bursts = 0;
  double suppressed_fraction = 0;
  double burst_uv = 0;  ///< median over bursts of their largest frame, rms
};

std::vector<BurstSuppression> FindBurstSuppression(const Survey& survey);

}  // namespace montage::analysis
