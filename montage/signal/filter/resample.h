#pragma once
// Change of rate by a rational factor. Conventions and numbers are those of
// scipy.signal.resample_poly.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/result.h"

namespace montage::signal {

/// Streams samples to rate * up / down without delay: output i stands at the time of input
/// i * down / up, zeros are assumed before and after, and aliases are filtered by a Kaiser window
/// (beta 5) of 2 * 10 * max(up, down) + 1 taps, up and down being reduced first. Any split of the
/// input into calls gives the same samples, bit for bit, and so does Resample.
class Resampler {
 public:
  /// Error kInvalid for a factor of 0. Requires: lanes > 0; sample j of lane l at j * lanes + l.
  static base::Result<Resampler> Make(size_t up, size_t down, size_t lanes = 1);

  /// Appends the outputs that are certain by now. Error kInvalid, with the state unchanged, when a
  /// sample is not finite. Requires: samples.size() a multiple of lanes.
  base::Result<void> Push(std::span<const double> samples, std::vector<double>& out);
  /// Appends the last outputs and starts afresh.
  void Finish(std::vector<double>& out);

 private:
  Resampler(size_t up, size_t down, size_t lanes);
  void Restart();
  void Emit(uint64_t outputs, std::vector<double>& out);

  size_t up_;
  size_t down_;
  size_t lanes_;
  size_t delay_ = 0;  ///< of the taps, on the grid of up_ times the input's rate
  size_t phase_taps_ = 0;
  std::vector<double> taps_;    ///< [phase][phase_taps_], for RunPolyphase
  std::vector<double> frames_;  ///< from the oldest that is needed on
  uint64_t first_frame_ = 0;    ///< index of the first frame there, zeros before the input included
  uint64_t received_ = 0;
  uint64_t emitted_ = 0;
};

/// The whole of `samples`: ceil(n * up / down) outputs.
/// Error kInvalid for a factor of 0, an empty or a non-finite input.
base::Result<std::vector<double>> Resample(std::span<const double> samples, size_t up, size_t down);
/// The same for channels of one length, eight at a time in vector lanes. Errors as Resample.
/// Requires: as many outputs as inputs, each as long as ResampledLength says.
base::Result<void> ResampleAll(std::span<const std::span<const double>> inputs, size_t up,
                               size_t down, std::span<const std::span<double>> outputs);
/// ceil(samples * up / down). Requires: down > 0.
uint64_t ResampledLength(uint64_t samples, size_t up, size_t down);

}  // namespace montage::signal
