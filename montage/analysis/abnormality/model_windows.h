#pragma once
// From a recording to the input of a learned judge of windows (window_model.h). The same steps in
// training and at work:
//
//   1. Missing samples hold the last known value; each channel passes a Butterworth band of
//      0.5 to 45 Hz (order 4, forward and backward; to 0.45 of the rate when that is lower).
//   2. It is resampled to the model's rate by a rational factor.
//   3. Each of the model's channels is the recorded one of that name. One that is missing or bad is
//      a spherical spline (Perrin 1989) of the good channels at known positions; with fewer than
//      four of those it is zero.
//   4. Windows of the model's length begin every `stride_s`.
//   5. Each channel of each window is standardised: mean 0, deviation 1; a channel whose deviation
//      is below 1e-3 uV becomes zero. Absolute amplitudes are lost by this; shapes are kept.
//
// Memory: one chunk of about a minute of the channels that are needed.

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "montage/analysis/abnormality/window_model.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

class ModelWindows {
 public:
  /// Error kUnsupported when fewer than half of the model's channels are recorded and good, or no
  /// factor of at most 1000 / 1000 leads from the recording's rate to the model's; kInvalid when
  /// the model's description is not as window_model.h says. The recording's source and the model
  /// must outlive it.
  static base::Result<ModelWindows> Create(const RecordingView& recording,
                                           const QualityReport& quality, const WindowModel& model,
                                           double stride_s);

  /// Whole windows in the recording.
  size_t count() const { return count_; }
  size_t channels() const { return rows_.size(); }
  size_t samples() const { return window_; }  ///< of one channel of a window
  size_t interpolated() const { return interpolated_; }
  size_t zeroed() const { return zeroed_; }

  /// Windows first, first + 1, ... as [window][channel][sample]. Requires: first + many <= count().
  base::Result<std::vector<float>> Read(size_t first, size_t many, base::Deadline deadline) const;

 private:
  /// A channel of the model as a sum of recorded ones; empty: zero.
  struct Row {
    std::vector<size_t> sources;  ///< index in used_
    std::vector<double> weights;
  };
  ModelWindows(const RecordingView& recording, double stride_s)
      : recording_(&recording), stride_s_(stride_s) {}
  base::Result<void> ChooseRows(const QualityReport& quality, const WindowModel& model);
  size_t UseChannel(size_t channel);
  base::Result<std::vector<double>> ReadChannel(size_t used, double from_s, double until_s,
                                                base::Deadline deadline) const;

  const RecordingView* recording_;
  double stride_s_;
  double source_hz_ = 0;
  double rate_hz_ = 0;
  size_t up_ = 1;
  size_t down_ = 1;
  size_t window_ = 0;
  size_t count_ = 0;
  size_t interpolated_ = 0;
  size_t zeroed_ = 0;
  std::vector<size_t> used_ = {};  ///< channels of the recording that are read
  std::vector<Row> rows_ = {};
};

}  // namespace montage::analysis
