#pragma once
// How rough a signal is over scales: fractal dimensions of its graph and the exponent of its
// fluctuations. Conventions are those of antropy, whose numbers these agree with.
//
// All refuse non-finite samples (kInvalid, naming the index).

#include <cstddef>
#include <span>

#include "lib/base/result.h"

namespace montage::signal {

/// Higuchi 1988: slope of log L(k) on log(1/k), k = 1..largest_step, L(k) the mean length of the
/// graph through every k-th sample. 1 for a line, 2 for white noise.
/// Error kInvalid: largest_step < 2, fewer than 2 * largest_step samples, or a length of 0 (the
/// signal is constant or repeats every k samples).
base::Result<double> HiguchiDimension(std::span<const double> samples, size_t largest_step = 10);

/// Petrosian 1995: log n / (log n + log(n / (n + 0.4 c))), c the changes of sign of the first
/// difference; a difference of 0 counts as positive. At least 1.
/// Error kInvalid: fewer than 3 samples.
base::Result<double> PetrosianDimension(std::span<const double> samples);

/// Katz 1988: log(L / a) / log(d / a), L the sum and a the mean of |x[i] - x[i-1]|, d the largest
/// distance from the first sample. Distances are of amplitude only, as in antropy; Katz measured in
/// the plane of time and amplitude, which depends on their units.
/// Error kInvalid: fewer than 3 samples, or d = a or 0, where it is undefined.
base::Result<double> KatzDimension(std::span<const double> samples);

/// Detrended fluctuation analysis (Peng et al. 1994): the exponent alpha of F(n) ~ n^alpha, where F
/// is the root mean square of the summed signal about a line fitted in each window of n samples.
/// Windows do not overlap and start at the first sample; n grows by 1.2 from 4 to a tenth of the
/// length (nolds, antropy). 0.5 for white noise, 1 for 1/f noise, 1.5 for a random walk.
/// Error kInvalid: fewer than 58 samples (two window lengths), or fewer than two lengths where F is
/// not 0 (a constant).
base::Result<double> DetrendedFluctuation(std::span<const double> samples);

}  // namespace montage::signal
