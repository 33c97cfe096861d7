#pragma once
// The list of analyses that this build has: the one place that names their classes.

#include <memory>

#include "montage/analysis/pipeline.h"

namespace montage::analysis {

std::unique_ptr<Analysis> MakeQualityControl();
std::unique_ptr<Analysis> MakeSpectralAnalysis();

Registry BuiltInAnalyses();

}  // namespace montage::analysis
