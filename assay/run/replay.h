#pragma once
// Replay: the machine walks the plan again with the answers of the log. The verdicts must be the
// same, always; where they are not, either an input changed or the machine is wrong.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "assay/history/run_model.h"
#include "assay/history/verify.h"
#include "assay/plan/plan.h"
#include "assay/plan/resolve.h"
#include "lib/base/result.h"

namespace assay::run {

struct ReplayDifference {
  std::string
      what;  ///< `scenario NS-1/1`, `step NS-1/1/get`, `expectation NS-1/1/get: status == 200`
  std::string recorded;  ///< verdict, or `absent`
  std::string replayed;
};

struct ReplayReport {
  history::RunModel recorded;
  history::RunModel replayed;
  std::vector<ReplayDifference> differences;
  /// Input files that are not what they were.
  std::vector<history::ChangedInput> changed_inputs;
  /// Expectations whose recorded verdict was kept although the recorded values give another one:
  /// the log of their scenario holds replaced secrets, so that they cannot be decided anew.
  std::vector<std::string> kept;
  /// Paths that the plan asked for and the log does not have.
  std::vector<std::string> missing;

  bool ok() const { return differences.empty() && missing.empty(); }
};

struct ReplayOptions {
  /// Go on although input files changed since; otherwise that is kConflict, naming them.
  bool allow_changed_inputs = false;
};

/// How the plan of a recorded run was resolved, from its manifest.
base::Result<plan::ResolveOptions> RecordedOptions(const history::RunModel& recorded);

/// Replays with a plan that was resolved with RecordedOptions. `project_dir`: where the inputs of
/// the manifest are. Blocks; starts nothing and sends nothing.
base::Result<ReplayReport> Replay(const std::filesystem::path& run_dir, const plan::RunPlan& plan,
                                  const std::filesystem::path& project_dir,
                                  const ReplayOptions& options = {});

/// The same from a loaded project.
base::Result<ReplayReport> ReplayProject(const std::filesystem::path& run_dir,
                                         std::shared_ptr<const scenario::Project> project,
                                         const scenario::SchemaRegistry& registry,
                                         const scenario::FileSource& files,
                                         const ReplayOptions& options = {});

}  // namespace assay::run
