#pragma once
// 768 numbers for each 8 s window of a recording, every 4 s: spectrum, shape and complexity of the
// 19 electrodes of the 10-20 system (feature_layout.h says which number is what).
//
//   samples of a window -> line removed -> 0.5 to 45 Hz at 128 Hz (one transform, others' bins left
//   out) -> missing electrodes by spherical splines -> measures
//
// A vector depends on the samples of its window only, and the same window gives the same bits.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/features/feature_layout.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

inline constexpr Method kFeatureMethod{"montage-window-features", "1.0"};

/// floor((duration - 8) / 4) + 1 windows lie within a recording; 0 below 8 s.
size_t FeatureWindowCount(double duration_s);

/// Measures windows of one recording, which must outlive it. Holds scratch memory of some MiB
/// whatever the recording's length: use one object a thread.
class WindowFeatures {
 public:
  /// Error kInvalid when no electrode of the 10-20 system was recorded at 50 Hz or more, or
  /// the recording is shorter than a window.
  static base::Result<WindowFeatures> Create(const RecordingView& recording);
  WindowFeatures(WindowFeatures&&) noexcept;
  WindowFeatures& operator=(WindowFeatures&&) noexcept;
  ~WindowFeatures();

  size_t count() const;
  /// Electrodes that were not recorded and are interpolated from those that were.
  const std::vector<std::string>& interpolated() const;
  /// Electrodes that were not recorded and cannot be interpolated from fewer than four others:
  /// their features are 0.
  const std::vector<std::string>& missing() const;

  /// The features of window 0 .. count() - 1: finite, kFeatureCount of them. Samples that are not
  /// numbers count as 0. Errors: I/O, or kInvalid for a window that is not there.
  base::Result<std::vector<float>> Compute(size_t window, base::Deadline deadline);

 private:
  class Extractor;
  explicit WindowFeatures(std::unique_ptr<Extractor> extractor);
  std::unique_ptr<Extractor> extractor_;
};

/// Mean of each feature over the windows, and how many there were.
struct FeatureSummary {
  size_t windows = 0;
  std::vector<double> mean = {};       ///< kFeatureCount
  std::vector<double> deviation = {};  ///< standard deviation over windows, kFeatureCount
  std::vector<std::string> interpolated = {};
  std::vector<std::string> missing = {};
};
base::Result<FeatureSummary> SummariseFeatures(const RecordingView& recording,
                                               const Control& control);

}  // namespace montage::analysis
