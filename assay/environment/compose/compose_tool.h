#pragma once
// The program that reads compose files and the engine below it.

#include <string>
#include <vector>

#include "assay/environment/guardian/cleanup.h"
#include "assay/environment/tool.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/net/task.h"

namespace assay::environment {

struct ComposeTool {
  std::vector<std::string> compose;  ///< `podman-compose`; `docker compose`
  std::string engine;                ///< `podman` or `docker`
  std::string version;
  std::string problem;  ///< why it cannot be used; "" when it can

  bool is_podman() const { return engine.ends_with("podman"); }
};

/// Every known program in the order of preference (podman compose, podman-compose, docker compose,
/// docker-compose), and whether it and its engine answer.
net::Task<std::vector<ComposeTool>> ListComposeTools(const ToolSetting& setting,
                                                     base::Deadline deadline);

/// The first one that can be used or, when `command` is not empty, that one. kNotFound with the
/// reasons and what to install.
net::Task<base::Result<ComposeTool>> ChooseComposeTool(const ToolSetting& setting,
                                                       std::vector<std::string> command,
                                                       base::Deadline deadline);

/// A valid project name (lower case, digits, `_`, `-`) from a prefix and the run's id.
std::string ProjectName(std::string_view prefix, std::string_view run);

/// Removes all containers, networks and volumes of the project, and the images that were built for
/// it; fails when something is left.
CleanupCommand SweepProject(const ComposeTool& tool, const std::string& project,
                            process::EnvironmentList environment);

}  // namespace assay::environment
