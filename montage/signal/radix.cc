#include "montage/signal/radix.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numbers>
#include <utility>

#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

/// One complex number of every column.
template <typename V>
struct Complex {
  V re;
  V im;
};

template <typename V>
MONTAGE_SIMD_INLINE Complex<V> Plus(const Complex<V>& a, const Complex<V>& b) {
  return {a.re + b.re, a.im + b.im};
}
template <typename V>
MONTAGE_SIMD_INLINE Complex<V> Minus(const Complex<V>& a, const Complex<V>& b) {
  return {a.re - b.re, a.im - b.im};
}
/// a + factor * b and a - factor * b for a real factor.
template <typename V>
MONTAGE_SIMD_INLINE Complex<V> Plus(const Complex<V>& a, double factor, const Complex<V>& b) {
  return {a.re + factor * b.re, a.im + factor * b.im};
}
template <typename V>
MONTAGE_SIMD_INLINE Complex<V> Minus(const Complex<V>& a, double factor, const Complex<V>& b) {
  return {a.re - factor * b.re, a.im - factor * b.im};
}
/// -i a.
template <typename V>
MONTAGE_SIMD_INLINE Complex<V> TurnBack(const Complex<V>& a) {
  return {a.im, -a.re};
}
template <typename V, typename W>
MONTAGE_SIMD_INLINE Complex<V> Times(const Complex<V>& a, const W& cosine, const W& sine) {
  return {a.re * cosine - a.im * sine, a.re * sine + a.im * cosine};
}

// The transforms of 2, 3, 4, 5 and 8 values, in place and in order.

template <typename V>
MONTAGE_SIMD_INLINE void Butterfly(Complex<V> (&x)[2]) {
  const auto difference = Minus(x[0], x[1]);
  x[0] = Plus(x[0], x[1]);
  x[1] = difference;
}

template <typename V>
MONTAGE_SIMD_INLINE void Butterfly(Complex<V> (&x)[3]) {
  constexpr double kSin = std::numbers::sqrt3 / 2.0;
  const auto sum = Plus(x[1], x[2]);
  const auto turned = TurnBack(Minus(x[1], x[2]));
  const auto middle = Minus(x[0], 0.5, sum);
  x[0] = Plus(x[0], sum);
  x[1] = Plus(middle, kSin, turned);
  x[2] = Minus(middle, kSin, turned);
}

template <typename V>
MONTAGE_SIMD_INLINE void Butterfly(Complex<V> (&x)[4]) {
  const auto even = Plus(x[0], x[2]), even_difference = Minus(x[0], x[2]);
  const auto odd = Plus(x[1], x[3]), odd_difference = TurnBack(Minus(x[1], x[3]));
  x[0] = Plus(even, odd);
  x[1] = Plus(even_difference, odd_difference);
  x[2] = Minus(even, odd);
  x[3] = Minus(even_difference, odd_difference);
}

template <typename V>
MONTAGE_SIMD_INLINE void Butterfly(Complex<V> (&x)[5]) {
  constexpr double kCos1 = 0.30901699437494742410, kCos2 = -0.80901699437494742410;
  constexpr double kSin1 = 0.95105651629515357212, kSinRatio = 0.61803398874989484820;
  const auto sum1 = Plus(x[1], x[4]), sum2 = Plus(x[2], x[3]);
  const auto turned1 = TurnBack(Minus(x[1], x[4])), turned2 = TurnBack(Minus(x[2], x[3]));
  const auto middle1 = Plus(Plus(x[0], kCos1, sum1), kCos2, sum2);
  const auto middle2 = Plus(Plus(x[0], kCos2, sum1), kCos1, sum2);
  const auto side1 = Plus(turned1, kSinRatio, turned2);  // over sin(72 degrees)
  const auto side2 = Minus(Complex<V>{kSinRatio * turned1.re, kSinRatio * turned1.im}, turned2);
  x[0] = Plus(Plus(x[0], sum1), sum2);
  x[1] = Plus(middle1, kSin1, side1);
  x[2] = Plus(middle2, kSin1, side2);
  x[3] = Minus(middle2, kSin1, side2);
  x[4] = Minus(middle1, kSin1, side1);
}

