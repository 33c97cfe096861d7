#pragma once
// The list of analyses that this build has: the one place that names their classes.

#include <memory>

#include "montage/analysis/abnormality/window_model.h"
#include "montage/analysis/pipeline.h"

namespace montage::analysis {

std::unique_ptr<Analysis> MakeQualityControl();
std::unique_ptr<Analysis> MakeSpectralAnalysis();

/// `model` judges the windows of abnormality detection; null: the documented measures do.
Registry BuiltInAnalyses(std::shared_ptr<WindowModel> model = nullptr);

}  // namespace montage::analysis
