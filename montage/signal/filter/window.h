#pragma once
// Window functions (Harris 1978).

#include <cstddef>
#include <vector>

namespace montage::signal {

/// Whether a window repeats with its length (for spectra) or ends at its last point (for filters).
enum class Symmetry { kPeriodic, kSymmetric };

std::vector<double> Hann(size_t length, Symmetry symmetry);
std::vector<double> Hamming(size_t length, Symmetry symmetry);
/// Kaiser 1974: I0(beta sqrt(1 - r^2)) / I0(beta).
std::vector<double> Kaiser(size_t length, double beta);

}  // namespace montage::signal
