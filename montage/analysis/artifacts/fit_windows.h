#pragma once
// Which channels and which part of a recording a decomposition is fitted on.
//
// The part: windows of 10 s, at most 4 minutes, and of these at most 30,720 samples, evenly. Half
// are evenly spaced; half are those whose epochs differ most from the usual, because sources that
// are rarely active are found only where they are (overweighting: Dimigen 2020). Windows with gross
// deflections are left out; missing samples count as 0.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "montage/analysis/artifacts/artifact_limits.h"
#include "montage/analysis/quality/epochs.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

/// What can be decomposed together: EEG channels of one rate and length.
struct DecompositionInput {
  std::vector<size_t> channels = {};  ///< index in the recording
  std::vector<size_t> rows = {};      ///< of the epoch table, as many
  std::optional<size_t> ecg = {};     ///< channels of the same rate, for comparison
  std::vector<size_t> eog = {};
  double rate_hz = 0;
  uint64_t samples = 0;
  std::string shortcoming = {};  ///< why it cannot be decomposed; empty when it can
};

/// The largest set of the table's EEG rows that share rate and length, and whether it suffices.
DecompositionInput ChooseInput(const RecordingView& recording, const EpochTable& table,
                               const FitLimits& limits);

/// First samples of the windows to fit on, ascending.
struct FitWindows {
  std::vector<uint64_t> first = {};
  size_t length = 0;  ///< samples
};
FitWindows ChooseWindows(const DecompositionInput& input, const EpochTable& table,
                         const FitLimits& limits);

}  // namespace montage::analysis
