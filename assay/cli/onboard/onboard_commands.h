#pragma once
// init, import, record: from nothing, or from what exists already, to scenarios.

#include "assay/cli/exit_code.h"
#include "assay/cli/host.h"
#include "assay/cli/options.h"

namespace assay::cli {

ExitCode InitCommand(const Invocation& invocation, const Host& host);
ExitCode ImportCommand(const Invocation& invocation, const Host& host);
ExitCode RecordCommand(const Invocation& invocation, const Host& host);
ExitCode CompletionCommand(const Invocation& invocation, const Host& host);

}  // namespace assay::cli
