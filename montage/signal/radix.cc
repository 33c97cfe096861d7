#include "montage/signal/radix.h"

#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "montage/signal/simd.h"

namespace montage::signal {

std::pair<double, double> UnitRoot(size_t numerator, size_t denominator) {
  const size_t turn = numerator % denominator;
  if (turn == 0) return {1.0, 0.0};
  if (2 * turn == denominator) return {-1.0, 0.0};
  if (4 * turn == denominator) return {0.0, -1.0};
  if (4 * turn == 3 * denominator) return {0.0, 1.0};
  const double angle =
      2.0 * std::numbers::pi * static_cast<double>(turn) / static_cast<double>(denominator);
  return {std::cos(angle), -std::sin(angle)};
}

MONTAGE_SIMD_CLONES void Radix2(const Planes& planes, size_t groups, size_t stride,
                                const double* twiddles) {
  for (size_t p = 0; p < groups; ++p) {
    const double w_real = twiddles[2 * p];
    const double w_imaginary = twiddles[2 * p + 1];
    const double* __restrict a_real = planes.in_real + stride * p;
    const double* __restrict a_imaginary = planes.in_imaginary + stride * p;
    const double* __restrict b_real = a_real + stride * groups;
    const double* __restrict b_imaginary = a_imaginary + stride * groups;
    double* __restrict y_real = planes.out_real + stride * 2 * p;
    double* __restrict y_imaginary = planes.out_imaginary + stride * 2 * p;
    MONTAGE_SIMD_LOOP
    for (size_t q = 0; q < stride; ++q) {
      const double d_real = a_real[q] - b_real[q];
      const double d_imaginary = a_imaginary[q] - b_imaginary[q];
      y_real[q] = a_real[q] + b_real[q];
      y_imaginary[q] = a_imaginary[q] + b_imaginary[q];
      y_real[q + stride] = d_real * w_real - d_imaginary * w_imaginary;
      y_imaginary[q + stride] = d_real * w_imaginary + d_imaginary * w_real;
    }
  }
}

MONTAGE_SIMD_CLONES void Radix4(const Planes& planes, size_t groups, size_t stride,
                                const double* twiddles) {
  const size_t quarter = stride * groups;
  for (size_t p = 0; p < groups; ++p) {
    const double* w = twiddles + 6 * p;
    const double w1_real = w[0], w1_imaginary = w[1], w2_real = w[2];
    const double w2_imaginary = w[3], w3_real = w[4], w3_imaginary = w[5];
    const double* __restrict x_real = planes.in_real + stride * p;
    const double* __restrict x_imaginary = planes.in_imaginary + stride * p;
    double* __restrict y_real = planes.out_real + stride * 4 * p;
    double* __restrict y_imaginary = planes.out_imaginary + stride * 4 * p;
    MONTAGE_SIMD_LOOP
    for (size_t q = 0; q < stride; ++q) {
      const double even_real = x_real[q] + x_real[q + 2 * quarter];
      const double even_imaginary = x_imaginary[q] + x_imaginary[q + 2 * quarter];
      const double even_d_real = x_real[q] - x_real[q + 2 * quarter];
      const double even_d_imaginary = x_imaginary[q] - x_imaginary[q + 2 * quarter];
      const double odd_real = x_real[q + quarter] + x_real[q + 3 * quarter];
      const double odd_imaginary = x_imaginary[q + quarter] + x_imaginary[q + 3 * quarter];
      const double odd_d_real = x_real[q + quarter] - x_real[q + 3 * quarter];
      const double odd_d_imaginary = x_imaginary[q + quarter] - x_imaginary[q + 3 * quarter];
      const double s1_real = even_d_real + odd_d_imaginary;
      const double s1_imaginary = even_d_imaginary - odd_d_real;
      const double s2_real = even_real - odd_real;
      const double s2_imaginary = even_imaginary - odd_imaginary;
      const double s3_real = even_d_real - odd_d_imaginary;
      const double s3_imaginary = even_d_imaginary + odd_d_real;
      y_real[q] = even_real + odd_real;
      y_imaginary[q] = even_imaginary + odd_imaginary;
      y_real[q + stride] = s1_real * w1_real - s1_imaginary * w1_imaginary;
      y_imaginary[q + stride] = s1_real * w1_imaginary + s1_imaginary * w1_real;
      y_real[q + 2 * stride] = s2_real * w2_real - s2_imaginary * w2_imaginary;
      y_imaginary[q + 2 * stride] = s2_real * w2_imaginary + s2_imaginary * w2_real;
      y_real[q + 3 * stride] = s3_real * w3_real - s3_imaginary * w3_imaginary;
      y_imaginary[q + 3 * stride] = s3_real * w3_imaginary + s3_imaginary * w3_real;
    }
  }
}

/// Radix 3: X1,2 = a - s/2 -+ i sin(60) d with s and d the sum and difference of the other two.
MONTAGE_SIMD_CLONES void Radix3(const Planes& planes, size_t groups, size_t stride,
                                const double* twiddles) {
  constexpr double kSin = std::numbers::sqrt3 / 2.0;
  const size_t third = stride * groups;
  for (size_t p = 0; p < groups; ++p) {
    const double* w = twiddles + 4 * p;
    const double w1_real = w[0], w1_imaginary = w[1], w2_real = w[2], w2_imaginary = w[3];
    const double* __restrict x_real = planes.in_real + stride * p;
    const double* __restrict x_imaginary = planes.in_imaginary + stride * p;
    double* __restrict y_real = planes.out_real + stride * 3 * p;
    double* __restrict y_imaginary = planes.out_imaginary + stride * 3 * p;
    MONTAGE_SIMD_LOOP
    for (size_t q = 0; q < stride; ++q) {
      const double s_real = x_real[q + third] + x_real[q + 2 * third];
      const double s_imaginary = x_imaginary[q + third] + x_imaginary[q + 2 * third];
      const double d_real = kSin * (x_real[q + third] - x_real[q + 2 * third]);
      const double d_imaginary = kSin * (x_imaginary[q + third] - x_imaginary[q + 2 * third]);
      const double m_real = x_real[q] - 0.5 * s_real;
      const double m_imaginary = x_imaginary[q] - 0.5 * s_imaginary;
      const double a_real = m_real + d_imaginary, a_imaginary = m_imaginary - d_real;
      const double b_real = m_real - d_imaginary, b_imaginary = m_imaginary + d_real;
      y_real[q] = x_real[q] + s_real;
      y_imaginary[q] = x_imaginary[q] + s_imaginary;
      y_real[q + stride] = a_real * w1_real - a_imaginary * w1_imaginary;
      y_imaginary[q + stride] = a_real * w1_imaginary + a_imaginary * w1_real;
      y_real[q + 2 * stride] = b_real * w2_real - b_imaginary * w2_imaginary;
      y_imaginary[q + 2 * stride] = b_real * w2_imaginary + b_imaginary * w2_real;
    }
  }
}

/// Radix 5 by the two symmetric and two antisymmetric pairs of inputs.
MONTAGE_SIMD_CLONES void Radix5(const Planes& planes, size_t groups, size_t stride,
                                const double* twiddles) {
  constexpr double kCos1 = 0.30901699437494742410, kCos2 = -0.80901699437494742410;
  constexpr double kSin1 = 0.95105651629515357212, kSin2 = 0.58778525229247312917;
  const size_t fifth = stride * groups;
  for (size_t p = 0; p < groups; ++p) {
    const double* w = twiddles + 8 * p;
    const double* __restrict x_real = planes.in_real + stride * p;
    const double* __restrict x_imaginary = planes.in_imaginary + stride * p;
    double* __restrict y_real = planes.out_real + stride * 5 * p;
    double* __restrict y_imaginary = planes.out_imaginary + stride * 5 * p;
    MONTAGE_SIMD_LOOP
    for (size_t q = 0; q < stride; ++q) {
      const double s1_real = x_real[q + fifth] + x_real[q + 4 * fifth];
      const double s1_imaginary = x_imaginary[q + fifth] + x_imaginary[q + 4 * fifth];
      const double d1_real = x_real[q + fifth] - x_real[q + 4 * fifth];
      const double d1_imaginary = x_imaginary[q + fifth] - x_imaginary[q + 4 * fifth];
      const double s2_real = x_real[q + 2 * fifth] + x_real[q + 3 * fifth];
      const double s2_imaginary = x_imaginary[q + 2 * fifth] + x_imaginary[q + 3 * fifth];
      const double d2_real = x_real[q + 2 * fifth] - x_real[q + 3 * fifth];
      const double d2_imaginary = x_imaginary[q + 2 * fifth] - x_imaginary[q + 3 * fifth];
      const double m1_real = x_real[q] + kCos1 * s1_real + kCos2 * s2_real;
      const double m1_imaginary = x_imaginary[q] + kCos1 * s1_imaginary + kCos2 * s2_imaginary;
      const double m2_real = x_real[q] + kCos2 * s1_real + kCos1 * s2_real;
      const double m2_imaginary = x_imaginary[q] + kCos2 * s1_imaginary + kCos1 * s2_imaginary;
      const double n1_real = kSin1 * d1_real + kSin2 * d2_real;
      const double n1_imaginary = kSin1 * d1_imaginary + kSin2 * d2_imaginary;
      const double n2_real = kSin2 * d1_real - kSin1 * d2_real;
      const double n2_imaginary = kSin2 * d1_imaginary - kSin1 * d2_imaginary;
      const double a_real = m1_real + n1_imaginary, a_imaginary = m1_imaginary - n1_real;
      const double b_real = m2_real + n2_imaginary, b_imaginary = m2_imaginary - n2_real;
      const double c_real = m2_real - n2_imaginary, c_imaginary = m2_imaginary + n2_real;
      const double e_real = m1_real - n1_imaginary, e_imaginary = m1_imaginary + n1_real;
      y_real[q] = x_real[q] + s1_real + s2_real;
      y_imaginary[q] = x_imaginary[q] + s1_imaginary + s2_imaginary;
      y_real[q + stride] = a_real * w[0] - a_imaginary * w[1];
      y_imaginary[q + stride] = a_real * w[1] + a_imaginary * w[0];
      y_real[q + 2 * stride] = b_real * w[2] - b_imaginary * w[3];
      y_imaginary[q + 2 * stride] = b_real * w[3] + b_imaginary * w[2];
      y_real[q + 3 * stride] = c_real * w[4] - c_imaginary * w[5];
      y_imaginary[q + 3 * stride] = c_real * w[5] + c_imaginary * w[4];
      y_real[q + 4 * stride] = e_real * w[6] - e_imaginary * w[7];
      y_imaginary[q + 4 * stride] = e_real * w[7] + e_imaginary * w[6];
    }
  }
}

MONTAGE_SIMD_CLONES void Radix4First(const Planes& planes, size_t groups,
                                     const double* __restrict twiddles) {
  const double* __restrict x_real = planes.in_real;
  const double* __restrict x_imaginary = planes.in_imaginary;
  double* __restrict y_real = planes.out_real;
  double* __restrict y_imaginary = planes.out_imaginary;
  MONTAGE_SIMD_LOOP
  for (size_t p = 0; p < groups; ++p) {
    const double* w = twiddles + 6 * p;
    const double even_real = x_real[p] + x_real[p + 2 * groups];
    const double even_imaginary = x_imaginary[p] + x_imaginary[p + 2 * groups];
    const double even_d_real = x_real[p] - x_real[p + 2 * groups];
    const double even_d_imaginary = x_imaginary[p] - x_imaginary[p + 2 * groups];
    const double odd_real = x_real[p + groups] + x_real[p + 3 * groups];
    const double odd_imaginary = x_imaginary[p + groups] + x_imaginary[p + 3 * groups];
    const double odd_d_real = x_real[p + groups] - x_real[p + 3 * groups];
    const double odd_d_imaginary = x_imaginary[p + groups] - x_imaginary[p + 3 * groups];
    const double s1_real = even_d_real + odd_d_imaginary;
    const double s1_imaginary = even_d_imaginary - odd_d_real;
    const double s2_real = even_real - odd_real;
    const double s2_imaginary = even_imaginary - odd_imaginary;
    const double s3_real = even_d_real - odd_d_imaginary;
    const double s3_imaginary = even_d_imaginary + odd_d_real;
    y_real[4 * p] = even_real + odd_real;
    y_imaginary[4 * p] = even_imaginary + odd_imaginary;
    y_real[4 * p + 1] = s1_real * w[0] - s1_imaginary * w[1];
    y_imaginary[4 * p + 1] = s1_real * w[1] + s1_imaginary * w[0];
    y_real[4 * p + 2] = s2_real * w[2] - s2_imaginary * w[3];
    y_imaginary[4 * p + 2] = s2_real * w[3] + s2_imaginary * w[2];
    y_real[4 * p + 3] = s3_real * w[4] - s3_imaginary * w[5];
    y_imaginary[4 * p + 3] = s3_real * w[5] + s3_imaginary * w[4];
  }
}

void RadixAny(const Planes& planes, size_t radix, size_t groups, size_t stride,
              const double* twiddles) {
  std::array<std::pair<double, double>, kLargestRadix> roots;
  for (size_t k = 0; k < radix; ++k) roots[k] = UnitRoot(k, radix);
  std::array<double, kLargestRadix> a_real{};
  std::array<double, kLargestRadix> a_imaginary{};
  for (size_t p = 0; p < groups; ++p) {
    const double* w = twiddles + 2 * (radix - 1) * p;
    for (size_t q = 0; q < stride; ++q) {
      for (size_t k = 0; k < radix; ++k) {
        a_real[k] = planes.in_real[q + stride * (p + groups * k)];
        a_imaginary[k] = planes.in_imaginary[q + stride * (p + groups * k)];
      }
      for (size_t j = 0; j < radix; ++j) {
        double real = 0;
        double imaginary = 0;
        for (size_t k = 0; k < radix; ++k) {
          const auto [c, s] = roots[j * k % radix];
          real += a_real[k] * c - a_imaginary[k] * s;
          imaginary += a_real[k] * s + a_imaginary[k] * c;
        }
        const double w_real = j == 0 ? 1.0 : w[2 * (j - 1)];
        const double w_imaginary = j == 0 ? 0.0 : w[2 * (j - 1) + 1];
        planes.out_real[q + stride * (radix * p + j)] = real * w_real - imaginary * w_imaginary;
        planes.out_imaginary[q + stride * (radix * p + j)] =
            real * w_imaginary + imaginary * w_real;
      }
    }
  }
}

}  // namespace montage::signal
