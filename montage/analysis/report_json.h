#pragma once
// Results as JSON. Amplitudes in microvolts, powers in microvolt^2, times in seconds, frequencies
// in Hz, as the key names say.

#include <boost/json/object.hpp>

#include "montage/analysis/quality/quality.h"
#include "montage/analysis/quality/quality_json.h"
#include "montage/analysis/spectral.h"

namespace montage::analysis {

boost::json::object ToJson(const SpectralReport& report);

/// Adds `method {name, version}` and `disclaimer`.
boost::json::object WithMethod(boost::json::object part, const Method& method);

}  // namespace montage::analysis
