#pragma once
// Window features as a stage of an analysis.

#include <memory>

#include <boost/json/object.hpp>

#include "montage/analysis/features/window_features.h"
#include "montage/analysis/pipeline.h"

namespace montage::analysis {

/// Stage kFeatureExtraction: mean and deviation of the 768 features over the windows. Single
/// windows are not part of a result; WindowFeatures computes them on demand.
std::unique_ptr<Analysis> MakeFeatureExtraction();

boost::json::object ToJson(const FeatureSummary& summary);

}  // namespace montage::analysis
