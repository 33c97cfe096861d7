// Artifact detection of a 20-minute clinical recording: all methods, and each alone.

#include <benchmark/benchmark.h>

#include "montage/analysis/artifacts/planted_testing.h"

namespace montage::analysis {
namespace {

struct Clinical {
  MemoryRecording recording;
  QualityReport quality;
};

/// Blinks, muscle and mains, as recordings have them.
Clinical& TwentyMinutes() {
  static Clinical clinical = [] {
    using synth::PlantKind;
    const auto spec = ScalpSpec(1200, 1,
                                {{.kind = PlantKind::kBlink, .every_s = 7},
                                 {.kind = PlantKind::kMuscle, .at_s = {100, 500, 900}},
                                 {.kind = PlantKind::kLineNoise, .amplitude_uv = 8}});
    Clinical made;
    made.recording = Rendered(*synth::EegGenerator::Create(spec));
    made.quality = *AssessQuality(made.recording.view(), {}, {});
    return made;
  }();
  return clinical;
}

void Run(benchmark::State& state, const ArtifactOptions& options) {
  Clinical& clinical = TwentyMinutes();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        DetectArtifacts(clinical.recording.view(), &clinical.quality, options, {}));
  }
}

void BM_Artifacts(benchmark::State& state) { Run(state, {}); }
void BM_ArtifactsByThreshold(benchmark::State& state) {
  Run(state, {.statistical = false, .ica = false});
}
void BM_ArtifactsByStatistics(benchmark::State& state) {
  Run(state, {.threshold = false, .ica = false});
}
void BM_ArtifactsByIca(benchmark::State& state) {
  Run(state, {.threshold = false, .statistical = false});
}
BENCHMARK(BM_Artifacts)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ArtifactsByThreshold)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ArtifactsByStatistics)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_ArtifactsByIca)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace montage::analysis
