// What one core can do at most, beside which the figures of compare_scipy.py stand: fused
// multiply-adds in double precision, and copying through memory beyond the caches.
//
//   montage_machine_limits
//
// Prints two lines, NAME VALUE UNIT: best of several runs, processor time.

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <vector>

#include "montage/signal/simd.h"

namespace {

using namespace montage::signal;

constexpr size_t kChains = 10;  // as many as fill the pipeline, whose latency is four cycles

/// `rounds` times kChains fused multiply-adds of eight lanes.
MONTAGE_SIMD_CLONES void MultiplyAdd(size_t rounds, double factor, double* out) {
  Oct sums[kChains];
  for (size_t i = 0; i < kChains; ++i) sums[i] = Oct{} + static_cast<double>(i);
  for (size_t round = 0; round < rounds; ++round) {
#pragma clang loop unroll(full)
    for (Oct& sum : sums) sum = sum * factor + factor;
  }
  for (size_t i = 1; i < kChains; ++i) sums[0] += sums[i];
  Out<Oct>(out).v = sums[0];
}

template <typename Run>
double BestSeconds(Run run) {
  double best = 1e9;
  for (int i = 0; i < 7; ++i) {
    const std::clock_t start = std::clock();
    run();
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best;
}

}  // namespace

int main() {
  constexpr size_t kRounds = 10'000'000;
  double out[kOct];
  const double multiply = BestSeconds([&] { MultiplyAdd(kRounds, 0.999999, out); });
  constexpr size_t kCount = 32 << 20;  // 256 MiB
  std::vector<double> from(kCount, out[0]);
  std::vector<double> to(kCount);
  volatile double seen = 0;  // so that every copy is made
  const double copy = BestSeconds([&] {
    std::copy(from.begin(), from.end(), to.begin());
    seen = to[kCount / 2];
  });
  std::printf("multiply_add %.1f GFLOP/s\n", 2.0 * kOct * kChains * kRounds / multiply / 1e9);
  std::printf("copy %.1f GB/s\n", 2.0 * sizeof(double) * kCount / copy / 1e9);
  return to.back() == from.back() ? 0 : 1;
}
