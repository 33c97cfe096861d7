#pragma once
// How predictable a signal is from its own short past: entropies of its patterns.
//
// The samples may have any unit: none of these numbers changes when a signal is scaled. All refuse
// non-finite samples (kInvalid, naming the index) and inputs too short for their parameters.

#include <cstddef>
#include <span>

#include "lib/base/result.h"

namespace montage::signal {

struct PermutationOptions {
  size_t order = 3;  ///< samples in a pattern, 2 to 8
  size_t delay = 1;  ///< samples between them, at least 1
};

/// Shannon entropy of the order patterns over its maximum log(order!), in [0, 1] (Bandt, Pompe
/// 2002). Equal samples count as ascending in time, as in antropy.perm_entropy(normalize=True).
/// Error kInvalid: order or delay out of range, fewer than (order - 1) * delay + 1 samples.
base::Result<double> PermutationEntropy(std::span<const double> samples,
                                        PermutationOptions options = {});

/// Entropy of the normalised singular values of the matrix of delayed copies, over its maximum
/// log(order), in [0, 1] (Roberts, Penny, Rezek 1999; antropy.svd_entropy(normalize=True)).
/// Error kInvalid: as PermutationEntropy; also when all samples are 0.
base::Result<double> SvdEntropy(std::span<const double> samples, PermutationOptions options = {});

struct MatchingOptions {
  size_t length = 2;       ///< m, samples in the shorter template, 1 to 16
  double tolerance = 0.2;  ///< r in standard deviations of the samples (population convention), > 0
};

/// Longest input of SampleEntropy and ApproximateEntropy: 2 min at 256 Hz. The work grows with the
/// square of the length; longer signals are measured in windows, since they are not stationary.
inline constexpr size_t kMostMatchedSamples = 32768;

/// -log(A / B): A pairs of templates of m + 1 samples and B of m samples, out of the same n - m
/// starts, that differ by at most r everywhere (Richman, Moorman 2000). A pair does not match
/// itself. Differences of exactly r match, as in the paper (antropy.sample_entropy leaves them out
/// below 5,000 samples). 0 for a constant.
/// Errors: kInvalid for fewer than m + 2 samples, for parameters out of range, and when no pair
/// matches (A = 0), where the measure is undefined; kTooLarge over kMostMatchedSamples.
base::Result<double> SampleEntropy(std::span<const double> samples, MatchingOptions options = {});

/// phi(m) - phi(m + 1), phi the mean logarithm of the share of templates within r, each matching
/// itself (Pincus 1991; antropy.app_entropy). Defined for every input; biased to regularity.
/// Errors: as SampleEntropy, but A may be 0.
base::Result<double> ApproximateEntropy(std::span<const double> samples,
                                        MatchingOptions options = {});

}  // namespace montage::signal
