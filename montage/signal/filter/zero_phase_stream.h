#pragma once
// Zero-phase recursive filtering of signals that do not fit in memory.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/filter/cascade.h"
#include "montage/signal/filter/iir.h"

namespace montage::signal {

/// FilterZeroPhase of one channel that arrives in pieces.
///
///     forward pass, exact:    ................................>
///     backward pass of a chunk:        <====== chunk <- overlap
///
/// The backward pass of a chunk begins `overlap` samples after it, as if the forward pass kept its
/// last value from there on. What it should have seen instead weighs at most the sum of |h[k]| over
/// k >= overlap, h being the impulse response, so a sample differs from FilterZeroPhase by at most
///
///     tolerance * largest magnitude of the forward pass
///
/// if the overlap is chosen to make twice that sum at most the tolerance; Make does. The last chunk
/// has no such error. Chunks lie at multiples of their length, so any split of the input into calls
/// gives the same samples, bit for bit. Memory: ten overlaps, or two and 8192 samples if that is
/// more, whatever the length of the signal.
class ZeroPhaseStream {
 public:
  static constexpr double kTolerance = 1e-12;
  /// The longest overlap: 128 MiB of samples.
  static constexpr size_t kLongestOverlap = size_t{1} << 22;

  /// Error kInvalid when the sections are unstable or remember longer than kLongestOverlap.
  static base::Result<ZeroPhaseStream> Make(std::span<const Biquad> sections,
                                            double tolerance = kTolerance);

  /// Samples after a chunk that its backward pass begins with; outputs lag by at most five times as
  /// many.
  size_t overlap() const { return overlap_; }
  /// Appends the samples that are ready. Error kInvalid, with the state unchanged, when a sample is
  /// not finite.
  base::Result<void> Push(std::span<const double> samples, std::vector<double>& out);
  /// Appends the rest and starts afresh. Error kInvalid when fewer samples came than
  /// FilterZeroPhase needs.
  base::Result<void> Finish(std::vector<double>& out);

 private:
  ZeroPhaseStream(std::span<const Biquad> sections, size_t overlap);
  void Begin();
  void Advance(std::span<const double> samples);
  void EmitChunks(std::vector<double>& out);

  Cascade cascade_;
  size_t padding_;
  size_t overlap_;
  size_t chunk_;
  bool begun_ = false;
  std::vector<double> state_;
  std::vector<double> head_;     ///< samples until there are enough to extend the beginning
  std::vector<double> tail_;     ///< the last padding_ + 1 samples, which extend the end
  std::vector<double> forward_;  ///< outputs of the forward pass from the next chunk on
  std::vector<double> work_;
};

}  // namespace montage::signal
