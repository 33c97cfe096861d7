#pragma once
// Sleep staging, what is counted in the stages, and the stage of the analysis.
//
//   derivations --> one pass over the samples --> features --> stages --> metrics, densities
//                        '--> spindles, slow waves, eye movements, arousals --'
//
// Decision support: a generated or real night is staged by rules of measure, not by a reader.

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "lib/base/result.h"
#include "montage/analysis/control.h"
#include "montage/analysis/pipeline.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"
#include "montage/analysis/sleep/figures/figures.h"
#include "montage/analysis/sleep/hypnogram.h"

namespace montage::analysis {

inline constexpr Method kSleepMethod{"montage-sleep-staging", "1.0"};

struct SleepOptions {
  double min_duration_s = 1800;  ///< shorter recordings are refused
  size_t max_events = 2000;      ///< listed of each kind; counts and means are over all
};

/// Channels that were used, by place; empty where there was none.
struct SleepChannels {
  std::string central = {};
  std::string central_stand_in = {};
  std::string frontal = {};
  std::string occipital = {};
  std::string spindles = {};
  std::string eyes = {};
  std::string chin = {};
};

/// What was found of one kind in the stages that it is counted in.
template <typename Figure>
struct Figures {
  size_t count = 0;
  std::array<size_t, kSleepStages> by_stage{};
  std::array<double, kSleepStages> per_minute{};  ///< of the stage; 0 where there is none of it
  std::vector<Figure> events = {};                ///< the first of them, by onset
};

struct SleepReport {
  std::vector<SleepStage> hypnogram = {};                            ///< floor(duration / 30 s)
  std::vector<std::array<double, kSleepStages>> probabilities = {};  ///< each sums to 1
  double confidence = 0;      ///< mean probability of the chosen stages
  size_t guessed_epochs = 0;  ///< without usable EEG, staged from their neighbours
  HypnogramMetrics metrics = {};
  std::vector<std::string> flags = {};
  std::optional<SleepQuality> quality = {};                      ///< none without sleep
  Figures<Spindle> spindles = {};                                ///< of N2 and N3
  Figures<SlowWave> slow_waves = {};                             ///< of N2 and N3
  std::optional<Figures<EyeMovement>> rapid_eye_movements = {};  ///< of REM; none without eyes
  Figures<Arousal> arousals = {};                                ///< of sleep
  double arousals_per_hour = 0;                                  ///< of total sleep
  SleepChannels channels = {};
  std::vector<std::string> notes = {};
};

/// Stages the recording. Without a quality report only what a trace itself shows is left out.
/// Errors: kInvalid for a recording shorter than options.min_duration_s, without a usable EEG
/// derivation, or with usable EEG in less than half of its epochs; those of the source;
/// cancellation and deadline. The hypnogram is never made up: see guessed_epochs.
base::Result<SleepReport> AnalyseSleep(const RecordingView& recording, const QualityReport* quality,
                                       const SleepOptions& options, const Control& control);

/// hypnogram, sleep_efficiency, sleep_stages, metrics, densities and events, channels, confidence;
/// see docs/reference/sleep.md.
boost::json::object ToJson(const SleepReport& report);

/// The stage sleep_analysis. Declines recordings under 30 minutes and those without usable EEG.
std::unique_ptr<Analysis> MakeSleepAnalysis();

}  // namespace montage::analysis
