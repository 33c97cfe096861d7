#pragma once
// Blinks out of a recording by regression on the front of the head.
//
// A blink is one field times one course over time. Its course is what the good front channels have
// in common, smoothed, and 0 at both ends of the blink, so that nothing jumps; how much of it each
// channel has is fitted once over all blinks. Outside the blinks nothing is touched, and a
// recording without blinks passes bit for bit. The principle is that of Gratton, Coles and Donchin
// (1983), with front channels in place of an electrooculogram, which few routine recordings have.

#include <cstdint>
#include <memory>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/control.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

/// Blinks of a recording and what each channel has of them. Memory: 16 bytes a blink.
struct BlinkModel {
  /// Samples first .. first + length - 1; blinks in quick succession are one.
  struct Blink {
    uint64_t first = 0;
    uint32_t length = 0;
  };
  std::vector<Blink> blinks = {};     ///< by time, none overlapping
  std::vector<size_t> front = {};     ///< channels whose mean gives the course
  std::vector<double> coupling = {};  ///< of every channel of the recording; 0: has nothing of it
  double rate_hz = 0;                 ///< of the front channels

  bool empty() const { return blinks.empty(); }
};

/// Looks in the epochs with blinks that local rejection calls good. A channel has something of the
/// blinks when they explain a tenth of its variance there and it has at least a twentieth of the
/// front's amplitude. Errors are those of the source, and of `control`.
base::Result<BlinkModel> FitBlinks(const RecordingView& recording, const QualityReport& report,
                                   const Control& control);

/// `original` without the blinks; it must outlive the result.
std::unique_ptr<SampleSource> RemoveBlinks(SampleSource& original, BlinkModel model);

}  // namespace montage::analysis
