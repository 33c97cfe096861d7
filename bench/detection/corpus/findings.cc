#include "bench/detection/corpus/findings.h"

namespace detection {
namespace {

using synth::PlantKind;

constexpr auto kFoci = std::to_array<std::string_view>(
    {"T7", "T8", "F7", "F8", "C3", "C4", "F3", "F4", "P7", "P8", "P3", "P4", "O1", "O2"});
constexpr auto kTemporal =
    std::to_array<std::string_view>({"T7", "T8", "F7", "F8", "C3", "C4", "P7", "P8"});

std::string Focus(Drawing& drawing, std::span<const std::string_view> sites) {
  return std::string(drawing.OneOf<std::string_view>(sites));
}

/// One to two stretches of `least` to `most` seconds.
void AddStretches(Drawing& drawing, synth::Plant plant, double least_s, double most_s) {
  const size_t count = 1 + drawing.random().Below(2);
  const double length = drawing.Uniform(least_s, most_s);
  plant.at_s = drawing.Onsets(count, length, 10);
  plant.length_s = length;
  drawing.Add(std::move(plant));
}

/// A side has one focus: three neighbouring electrodes.
std::vector<std::string> Side(Drawing& drawing) {
  constexpr std::array<std::array<const char*, 3>, 4> kSides = {
      {{"T7", "C3", "P7"}, {"T8", "C4", "P8"}, {"F7", "T7", "F3"}, {"F8", "T8", "F4"}}};
  const auto& side = kSides[drawing.random().Below(kSides.size())];
  return {side.begin(), side.end()};
}

void AddDischarges(Drawing& drawing, std::string_view kind) {
  if (kind == "spike") {
    drawing.Add({.kind = PlantKind::kSpike,
                 .at_s = drawing.Onsets(6 + drawing.random().Below(15), 0.6, 1),
                 .channels = {Focus(drawing, kFoci)},
                 .amplitude_uv = drawing.Uniform(90, 200)});
  } else if (kind == "spike_wave") {
    const double length = drawing.Uniform(3, 9);
    drawing.Add({.kind = PlantKind::kSpikeWave,
                 .at_s = drawing.Onsets(2 + drawing.random().Below(4), length, 8),
                 .length_s = length,
                 .amplitude_uv = drawing.Uniform(120, 280),
                 .hz = drawing.Uniform(2.5, 4)});
  } else if (kind == "pled") {
    AddStretches(drawing,
                 {.kind = PlantKind::kPled,
                  .channels = Side(drawing),
                  .amplitude_uv = drawing.Uniform(90, 200),
                  .hz = drawing.Uniform(0.6, 2)},
                 40, 120);
  } else {
    AddStretches(drawing,
                 {.kind = PlantKind::kGped,
                  .amplitude_uv = drawing.Uniform(90, 200),
                  .hz = drawing.Uniform(0.6, 2)},
                 40, 120);
  }
}

void AddArtifacts(Drawing& drawing, std::string_view kind) {
  if (kind == "blink") {
    drawing.Add({.kind = PlantKind::kBlink,
                 .at_s = drawing.Onsets(15 + drawing.random().Below(40), 0.4, 0.6),
                 .amplitude_uv = drawing.Uniform(100, 250)});
  } else if (kind == "muscle") {
    const double length = drawing.Uniform(1, 6);
    drawing.Add({.kind = PlantKind::kMuscle,
                 .at_s = drawing.Onsets(5 + drawing.random().Below(10), length, 4),
                 .length_s = length,
                 .channels = {Focus(drawing, kTemporal)},
                 .amplitude_uv = drawing.Uniform(25, 80)});
  } else if (kind == "movement") {
    drawing.Add({.kind = PlantKind::kMovement,
                 .at_s = drawing.Onsets(4 + drawing.random().Below(8), 2, 4),
                 .amplitude_uv = drawing.Uniform(250, 900)});
  } else {
    drawing.Add({.kind = PlantKind::kElectrodePop,
                 .at_s = drawing.Onsets(4 + drawing.random().Below(8), 2.5, 4),
                 .channels = {Focus(drawing, kFoci)},
                 .amplitude_uv = drawing.Uniform(200, 800)});
  }
}

}  // namespace

void AddEvents(Drawing& drawing, std::string_view kind) {
  if (kind == "spike" || kind == "spike_wave" || kind == "pled" || kind == "gped") {
    AddDischarges(drawing, kind);
  } else if (kind == "seizure") {
    AddStretches(drawing,
                 {.kind = PlantKind::kSeizure,
                  .channels = {Focus(drawing, kTemporal)},
                  .amplitude_uv = drawing.Uniform(100, 250),
                  .hz = drawing.Uniform(4, 9)},
                 25, 90);
  } else if (kind == "burst_suppression") {
    const double length = drawing.Uniform(90, 280);
    drawing.Add({.kind = PlantKind::kBurstSuppression,
                 .at_s = drawing.Onsets(1, length, 5),
                 .length_s = length,
                 .amplitude_uv = drawing.Uniform(80, 200)});
  } else {
    AddArtifacts(drawing, kind);
  }
}

}  // namespace detection
