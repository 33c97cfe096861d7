#pragma once
// Complexity of a signal as a sequence of symbols, and its nonlinear energy.
//
// Both refuse non-finite samples (kInvalid, naming the index).

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/base/result.h"

namespace montage::signal {

/// Words in the exhaustive history of a binary sequence (Lempel, Ziv 1976): each the shortest that
/// has not occurred before. The count of Kaspar and Schuster (1987) and antropy.lziv_complexity, in
/// linear time. `symbols` are 0 or not 0. 0 for an empty sequence.
size_t LempelZivWords(std::span<const uint8_t> symbols);

/// LempelZivWords of "above the median", over n / log2 n, which it tends to for a fair coin: near 0
/// for regular signals, near 1 for noise (Zhang, Roy, Jensen 2001).
/// Error kInvalid: fewer than 2 samples.
base::Result<double> LempelZivComplexity(std::span<const double> samples);

/// Teager-Kaiser energy x[i]^2 - x[i-1] x[i+1] of the samples between the ends, in unit^2 (Kaiser
/// 1990): about (amplitude * 2 pi frequency / rate)^2 for a slow sinusoid. May be negative.
/// Requires: energy two shorter than samples, which number at least 2.
void TeagerEnergy(std::span<const double> samples, std::span<double> energy);

/// Mean of TeagerEnergy, the nonlinear energy of a window. Error kInvalid: fewer than 3 samples.
base::Result<double> NonlinearEnergy(std::span<const double> samples);

}  // namespace montage::signal
