#pragma once
// From a loaded project to a plan: choose, expand, order, compile, and find every mistake on the
// way.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "assay/plan/plan.h"
#include "assay/plan/requirements.h"
#include "assay/scenario/ast.h"
#include "assay/scenario/file_source.h"
#include "assay/scenario/problems.h"
#include "assay/scenario/schema.h"

namespace assay::plan {

/// `--shard 2/3`: index 2 of 3. Divides the chosen scenarios, or their loads when all of them
/// belong together: see OfShard and DividesLoads.
struct Shard {
  size_t index = 1;
  size_t count = 1;
};

/// `2/3`; kInvalid for anything else.
base::Result<Shard> ParseShard(std::string_view text);

struct ResolveOptions {
  scenario::Selection select;
  std::string environment;  ///< empty: the project's default, or its only one
  std::optional<Shard> shard;
  uint64_t seed = 0;
  std::string run_id = "plan";
  base::WallTime started{};
  std::string results_dir;
  /// `--var name=value`: replaces the value of a declared variable.
  std::vector<std::pair<std::string, std::string>> overrides;
  /// Process environment that expressions may see, already filtered.
  std::vector<std::pair<std::string, std::string>> process_environment;
};

/// `files` is the one the project was loaded from. What fails to resolve is in `problems`; a plan
/// is given in any case and holds what compiled.
RunPlan Resolve(std::shared_ptr<const scenario::Project> project,
                const scenario::SchemaRegistry& registry, const scenario::FileSource& files,
                const ResolveOptions& options, scenario::Problems& problems);

/// Whether the selection takes the scenario.
bool Selects(const scenario::Selection& select, const scenario::Scenario& scenario);

/// `assay check`: loads and resolves everything, for every environment that the project names.
struct CheckReport {
  std::shared_ptr<const scenario::Project> project;  ///< as far as it loaded
  scenario::Problems problems;
  size_t scenarios = 0;
  size_t instances = 0;
  size_t steps = 0;
  size_t expressions = 0;
  size_t requirements = 0;
  std::vector<std::string> unverified;  ///< ids that no scenario verifies
  std::vector<std::string> unasserted;  ///< `file:line:column: title` of steps without expectation
};
CheckReport Check(const scenario::FileSource& files, const scenario::SchemaRegistry& registry);

/// `assay list`: what a selection would run, in order.
struct ListedScenario {
  std::string path;
  std::string id;
  std::string title;
  std::string system;
  std::string priority;
  std::string file;
  size_t instances = 1;
  std::vector<std::string> category;
  std::vector<std::string> tags;
  std::vector<std::string> verifies;
  std::string skip_reason;
};
std::vector<ListedScenario> List(const RunPlan& plan);

}  // namespace assay::plan
