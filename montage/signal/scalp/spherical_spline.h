#pragma once
// Spherical splines (Perrin, Pernier, Bertrand, Echallier 1989): a smooth field on the scalp from
// the electrodes that are good, read where the bad ones are.

#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/scalp/electrodes.h"

namespace montage::signal {

/// g_m(cos angle) = 1 / (4 pi) * sum over n = 1..50 of (2n + 1) / (n (n + 1))^m * P_n, with m = 4.
double SplineKernel(double cosine);

/// weights[target * sources + source]: value at target = sum of weight * value at source. Each row
/// sums to 1. `smoothing` is added to the diagonal (1e-5 as in MNE).
/// Error kInvalid without a source, or when two sources coincide and smoothing is 0.
base::Result<std::vector<double>> SplineWeights(std::span<const Position> sources,
                                                std::span<const Position> targets,
                                                double smoothing = 1e-5);

}  // namespace montage::signal
