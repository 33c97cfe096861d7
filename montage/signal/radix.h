#pragma once
// The butterflies of Fft: one stage of a Stockham transform each. Internal to this folder.
//
// With n = radix * groups the length that is left, sub-transform q of `stride` interleaved ones
// reads in[q + stride * (p + groups * k)] and writes out[q + stride * (radix * p + j)], times the
// twiddle exp(-2 pi i j p / n). Twiddles are cos, sin of [p][j = 1..radix-1].

#include <cstddef>
#include <utility>

namespace montage::signal {

inline constexpr size_t kLargestRadix = 13;

/// Input and output of one stage, split into real and imaginary parts.
struct Planes {
  const double* __restrict in_real;
  const double* __restrict in_imaginary;
  double* __restrict out_real;
  double* __restrict out_imaginary;
};

/// cos and sin of -2 pi numerator / denominator; reduced first, so that it is exact at the axes.
std::pair<double, double> UnitRoot(size_t numerator, size_t denominator);

void Radix2(const Planes& planes, size_t groups, size_t stride, const double* twiddles);
void Radix3(const Planes& planes, size_t groups, size_t stride, const double* twiddles);
void Radix4(const Planes& planes, size_t groups, size_t stride, const double* twiddles);
void Radix5(const Planes& planes, size_t groups, size_t stride, const double* twiddles);
/// Radix 4 at stride 1, the first stage of one lane: the loop runs over the groups instead.
void Radix4First(const Planes& planes, size_t groups, const double* twiddles);
/// Any radix up to kLargestRadix, by its definition.
void RadixAny(const Planes& planes, size_t radix, size_t groups, size_t stride,
              const double* twiddles);

}  // namespace montage::signal
