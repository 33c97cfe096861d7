#pragma once
// What the exit code of a command says.

#include "assay/history/run_model.h"

namespace assay::cli {

enum class ExitCode : int {
  kPassed = 0,
  kUsage = 1,
  kFiles = 2,
  kError = 3,
  kFailed = 4,
  kInconclusive = 5,
  kInterrupted = 130,
};

/// Of a finished run. What is optional counts only when it passed; a run in which nothing passed is
/// inconclusive.
ExitCode ExitCodeOf(const history::RunModel& model);

}  // namespace assay::cli
