#pragma once
// Internal to this folder: eight samples at a time, and the hyperbolic tangent of them.
//
// Loops marked MONTAGE_ICA_CLONES are compiled for AVX-512, for AVX2 with FMA, and for the
// baseline, and picked at load time. The lanes are eight in all three and every operation is
// spelled out, so processors with fused multiply-add give the same bits; those without differ in
// the last digits.

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
#define MONTAGE_ICA_CLONES
#endif
#endif
#if !defined(MONTAGE_ICA_CLONES) && defined(__x86_64__) && defined(__ELF__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MONTAGE_ICA_CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#ifndef MONTAGE_ICA_CLONES
#define MONTAGE_ICA_CLONES
#endif
/// A part of a clone: must take its instruction set, so it cannot be a function of its own.
#define MONTAGE_ICA_INLINE [[gnu::always_inline]] inline

namespace montage::signal {

inline constexpr size_t kLaneCount = 8;
using Lanes = double __attribute__((vector_size(64)));
using LaneBits = int64_t __attribute__((vector_size(64)));

// References instead of values: vectors wider than the baseline's registers have no stable
// convention for being passed.

MONTAGE_ICA_INLINE void Load(const double* from, Lanes& to) { std::memcpy(&to, from, sizeof to); }
MONTAGE_ICA_INLINE void Store(const Lanes& from, double* to) {
  std::memcpy(to, &from, sizeof from);
}
MONTAGE_ICA_INLINE double SumOf(const Lanes& x) {
  return ((x[0] + x[4]) + (x[1] + x[5])) + ((x[2] + x[6]) + (x[3] + x[7]));
}

/// tanh x and, because it falls off on the way, exp(-2 |x|): log cosh x = |x| + log(1 + it) -
/// log 2. Absolute error of tanh below 4e-16, relative error of the exponential below 1e-15, down
/// to exp(-700), for every finite x.
///
/// exp by the usual reduction to |r| <= ln 2 / 2 with ln 2 in two parts (Cody, Waite 1980) and its
/// Taylor polynomial of degree 13, whose remainder there is below 5e-18.
MONTAGE_ICA_INLINE void Tanh(const Lanes& x, Lanes& tanh, Lanes& decay) {
  constexpr double kLog2E = 1.4426950408889634;
  constexpr double kLn2High = 0x1.62e42fefa3800p-1;  // 11 trailing zeros: exact times n
  constexpr double kLn2Low = 0x1.ef35793c76730p-45;
  constexpr double kRound = 0x1.8p52;  // adding it rounds to an integer in the low bits
  constexpr double kLargest = 350.0;
  const LaneBits sign = reinterpret_cast<LaneBits>(x) & INT64_MIN;
  Lanes size = reinterpret_cast<Lanes>(reinterpret_cast<LaneBits>(x) & INT64_MAX);
  size = size < kLargest ? size : Lanes{} + kLargest;
  const Lanes t = -2.0 * size;
  const Lanes shifted = t * kLog2E + kRound;
  const Lanes n = shifted - kRound;
  const Lanes r = (t - n * kLn2High) - n * kLn2Low;
  Lanes p = Lanes{} + 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  // n is in the low bits of `shifted`; shifting by 52 drops the rest and makes it an exponent.
  decay = reinterpret_cast<Lanes>(reinterpret_cast<LaneBits>(p) +
                                  (reinterpret_cast<LaneBits>(shifted) << 52));
  const Lanes magnitude = (1.0 - decay) / (1.0 + decay);
  tanh = reinterpret_cast<Lanes>(reinterpret_cast<LaneBits>(magnitude) | sign);
}

}  // namespace montage::signal
