#pragma once
// Internal to the measurements: from a corpus to outcomes.

#include <vector>

#include "bench/detection/measuring.h"
#include "montage/analysis/pipeline.h"

namespace detection {

/// Analyses every recording, on all processors; the order is that of the corpus. The first error of
/// any recording ends it, naming the seed.
base::Result<std::vector<Outcome>> AnalyseAll(const std::vector<CorpusRecording>& corpus,
                                              const montage::analysis::Request& request,
                                              const Progress& progress);

/// Recordings and hours.
Measured MeasuredOf(const std::vector<Outcome>& outcomes);

}  // namespace detection
