#pragma once
// Generated recordings as the analyses see them. Names, kinds and voltages are those that the same
// recording has when it is written to a file and opened by recordings::EdfRecording.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lib/formats/edf/channel_names.h"
#include "lib/synth/eeg.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

/// Renders on demand; nothing is stored.
class GeneratedRecording final : public SampleSource {
 public:
  explicit GeneratedRecording(synth::EegGenerator generator) : generator_(std::move(generator)) {
    view_.duration_s = truth().duration_s;
    for (const auto& signal : generator_.header().signals) {
      if (view_.channels.size() == truth().channels.size()) break;  // what follows is annotations
      const auto parsed = formats::edf::ParseChannelName(signal.label);
      view_.channels.push_back({.name = parsed.canonical,
                                .label = signal.label,
                                .kind = KindOf(parsed.kind),
                                .rate_hz = truth().rate_hz,
                                .samples = generator_.record_count() * signal.samples_per_record});
    }
    view_.source = this;
  }
  GeneratedRecording(const GeneratedRecording&) = delete;
  GeneratedRecording& operator=(const GeneratedRecording&) = delete;

  const RecordingView& view() const { return view_; }
  const synth::Truth& truth() const { return generator_.truth(); }

  base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                          base::Deadline /*deadline*/) override {
    constexpr double kMicrovoltsPerTick = 0.1;
    std::array<int16_t, 4096> ticks{};
    while (!out.empty()) {
      const auto part = std::span(ticks).first(std::min(out.size(), ticks.size()));
      generator_.Render(channel, first, part);
      for (size_t i = 0; i < part.size(); ++i) out[i] = kMicrovoltsPerTick * part[i];
      out = out.subspan(part.size());
      first += part.size();
    }
    return {};
  }

 private:
  static ChannelKind KindOf(formats::edf::SignalKind kind) {
    switch (kind) {
      case formats::edf::SignalKind::kEeg:
        return ChannelKind::kEeg;
      case formats::edf::SignalKind::kEog:
        return ChannelKind::kEog;
      case formats::edf::SignalKind::kEmg:
        return ChannelKind::kEmg;
      default:
        return ChannelKind::kOther;
    }
  }

  synth::EegGenerator generator_;
  RecordingView view_;
};

/// The same in memory, for tests that change its samples.
inline MemoryRecording Rendered(synth::EegGenerator generator) {
  GeneratedRecording generated(std::move(generator));
  MemoryRecording recording;
  for (size_t c = 0; c < generated.view().channels.size(); ++c) {
    const Channel& channel = generated.view().channels[c];
    std::vector<double> samples(channel.samples);
    (void)generated.Read(c, 0, samples, base::Deadline::Never());
    recording.Add(channel.name, channel.rate_hz, std::move(samples), channel.kind);
  }
  return recording;
}

}  // namespace montage::analysis
