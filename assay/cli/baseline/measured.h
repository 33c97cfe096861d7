#pragma once
// Runs as comparisons and the history take them.

#include <filesystem>
#include <string>

#include "assay/baseline/metric.h"
#include "assay/cli/host.h"
#include "assay/cli/options.h"
#include "assay/cli/recorded.h"
#include "assay/history/run_model.h"

namespace assay::cli {

/// A run directory, read and measured.
struct MeasuredFolder {
  std::filesystem::path dir;
  history::RunModel model;
  baseline::MeasuredRun run;
};

/// `name`: a path, the name of a run, or "" for the latest.
base::Result<MeasuredFolder> MeasureFolder(const std::string& name, const Invocation& invocation,
                                           const Host& host);
base::Result<MeasuredFolder> MeasureFolder(const std::filesystem::path& dir);

/// Where the history of a folder of runs is.
std::filesystem::path StoreOf(const std::filesystem::path& results);

/// Enters a run that has just ended into the history beside it. What goes wrong is a note on the
/// error output: the run itself is whole.
void EnterRun(const RecordedRun& recorded, const Host& host);

}  // namespace assay::cli
