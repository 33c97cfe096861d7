#pragma once
// Finite impulse response filters by the window method, and resampling with them. Conventions and
// numbers are those of scipy.signal firwin, upfirdn and resample_poly.

#include <cstddef>
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

/// `samples` at rate * up / down: ceil(n * up / down) samples with no delay, zeros assumed outside,
/// anti-aliased by a Kaiser window (beta 5) of 2 * 10 * max(up, down) + 1 taps.
/// Error kInvalid for a factor of 0, an empty or a non-finite input.
base::Result<std::vector<double>> Resample(std::span<const double> samples, size_t up, size_t down);

}  // namespace montage::signal
