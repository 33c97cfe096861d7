#pragma once
// What all kinds of environments do alike at the end of their start.

#include <filesystem>
#include <string>
#include <vector>

#include "assay/environment/environment.h"

namespace assay::environment {

base::Result<std::vector<Endpoint>> CompleteEndpoints(const EnvironmentSpec& spec,
                                                      const Placement& placement);

/// Writes `environment.ready` or `environment.failed` and hands the outcome on.
base::Result<void> ReportStart(const EnvironmentContext& context, const std::string& name,
                               const std::vector<Endpoint>& endpoints, base::Duration took,
                               base::Result<void> outcome);

base::Result<void> MakeFolder(const std::filesystem::path& path);

}  // namespace assay::environment
