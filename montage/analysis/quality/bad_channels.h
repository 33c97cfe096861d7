#pragma once
// Which channels are unusable as a whole, and by which criterion. Each criterion has its limit in
// quality_limits.h and its row in docs/reference/quality.md.
//
// A channel is first judged by itself. Those that pass are then compared with each other, so that
// the limits hold for quiet and loud recordings alike; channels already found bad do not shift what
// is usual.

#include <span>
#include <vector>

#include "montage/analysis/quality/epochs.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/quality/quality_limits.h"

namespace montage::analysis {

/// Medians and fractions over the epochs of a row. Its correlation is set by CompareNeighbours.
ChannelQuality Summarise(const EpochTable& table, const ArtifactMask& mask, size_t row,
                         const Channel& channel);

/// Adds the faults that a channel shows by itself, and warnings.
void JudgeAlone(const EpochTable& table, const ArtifactMask& mask, size_t row,
                const ChannelLimits& limits, ChannelQuality& channel);

/// Sets the correlation of every channel: the largest |mean r| with a neighbour that has no fault
/// so far; -1 when there is none. `channels` are the rows of the table.
void CompareNeighbours(const EpochTable& table, std::span<ChannelQuality> channels);

/// What is usual among channels, measured on those that have no fault of their own.
struct Fellows {
  Fellows(std::span<const ChannelQuality> channels, const ChannelLimits& limits);

  /// Of the logarithm, so that one scale fits all.
  struct Usual {
    double median = 0;
    double spread = 1;  ///< robust
  };
  int count;
  Usual deviation;
  Usual fast;
  double mean;
  double mean_spread;  ///< robust
  double line;
  double correlation;
};

/// Adds the faults that show beside the other channels.
void JudgeAgainst(const Fellows& fellows, const ChannelLimits& limits, ChannelQuality& channel);

}  // namespace montage::analysis
