// The measures whose work grows with the square of something: pairs of channels, of templates.

#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include "lib/base/random.h"
#include "montage/signal/connectivity/pair_connectivity.h"
#include "montage/signal/dynamics/complexity.h"
#include "montage/signal/dynamics/entropy.h"
#include "montage/signal/dynamics/fractal.h"
#include "montage/signal/scalp/current_source_density.h"
#include "montage/signal/scalp/weighted_sum.h"
#include "montage/signal/timefrequency/morlet.h"
#include "montage/signal/timefrequency/multitaper.h"
#include "montage/signal/timefrequency/slepian.h"
#include "montage/signal/timefrequency/stockwell.h"
#include "montage/signal/timefrequency/wavelet.h"

namespace montage::signal {
namespace {

constexpr size_t kRate = 256;  // samples a second
constexpr double kRateHz = kRate;

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
    channels.reserve(64);
    for (uint64_t c = 0; c < 64; ++c) channels.push_back(Rhythm(600 * kRate, c));
    return channels;
  }();
  return recording;
}

void BM_ConnectivityOfAllPairs(benchmark::State& state) {
  const auto& recording = DenseRecording();
  const std::vector<std::span<const double>> channels(recording.begin(), recording.end());
  for (auto _ : state) {
    const auto found = ConnectivityInBand(channels, kRateHz,
                                          {.band = {8, 13}, .epoch = 10 * kRate, .margin = 128});
    benchmark::DoNotOptimize(found->phase_locking.data());
  }
}
BENCHMARK(BM_ConnectivityOfAllPairs)->Unit(benchmark::kMillisecond);

void BM_SampleEntropy(benchmark::State& state) {
  const auto x = Rhythm(static_cast<size_t>(state.range(0)), 1);
  for (auto _ : state) benchmark::DoNotOptimize(SampleEntropy(x));
}
BENCHMARK(BM_SampleEntropy)->Arg(1024)->Arg(7680)->Arg(65536)->Unit(benchmark::kMicrosecond);

template <auto Measure>
void BM_Window(benchmark::State& state) {
  const auto x = Rhythm(30 * kRate, 1);
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

void BM_Slepian(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(Slepian(static_cast<size_t>(state.range(0)), 4.0, 8));
  }
}
BENCHMARK(BM_Slepian)->Arg(1024)->Arg(7680)->Arg(153600)->Unit(benchmark::kMillisecond);

void BM_MultitaperOf30s(benchmark::State& state) {
  const auto x = Rhythm(30 * kRate, 1);
  auto multitaper = Multitaper::Make(x.size(), kRateHz, {.adaptive = state.range(0) == 1});
  for (auto _ : state) benchmark::DoNotOptimize(multitaper->Estimate(x));
}
BENCHMARK(BM_MultitaperOf30s)->Arg(0)->Arg(1)->Unit(benchmark::kMicrosecond);

void BM_MorletOf10Minutes(benchmark::State& state) {
  const auto& x = DenseRecording().front();
  std::vector<double> hz(40);
  std::iota(hz.begin(), hz.end(), 3.0);
  const auto transform = MorletTransform::Make(kRateHz, hz);
  TimeFrequency result;
  for (auto _ : state) benchmark::DoNotOptimize(transform->Transform(x, result));
}
BENCHMARK(BM_MorletOf10Minutes)->Unit(benchmark::kMillisecond);

void BM_StockwellOf10s(benchmark::State& state) {
  const auto x = Rhythm(2560, 1);
  for (auto _ : state) benchmark::DoNotOptimize(Stockwell(x, kRateHz, {1, 45}));
}
BENCHMARK(BM_StockwellOf10s)->Unit(benchmark::kMillisecond);

void BM_WaveletsOf10Minutes(benchmark::State& state) {
  const auto& x = DenseRecording().front();
  for (auto _ : state) {
    const auto found = DecomposeIntoWavelets(x, 5);
    benchmark::DoNotOptimize(ComposeFromWavelets(*found));
  }
}
BENCHMARK(BM_WaveletsOf10Minutes)->Unit(benchmark::kMillisecond);

void BM_LaplacianOf64Channels10Minutes(benchmark::State& state) {
  const auto& recording = DenseRecording();
  const std::vector<std::span<const double>> in(recording.begin(), recording.end());
  auto rows = recording;
  const std::vector<std::span<double>> out(rows.begin(), rows.end());
  std::vector<Position> positions;
  for (int i = 0; i < 64; ++i) {
    const double z = 1.0 - i / 70.0, azimuth = 2.4 * i, r = std::sqrt(1.0 - z * z);
    positions.push_back({r * std::cos(azimuth), r * std::sin(azimuth), z});
  }
  for (auto _ : state) {
    const auto weights = CurrentSourceWeights(positions);
    benchmark::DoNotOptimize(ApplyWeights(*weights, in, out));
  }
}
BENCHMARK(BM_LaplacianOf64Channels10Minutes)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace montage::signal
