#pragma once
// Quality as JSON; docs/reference/quality.md describes every key.

#include <boost/json/object.hpp>

#include "montage/analysis/quality/quality.h"

namespace montage::analysis {

/// Lists are cut after kMaxReportedArtifacts and kMaxReportedEpochs entries; the counts beside them
/// are of everything.
boost::json::object ToJson(const QualityReport& report);

}  // namespace montage::analysis
