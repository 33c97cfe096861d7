#pragma once
// Generated nights as the analyses see them.

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lib/formats/edf/channel_names.h"
#include "lib/synth/eeg.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

/// Renders a generated recording on demand. Channel kinds and names follow the labels, as of a
/// file.
class GeneratedRecording final : public SampleSource {
 public:
  explicit GeneratedRecording(synth::EegGenerator generator) : generator_(std::move(generator)) {
    const synth::Truth& truth = generator_.truth();
    view_.duration_s = truth.duration_s;
    for (const std::string& name : truth.channels) {
      const auto parsed = formats::edf::ParseChannelName(name);
      const ChannelKind kind = parsed.kind == formats::edf::SignalKind::kEog   ? ChannelKind::kEog
                               : parsed.kind == formats::edf::SignalKind::kEmg ? ChannelKind::kEmg
                                                                               : ChannelKind::kEeg;
      view_.channels.push_back(
          {.name = parsed.canonical,
           .label = name,
           .kind = kind,
           .rate_hz = truth.rate_hz,
           .samples = static_cast<uint64_t>(std::llround(truth.duration_s * truth.rate_hz))});
    }
    view_.source = this;
  }
  GeneratedRecording(const GeneratedRecording&) = delete;
  GeneratedRecording& operator=(const GeneratedRecording&) = delete;

  const RecordingView& view() const { return view_; }
  const synth::Truth& truth() const { return generator_.truth(); }

  base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                          base::Deadline /*deadline*/) override {
    ticks_.resize(out.size());
    generator_.Render(channel, first, ticks_);
    for (size_t i = 0; i < out.size(); ++i) out[i] = 0.1 * ticks_[i];
    return {};
  }

 private:
  synth::EegGenerator generator_;
  RecordingView view_;
  std::vector<int16_t> ticks_;
};

}  // namespace montage::analysis
