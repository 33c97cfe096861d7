#pragma once
// Artifacts to a quarter of a second, from the conditioned chunk. The quality stage finds them in
// epochs of 2 s; events need their onset.
//
//   muscle    energy above 41 Hz well over what the channel usually has, which leaves mains out
//   movement  large deflections below 3 Hz in most channels at once
//   blink     a positive wave of 80 to 250 ms at the front that the back of the head does not see
//   pop       a step of one channel (discharges.h)

#include <span>
#include <vector>

#include "montage/analysis/events/conditioning.h"
#include "montage/analysis/events/discharges.h"
#include "montage/analysis/events/survey.h"

namespace montage::analysis {

/// By start; those of the chunk's own part.
std::vector<ArtifactSpan> FindArtifactSpans(const ConditionedChunk& chunk,
                                            const ScalpLayout& layout,
                                            std::span<const ElectrodePop> pops);

}  // namespace montage::analysis
