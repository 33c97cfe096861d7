#pragma once
// What experts wrote down about a recording, whatever format they wrote it in.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "montage/evaluation/matching.h"

namespace montage::evaluation {

/// AASM stages. Rechtschaffen and Kales' stages 3 and 4 are both N3 (AASM manual, IV.5).
enum class SleepStage { kWake, kN1, kN2, kN3, kRem };
inline constexpr size_t kSleepStages = 5;
inline constexpr double kEpochS = 30;
/// `W`, `N1`, `N2`, `N3`, `REM`.
std::string_view ToString(SleepStage stage);
/// `W`, `N1` or `1`, ..., `4` (N3), `R` or `REM`, in any case; none for anything else.
std::optional<SleepStage> ParseSleepStage(std::string_view text);

/// The kinds of event that an evaluation compares; others are left out.
inline constexpr std::array<std::string_view, 6> kEventKinds = {
    "epileptiform", "PLED", "GPED", "seizure", "burst_suppression", "artifact"};

struct Truth {
  std::optional<bool> is_abnormal = {};
  /// Of kEventKinds, by onset; the same stretch on several channels is one event.
  std::vector<TimedEvent> events = {};
  /// Of kEventKinds, those that a reader has marked wherever they are. Of other kinds nothing is
  /// known: what is found of them is neither right nor wrong, unless another recording has events
  /// of it. None: all kinds.
  std::optional<std::vector<std::string>> annotated = {};
  /// What a reader has looked at: only there is something found that is not true a false alarm.
  /// None: the whole recording.
  std::optional<std::vector<TimedEvent>> reviewed = {};
  /// One an epoch from the start of the recording; none where nobody scored (movement, `?`).
  std::vector<std::optional<SleepStage>> stages = {};
};

/// What a label of a data set means: a kind of kEventKinds, `background`, or "" for something that
/// is not compared. In any case.
///
///   spsw, spike, spike_wave, sharp -> epileptiform      pled, lpd -> PLED      gped, gpd -> GPED
///   seiz, fnsz, gnsz, spsz, cpsz, absz, tnsz, cnsz, tcsz, atsz, mysz -> seizure
///   eyem, musc, chew, shiv, elec, elpp, elst, artf and pairs such as eyem_musc -> artifact
///   bckg -> background
///
/// TUH EEG annotation guidelines (Ochal et al. 2020; Hamid et al. 2020), ACNS terminology 2021.
std::string_view MeaningOf(std::string_view label);

/// Joins events of one kind that overlap or touch, whatever channel they were seen on.
std::vector<TimedEvent> JoinOverlapping(std::vector<TimedEvent> events);

/// Nights in a laboratory begin and end with hours awake that flatter every figure: keeps the wake
/// epochs within `epochs` of the first and last epoch of sleep, the custom for Sleep-EDF (Supratak
/// et al. 2017: 60). Epochs outside become none; without sleep all stay.
void TrimWake(std::vector<std::optional<SleepStage>>& stages, size_t epochs);

}  // namespace montage::evaluation
