#pragma once
// What EEG recording to generate.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "lib/base/result.h"
#include "lib/formats/edf/header.h"
#include "lib/synth/sleep/night.h"
#include "lib/synth/subject/eyes.h"
#include "lib/synth/subject/subject.h"
#include "lib/synth/truth.h"

namespace synth {

enum class PlantKind {
  kAlpha,
  kBeta,
  kTheta,
  kDelta,
  kRhythm,
  kSpike,
  kSpikeWave,
  kSeizure,
  kPled,
  kGped,
  kBurstSuppression,
  kBlink,
  kMuscle,
  kLineNoise,
  kElectrodePop,
  kMovement,
  kDrift,
  kFlat,
  kNoisy,
  kDcOffset,
  kClipped,
  kSlowing,
};

/// What a plant is unless its fields say otherwise.
struct PlantTraits {
  PlantKind kind;
  std::string_view name;
  std::string_view doc;
  bool momentary;          ///< happens `at` times; otherwise lasts `from` .. `until`
  double amplitude_uv;     ///< default
  double hz;               ///< default; 0: has no frequency
  std::string_view sites;  ///< default electrodes; "" all channels
  double spread;  ///< how far its field reaches (radii of the head); 0: named channels only
};
std::span<const PlantTraits> PlantKinds();
const PlantTraits& TraitsOf(PlantKind kind);

/// Something to plant. Times are seconds from the start of the recording.
struct Plant {
  PlantKind kind = PlantKind::kSpike;
  std::vector<double> at_s;       ///< onsets
  std::optional<double> every_s;  ///< momentary kinds: repeated from `from_s` on
  double from_s = 0;
  std::optional<double> until_s;   ///< default: the end
  std::optional<double> length_s;  ///< lasting kinds given by `at_s`: how long each (default 10 s)
  std::vector<std::string> channels;  ///< empty: the kind's own sites
  std::optional<double> amplitude_uv;
  std::optional<double> hz;
};

enum class EegFormat { kEdf, kEdfPlus, kBdf, kBdfPlus };

struct EegSpec {
  /// 10-10 electrodes, bipolar pairs (`Fpz-Cz`), `E1`, `E2` (eyes) and `EMG chin`.
  std::vector<std::string> channels;
  double rate_hz = 256;
  double duration_s = 60;  ///< rounded up to whole data records
  uint64_t seed = 1;
  EegFormat format = EegFormat::kEdf;
  double record_duration_s = 1;
  std::chrono::local_seconds start =
      std::chrono::local_days(std::chrono::year(2026) / 1 / 1) + std::chrono::hours(9);
  formats::edf::PatientFields patient;
  formats::edf::RecordingFields recording;
  std::optional<double> background_uv;  ///< Trait::kBackgroundUv, kept for specs made before
  ChosenTraits subject;                 ///< what is not chosen follows from the seed
  /// Open and closed eyes, repeated to the end, in multiples of 3 s; empty: closed, and in a
  /// quarter of a night's wake epochs open.
  std::vector<EyesFor> eyes;
  bool annotate = false;  ///< EDF+ and BDF+: write the planted events as annotations
  std::vector<Plant> plants;
  std::vector<SleepStage> hypnogram;  ///< one an epoch of 30 s; empty: awake throughout
};

/// The first `count` of the 10-20 order, then of the 10-10 electrodes.
base::Result<std::vector<std::string>> FirstChannels(size_t count);

/// One field of the JSON form, for schemas and documentation.
struct FieldDoc {
  std::string_view name;
  std::string_view type;
  std::string_view doc;
};
std::span<const FieldDoc> EegSpecFields();
std::span<const FieldDoc> PlantFields();
/// One of each trait, with the range from which the seed draws it.
std::span<const FieldDoc> SubjectFields();

/// `{channels: 19, rate: 256, duration: "20m", plant: [{spike: {at: ["30s"], channel: "T7"}}]}`.
/// Unknown fields, wrong types and impossible values are errors that name the path.
base::Result<EegSpec> ParseEegSpec(const boost::json::object& json);

}  // namespace synth
