// The measures whose work grows with the square of something: pairs of channels, of templates.

#include <array>
#include <cmath>
#include <vector>

#include <benchmark/benchmark.h>

#include "lib/base/random.h"
#include "montage/signal/connectivity/pair_connectivity.h"
#include "montage/signal/dynamics/complexity.h"
#include "montage/signal/dynamics/entropy.h"
#include "montage/signal/dynamics/fractal.h"

namespace montage::signal {
namespace {

constexpr double kRateHz = 256;

std::vector<double> Rhythm(size_t count, uint64_t seed) {
  base::Random random(seed);
  std::vector<double> samples(count);
  double noise = 0.0;
  for (size_t i = 0; i < count; ++i) {
    noise = 0.9 * noise + 5.0 * random.Normal();
    samples[i] = 20.0 * std::sin(0.25 * static_cast<double>(i)) + noise;
  }
  return samples;
}

/// 64 channels of 10 minutes.
const std::vector<std::vector<double>>& DenseRecording() {
  static const auto recording = [] {
    std::vector<std::vector<double>> channels;
    for (uint64_t c = 0; c < 64; ++c) channels.push_back(Rhythm(600 * 256, c));
    return channels;
  }();
  return recording;
}

void BM_ConnectivityOfAllPairs(benchmark::State& state) {
  const auto& recording = DenseRecording();
  const std::vector<std::span<const double>> channels(recording.begin(), recording.end());
  for (auto _ : state) {
    const auto found =
        ConnectivityInBand(channels, kRateHz, {.band = {8, 13}, .epoch = 10 * 256, .margin = 128});
    benchmark::DoNotOptimize(found->phase_locking.data());
  }
}
BENCHMARK(BM_ConnectivityOfAllPairs)->Unit(benchmark::kMillisecond);

void BM_SampleEntropy(benchmark::State& state) {
  const auto x = Rhythm(static_cast<size_t>(state.range(0)), 1);
  for (auto _ : state) benchmark::DoNotOptimize(SampleEntropy(x));
}
BENCHMARK(BM_SampleEntropy)->Arg(1024)->Arg(7680)->Arg(32768)->Unit(benchmark::kMicrosecond);

template <auto Measure>
void BM_Window(benchmark::State& state) {
  const auto x = Rhythm(30 * 256, 1);
  for (auto _ : state) benchmark::DoNotOptimize(Measure(x));
}
base::Result<double> Permutation(std::span<const double> x) { return PermutationEntropy(x); }
base::Result<double> Approximate(std::span<const double> x) { return ApproximateEntropy(x); }
base::Result<double> Higuchi(std::span<const double> x) { return HiguchiDimension(x); }
BENCHMARK(BM_Window<Permutation>)
    ->Name("PermutationEntropy of 30 s")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Window<Approximate>)
    ->Name("ApproximateEntropy of 30 s")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Window<Higuchi>)->Name("HiguchiDimension of 30 s")->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Window<DetrendedFluctuation>)
    ->Name("DetrendedFluctuation of 30 s")
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Window<LempelZivComplexity>)
    ->Name("LempelZivComplexity of 30 s")
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace montage::signal
