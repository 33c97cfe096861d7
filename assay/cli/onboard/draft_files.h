#pragma once
// Where the files of an import go, and writing them.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "assay/cli/exit_code.h"
#include "assay/cli/host.h"
#include "assay/cli/options.h"
#include "assay/importing/draft.h"
#include "lib/base/result.h"

namespace assay::cli {

/// Where a draft goes.
struct DraftPlace {
  std::filesystem::path root;  ///< of the project
  std::string folder;          ///< of the scenarios, from the root
  bool has_project = false;    ///< there is an assay.yaml
};

/// The project that `folder` is in; else a new one there.
DraftPlace PlaceOf(const std::filesystem::path& folder);

/// Writes files below `root`; makes folders. kConflict when one exists and `force` is false; then
/// nothing is written.
base::Result<void> WriteFiles(const std::filesystem::path& root,
                              const std::vector<std::pair<std::string, std::string>>& files,
                              bool force);

/// Writes the draft, with an assay.yaml when there is none; then checks the project and prints what
/// was made, what was not translated, and what to do next.
ExitCode Deliver(const importing::Draft& draft, const DraftPlace& place,
                 const Invocation& invocation, const Host& host);

}  // namespace assay::cli
