#pragma once
// What every spectrum over segments does with one of them. Internal to this folder.

#include <span>

namespace montage::signal {

/// (samples - their mean) * window to `frame`, all of one length. The mean is taken in the time
/// domain, so that an offset far above the signal costs no digits.
void TaperSegment(std::span<const double> samples, std::span<const double> window, double* frame);

/// Adds real^2 + imaginary^2 to the sums.
void AddPower(std::span<const double> real, std::span<const double> imaginary, double* sums);

double SumOfSquares(std::span<const double> values);

/// Factor of |X|^2 (or X Y) in a one-sided density; the first and last bin have no mirror image.
double DensityScale(size_t bin, size_t length, double base_scale);

}  // namespace montage::signal
