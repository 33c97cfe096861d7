// Staging a night, and twenty minutes of it. The samples repeat, so that memory does not limit the
// length.

#include <algorithm>

#include <benchmark/benchmark.h>

#include "montage/analysis/generated_testing.h"
#include "montage/analysis/sleep/sleep.h"

namespace montage::analysis {
namespace {

/// Half an hour of a generated night, over and over.
class Repeated final : public SampleSource {
 public:
  Repeated(std::vector<std::string> channels, double rate_hz, double hours) {
    synth::EegSpec spec{.channels = std::move(channels), .rate_hz = rate_hz, .seed = 11};
    spec.duration_s = 1800;
    spec.hypnogram = synth::PlanNight(60, 11);
    GeneratedRecording night(std::move(*synth::EegGenerator::Create(spec)));
    view_ = night.view();
    view_.source = this;
    view_.duration_s = hours * 3600;
    for (size_t c = 0; c < view_.channels.size(); ++c) {
      auto& samples = channels_.emplace_back(view_.channels[c].samples);
      (void)night.Read(c, 0, samples, base::Deadline::Never());
      view_.channels[c].samples = static_cast<uint64_t>(view_.duration_s * rate_hz);
    }
  }

  const RecordingView& view() const { return view_; }

  base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                          base::Deadline /*deadline*/) override {
    const std::vector<double>& samples = channels_[channel];
    for (size_t at = 0; at < out.size();) {
      const auto from = static_cast<size_t>((first + at) % samples.size());
      const size_t count = std::min(out.size() - at, samples.size() - from);
      std::copy_n(samples.data() + from, count, out.data() + at);
      at += count;
    }
    return {};
  }

 private:
  RecordingView view_;
  std::vector<std::vector<double>> channels_;
};

std::vector<std::string> Clinical() {
  auto channels = synth::FirstChannels(19).value();
  channels.insert(channels.end(), {"M1", "M2", "E1", "E2", "EMG chin"});
  return channels;
}

void Stage(benchmark::State& state, const Repeated& recording) {
  for (auto _ : state) {
    const auto report = AnalyseSleep(recording.view(), nullptr, {.min_duration_s = 0}, {});
    if (!report) return state.SkipWithError(report.error().message.c_str());
    benchmark::DoNotOptimize(report->confidence);
  }
}

void BM_NightOf8HoursClinical256Hz(benchmark::State& state) {
  static Repeated recording(Clinical(), 256, 8);
  Stage(state, recording);
}
BENCHMARK(BM_NightOf8HoursClinical256Hz)->Unit(benchmark::kMillisecond);

void BM_NightOf8HoursSleepEdf100Hz(benchmark::State& state) {
  static Repeated recording({"Fpz-Cz", "Pz-Oz", "E1", "EMG chin"}, 100, 8);
  Stage(state, recording);
}
BENCHMARK(BM_NightOf8HoursSleepEdf100Hz)->Unit(benchmark::kMillisecond);

void BM_TwentyMinutesClinical256Hz(benchmark::State& state) {
  static Repeated recording(Clinical(), 256, 1.0 / 3);
  Stage(state, recording);
}
BENCHMARK(BM_TwentyMinutesClinical256Hz)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace montage::analysis
