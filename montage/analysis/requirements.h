#pragma once
// Which channels of a recording can be analysed, and what the recording as a whole falls short of.

#include <cstddef>
#include <string>
#include <vector>

#include "montage/analysis/recording_view.h"

namespace montage::analysis {

/// Limits of what counts as a full recording; below them the analysis still does what it can.
inline constexpr double kMinDurationS = 60.0;
/// Lowest rate at which the alpha band can be told from its alias.
inline constexpr double kMinRateHz = 50.0;
inline constexpr double kMaxRateHz = 100'000.0;

struct ExcludedChannel {
  size_t channel = 0;
  std::string reason = {};
};

struct Eligibility {
  std::vector<size_t> eeg = {};  ///< channels that can be analysed, in recording order
  std::vector<ExcludedChannel> excluded = {};
  std::vector<std::string> shortcomings = {};  ///< each says what was found and what is expected
  bool CanAnalyse() const { return !eeg.empty(); }
};

Eligibility CheckRecording(const RecordingView& recording);

}  // namespace montage::analysis
