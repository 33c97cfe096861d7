#pragma once
// Which epochs are good, which are good once some channels of them are interpolated, and which are
// beyond repair: the local variant of autoreject (Jas, Engemann, Bekhti, Raimondo, Gramfort 2017,
// section 2.4).
//
//   thinned epochs -> threshold of each channel (thresholds.h)
//                  -> a cell (channel, epoch) is spoiled, or not
//                  -> kappa, rho by cross-validation of the repaired epochs
//   all epochs     -> good | repaired: at most rho worst cells interpolated | rejected: spoiled in
//                     kappa of the channels or more
//
// Ongoing EEG needs two rules that evoked responses do not:
//  - A cell above its threshold is not spoiled when its channel does what the best neighbour does
//    (|r| >= 0.8 within 1 to 30 Hz): slow waves, spike-waves and seizures are large, and are
//    shared. Artifacts that are shared too (movement, muscle, ...) are found by the fixed limits,
//    whose artifacts (blinks excepted, which are removed otherwise) spoil a cell as well.
//  - A threshold is at least exp(median + 3 robust deviations of the logarithm of the swings). When
//    cross-validation would leave no trial out, it is exp(median + 5 deviations), but no less than
//    the largest swing seen and no more than 1.5 times that.
// Bad channels take no part.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "montage/analysis/quality/epochs.h"
#include "montage/analysis/quality/interpolation.h"
#include "montage/analysis/quality/quality.h"

namespace montage::analysis {

/// What is tried for rho (as far as there are more channels than kappa asks for) and for kappa.
inline constexpr size_t kInterpolateGrid[] = {1, 2, 4};
inline constexpr double kConsensusGrid[] = {0.1, 0.2, 0.3, 0.4, 0.5};

/// Positions of the rows that can stand in for each other: known, and sampled like most others.
std::vector<std::optional<signal::Position>> ComparablePositions(const RecordingView& recording,
                                                                 std::span<const size_t> channels);

/// Errors only when `control` says stop. `bad` and `positions` have an element for each row.
/// Deterministic; needs no samples but the table's. With fewer than kLeastThinnedEpochs epochs no
/// threshold is fitted (all are NaN) and only the fixed limits spoil a cell.
base::Result<LocalRejection> LabelEpochs(const EpochTable& table, const ArtifactMask& mask,
                                         std::span<const bool> bad,
                                         std::span<const std::optional<signal::Position>> positions,
                                         const Control& control);

}  // namespace montage::analysis
