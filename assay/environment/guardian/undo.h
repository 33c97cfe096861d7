#pragma once
// Undoing what a run left behind: its processes, wherever they went, what its clean-up commands
// remove, and its directories.

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/process/table.h"

namespace assay::environment {

struct UndoLimits {
  base::Duration grace = std::chrono::seconds(1);  ///< between SIGTERM and SIGKILL
  base::Duration total = std::chrono::seconds(4);  ///< then what still lives is reported
};

/// Every living process that carries the run's marker, every tool call of the run (see tool.h), and
/// the descendants of those; never the caller itself.
std::vector<process::Identity> FindMarked(std::string_view run);

/// Ends what `find` finds: SIGTERM, after the grace SIGKILL, until it finds nothing more. Blocks.
/// Returns how many processes got a signal; kTimeout when some outlived even SIGKILL.
/// `reap` is called between rounds.
base::Result<size_t> KillAll(const std::function<std::vector<process::Identity>()>& find,
                             const UndoLimits& limits = {}, const std::function<void()>& reap = {});

/// What was undone for one run.
struct UndoReport {
  std::string run;
  std::filesystem::path journal;
  size_t processes = 0;
  size_t paths = 0;
  size_t commands = 0;
  std::vector<base::Error> errors;  ///< what could not be undone
};

/// Undoes every journal (`*.journal`) in `folder` whose guardian is gone too (machine restarted,
/// both killed) and removes journals that are done. A process is ended only when its start time or
/// its marker proves that it belongs to the run. Blocks up to `limits.total` a journal, and as long
/// as its clean-up commands may take.
base::Result<std::vector<UndoReport>> UndoLeftovers(const std::filesystem::path& folder,
                                                    const UndoLimits& limits = {});

}  // namespace assay::environment
