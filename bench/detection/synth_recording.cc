#include "bench/detection/synth_recording.h"

#include <algorithm>
#include <array>

#include "lib/formats/edf/channel_names.h"

namespace detection {
namespace {

using montage::analysis::ChannelKind;

constexpr double kMicrovoltsPerTick = 0.1;

ChannelKind KindOf(std::string_view label) {
  switch (formats::edf::ParseChannelName(label).kind) {
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

}  // namespace

base::Result<std::unique_ptr<SynthRecording>> SynthRecording::Create(synth::EegSpec spec) {
  TRY(auto generator, synth::EegGenerator::Create(std::move(spec)));
  std::unique_ptr<SynthRecording> out(new SynthRecording(std::move(generator)));
  const synth::EegGenerator& made = out->generator_;
  for (size_t i = 0; i < made.spec().channels.size(); ++i) {
    const std::string& label = made.header().signals[i].label;
    out->view_.channels.push_back(
        {.name = formats::edf::ParseChannelName(label).canonical,
         .label = label,
         .kind = KindOf(label),
         .rate_hz = made.spec().rate_hz,
         .samples = made.record_count() * made.header().signals[i].samples_per_record});
  }
  out->view_.duration_s = made.truth().duration_s;
  out->view_.source = out.get();
  return out;
}

base::Result<void> SynthRecording::Read(size_t channel, uint64_t first, std::span<double> out,
                                        base::Deadline /*deadline*/) {
  std::array<int16_t, 4096> ticks{};
  while (!out.empty()) {
    const size_t count = std::min(out.size(), ticks.size());
    const std::span<int16_t> part = std::span(ticks).first(count);
    generator_.Render(channel, first, part);
    for (size_t i = 0; i < count; ++i) out[i] = part[i] * kMicrovoltsPerTick;
    out = out.subspan(count);
    first += count;
  }
  return {};
}

}  // namespace detection
