#pragma once
// up, status, logs and down: an environment that outlives the command that started it.

#include <string_view>

#include "assay/cli/exit_code.h"
#include "assay/cli/host.h"
#include "assay/cli/options.h"

namespace assay::cli {

/// First argument with which `assay up` starts itself again as the keeper; the others are its own.
inline constexpr std::string_view kKeeperSubcommand = "keep-environment";

ExitCode UpCommand(const Invocation& invocation, const std::vector<std::string>& arguments,
                   const Host& host);
/// Brings the environment up, says so on its output, holds it until SIGTERM, takes it down.
ExitCode KeepCommand(const Invocation& invocation, const Host& host);
ExitCode StatusCommand(const Invocation& invocation, const Host& host);
ExitCode LogsCommand(const Invocation& invocation, const Host& host);
ExitCode DownCommand(const Invocation& invocation, const Host& host);
ExitCode DoctorCommand(const Invocation& invocation, const Host& host);

}  // namespace assay::cli
