#pragma once
// What is read from the project and the process before an environment can be brought up.

#include <filesystem>
#include <string>

#include "assay/cel/value.h"
#include "assay/cli/host.h"
#include "assay/cli/options.h"
#include "assay/plan/plan.h"
#include "assay/scenario/ast.h"
#include "lib/base/result.h"

namespace assay::cli {

/// The environment that a name stands for; "": the default one, or the only one. Null: none.
const scenario::Environment* EnvironmentNamed(const scenario::Project& project, std::string name);

/// Unique in this folder, and on the machine (see run::MakeRunId).
std::string NewRunId(const std::filesystem::path& results, base::WallTime now);

/// Those variables of the process that the environment lets expressions read.
Pairs AllowedVariables(const scenario::Environment* environment, const Host& host);

/// Reads files and variables; none for null.
base::Result<Pairs> ReadCredentials(const scenario::Environment* environment,
                                    const std::filesystem::path& root, const Host& host);

/// Names of the environments besides the run's own that steps of the plan address, sorted.
std::vector<std::string> AddressedEnvironments(const plan::RunPlan& plan);

cel::Value MapOf(const Pairs& pairs);

}  // namespace assay::cli
