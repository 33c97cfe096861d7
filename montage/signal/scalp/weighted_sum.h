#pragma once
// Channels as weighted sums of other channels: what montages, Laplacians and interpolation come to.

#include <cstddef>
#include <span>

#include "lib/base/result.h"

namespace montage::signal {

/// out[i] += weight * samples[i]. Requires: equal lengths, no overlap.
void AddScaled(double weight, std::span<const double> samples, std::span<double> out);

/// out[row] = sum of weights[row * in.size() + column] * in[column]: potentials to densities
/// (CurrentSourceWeights), or those of good electrodes to bad ones (SplineWeights). May not run in
/// place. Error kInvalid: weights not in.size() * out.size(), different lengths, or a non-finite
/// sample (naming channel and index).
base::Result<void> ApplyWeights(std::span<const double> weights,
                                std::span<const std::span<const double>> in,
                                std::span<const std::span<double>> out);

}  // namespace montage::signal
