#include "bench/detection/corpus/findings.h"

namespace detection {
namespace {

using synth::PlantKind;
using synth::Trait;

constexpr size_t kOfEachKind = 15;
constexpr auto kNormal =
    std::to_array<std::string_view>({"rest", "open_eyes", "blinks", "muscle", "mains", "movement",
                                     "low_alpha", "high_beta", "electrode_pop"});
constexpr auto kAbnormal = std::to_array<std::string_view>(
    {"spike", "spike_wave", "pled", "gped", "seizure", "burst_suppression", "focal_slowing",
     "diffuse_slowing", "slow_rhythm"});
constexpr auto kFoci =
    std::to_array<std::string_view>({"T7", "T8", "F7", "F8", "C3", "C4", "P7", "P8", "F3", "F4"});
constexpr auto kRates = std::to_array<double>({200, 250, 256, 512});

void Choose(Drawing& drawing, Trait trait, double low, double high) {
  drawing.spec().subject[static_cast<size_t>(trait)] = drawing.Uniform(low, high);
}

void MakeNormal(Drawing& drawing, std::string_view kind) {
  if (kind == "open_eyes") {
    drawing.spec().eyes = {{false, 60}, {true, 45}};
  } else if (kind == "blinks") {
    AddEvents(drawing, "blink");
  } else if (kind == "muscle" || kind == "movement" || kind == "electrode_pop") {
    AddEvents(drawing, kind);
  } else if (kind == "mains") {
    drawing.Add({.kind = PlantKind::kLineNoise, .amplitude_uv = drawing.Uniform(10, 30), .hz = 60});
  } else if (kind == "low_alpha") {
    Choose(drawing, Trait::kAlphaUv, 2, 5);
  } else if (kind == "high_beta") {  // as with benzodiazepines
    Choose(drawing, Trait::kBetaUv, 5, 10);
  }
}

// Slowing in sizes from mild (half of the background) to severe.
void MakeAbnormal(Drawing& drawing, std::string_view kind) {
  if (kind == "focal_slowing") {
    drawing.Add({.kind = PlantKind::kSlowing,
                 .channels = {std::string(drawing.OneOf<std::string_view>(kFoci))},
                 .amplitude_uv = drawing.Uniform(18, 50),
                 .hz = drawing.Uniform(1.2, 4)});
  } else if (kind == "diffuse_slowing") {
    drawing.Add({.kind = PlantKind::kSlowing,
                 .amplitude_uv = drawing.Uniform(14, 45),
                 .hz = drawing.Uniform(1.5, 6)});
    Choose(drawing, Trait::kAlphaUv, 0, 5);
  } else if (kind == "slow_rhythm") {  // adults: under 8 Hz is abnormal
    Choose(drawing, Trait::kAlphaHz, 5.5, 7.2);
    Choose(drawing, Trait::kAlphaUv, 8, 16);
  } else {
    AddEvents(drawing, kind);
  }
}

CorpusRecording Draw(const Selection& selection, size_t index, std::string_view kind,
                     bool abnormal) {
  Drawing drawing(selection.split, Block::kAbnormality, index);
  synth::EegSpec& spec = drawing.spec();
  spec.channels = synth::FirstChannels(drawing.Chance(0.7) ? 19 : 21).value();
  spec.rate_hz = drawing.OneOf<double>(kRates);
  spec.duration_s = 300;
  CorpusRecording out{.group = std::string(kind), .abnormal = abnormal};
  out.noise = drawing.AddSurroundings();
  abnormal ? MakeAbnormal(drawing, kind) : MakeNormal(drawing, kind);
  out.spec = spec;
  return out;
}

}  // namespace

std::vector<CorpusRecording> AbnormalityCorpus(const Selection& selection) {
  std::vector<CorpusRecording> out;
  const size_t count = selection.quick ? kOfEachKind / 5 : kOfEachKind;
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < kNormal.size(); ++k)
      out.push_back(Draw(selection, k * 20 + i, kNormal[k], false));
    for (size_t k = 0; k < kAbnormal.size(); ++k)
      out.push_back(Draw(selection, 500 + k * 20 + i, kAbnormal[k], true));
  }
  return out;
}

}  // namespace detection
