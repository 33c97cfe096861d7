#pragma once
// The recording with its bad channels, spoiled epochs and blinks replaced by what the rest says.
//
//   original -> blinks removed (blink_removal.h) -> bad channels and spoiled cells interpolated
//
// Samples are computed when they are read, so that a day needs no second copy: memory is a list of
// repaired epochs and blinks, a matrix of channels squared, and buffers of the size of a read. How
// a range is cut into reads does not change its samples.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/control.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

/// Same channels in the same order, of the same length. The original's source must outlive it. Not
/// to be read from two threads at once.
class CleanedRecording {
 public:
  const RecordingView& view() const { return view_; }
  const std::vector<std::string>& interpolated() const { return interpolated_; }
  /// Bad channels left as they are: no electrode position, sampled unlike most channels, or fewer
  /// than four good neighbours.
  const std::vector<std::string>& left_bad() const { return left_bad_; }
  size_t repaired_epochs() const { return repaired_epochs_; }
  size_t removed_blinks() const { return removed_blinks_; }

 private:
  friend class Cleaner;
  std::unique_ptr<SampleSource> without_blinks_;
  std::unique_ptr<SampleSource> source_;
  RecordingView view_;
  std::vector<std::string> interpolated_;
  std::vector<std::string> left_bad_;
  size_t repaired_epochs_ = 0;
  size_t removed_blinks_ = 0;
};

/// Interpolates the report's bad channels throughout, by spherical splines over the good EEG
/// channels of the same rate and length, and the cells of its repaired epochs, fading
/// over 0.1 s around these, and removes blinks. Rejected epochs stay as they are: nothing could
/// stand in for them. A recording without bad channels, spoiled cells and blinks passes bit for
/// bit. Requires: the report is of this recording. Errors: kNotFound for a bad channel that the
/// recording does not have; those of the source and of `control`.
base::Result<CleanedRecording> Clean(const RecordingView& recording, const QualityReport& report,
                                     const Control& control = {});

}  // namespace montage::analysis
