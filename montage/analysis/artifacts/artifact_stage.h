#pragma once
// Artifact detection as a stage of an analysis.

#include <memory>

#include "montage/analysis/pipeline.h"

namespace montage::analysis {

/// Stage kArtifactDetection, all three methods; needs quality control for the bad channels.
std::unique_ptr<Analysis> MakeArtifactDetection();

}  // namespace montage::analysis