template <typename V>
MONTAGE_SIMD_INLINE void Butterfly(Complex<V> (&x)[8]) {
  constexpr double kHalfRoot = std::numbers::sqrt2 / 2.0;
  Complex<V> even[4] = {x[0], x[2], x[4], x[6]};
  Complex<V> odd[4] = {x[1], x[3], x[5], x[7]};
  Butterfly(even);
  Butterfly(odd);
  const Complex<V> odd1 = {odd[1].re + odd[1].im, odd[1].im - odd[1].re};  // times sqrt(2) w
  const auto odd2 = TurnBack(odd[2]);
  const Complex<V> odd3 = {odd[3].im - odd[3].re, -odd[3].im - odd[3].re};  // times sqrt(2) w^3
  x[0] = Plus(even[0], odd[0]);
  x[1] = Plus(even[1], kHalfRoot, odd1);
  x[2] = Plus(even[2], odd2);
  x[3] = Plus(even[3], kHalfRoot, odd3);
  x[4] = Minus(even[0], odd[0]);
  x[5] = Minus(even[1], kHalfRoot, odd1);
  x[6] = Minus(even[2], odd2);
  x[7] = Minus(even[3], kHalfRoot, odd3);
}

/// As many columns as V has, from `in` on; twiddles are null for group 0. Inputs are in_stride
/// apart, outputs out_stride.
template <size_t kRadix, typename V>
MONTAGE_SIMD_INLINE void GroupAt(Planes planes, size_t in_stride, size_t out_stride, size_t in,
                                 size_t out, const double* twiddles) {
  Complex<V> x[kRadix];
  for (size_t k = 0; k < kRadix; ++k) {
    x[k] = {In<V>(planes.in_real + in + k * in_stride).v,
            In<V>(planes.in_imaginary + in + k * in_stride).v};
  }
  Butterfly(x);
  for (size_t j = 0; j < kRadix; ++j) {
    if (twiddles != nullptr && j > 0) {
      x[j] = Times(x[j], twiddles[2 * (j - 1)], twiddles[2 * (j - 1) + 1]);
    }
    Out<V>(planes.out_real + out + j * out_stride).v = x[j].re;
    Out<V>(planes.out_imaginary + out + j * out_stride).v = x[j].im;
  }
}

template <size_t kRadix>
MONTAGE_SIMD_INLINE void Group(Planes planes, Order order, size_t groups, size_t stride, size_t p,
                               const double* twiddles) {
  const size_t part = stride * groups;
  const size_t in = stride * p;
  const size_t out = order == Order::kSplit ? in : kRadix * in;
  const size_t out_stride = order == Order::kSplit ? part : stride;
  size_t q = 0;
  for (; q + kOct <= stride; q += kOct) {
    GroupAt<kRadix, Oct>(planes, part, out_stride, in + q, out + q, twiddles);
  }
  for (; q + kQuad <= stride; q += kQuad) {
    GroupAt<kRadix, Quad>(planes, part, out_stride, in + q, out + q, twiddles);
  }
  for (; q < stride; ++q) {
    GroupAt<kRadix, double>(planes, part, out_stride, in + q, out + q, twiddles);
  }
}

template <size_t kRadix>
MONTAGE_SIMD_INLINE void Stage(Planes planes, Order order, size_t groups, size_t stride,
                               const double* twiddles) {
  Group<kRadix>(planes, order, groups, stride, 0, nullptr);
  for (size_t p = 1; p < groups; ++p) {
    Group<kRadix>(planes, order, groups, stride, p, twiddles + 2 * (kRadix - 1) * p);
  }
}

