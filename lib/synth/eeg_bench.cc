// Bytes a second of generated recordings, copied to memory.

#include <cstring>

#include <benchmark/benchmark.h>

#include "lib/synth/eeg.h"

namespace {

using synth::EegGenerator;
using synth::EegSpec;
using synth::Plant;
using synth::PlantKind;

void Generate(benchmark::State& state, const EegSpec& spec) {
  std::vector<uint8_t> memory(size_t{16} << 20);
  size_t at = 0;
  formats::edf::FunctionSink sink([&](std::span<const uint8_t> bytes) {
    if (at + bytes.size() > memory.size()) at = 0;
    std::memcpy(memory.data() + at, bytes.data(), bytes.size());
    at += bytes.size();
    return base::Result<void>();
  });
  uint64_t bytes = 0;
  for (auto _ : state) {
    const auto truth = synth::GenerateEeg(spec, sink);
    if (!truth) state.SkipWithError(truth.error().message.c_str());
    if (truth) bytes += truth->bytes;
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}

EegSpec Base(double duration_s) {
  EegSpec spec;
  spec.channels = synth::FirstChannels(19).value();
  spec.duration_s = duration_s;
  return spec;
}

void Plain(benchmark::State& state) { Generate(state, Base(6 * 3600)); }
void PlainTwentyMinutes(benchmark::State& state) { Generate(state, Base(20 * 60)); }
void PlainBdf(benchmark::State& state) {
  EegSpec spec = Base(6 * 3600);
  spec.format = synth::EegFormat::kBdf;
  Generate(state, spec);
}
void Planted(benchmark::State& state) {
  EegSpec spec = Base(6 * 3600);
  spec.plants = {{.kind = PlantKind::kAlpha, .channels = {"O1", "O2"}},
                 {.kind = PlantKind::kSpike, .every_s = 20},
                 {.kind = PlantKind::kBlink, .every_s = 7},
                 {.kind = PlantKind::kSeizure, .at_s = {600, 4000}, .length_s = 60},
                 {.kind = PlantKind::kLineNoise},
                 {.kind = PlantKind::kNoisy, .channels = {"F8"}}};
  Generate(state, spec);
}
void Sleeping(benchmark::State& state) {
  EegSpec spec = Base(8 * 3600);
  spec.hypnogram = synth::PlanNight(960, 1);
  Generate(state, spec);
}

BENCHMARK(Plain)->Unit(benchmark::kMillisecond);
BENCHMARK(PlainTwentyMinutes)->Unit(benchmark::kMillisecond);
BENCHMARK(PlainBdf)->Unit(benchmark::kMillisecond);
BENCHMARK(Planted)->Unit(benchmark::kMillisecond);
BENCHMARK(Sleeping)->Unit(benchmark::kMillisecond);

}  // namespace
