#pragma once
// Internal to the sleep analysis: from measures of epochs to probabilities of stages.
//
//   features --> likelihood of each stage --> forward-backward over the night --> probabilities
//                (stage_table.h)              (kStageTransitions)
//
// Likelihood. Each stage is a mixture of multivariate t distributions that share one scale matrix;
// measures that a recording lacks are left out of the distribution (its marginal), so one table
// serves with and without eyes and chin. The heavy tails bound what an odd epoch can claim.
// stage_table.h was fitted by bench/detection/fit_stages on generated nights; it says on which.

#include <array>
#include <span>
#include <vector>

#include "montage/analysis/sleep/hypnogram.h"
#include "montage/analysis/sleep/scan.h"

namespace montage::analysis {

using StageProbabilities = std::array<double, kSleepStages>;

/// One bump of a stage's distribution.
struct StageComponent {
  SleepStage stage = SleepStage::kWake;
  double weight = 1;  ///< within its stage
  EpochFeatures mean{};
};
struct StageTable {
  std::span<const StageComponent> components;
  /// Row by row, symmetric, positive definite.
  std::span<const EpochFeatures> scale;
};
/// For electrodes against an ear or a distant reference, and for leads between scalp electrodes.
const StageTable& StageTableFor(bool bipolar);

/// Log likelihoods of the stages; all 0 when nothing is known of the epoch.
std::vector<StageProbabilities> LikelihoodsOf(std::span<const EpochFeatures> epochs,
                                              const StageTable& table);

/// Probabilities of each epoch given the whole night (Rabiner 1989, section III). Log likelihoods
/// in, probabilities out; each row sums to 1.
std::vector<StageProbabilities> SmoothStages(std::span<const StageProbabilities> likelihoods);

/// Probability of the stage of an epoch (column) after that of the one before (row), by SleepStage.
/// Rounded from what hypnograms of healthy adults show: 10 to 25 changes of stage an hour, N1 leads
/// mostly to N2 or back to wake, N3 is entered from N2 and left to N2, REM ends in wake, N1 or N2
/// (Kemp, Kamphuisen 1986; Kishi et al. 2008; Yetton et al. 2018).
inline constexpr std::array<StageProbabilities, kSleepStages> kStageTransitions = {{
    {0.900, 0.080, 0.015, 0.001, 0.004},
    {0.100, 0.560, 0.300, 0.002, 0.038},
    {0.025, 0.025, 0.880, 0.050, 0.020},
    {0.010, 0.005, 0.083, 0.900, 0.002},
    {0.025, 0.030, 0.020, 0.001, 0.924},
}};

}  // namespace montage::analysis
