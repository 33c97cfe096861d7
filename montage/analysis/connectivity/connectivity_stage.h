#pragma once
// Connectivity as a stage of an analysis.

#include <memory>

#include "montage/analysis/pipeline.h"

namespace montage::analysis {

/// Stage kConnectivityAnalysis; needs quality control.
std::unique_ptr<Analysis> MakeConnectivityAnalysis();

}  // namespace montage::analysis
