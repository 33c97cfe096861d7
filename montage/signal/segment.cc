#include "montage/signal/segment.h"

#include <cassert>
#include <numeric>

#include "montage/signal/simd.h"

namespace montage::signal {

MONTAGE_SIMD_CLONES void TaperSegment(std::span<const double> samples,
                                      std::span<const double> window, double* frame) {
  assert(samples.size() == window.size());
  const double* x = samples.data();
  const size_t n = samples.size();
  Oct sums[4] = {};  // partial sums, so that the additions need not wait for each other
  size_t i = 0;
  for (; i + 4 * kOct <= n; i += 4 * kOct) {
    for (size_t j = 0; j < 4; ++j) sums[j] += In<Oct>(x + i + j * kOct).v;
  }
  const Oct sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  double total = ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
  for (; i < n; ++i) total += x[i];
  const double mean = n > 0 ? total / static_cast<double>(n) : 0.0;
  const double* w = window.data();
  for (i = 0; i + kOct <= n; i += kOct) {
    // The segments that come next are fetched while this one is transformed: the hardware looks
    // ahead by a few lines only. A fetch beyond the samples does nothing.
    __builtin_prefetch(x + i + n, 0, 2);  // into the second-level cache: the first holds the frame
    Out<Oct>(frame + i).v = (In<Oct>(x + i).v - mean) * In<Oct>(w + i).v;
  }
  for (; i < n; ++i) frame[i] = (x[i] - mean) * w[i];
}

MONTAGE_SIMD_CLONES void AddPower(std::span<const double> real, std::span<const double> imaginary,
                                  double* sums) {
  const double* re = real.data();
  const double* im = imaginary.data();
  size_t i = 0;
  for (; i + kOct <= real.size(); i += kOct) {
    const Oct a = In<Oct>(re + i).v;
    const Oct b = In<Oct>(im + i).v;
    Out<Oct>(sums + i).v = In<Oct>(sums + i).v + a * a + b * b;
  }
  for (; i < real.size(); ++i) sums[i] = sums[i] + re[i] * re[i] + im[i] * im[i];
}

double SumOfSquares(std::span<const double> values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
}

double DensityScale(size_t bin, size_t length, double base_scale) {
  const bool alone = bin == 0 || 2 * bin == length;
  return alone ? base_scale : 2.0 * base_scale;
}

}  // namespace montage::signal
