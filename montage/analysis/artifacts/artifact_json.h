#pragma once
// An artifact report as JSON. Amplitudes in microvolts, times in seconds, as the key names say.

#include <boost/json/object.hpp>

#include "montage/analysis/artifacts/artifact_detection.h"

namespace montage::analysis {

/// `methods` by name: each with `ran`, `reason` when it has not, `findings` (at most
/// kMaxReportedFindings) and `findings_total`; `components` with label, score and measures.
boost::json::object ToJson(const ArtifactReport& report);

}  // namespace montage::analysis
