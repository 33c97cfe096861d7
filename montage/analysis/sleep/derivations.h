#pragma once
// Which channels sleep is scored from. The AASM manual (chapter III) recommends F4-M1, C4-M1 and
// O2-M1 with F3-M2, C3-M2 and O1-M2 as backup, E1 and E2 for the eyes, and the chin; this takes
// what is nearest to that and says what it took.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

/// One signal: a channel, or the difference of two of one rate.
struct Derivation {
  size_t active = 0;
  std::optional<size_t> minus = {};
  std::string name = {};  ///< `C4-M1`, `Fpz-Cz`, `E1-E2`
};

/// Lowest rate that an EEG or eye channel is read at: beta ends at 30 Hz.
inline constexpr double kMinSleepRateHz = 64.0;

struct SleepDerivations {
  /// In order of preference; the second stands in where the first is unusable. At most two each.
  std::vector<Derivation> central = {};
  std::vector<Derivation> frontal = {};    ///< slow waves; may be empty
  std::vector<Derivation> occipital = {};  ///< alpha; may be empty
  std::optional<Derivation> vertex = {};   ///< spindles; the central one when there is no Cz
  std::optional<Derivation> eyes = {};     ///< left minus right when both are there
  std::optional<Derivation> chin = {};
  /// Of one eye against a reference, which sees the front of the brain too; not left minus right.
  bool eyes_see_brain = false;
  bool chin_is_envelope = false;  ///< its samples are a level, not a waveform (up to 10 Hz)
  /// Central is a lead between two scalp electrodes (Fpz-Cz), which weakens what both see.
  bool bipolar = false;
  std::vector<std::string> notes = {};  ///< what stands in for what, what is missing

  bool CanStage() const { return !central.empty(); }
};

/// Channels that the quality control calls bad are not taken, unless only mains or offset is wrong
/// with them, which the filters of the analysis remove. An empty `central` means that the recording
/// has no EEG channel at a known electrode and of at least 64 Hz that is good enough.
SleepDerivations ChooseDerivations(const RecordingView& recording, const QualityReport* quality);

}  // namespace montage::analysis
