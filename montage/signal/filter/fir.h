#pragma once
// Finite impulse response filters: design by the window method, streaming and zero-phase use.
// Conventions and numbers are those of scipy.signal firwin and lfilter, and of MNE's default
// filter.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/filter/iir.h"

namespace montage::signal {

/// Linear-phase filter of window.size() taps, scaled to gain 1 at the centre of its pass band
/// (0 Hz for low-pass and band-stop, half the rate for high-pass). High-pass and band-stop need an
/// odd number of taps. Error kInvalid otherwise.
base::Result<std::vector<double>> FirDesign(Band band, Edges edges, double rate_hz,
                                            std::span<const double> window);

/// The design that MNE chooses when only edges are given (mne.filter.create_filter, fir_design
/// "firwin"; Widmann, Schroeger, Maess 2015): a Hamming window, -6 dB in the middle of transitions
/// of min(max(low / 4, 2), low) Hz below and min(max(high / 4, 2), rate / 2 - high) Hz above the
/// pass band, and 3.3 / narrower transition seconds of taps, rounded up to an odd number. For a
/// band-stop the edges are those of the pass bands and the transitions lie between them.
/// Error kInvalid: edges as FirDesign, or transitions of a band-stop that overlap.
base::Result<std::vector<double>> DefaultFir(Band band, Edges edges, double rate_hz);

/// Causal filter that keeps its past between calls: any split of the input into calls gives the
/// same samples, bit for bit. `lanes` sequences run at once; sample j of lane l at j * lanes + l.
class FirFilter {
 public:
  /// Requires: taps not empty, lanes > 0.
  explicit FirFilter(std::span<const double> taps, size_t lanes = 1);

  /// Of a filter with symmetric taps: output j is about what input j - delay was.
  double delay_samples() const { return 0.5 * static_cast<double>(taps_.size() - 1); }
  /// In place. Error kInvalid, with the state unchanged, when a sample is not finite.
  /// Requires: samples.size() a multiple of lanes.
  base::Result<void> Process(std::span<double> samples);
  /// Zeros before the next sample.
  void Reset();

 private:
  size_t lanes_;
  std::vector<double> taps_;     ///< last first
  std::vector<double> history_;  ///< taps_.size() - 1 frames, then a block
};

/// Symmetric filter without delay, by overlapping transforms of two channels as one complex
/// sequence. The ends are extended as MNE does (pad="reflect_limited"): odd reflections of at most
/// taps - 1 or, if fewer, all samples but one, then zeros.
/// Error kInvalid for an even number of taps, taps that are not symmetric, or an empty or a
/// non-finite channel; no channel is changed then.
/// Requires: as many outputs as inputs, all of one length; an output is its input or apart from
/// all.
base::Result<void> FilterZeroPhase(std::span<const double> taps,
                                   std::span<const std::span<const double>> inputs,
                                   std::span<const std::span<double>> outputs);

}  // namespace montage::signal
