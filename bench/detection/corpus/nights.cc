#include "bench/detection/corpus/drawing.h"

namespace detection {
namespace {

using synth::NightKind;

constexpr size_t kNights = 30;

struct Montage {
  double rate_hz;
  std::vector<std::string> channels;
};

const std::vector<Montage>& Montages() {
  static const std::vector<Montage> kMontages = {
      {128, {"F3", "F4", "C3", "C4", "O1", "O2", "E1", "E2", "EMG chin"}},  // AASM
      {100, {"Fpz-Cz", "Pz-Oz", "E1", "EMG chin"}},                         // Sleep-EDF
      {256, {"F4", "C4", "O2", "E1", "E2", "EMG chin"}},
      {100, {"Fpz-Cz", "Pz-Oz"}},
      {128, synth::FirstChannels(19).value()},
  };
  return kMontages;
}

}  // namespace

std::vector<CorpusRecording> NightCorpus(const Selection& selection) {
  std::vector<CorpusRecording> out;
  for (size_t i = 0; i < (selection.quick ? kNights / 5 : kNights); ++i) {
    Drawing drawing(selection.split, Block::kNights, i);
    synth::EegSpec& spec = drawing.spec();
    const Montage& montage = Montages()[i % Montages().size()];
    spec.channels = montage.channels;
    spec.rate_hz = montage.rate_hz;
    spec.record_duration_s = 30;
    spec.duration_s = (i / Montages().size()) % 3 == 2 ? 4 * 3600 : 8 * 3600;
    // Half of the nights are normal.
    const auto kind = static_cast<NightKind>(i % 2 == 0 ? 0 : 1 + (i / 2) % 3);
    spec.hypnogram = synth::PlanNight(static_cast<size_t>(spec.duration_s / 30), spec.seed, kind);
    CorpusRecording recording{.group = std::string(ToString(kind))};
    recording.noise = drawing.AddSurroundings();
    // Sleepers turn over a few times an hour.
    drawing.Add({.kind = synth::PlantKind::kMovement,
                 .at_s = drawing.Onsets(static_cast<size_t>(spec.duration_s / 900), 3, 20),
                 .amplitude_uv = drawing.Uniform(150, 500)});
    recording.spec = spec;
    out.push_back(std::move(recording));
  }
  return out;
}

}  // namespace detection
