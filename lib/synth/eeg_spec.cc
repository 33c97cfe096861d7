#include "lib/synth/eeg_spec.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "lib/formats/edf/channel_names.h"

namespace synth {
namespace {

constexpr auto kPlants = std::to_array<PlantTraits>({
    {PlantKind::kAlpha, "alpha", "posterior alpha rhythm", false, 40, 10, "O1 O2", 0.8},
    {PlantKind::kBeta, "beta", "frontal beta rhythm", false, 12, 20, "F3 F4", 0.8},
    {PlantKind::kTheta, "theta", "frontal midline theta rhythm", false, 30, 6, "Fz", 0.8},
    {PlantKind::kDelta, "delta", "rhythmic delta", false, 60, 1.5, "Fz F3 F4", 0.9},
    {PlantKind::kRhythm, "rhythm", "rhythm of any frequency", false, 30, 10, "Cz", 0.6},
    {PlantKind::kSpike, "spike", "epileptiform spike with slow wave", true, 120, 0, "T7", 0.5},
    {PlantKind::kSpikeWave, "spike_wave", "generalised spike-and-slow-wave train", false, 200, 3,
     "Fz F3 F4", 1.6},
    {PlantKind::kSeizure, "seizure", "focal seizure: rhythm that grows and slows", false, 150, 6,
     "T7 F7", 0.9},
    {PlantKind::kPled, "pled", "lateralised periodic discharges", false, 130, 1, "T7 C3 P7", 0.6},
    {PlantKind::kGped, "gped", "generalised periodic discharges", false, 130, 1, "Fz Cz F3 F4",
     1.6},
    {PlantKind::kBurstSuppression, "burst_suppression", "bursts between stretches under 10 uV",
     false, 120, 0, "", 0},
    {PlantKind::kBlink, "blink", "eye blink", true, 150, 0, "Fp1 Fp2", 0.45},
    {PlantKind::kMuscle, "muscle", "muscle activity of 20 to 100 Hz (rms amplitude)", false, 30, 0,
     "T7 T8", 0.3},
    {PlantKind::kLineNoise, "line_noise", "mains interference", false, 20, 50, "", 0},
    {PlantKind::kElectrodePop, "electrode_pop", "step that decays, one channel", true, 300, 0, "T8",
     0},
    {PlantKind::kMovement, "movement", "head movement: large slow deflections", true, 400, 0, "",
     0},
    {PlantKind::kDrift, "drift", "slow baseline wander", false, 200, 0.05, "", 0},
    {PlantKind::kFlat, "flat", "no signal at all", false, 0, 0, "T8", 0},
    {PlantKind::kNoisy, "noisy", "bad contact: broadband noise (rms amplitude)", false, 300, 0,
     "T8", 0},
    {PlantKind::kDcOffset, "dc_offset", "constant offset", false, 500, 0, "T8", 0},
    {PlantKind::kClipped, "clipped", "amplifier saturation at +-amplitude", false, 25, 0, "T8", 0},
    {PlantKind::kSlowing, "slowing", "irregular slow waves, diffuse or focal (rms amplitude)",
     false, 40, 2, "", 0.7},
});

constexpr auto kSpecFields = std::to_array<FieldDoc>({
    {"channels", "integer | list of strings",
     "how many of the 10-20 order, or their names (default 19)"},
    {"rate", "number", "samples a second (default 256)"},
    {"duration", "duration", "length of the recording (default 60s, or that of the hypnogram)"},
    {"seed", "integer", "the same seed gives the same bytes (default 1)"},
    {"format", "edf | edf+ | bdf | bdf+", "file format (default edf)"},
    {"record_duration", "duration", "length of a data record (default 1s)"},
    {"start", "string", "local start time, 2026-01-01T09:00:00 (the default)"},
    {"patient", "object", "code, sex (F, M), birthdate (yyyy-mm-dd), name"},
    {"background_uv", "number", "the same as subject.background_uv"},
    {"subject", "object",
     "the person's traits: alpha_hz, exponent, spindle_hz, ...; each not given follows from the "
     "seed"},
    {"eyes", "open | closed | list",
     "open and closed eyes in turn, to the end: [closed*60s, open*30s] (default closed)"},
    {"annotate", "bool", "write the planted events as annotations (edf+ and bdf+)"},
    {"plant", "list of {kind: fields}", "what to plant, see the kinds"},
    {"hypnogram", "list of stages | \"night\"",
     "one of W, N1, N2, N3, REM an epoch of 30 s; N2*20 repeats; night, fragmented_night, "
     "late_night "
     "or shallow_night plans one"},
});

constexpr auto kPlantFields = std::to_array<FieldDoc>({
    {"at", "duration | list of durations", "onsets"},
    {"every", "duration", "repeats a momentary plant between from and until"},
    {"from", "duration", "start of a lasting plant (default 0s)"},
    {"until", "duration", "end of a lasting plant (default the end of the recording)"},
    {"duration", "duration", "length of a lasting plant, after from or each at"},
    {"channel", "string", "where: one channel of the recording"},
    {"channels", "list of strings", "where: several channels (default: the sites of the kind)"},
    {"amplitude_uv", "number", "largest deflection in microvolts"},
    {"hz", "number", "frequency of a rhythm or train"},
});

}  // namespace

std::span<const PlantTraits> PlantKinds() { return kPlants; }

const PlantTraits& TraitsOf(PlantKind kind) { return kPlants[static_cast<size_t>(kind)]; }

std::span<const FieldDoc> EegSpecFields() { return kSpecFields; }

std::span<const FieldDoc> PlantFields() { return kPlantFields; }

base::Result<std::vector<std::string>> FirstChannels(size_t count) {
  const auto electrodes = formats::edf::Electrodes();
  if (count == 0 || count > electrodes.size()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("channels is {}, expected 1 to {}", count, electrodes.size()));
  }
  std::vector<std::string> out;
  for (const auto& electrode : electrodes.first(count)) out.emplace_back(electrode.name);
  return out;
}

std::span<const FieldDoc> SubjectFields() {
  static const std::vector<std::string> kDocs = [] {
    std::vector<std::string> docs;
    for (const TraitRange& range : TraitRanges())
      docs.push_back(fmt::format("{} (drawn: {} to {})", range.doc, range.low, range.high));
    return docs;
  }();
  static const std::vector<FieldDoc> kFields = [] {
    std::vector<FieldDoc> fields;
    for (const TraitRange& range : TraitRanges())
      fields.push_back({range.name, "number", kDocs[fields.size()]});
    return fields;
  }();
  return kFields;
}

}  // namespace synth
