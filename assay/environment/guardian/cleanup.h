#pragma once
// Clean-up commands: how things are undone that no process of the run holds, such as the containers
// of an engine or the namespace of a cluster. They are data, so that a journal can keep them.

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <sys/types.h>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/process/spawn.h"

namespace assay::environment {

/// Removes what it names, and succeeds when there is nothing (any more); it may run twice.
struct CleanupCommand {
  std::vector<std::string> argv;
  process::EnvironmentList environment;  ///< complete; written to the journal: no secrets
  base::Duration within = std::chrono::minutes(1);
};

boost::json::object ToJson(const CleanupCommand& command);
/// What is missing is empty.
CleanupCommand CleanupFromJson(const boost::json::object& json);

/// Runs it to its end. Blocks. kUnavailable with what it wrote when it fails, kTimeout when it
/// takes too long.
base::Result<void> RunCleanup(const CleanupCommand& command);

/// Those variables that decide which engine or cluster a command reaches, and how it is found.
process::EnvironmentList CleanupEnvironment(const process::EnvironmentList& inherited);

/// `ASSAY_TOOL=<run>:<session>`: in the environment of a tool call, see tool.h. A program that left
/// the session of its call is a service of the engine and not of the run.
std::string ToolMarkerOf(std::string_view run, pid_t session);

}  // namespace assay::environment
