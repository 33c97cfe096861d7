#include "montage/signal/radix.h"

#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

/// Four columns at once; arithmetic is column by column, so results do not depend on the vector
/// unit.
using Quad [[gnu::vector_size(32)]] = double;
constexpr size_t kQuad = 4;

}  // namespace

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

/// Columns q to q + width of one group.
template <typename V>
[[gnu::always_inline]] inline void Radix2At(const double* __restrict x_real,
                                            const double* __restrict x_imaginary,
                                            double* __restrict y_real,
                                            double* __restrict y_imaginary, size_t part,
                                            size_t stride, const double* w, size_t q) {
  const V d_real = In<V>(x_real + q).v - In<V>(x_real + q + part).v;
  const V d_imaginary = In<V>(x_imaginary + q).v - In<V>(x_imaginary + q + part).v;
  Out<V>(y_real + q).v = In<V>(x_real + q).v + In<V>(x_real + q + part).v;
  Out<V>(y_imaginary + q).v = In<V>(x_imaginary + q).v + In<V>(x_imaginary + q + part).v;
  Out<V>(y_real + q + stride).v = d_real * w[0] - d_imaginary * w[1];
  Out<V>(y_imaginary + q + stride).v = d_real * w[1] + d_imaginary * w[0];
}

MONTAGE_SIMD_CLONES void Radix2(const Planes& planes, size_t groups, size_t stride,
                                const double* twiddles) {
  const size_t part = stride * groups;
  for (size_t p = 0; p < groups; ++p) {
    const double* w = twiddles + 2 * p;
    const double* x_real = planes.in_real + stride * p;
    const double* x_imaginary = planes.in_imaginary + stride * p;
    double* y_real = planes.out_real + stride * 2 * p;
    double* y_imaginary = planes.out_imaginary + stride * 2 * p;
    size_t q = 0;
    for (; q + kQuad <= stride; q += kQuad) {
      Radix2At<Quad>(x_real, x_imaginary, y_real, y_imaginary, part, stride, w, q);
    }
    for (; q < stride; ++q) {
      Radix2At<double>(x_real, x_imaginary, y_real, y_imaginary, part, stride, w, q);
    }
  }
}

/// Columns q to q + width of one group.
template <typename V>
[[gnu::always_inline]] inline void Radix4At(const double* __restrict x_real,
                                            const double* __restrict x_imaginary,
                                            double* __restrict y_real,
                                            double* __restrict y_imaginary, size_t part,
                                            size_t stride, const double* w, size_t q) {
  const V even_real = In<V>(x_real + q).v + In<V>(x_real + q + 2 * part).v;
  const V even_imaginary = In<V>(x_imaginary + q).v + In<V>(x_imaginary + q + 2 * part).v;
  const V even_d_real = In<V>(x_real + q).v - In<V>(x_real + q + 2 * part).v;
  const V even_d_imaginary = In<V>(x_imaginary + q).v - In<V>(x_imaginary + q + 2 * part).v;
  const V odd_real = In<V>(x_real + q + part).v + In<V>(x_real + q + 3 * part).v;
  const V odd_imaginary = In<V>(x_imaginary + q + part).v + In<V>(x_imaginary + q + 3 * part).v;
  const V odd_d_real = In<V>(x_real + q + part).v - In<V>(x_real + q + 3 * part).v;
  const V odd_d_imaginary = In<V>(x_imaginary + q + part).v - In<V>(x_imaginary + q + 3 * part).v;
  const V s1_real = even_d_real + odd_d_imaginary;
  const V s1_imaginary = even_d_imaginary - odd_d_real;
  const V s2_real = even_real - odd_real;
  const V s2_imaginary = even_imaginary - odd_imaginary;
  const V s3_real = even_d_real - odd_d_imaginary;
  const V s3_imaginary = even_d_imaginary + odd_d_real;
  Out<V>(y_real + q).v = even_real + odd_real;
  Out<V>(y_imaginary + q).v = even_imaginary + odd_imaginary;
  Out<V>(y_real + q + stride).v = s1_real * w[0] - s1_imaginary * w[1];
  Out<V>(y_imaginary + q + stride).v = s1_real * w[1] + s1_imaginary * w[0];
  Out<V>(y_real + q + 2 * stride).v = s2_real * w[2] - s2_imaginary * w[3];
  Out<V>(y_imaginary + q + 2 * stride).v = s2_real * w[3] + s2_imaginary * w[2];
  Out<V>(y_real + q + 3 * stride).v = s3_real * w[4] - s3_imaginary * w[5];
  Out<V>(y_imaginary + q + 3 * stride).v = s3_real * w[5] + s3_imaginary * w[4];
}

