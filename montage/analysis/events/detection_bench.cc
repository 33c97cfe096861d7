// Abnormality and events of a 20-minute clinical recording: the pass over the samples, and what is
// made of it. The bar is 200 ms for both.

#include <benchmark/benchmark.h>

#include "montage/analysis/abnormality/abnormality.h"
#include "montage/analysis/events/detection_testing.h"

namespace montage::analysis {
namespace {

MemoryRecording& TwentyMinutes() {
  static MemoryRecording recording =
      MakeScene({.seconds = 1200,
                 .plants = {{.kind = synth::PlantKind::kSpike, .every_s = 13},
                            {.kind = synth::PlantKind::kBlink, .every_s = 5},
                            {.kind = synth::PlantKind::kGped, .from_s = 600, .until_s = 800},
                            {.kind = synth::PlantKind::kSeizure, .at_s = {1000}, .length_s = 60}}});
  return recording;
}

const QualityReport& Quality() {
  static const QualityReport quality = AssessQuality(TwentyMinutes().view(), {}, {}).value();
  return quality;
}

void BM_SurveyAndEvents(benchmark::State& state) {
  const RecordingView& view = TwentyMinutes().view();
  const QualityReport& quality = Quality();
  for (auto _ : state) benchmark::DoNotOptimize(SurveyEvents(view, quality, {}));
}
BENCHMARK(BM_SurveyAndEvents)->Unit(benchmark::kMillisecond);

void BM_AbnormalityAndEvents(benchmark::State& state) {
  const RecordingView& view = TwentyMinutes().view();
  const QualityReport& quality = Quality();
  for (auto _ : state) {
    const auto found = SurveyEvents(view, quality, {}).value();
    const auto report = DetectAbnormality(view, quality, *found, nullptr, {}).value();
    benchmark::DoNotOptimize(ToJson(report));
    benchmark::DoNotOptimize(ToJson(*found));
  }
}
BENCHMARK(BM_AbnormalityAndEvents)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace montage::analysis
