// What the stages and whole analyses of a 20-minute clinical recording take.

#include <benchmark/benchmark.h>

#include "montage/analysis/builtin_analyses.h"
#include "montage/analysis/connectivity/connectivity.h"
#include "montage/analysis/features/window_features.h"
#include "montage/analysis/scalp_testing.h"

namespace montage::analysis {
namespace {

MemoryRecording& TwentyMinutes() {
  static MemoryRecording recording = MakeScalp({.seconds = 1200});
  return recording;
}

void BM_Quality(benchmark::State& state) {
  const RecordingView& view = TwentyMinutes().view();
  for (auto _ : state) benchmark::DoNotOptimize(AssessQuality(view, {}, {}));
}
BENCHMARK(BM_Quality)->Unit(benchmark::kMillisecond);

void BM_Spectrum(benchmark::State& state) {
  const RecordingView& view = TwentyMinutes().view();
  for (auto _ : state) benchmark::DoNotOptimize(AnalyseSpectrum(view, nullptr, {}, {}));
}
BENCHMARK(BM_Spectrum)->Unit(benchmark::kMillisecond);

void BM_Features(benchmark::State& state) {
  const RecordingView& view = TwentyMinutes().view();
  for (auto _ : state) benchmark::DoNotOptimize(SummariseFeatures(view, {}));
}
BENCHMARK(BM_Features)->Unit(benchmark::kMillisecond);

void BM_Connectivity(benchmark::State& state) {
  const RecordingView& view = TwentyMinutes().view();
  for (auto _ : state) benchmark::DoNotOptimize(AnalyseConnectivity(view, nullptr, {}, {}));
}
BENCHMARK(BM_Connectivity)->Unit(benchmark::kMillisecond);

void BM_QuickAnalysis(benchmark::State& state) {
  const RecordingView& view = TwentyMinutes().view();
  const Registry registry = BuiltInAnalyses();
  const base::SystemClock clock;
  for (auto _ : state) {
    const auto result = Analyse(view, {.type = AnalysisType::kQuick}, registry, {}, clock);
    benchmark::DoNotOptimize(ToJson(*result, view));
  }
}
BENCHMARK(BM_QuickAnalysis)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace montage::analysis
