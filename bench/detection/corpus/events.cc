#include "bench/detection/corpus/findings.h"

namespace detection {
namespace {

constexpr size_t kOfEachKind = 20;
constexpr size_t kWithout = 60;
constexpr auto kKinds = std::to_array<std::string_view>({"spike", "spike_wave", "pled", "gped",
                                                         "seizure", "burst_suppression", "blink",
                                                         "muscle", "movement", "electrode_pop"});
constexpr size_t kArtifactsFrom = 6;
constexpr auto kChannelCounts = std::to_array<size_t>({19, 19, 19, 21, 32});
constexpr auto kRates = std::to_array<double>({200, 250, 256, 512});

CorpusRecording Draw(const Selection& selection, size_t index, std::string_view kind) {
  Drawing drawing(selection.split, Block::kEvents, index);
  synth::EegSpec& spec = drawing.spec();
  spec.channels = synth::FirstChannels(drawing.OneOf<size_t>(kChannelCounts)).value();
  spec.rate_hz = drawing.OneOf<double>(kRates);
  spec.duration_s = 300;
  CorpusRecording out;
  out.noise = drawing.AddSurroundings();
  out.group = kind;
  if (kind != "none") AddEvents(drawing, kind);
  out.spec = spec;
  return out;
}

}  // namespace

std::vector<CorpusRecording> EventCorpus(const Selection& selection) {
  std::vector<CorpusRecording> out;
  for (size_t k = 0; k < kKinds.size(); ++k) {
    for (size_t i = 0; i < (selection.quick ? kOfEachKind / 5 : kOfEachKind); ++i) {
      CorpusRecording one = Draw(selection, k * 30 + i, kKinds[k]);
      one.abnormal = k < kArtifactsFrom;
      out.push_back(std::move(one));
    }
  }
  for (size_t i = 0; i < (selection.quick ? kWithout / 5 : kWithout); ++i)
    out.push_back(Draw(selection, 500 + i, "none"));
  return out;
}

}  // namespace detection
