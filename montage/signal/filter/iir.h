#pragma once
// Recursive filters as cascades of second-order sections: design, streaming and zero-phase use.
// The conventions are SciPy's (iirnotch, sosfilt, sosfilt_zi, sosfiltfilt), so that the
// numbers agree with scipy.signal on the same input.

#include <cstddef>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "lib/base/result.h"

namespace montage::signal {

/// One section, H(z) = (b0 + b1/z + b2/z^2) / (1 + a1/z + a2/z^2).
struct Biquad {
  double b0 = 1, b1 = 0, b2 = 0, a1 = 0, a2 = 0;
};
using Sections = std::vector<Biquad>;

enum class Band { kLowPass, kHighPass, kBandPass, kBandStop };

/// Edges of a filter in Hz. Low- and high-pass use `low` only.
struct Edges {
  double low = 0;
  double high = 0;
};

// What a filter is best at, with its parameters. Edges are where the gain leaves:

/// the flattest pass band; -3 dB.
struct ButterworthShape {};
/// a pass band that ripples between 0 and -ripple_db, the steeper for it; -ripple_db.
struct ChebyshevShape {
  double ripple_db;  ///< (0, 20]
};
/// a stop band that ripples below -attenuation_db; it begins at the edges.
struct InverseChebyshevShape {
  double attenuation_db;  ///< (0, 200]
};
/// both ripples and the narrowest transition of an order; -ripple_db.
struct EllipticShape {
  double ripple_db;       ///< (0, 20]
  double attenuation_db;  ///< (ripple_db, 200]
};
/// the most constant group delay of low frequencies, so the least overshoot; the edge is where the
/// phase is midway, as that of a Butterworth filter (SciPy's norm="phase"), not -3 dB.
struct BesselShape {};
using IirShape = std::variant<ButterworthShape, ChebyshevShape, InverseChebyshevShape,
                              EllipticShape, BesselShape>;

/// Digital filter by bilinear transform with prewarping (Oppenheim, Schafer 1989, section 7.1) of
/// an analogue prototype of order 1 to 16: band filters have twice as many poles. Responses are
/// those of scipy.signal butter, cheby1, cheby2, ellip and bessel; sections are paired and ordered
/// differently. Error kInvalid when an edge is not inside (0, rate / 2), the edges are not
/// ascending, a parameter is out of its range, or double precision cannot hold the filter.
base::Result<Sections> IirDesign(const IirShape& shape, int order, Band band, Edges edges,
                                 double rate_hz);
/// IirDesign of the shape that needs no parameter and suits most.
base::Result<Sections> Butterworth(int order, Band band, Edges edges, double rate_hz);

/// Second-order notch at `hz` with -3 dB bandwidth hz / quality (Orfanidis 1996, section 11.3).
base::Result<Sections> Notch(double hz, double quality, double rate_hz);

/// |H| at `hz`; for reports and tests.
double GainAt(std::span<const Biquad> sections, double hz, double rate_hz);

/// Causal filter that keeps its state between calls: any split of the input into calls gives the
/// same samples, bit for bit. `lanes` sequences run at once; sample j of lane l at j * lanes + l.
/// Eight lanes cost about as much as one.
class SosFilter {
 public:
  explicit SosFilter(std::span<const Biquad> sections, size_t lanes = 1);
  ~SosFilter();
  SosFilter(SosFilter&&) noexcept;
  SosFilter& operator=(SosFilter&&) noexcept;

  /// Error kInvalid, with the state unchanged, when a sample is not finite.
  /// Requires: samples.size() a multiple of lanes.
  base::Result<void> Process(std::span<double> samples);
  /// Zero state.
  void Reset();
  /// The state of a constant input level[l] for ever (scipy.signal.sosfilt_zi).
  void Settle(std::span<const double> level);

 private:
  struct Lanes;

  size_t lane_count_;
  std::unique_ptr<Lanes> lanes_;
};

/// Samples that zero-phase filtering extends each end by; input must be longer (SciPy's rule:
/// 3 * (2 * sections + 1 - first-order sections)).
size_t ZeroPhasePadding(std::span<const Biquad> sections);

/// Forward and backward in place with odd extension, as scipy.signal.sosfiltfilt.
/// Error kInvalid for non-finite samples or an input not longer than ZeroPhasePadding.
base::Result<void> FilterZeroPhase(std::span<const Biquad> sections, std::span<double> samples);
/// The same for many channels of one length, eight at a time in vector lanes. No channel is changed
/// when one of them is refused. A channel's samples do not depend on its neighbours, bit for bit,
/// so threads may share the work by filtering channels of their own.
base::Result<void> FilterZeroPhase(std::span<const Biquad> sections,
                                   std::span<const std::span<double>> channels);
/// The same, to outputs that are the inputs themselves or apart from them. What outputs apart from
/// their inputs hold after an error is unspecified. Error kInvalid also when what is filtered
/// leaves the range of numbers, which changes the outputs. Requires: as many outputs as inputs, all
/// of one length.
base::Result<void> FilterZeroPhase(std::span<const Biquad> sections,
                                   std::span<const std::span<const double>> inputs,
                                   std::span<const std::span<double>> outputs);

}  // namespace montage::signal
