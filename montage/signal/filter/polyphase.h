#pragma once
// Inner products of taps with frames, one or eight lanes at once. Internal to this folder.

#include <cstddef>
#include <span>

namespace montage::signal {

/// Where the taps of a run of outputs are and which frames they meet.
struct PolyphaseRun {
  const double* taps;  ///< [phase][taps of a phase], the tap of the oldest frame first
  size_t phase_taps;   ///< a multiple of 4
  size_t up;           ///< phases
  size_t down;
  size_t phase;  ///< of the first output
};

/// Output i, at out + i * stride, is the inner product of its phase with frames from its own first
/// one on; the first output's is at `frames`. Columns are as wide as the cascade's: 1 or 8.
void RunPolyphase(const PolyphaseRun& run, const double* frames, size_t stride, size_t width,
                  double* out, size_t out_stride, size_t count);

}  // namespace montage::signal