MONTAGE_SIMD_CLONES void Stage2(const Planes& planes, Order order, size_t groups, size_t stride,
                                const double* twiddles) {
  Stage<2>(planes, order, groups, stride, twiddles);
}
MONTAGE_SIMD_CLONES void Stage3(const Planes& planes, Order order, size_t groups, size_t stride,
                                const double* twiddles) {
  Stage<3>(planes, order, groups, stride, twiddles);
}
MONTAGE_SIMD_CLONES void Stage4(const Planes& planes, Order order, size_t groups, size_t stride,
                                const double* twiddles) {
  Stage<4>(planes, order, groups, stride, twiddles);
}
MONTAGE_SIMD_CLONES void Stage5(const Planes& planes, Order order, size_t groups, size_t stride,
                                const double* twiddles) {
  Stage<5>(planes, order, groups, stride, twiddles);
}
MONTAGE_SIMD_CLONES void Stage8(const Planes& planes, Order order, size_t groups, size_t stride,
                                const double* twiddles) {
  Stage<8>(planes, order, groups, stride, twiddles);
}

/// Any radix up to kLargestRadix, by its definition.
void StageAny(const Planes& planes, Order order, size_t radix, size_t groups, size_t stride,
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
        const size_t out = q + stride * (order == Order::kSplit ? p + groups * j : radix * p + j);
        planes.out_real[out] = real * w_real - imaginary * w_imaginary;
        planes.out_imaginary[out] = real * w_imaginary + imaginary * w_real;
      }
    }
  }
}

/// As many k as there are columns, from k on.
template <size_t kColumns, typename V>
MONTAGE_SIMD_INLINE void JoinAt(Planes planes, std::span<const uint32_t> places, size_t k,
                                const double* twiddles) {
  const size_t part = places.size();
  V real[kColumns];
  V imaginary[kColumns];
  for (size_t i = 0; i < kColumns; ++i) {
    const size_t row = places[k + i] * kColumns;
    real[i] = In<V>(planes.in_real + row).v;
    imaginary[i] = In<V>(planes.in_imaginary + row).v;
  }
  Transpose(real);
  Transpose(imaginary);
  Complex<V> x[kColumns];
  x[0] = {real[0], imaginary[0]};
  for (size_t l = 1; l < kColumns; ++l) {
    const double* w = twiddles + 2 * (l - 1) * part + k;
    const V cosine = In<V>(w).v;
    const V sine = In<V>(w + part).v;
    x[l] = Times(Complex<V>{real[l], imaginary[l]}, cosine, sine);
  }
  Butterfly(x);
  for (size_t j = 0; j < kColumns; ++j) {
    Out<V>(planes.out_real + j * part + k).v = x[j].re;
    Out<V>(planes.out_imaginary + j * part + k).v = x[j].im;
  }
}

template <size_t kColumns, typename V>
MONTAGE_SIMD_INLINE void Join(Planes planes, std::span<const uint32_t> places,
                              const double* twiddles) {
  const size_t part = places.size();
  for (size_t k = 0; k + kColumns <= part; k += kColumns) {
    JoinAt<kColumns, V>(planes, places, k, twiddles);
  }
  // The last ones again, so that they need no narrower loop.
  if (part % kColumns != 0) JoinAt<kColumns, V>(planes, places, part - kColumns, twiddles);
}

MONTAGE_SIMD_CLONES void Join8(const Planes& planes, std::span<const uint32_t> places,
                               const double* twiddles) {
  Join<8, Oct>(planes, places, twiddles);
}
MONTAGE_SIMD_CLONES void Join4(const Planes& planes, std::span<const uint32_t> places,
                               const double* twiddles) {
  Join<4, Quad>(planes, places, twiddles);
}

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

void RunStage(const Planes& planes, Order order, size_t radix, size_t groups, size_t stride,
              const double* twiddles) {
  switch (radix) {
    case 2:
      return Stage2(planes, order, groups, stride, twiddles);
    case 3:
      return Stage3(planes, order, groups, stride, twiddles);
    case 4:
      return Stage4(planes, order, groups, stride, twiddles);
    case 5:
      return Stage5(planes, order, groups, stride, twiddles);
    case 8:
      return Stage8(planes, order, groups, stride, twiddles);
    default:
      return StageAny(planes, order, radix, groups, stride, twiddles);
  }
}

void JoinColumns(const Planes& planes, size_t columns, std::span<const uint32_t> places,
                 const double* twiddles) {
  assert((columns == 4 || columns == 8) && places.size() >= columns);
  if (columns == 8) {
    Join8(planes, places, twiddles);
  } else {
    Join4(planes, places, twiddles);
  }
}

}  // namespace montage::signal
