#pragma once
// Which epochs hold artifacts, and how spoiled each is.

#include <limits>
#include <span>
#include <string>
#include <vector>

#include "montage/analysis/quality/epochs.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/quality/quality_limits.h"

namespace montage::analysis {

/// Values that a clipped channel ends at in many epochs, where a free one reaches its extreme once.
struct Rails {
  float high = std::numeric_limits<float>::infinity();
  float low = -std::numeric_limits<float>::infinity();
};
Rails FindRails(std::span<const Epoch> epochs, const EpochLimits& limits);

/// Bits of every channel and epoch but blinks, which need the channels' faults first.
ArtifactMask FindArtifacts(const EpochTable& table, const EpochLimits& limits);
/// Adds blinks: large slow deflections at the front that the back of the head does not share.
/// `bad` has a flag for each row.
void FindBlinks(const EpochTable& table, const RecordingView& recording, std::span<const bool> bad,
                const EpochLimits& limits, ArtifactMask& mask);

/// Largest ratio of a measure to its limit; 1 and more is an artifact.
double Spoilage(const Epoch& epoch, const Rails& rails, const EpochLimits& limits);

/// Joins consecutive epochs with the same kind in the same channels; rows with `bad` are left out.
std::vector<ArtifactInterval> JoinArtifacts(const ArtifactMask& mask,
                                            std::span<const std::string> names,
                                            std::span<const bool> bad);

}  // namespace montage::analysis
