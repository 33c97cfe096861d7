#include <algorithm>
#include <cmath>

#include "bench/detection/corpus/drawing.h"

namespace detection {
namespace {

using synth::PlantKind;

constexpr size_t kRecordings = 150;
constexpr auto kChannelCounts = std::to_array<size_t>({8, 16, 19, 32, 64});

std::vector<std::string> ChannelsOf(size_t count) {
  if (count == 8) return {"F3", "F4", "C3", "C4", "T7", "T8", "O1", "O2"};
  std::vector<std::string> names = synth::FirstChannels(std::max<size_t>(count, 19)).value();
  if (count == 16) std::erase_if(names, [](const std::string& name) { return name[1] == 'z'; });
  return names;
}

constexpr auto kRates = std::to_array<double>({128, 200, 256, 500, 1000});
constexpr auto kFaults =
    std::to_array<PlantKind>({PlantKind::kFlat, PlantKind::kNoisy, PlantKind::kDcOffset,
                              PlantKind::kClipped, PlantKind::kLineNoise});

/// A fault that no reader would overlook; its size is drawn.
synth::Plant FaultOf(Drawing& drawing, PlantKind kind, std::string channel) {
  synth::Plant plant{.kind = kind, .channels = {std::move(channel)}};
  switch (kind) {
    case PlantKind::kNoisy:
      plant.amplitude_uv = drawing.Uniform(50, 400);
      break;
    case PlantKind::kDcOffset:
      plant.amplitude_uv = drawing.Uniform(300, 2500) * (drawing.Chance(0.5) ? 1 : -1);
      break;
    case PlantKind::kClipped:
      plant.amplitude_uv = drawing.Uniform(8, 16);
      break;
    case PlantKind::kLineNoise:
      plant.amplitude_uv = drawing.Uniform(40, 200);
      plant.hz = drawing.Chance(0.5) ? 50 : 60;
      break;
    default:
      break;
  }
  return plant;
}

/// What a good channel may show.
void AddEverydayLife(Drawing& drawing) {
  if (drawing.Chance(0.4)) drawing.spec().eyes = {{false, 45}, {true, 30}};
  if (drawing.Chance(0.3)) {
    drawing.Add({.kind = PlantKind::kMuscle,
                 .at_s = drawing.Onsets(3, 4, 5),
                 .length_s = 4,
                 .amplitude_uv = drawing.Uniform(15, 40)});
  }
  if (drawing.Chance(0.3)) drawing.Add({.kind = PlantKind::kMovement, .at_s = {60}});
}

}  // namespace

std::vector<CorpusRecording> BadChannelCorpus(const Selection& selection) {
  std::vector<CorpusRecording> out;
  for (size_t i = 0; i < (selection.quick ? kRecordings / 5 : kRecordings); ++i) {
    Drawing drawing(selection.split, Block::kBadChannels, i);
    synth::EegSpec& spec = drawing.spec();
    spec.channels = ChannelsOf(kChannelCounts[i % kChannelCounts.size()]);
    spec.rate_hz = drawing.OneOf<double>(kRates);
    spec.duration_s = 120;
    CorpusRecording recording;
    recording.noise = drawing.AddSurroundings();
    AddEverydayLife(drawing);
    // A sixth of the recordings are good altogether; in the others up to a fifth of the channels
    // are bad, at least one.
    const size_t most = std::max<size_t>(1, spec.channels.size() / 5);
    const size_t count = i % 6 == 5 ? 0 : 1 + drawing.random().Below(most);
    std::vector<std::string> names = spec.channels;
    for (size_t k = 0; k < count; ++k) {
      const size_t pick = drawing.random().Below(names.size());
      const PlantKind kind = kFaults[(i + k) % kFaults.size()];
      drawing.Add(FaultOf(drawing, kind, names[pick]));
      names.erase(names.begin() + static_cast<std::ptrdiff_t>(pick));
    }
    recording.group = count == 0 ? "all good" : "some bad";
    recording.spec = spec;
    out.push_back(std::move(recording));
  }
  return out;
}

}  // namespace detection
