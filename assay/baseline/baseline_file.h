#pragma once
// A baseline as a file that people review: the metrics of runs that were accepted.

#include <filesystem>
#include <string_view>
#include <vector>

#include "assay/baseline/metric.h"
#include "lib/base/result.h"

namespace assay::baseline {

/// The runs of the file, each with the file's configuration; at least one. kNotFound when there is
/// no such file, kCorrupt naming what is wrong with it, kUnsupported for another version.
base::Result<std::vector<MeasuredRun>> ReadBaseline(const std::filesystem::path& file);

/// Replaces the file in one step. Requires: at least one run, all with the same configuration.
base::Result<void> WriteBaseline(const std::filesystem::path& file,
                                 const std::vector<MeasuredRun>& runs);

/// Whether a run may stand in a baseline: kConflict says why not (it did not pass, was cut off,
/// measured nothing).
base::Result<void> CheckWorthy(const MeasuredRun& run);

}  // namespace assay::baseline
