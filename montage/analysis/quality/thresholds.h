#pragma once
// The peak-to-peak threshold of one channel by cross-validation, as in autoreject (Jas, Engemann,
// Bekhti, Raimondo, Gramfort 2017, section 2.2): the mean of the training trials that stay below a
// threshold is compared with the median of the validation trials, which artifacts hardly move.
//
//   loss(fold, threshold) = rms over time of  mean{training trials with swing <= threshold}
//                                            - median{validation trials}
//
// Where this differs from the published search: every value that occurs is tried, instead of some
// chosen by an optimiser, so that the result is exact and repeatable; and of the thresholds whose
// loss is within one standard error of the least (Breiman et al. 1984, section 3.4.3; of the paired
// differences over the folds) the largest is taken. Ongoing EEG is not locked to the epochs, so the
// loss is level up to where artifacts begin, and its least point alone would throw away sound data.

#include <cstddef>
#include <span>
#include <vector>

namespace montage::analysis {

struct ThresholdOptions {
  size_t folds = 10;
  double standard_errors = 1.0;  ///< 0: the least loss
  double floor_uv = 0;           ///< smaller thresholds are not tried
};

/// Trials of one channel.
struct Trials {
  std::span<const float> samples;  ///< [trial][point]
  std::span<const float> swings;   ///< peak-to-peak of each trial
  size_t points = 0;
  /// Trials behind this one are interpolated from other channels; both kinds are spread evenly over
  /// the folds.
  size_t measured = 0;
};

/// A trial is good when its swing is at most this. The largest swing means that none is left out,
/// which is also the answer for fewer than two trials a fold. Folds are drawn with a fixed seed:
/// the same trials give the same threshold.
double CrossValidatedThreshold(const Trials& trials, const ThresholdOptions& options);

/// Median over trials at every point: out[p] of samples [trial][point] for the given trials.
void MedianTrial(std::span<const float> samples, std::span<const size_t> trials,
                 std::span<float> out);

/// Fold of each of `count` trials: a permutation drawn with a fixed seed, then dealt in turn.
std::vector<size_t> DealFolds(size_t count, size_t folds);

/// Mean, and standard error of the mean, of loss[fold] - least[fold].
struct Excess {
  double mean = 0;
  double error = 0;
};
Excess ExcessOver(std::span<const double> loss, std::span<const double> least);

}  // namespace montage::analysis
