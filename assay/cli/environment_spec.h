#pragma once
// From the environment of a file to the one that is brought up.

#include <memory>
#include <string>
#include <vector>

#include "assay/cel/value.h"
#include "assay/environment/spec.h"
#include "assay/scenario/ast.h"
#include "assay/scenario/problems.h"

namespace assay::cli {

/// What expressions of an environment may use besides places; see ConvertEnvironment.
struct EnvironmentFacts {
  cel::Value run;
  cel::Value env;
  cel::Value credentials;         ///< by name
  std::string shared_directory;   ///< `${{ environment.dir }}`
  std::string project_directory;  ///< `${{ project.dir }}`; relative `cwd`s start there
  std::vector<std::pair<std::string, std::string>> overrides;  ///< `--var`
};

/// The converted environment; `placed` is what was known when a late text was last completed.
struct ConvertedEnvironment {
  environment::EnvironmentSpec spec;
  std::shared_ptr<environment::Placement> placed;
};

/// Expressions see `port`, `ports.<name>`, `dir` and `service` of their own service,
/// `services.<name>.{port, ports, dir}`, `links.<name>.port`, `environment.{name, type, profile,
/// dir, credentials}`, `project.dir`, `vars`, `env` and `run`. Problems: expressions that do not
/// compile, probes that have no client.
ConvertedEnvironment ConvertEnvironment(const scenario::Project& project,
                                        const scenario::Environment& environment,
                                        const EnvironmentFacts& facts,
                                        scenario::Problems& problems);

}  // namespace assay::cli
