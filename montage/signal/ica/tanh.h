#pragma once
// Internal to this folder: the hyperbolic tangent of eight samples at a time.

#include <cstddef>
#include <cstdint>

#include "montage/signal/simd.h"

namespace montage::signal {

using OctBits [[gnu::vector_size(64)]] = int64_t;

/// tanh x and, because it falls off on the way, exp(-2 |x|): log cosh x = |x| + log(1 + it) -
/// log 2. Absolute error of tanh below 4e-16, relative error of the exponential below 1e-15, down
/// to exp(-700), for every finite x.
///
/// exp by the usual reduction to |r| <= ln 2 / 2 with ln 2 in two parts (Cody, Waite 1980) and its
/// Taylor polynomial of degree 13, whose remainder there is below 5e-18.
MONTAGE_SIMD_INLINE void Tanh(const Oct& x, Oct& tanh, Oct& decay) {
  constexpr double kLog2E = 1.4426950408889634;
  constexpr double kLn2High = 0x1.62e42fefa3800p-1;  // 11 trailing zeros: exact times n
  constexpr double kLn2Low = 0x1.ef35793c76730p-45;
  constexpr double kRound = 0x1.8p52;  // adding it rounds to an integer in the low bits
  constexpr double kLargest = 350.0;
  const OctBits sign = reinterpret_cast<OctBits>(x) & INT64_MIN;
  Oct size = reinterpret_cast<Oct>(reinterpret_cast<OctBits>(x) & INT64_MAX);
  size = size < kLargest ? size : Oct{} + kLargest;
  const Oct t = -2.0 * size;
  const Oct shifted = t * kLog2E + kRound;
  const Oct n = shifted - kRound;
  const Oct r = (t - n * kLn2High) - n * kLn2Low;
  Oct p = Oct{} + 1.0 / 6227020800.0;
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
  decay = reinterpret_cast<Oct>(reinterpret_cast<OctBits>(p) +
                                (reinterpret_cast<OctBits>(shifted) << 52));
  const Oct magnitude = (1.0 - decay) / (1.0 + decay);
  tanh = reinterpret_cast<Oct>(reinterpret_cast<OctBits>(magnitude) | sign);
}

}  // namespace montage::signal
