#pragma once
// Internal to the sleep analysis: powers of frequency bands in short windows along a trace.

#include <cstddef>
#include <span>
#include <vector>

#include "montage/analysis/sleep/trace.h"
#include "montage/signal/spectrum.h"

namespace montage::analysis {

/// Power in uV^2 of each band in Hann windows (mean removed) that step along the trace, as Welch's
/// method scales it; a band holds the bins with low <= frequency < high.
class WindowPowers {
 public:
  /// The window is shortened to a number of samples that transforms fast.
  WindowPowers(const Trace& trace, double window_s, double step_s,
               std::span<const signal::FrequencyRange> bands);

  size_t windows() const { return windows_; }
  double At(size_t window, size_t band) const { return powers_[window * bands_ + band]; }
  /// Start of a window after the start of the trace.
  double OffsetS(size_t window) const { return step_s_ * static_cast<double>(window); }

 private:
  size_t windows_ = 0;
  size_t bands_;
  double step_s_;
  std::vector<double> powers_;
};

}  // namespace montage::analysis
