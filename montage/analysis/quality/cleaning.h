#pragma once
// The recording with its bad channels replaced by what the good ones say.

#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

inline constexpr Method kInterpolationMethod{"spherical-spline-m4", "1.0"};

/// Same channels in the same order. Samples are computed when they are read, so that a long
/// recording needs no second copy. The original's source must outlive it.
class CleanedRecording {
 public:
  const RecordingView& view() const { return view_; }
  const std::vector<std::string>& interpolated() const { return interpolated_; }
  /// Bad channels left as they are: no electrode position, or fewer than four good neighbours.
  const std::vector<std::string>& left_bad() const { return left_bad_; }

 private:
  friend base::Result<CleanedRecording> InterpolateBadChannels(const RecordingView&,
                                                               const std::vector<std::string>&);
  std::unique_ptr<SampleSource> source_;
  RecordingView view_;
  std::vector<std::string> interpolated_;
  std::vector<std::string> left_bad_;
};

/// Spherical splines over the good EEG channels of the same rate and length. A name that the
/// recording does not have is an error kNotFound.
base::Result<CleanedRecording> InterpolateBadChannels(const RecordingView& recording,
                                                      const std::vector<std::string>& bad_channels);

}  // namespace montage::analysis
