#pragma once
// Abnormality detection as a stage of an analysis.

#include <memory>

#include "montage/analysis/abnormality/window_model.h"
#include "montage/analysis/pipeline.h"

namespace montage::analysis {

/// Stage kAbnormalityDetection; needs quality control. `model` scores the windows when it is there,
/// and method() names it; without one the documented measures do. Skipped for recordings under
/// 60 s or with fewer than four EEG channels; failed, with a cautious fallback, when too few
/// windows can be judged or the model does not answer.
std::unique_ptr<Analysis> MakeAbnormalityDetection(std::shared_ptr<WindowModel> model = nullptr);

}  // namespace montage::analysis
