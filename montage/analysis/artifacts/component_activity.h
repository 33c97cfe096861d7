#pragma once
// When the components that are artifacts are active, over the whole recording, chunk by chunk.

#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/artifacts/artifact_detection.h"
#include "montage/analysis/artifacts/decomposition.h"
#include "montage/analysis/control.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

struct ComponentActivity {
  std::vector<ArtifactFinding> findings = {};
  double removed_uv2 = 0;  ///< mean over time of what the artifacts add up to, summed over channels
  size_t bins = 0;         ///< of kActivityBinS
};

/// Follows the components whose label is not `other`; sets their active_fraction. Memory: 4 bytes a
/// bin and component, and a chunk of all channels. Missing samples count as the model's mean.
base::Result<ComponentActivity> FollowArtifacts(const RecordingView& recording,
                                                const DecompositionInput& input,
                                                Decomposition& decomposition, double line_hz,
                                                const FitLimits& limits, const Control& control);

}  // namespace montage::analysis
