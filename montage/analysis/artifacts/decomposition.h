#pragma once
// Independent components of a recording's EEG channels: fitted on a bounded part of it, described,
// labelled.

#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/artifacts/artifact_detection.h"
#include "montage/analysis/artifacts/artifact_limits.h"
#include "montage/analysis/artifacts/fit_windows.h"
#include "montage/analysis/control.h"
#include "montage/analysis/recording_view.h"
#include "montage/signal/ica/ica.h"

namespace montage::analysis {

struct Decomposition {
  signal::IcaModel model = {};
  std::vector<ComponentReport> components = {};  ///< as in the model; not yet their activity
  double fitted_s = 0;
};

/// Fits, measures and labels. Error kInvalid when the windows hold nothing to decompose.
base::Result<Decomposition> Decompose(const RecordingView& recording,
                                      const DecompositionInput& input, const FitWindows& windows,
                                      double line_hz, const FitLimits& limits,
                                      const Control& control);

}  // namespace montage::analysis
