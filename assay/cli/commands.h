#pragma once
// One function a command; each prints what it has to say.

#include "assay/cli/exit_code.h"
#include "assay/cli/host.h"
#include "assay/cli/options.h"

namespace assay::cli {

ExitCode RunCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                    const Host& host);
ExitCode LoadCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                     const Host& host);
ExitCode CheckCommand(const Invocation& invocation, const Host& host);
ExitCode ListCommand(const Invocation& invocation, const Host& host);
ExitCode SchemaCommand(const Invocation& invocation, const Host& host);
ExitCode ReplayCommand(const Invocation& invocation, const Host& host);
ExitCode VerifyCommand(const Invocation& invocation, const Host& host);
ExitCode ReportCommand(const Invocation& invocation, const Host& host);
ExitCode TraceCommand(const Invocation& invocation, const Host& host);
ExitCode CompareCommand(const Invocation& invocation, const Host& host);
ExitCode MergeCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                      const Host& host);
ExitCode HistoryCommand(const Invocation& invocation, const Host& host);
/// Runs until it is interrupted.
ExitCode ProxyCommand(const Invocation& invocation, const Host& host);
ExitCode EvalCommand(const Invocation& invocation, const Host& host);

}  // namespace assay::cli
