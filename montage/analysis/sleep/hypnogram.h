#pragma once
// Sleep stages and what is counted on a hypnogram: the reporting parameters of the AASM Manual for
// the Scoring of Sleep (chapter II, "Parameters to be reported"), and one score of the night.

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace montage::analysis {

/// AASM stages; one an epoch of 30 s.
enum class SleepStage { kWake, kN1, kN2, kN3, kRem };
inline constexpr size_t kSleepStages = 5;
inline constexpr double kSleepEpochS = 30.0;
/// `W`, `N1`, `N2`, `N3`, `REM`.
std::string_view ToString(SleepStage stage);
inline bool IsAsleep(SleepStage stage) { return stage != SleepStage::kWake; }
/// N1, N2 or N3.
inline bool IsNonRem(SleepStage stage) { return IsAsleep(stage) && stage != SleepStage::kRem; }

/// Minutes unless stated. Lights off and on are the ends of the recording.
struct HypnogramMetrics {
  double time_in_bed = 0;       ///< whole epochs of the recording
  double total_sleep = 0;       ///< TST: all epochs of N1, N2, N3 and REM
  double sleep_period = 0;      ///< SPT: from the first epoch of sleep to the last, both included
  double wake_after_onset = 0;  ///< WASO: wake after the first epoch of sleep (AASM)
  std::optional<double> sleep_latency;  ///< to the first epoch of any sleep; none without sleep
  std::optional<double> rem_latency;    ///< from there to the first epoch of REM
  double sleep_efficiency = 0;          ///< total_sleep / time_in_bed, percent
  std::array<double, kSleepStages> stage_minutes{};  ///< by SleepStage
  /// Percent of the total sleep time by SleepStage, 0 for wake; all 0 without sleep.
  std::array<double, kSleepStages> stage_percent{};
  size_t awakenings = 0;   ///< runs of wake between two epochs of sleep
  size_t transitions = 0;  ///< changes of stage within the sleep period
  /// Share of the sleep epochs that are followed by wake or, from N2, N3 or REM, by N1, within the
  /// sleep period, in [0, 1]: the index of Haba-Rubio et al. 2004, which counts these an hour, over
  /// 120.
  double fragmentation = 0;
  /// NREM-REM cycles (Feinberg, Floyd 1979): at least 15 min of NREM sleep, then REM. REM periods
  /// with less than 15 min of NREM between them are one; every one but the first needs 5 min.
  size_t cycles = 0;
};
HypnogramMetrics MeasureHypnogram(std::span<const SleepStage> hypnogram);

/// What a reader should look at, in words for programs: `no_sleep`, `low_sleep_efficiency` (below
/// 70 %), `fragmented_sleep` (fragmentation above 0.3), `little_rem` (below 10 %), `little_n3`
/// (below 5 %), `long_sleep_latency` (above 60 min), `long_rem_latency` (above 120 min).
std::vector<std::string> FlagsOf(const HypnogramMetrics& metrics);

/// Points of the factors that could be judged over the points they could have had, times 100.
///
///   factor                 best  next  next  else
///   sleep efficiency, %      25    20    15    10   at least 85, 75, 65
///   fragmentation            20    15    10     5   at most 0.1, 0.2, 0.3
///   REM, % of sleep          20    15    10     5   within 18-25, 15-30, 10-35
///   N3, % of sleep           20    15    10     5   at least 15, 10, 5
///   spindles a minute of N2  15    10     5     0   at least 2, 1, 0.5
struct SleepQuality {
  double score = 0;  ///< in [0, 100]
  char grade = 'F';  ///< A from 90, B from 80, C from 70, D from 60
};
/// None without sleep. `spindles_per_minute` is left out of the score when it is not known.
std::optional<SleepQuality> ScoreSleep(const HypnogramMetrics& metrics,
                                       std::optional<double> spindles_per_minute);

}  // namespace montage::analysis