MONTAGE_SIMD_CLONES void Radix4(const Planes& planes, size_t groups, size_t stride,
                                const double* twiddles) {
  const size_t part = stride * groups;
  for (size_t p = 0; p < groups; ++p) {
    const double* w = twiddles + 6 * p;
    const double* x_real = planes.in_real + stride * p;
    const double* x_imaginary = planes.in_imaginary + stride * p;
    double* y_real = planes.out_real + stride * 4 * p;
    double* y_imaginary = planes.out_imaginary + stride * 4 * p;
    size_t q = 0;
    for (; q + kQuad <= stride; q += kQuad) {
      Radix4At<Quad>(x_real, x_imaginary, y_real, y_imaginary, part, stride, w, q);
    }
    for (; q < stride; ++q) {
      Radix4At<double>(x_real, x_imaginary, y_real, y_imaginary, part, stride, w, q);
    }
  }
}

/// Radix 3: X1,2 = a - s/2 -+ i sin(60) d with s and d the sum and difference of the other two.
/// Columns q to q + width of one group.
template <typename V>
[[gnu::always_inline]] inline void Radix3At(const double* __restrict x_real,
                                            const double* __restrict x_imaginary,
                                            double* __restrict y_real,
                                            double* __restrict y_imaginary, size_t part,
                                            size_t stride, const double* w, size_t q) {
  constexpr double kSin = std::numbers::sqrt3 / 2.0;
  const V s_real = In<V>(x_real + q + part).v + In<V>(x_real + q + 2 * part).v;
  const V s_imaginary = In<V>(x_imaginary + q + part).v + In<V>(x_imaginary + q + 2 * part).v;
  const V d_real = kSin * (In<V>(x_real + q + part).v - In<V>(x_real + q + 2 * part).v);
  const V d_imaginary =
      kSin * (In<V>(x_imaginary + q + part).v - In<V>(x_imaginary + q + 2 * part).v);
  const V m_real = In<V>(x_real + q).v - 0.5 * s_real;
  const V m_imaginary = In<V>(x_imaginary + q).v - 0.5 * s_imaginary;
  const V a_real = m_real + d_imaginary, a_imaginary = m_imaginary - d_real;
  const V b_real = m_real - d_imaginary, b_imaginary = m_imaginary + d_real;
  Out<V>(y_real + q).v = In<V>(x_real + q).v + s_real;
  Out<V>(y_imaginary + q).v = In<V>(x_imaginary + q).v + s_imaginary;
  Out<V>(y_real + q + stride).v = a_real * w[0] - a_imaginary * w[1];
  Out<V>(y_imaginary + q + stride).v = a_real * w[1] + a_imaginary * w[0];
  Out<V>(y_real + q + 2 * stride).v = b_real * w[2] - b_imaginary * w[3];
  Out<V>(y_imaginary + q + 2 * stride).v = b_real * w[3] + b_imaginary * w[2];
}

MONTAGE_SIMD_CLONES void Radix3(const Planes& planes, size_t groups, size_t stride,
                                const double* twiddles) {
  const size_t part = stride * groups;
  for (size_t p = 0; p < groups; ++p) {
    const double* w = twiddles + 4 * p;
    const double* x_real = planes.in_real + stride * p;
    const double* x_imaginary = planes.in_imaginary + stride * p;
    double* y_real = planes.out_real + stride * 3 * p;
    double* y_imaginary = planes.out_imaginary + stride * 3 * p;
    size_t q = 0;
    for (; q + kQuad <= stride; q += kQuad) {
      Radix3At<Quad>(x_real, x_imaginary, y_real, y_imaginary, part, stride, w, q);
    }
    for (; q < stride; ++q) {
      Radix3At<double>(x_real, x_imaginary, y_real, y_imaginary, part, stride, w, q);
    }
  }
}

