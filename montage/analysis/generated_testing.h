#pragma once
// Generated recordings as the analyses see them. Names, kinds and voltages are those that the same
// recording has when it is written to a file and opened by recordings::EdfRecording.

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "lib/formats/edf/channel_names.h"
#include "lib/synth/eeg.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

inline ChannelKind KindOf(formats::edf::SignalKind kind) {
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

inline std::vector<Channel> ChannelsOf(const synth::EegGenerator& generator) {
  const synth::Truth& truth = generator.truth();
  std::vector<Channel> channels;
  for (size_t c = 0; c < truth.channels.size(); ++c) {  // further signals are annotations
    const auto& signal = generator.header().signals[c];
    const auto parsed = formats::edf::ParseChannelName(signal.label);
    channels.push_back({.name = parsed.canonical,
                        .label = signal.label,
                        .kind = KindOf(parsed.kind),
                        .rate_hz = truth.rate_hz,
                        .samples = generator.record_count() * signal.samples_per_record});
  }
  return channels;
}

/// Microvolts of samples first, first + 1, ...
inline void Render(const synth::EegGenerator& generator, size_t channel, uint64_t first,
                   std::span<double> out) {
  constexpr double kMicrovoltsPerTick = 0.1;
  std::array<int16_t, 4096> ticks{};
  while (!out.empty()) {
    const auto part = std::span(ticks).first(std::min(out.size(), ticks.size()));
    generator.Render(channel, first, part);
    for (size_t i = 0; i < part.size(); ++i) out[i] = kMicrovoltsPerTick * part[i];
    out = out.subspan(part.size());
    first += part.size();
  }
}

/// Renders on demand; nothing is stored.
class GeneratedRecording final : public SampleSource {
 public:
  explicit GeneratedRecording(synth::EegGenerator generator) : generator_(std::move(generator)) {
    view_.channels = ChannelsOf(generator_);
    view_.duration_s = truth().duration_s;
    view_.source = this;
  }
  GeneratedRecording(const GeneratedRecording&) = delete;
  GeneratedRecording& operator=(const GeneratedRecording&) = delete;

  const RecordingView& view() const { return view_; }
  const synth::Truth& truth() const { return generator_.truth(); }

  base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                          base::Deadline /*deadline*/) override {
    Render(generator_, channel, first, out);
    return {};
  }

 private:
  synth::EegGenerator generator_;
  RecordingView view_;
};

/// The same in memory, for tests that change its samples.
inline MemoryRecording Rendered(const synth::EegGenerator& generator) {
  MemoryRecording recording;
  const auto channels = ChannelsOf(generator);
  for (size_t c = 0; c < channels.size(); ++c) {
    std::vector<double> samples(channels[c].samples);
    Render(generator, c, 0, samples);
    recording.Add(channels[c].name, channels[c].rate_hz, std::move(samples), channels[c].kind);
  }
  return recording;
}

}  // namespace montage::analysis
