#pragma once
// Channels, one after the other in memory, to frames of lanes and back. Internal to this folder.

#include <cstddef>
#include <span>

namespace montage::signal {

/// Samples from `at` on of up to `lanes` channels, as many as fit: sample i of channel l goes to
/// frames[i * lanes + l]. Lanes without a channel repeat the first.
void Gather(std::span<const std::span<const double>> channels, size_t at, size_t lanes,
            std::span<double> frames);

/// Undoes Gather into rows from `at` on, one a lane.
void Scatter(std::span<const double> frames, size_t lanes, std::span<const std::span<double>> rows,
             size_t at);

}  // namespace montage::signal