/// Radix 5 by the two symmetric and two antisymmetric pairs of inputs.
/// Columns q to q + width of one group.
template <typename V>
[[gnu::always_inline]] inline void Radix5At(const double* __restrict x_real,
                                            const double* __restrict x_imaginary,
                                            double* __restrict y_real,
                                            double* __restrict y_imaginary, size_t part,
                                            size_t stride, const double* w, size_t q) {
  constexpr double kCos1 = 0.30901699437494742410, kCos2 = -0.80901699437494742410;
  constexpr double kSin1 = 0.95105651629515357212, kSin2 = 0.58778525229247312917;
  const V s1_real = In<V>(x_real + q + part).v + In<V>(x_real + q + 4 * part).v;
  const V s1_imaginary = In<V>(x_imaginary + q + part).v + In<V>(x_imaginary + q + 4 * part).v;
  const V d1_real = In<V>(x_real + q + part).v - In<V>(x_real + q + 4 * part).v;
  const V d1_imaginary = In<V>(x_imaginary + q + part).v - In<V>(x_imaginary + q + 4 * part).v;
  const V s2_real = In<V>(x_real + q + 2 * part).v + In<V>(x_real + q + 3 * part).v;
  const V s2_imaginary =
      In<V>(x_imaginary + q + 2 * part).v + In<V>(x_imaginary + q + 3 * part).v;
  const V d2_real = In<V>(x_real + q + 2 * part).v - In<V>(x_real + q + 3 * part).v;
  const V d2_imaginary =
      In<V>(x_imaginary + q + 2 * part).v - In<V>(x_imaginary + q + 3 * part).v;
  const V m1_real = In<V>(x_real + q).v + kCos1 * s1_real + kCos2 * s2_real;
  const V m1_imaginary = In<V>(x_imaginary + q).v + kCos1 * s1_imaginary + kCos2 * s2_imaginary;
  const V m2_real = In<V>(x_real + q).v + kCos2 * s1_real + kCos1 * s2_real;
  const V m2_imaginary = In<V>(x_imaginary + q).v + kCos2 * s1_imaginary + kCos1 * s2_imaginary;
  const V n1_real = kSin1 * d1_real + kSin2 * d2_real;
  const V n1_imaginary = kSin1 * d1_imaginary + kSin2 * d2_imaginary;
  const V n2_real = kSin2 * d1_real - kSin1 * d2_real;
  const V n2_imaginary = kSin2 * d1_imaginary - kSin1 * d2_imaginary;
  const V a_real = m1_real + n1_imaginary, a_imaginary = m1_imaginary - n1_real;
  const V b_real = m2_real + n2_imaginary, b_imaginary = m2_imaginary - n2_real;
  const V c_real = m2_real - n2_imaginary, c_imaginary = m2_imaginary + n2_real;
  const V e_real = m1_real - n1_imaginary, e_imaginary = m1_imaginary + n1_real;
  Out<V>(y_real + q).v = In<V>(x_real + q).v + s1_real + s2_real;
  Out<V>(y_imaginary + q).v = In<V>(x_imaginary + q).v + s1_imaginary + s2_imaginary;
  Out<V>(y_real + q + stride).v = a_real * w[0] - a_imaginary * w[1];
  Out<V>(y_imaginary + q + stride).v = a_real * w[1] + a_imaginary * w[0];
  Out<V>(y_real + q + 2 * stride).v = b_real * w[2] - b_imaginary * w[3];
  Out<V>(y_imaginary + q + 2 * stride).v = b_real * w[3] + b_imaginary * w[2];
  Out<V>(y_real + q + 3 * stride).v = c_real * w[4] - c_imaginary * w[5];
  Out<V>(y_imaginary + q + 3 * stride).v = c_real * w[5] + c_imaginary * w[4];
  Out<V>(y_real + q + 4 * stride).v = e_real * w[6] - e_imaginary * w[7];
  Out<V>(y_imaginary + q + 4 * stride).v = e_real * w[7] + e_imaginary * w[6];
}

MONTAGE_SIMD_CLONES void Radix5(const Planes& planes, size_t groups, size_t stride,
                                const double* twiddles) {
  const size_t part = stride * groups;
  for (size_t p = 0; p < groups; ++p) {
    const double* w = twiddles + 8 * p;
    const double* x_real = planes.in_real + stride * p;
    const double* x_imaginary = planes.in_imaginary + stride * p;
    double* y_real = planes.out_real + stride * 5 * p;
    double* y_imaginary = planes.out_imaginary + stride * 5 * p;
    size_t q = 0;
    for (; q + kQuad <= stride; q += kQuad) {
      Radix5At<Quad>(x_real, x_imaginary, y_real, y_imaginary, part, stride, w, q);
    }
    for (; q < stride; ++q) {
      Radix5At<double>(x_real, x_imaginary, y_real, y_imaginary, part, stride, w, q);
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
