#pragma once
// The resolved plan: everything that a run needs to know, checked; what the step machine walks.
//
//   scenario::Project --Resolve--> RunPlan --(assay/run)--> history
//
// Names that expressions may use, outer first; inner ones hide outer ones:
//   run {id, seed, started, dir}, env, environment {name, type, profile, ...},
//   endpoints.<name> {url}, scenario {id, title, system, priority, category, tags, instance, dir},
//   vars.<name>, fixtures.<name>, inputs.<name> (in fragments), the variable of the scenario's
//   for_each, steps.<id> (outcome and saved values of earlier steps), loop variables and `index`,
//   then in `expect`, `until`, `save`, `record`: the variables of the step's own outcome, and
//   `error` (null or {code, message}).
// `vars` are evaluated once per scenario instance, in order; a variable sees those before it.
// A value saved by a step is a field of `steps.<id>` and of `vars`.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/plan/expression.h"
#include "assay/scenario/ast.h"
#include "assay/scenario/schema.h"
#include "lib/base/clock.h"

namespace assay::plan {

struct NamedValue {
  std::string name;
  PlannedTemplate value;
};

struct NamedProgram {
  std::string name;
  PlannedExpression expression;
};

struct PlannedStep;

/// A list of steps inside an action; `path` as in scenario::StepBlock (`steps`, `tasks[0].steps`).
struct PlannedBlock {
  std::string path;
  std::string name;
  std::vector<PlannedStep> steps;
};

struct PlannedPoll {
  base::Duration every{};
  std::optional<base::Duration> limit;
  PlannedExpression until;
};

struct PlannedRecord {
  std::string ledger;
  std::string op;
  std::optional<PlannedTemplate> key;
  std::optional<PlannedTemplate> value;
};

struct PlannedStep {
  const scenario::Step* source = nullptr;          ///< in RunPlan::project
  const scenario::ActionSchema* action = nullptr;  ///< in the registry, which must outlive the plan
  std::string segment;                             ///< see path.h
  std::string title;                               ///< `name`, or one made of the action
  std::string id;                                  ///< empty when it has none
  base::Duration timeout{};                        ///< its own or the project's default
  bool has_own_timeout = false;
  bool listens = false;  ///< as its parameters say: in the background, later steps wait for it
  std::optional<PlannedExpression> when;
  std::optional<scenario::Retry> retry;
  std::optional<PlannedPoll> poll;
  std::vector<PlannedExpression> expect;
  std::vector<NamedProgram> save;
  std::optional<PlannedRecord> record;
  std::vector<std::string> verifies;

  PlannedTemplate params;                ///< a map; without step lists and conditions
  std::vector<NamedProgram> conditions;  ///< parameters of type Expression by path: `until`,
                                         ///< `thresholds[0]`, `while`
  std::vector<PlannedBlock> blocks;

  // for_each: the loop variable (`item` by default); the list is params `each` evaluated.
  std::string loop_variable;
  // use: values of the inputs (defaults filled in); blocks[0] holds the fragment's steps, whose
  // expressions see `inputs` and their own `steps`; `outputs` are evaluated among them at the end.
  const scenario::Fragment* fragment = nullptr;
  std::vector<NamedValue> inputs;
  std::vector<NamedProgram> outputs;
  // join: ids of the background steps.
  std::vector<std::string> joins;

  const PlannedExpression* FindCondition(std::string_view path) const;
  const PlannedBlock* FindBlock(std::string_view path) const;
  bool is(std::string_view action_name) const;
};

struct PlannedFixture {
  std::string name;
  const scenario::ActionSchema* action = nullptr;  ///< `generate`
  PlannedTemplate params;
};

/// A scenario that compiled; shared by its instances.
struct CompiledScenario {
  const scenario::Scenario* source = nullptr;
  std::vector<NamedValue> vars;  ///< project, environment, plan and scenario variables, in order
  std::vector<PlannedFixture> fixtures;
  std::vector<PlannedStep> steps;
  std::vector<PlannedStep> cleanup;
  std::vector<PlannedExpression> success;
  std::optional<PlannedTemplate> scale;
  std::string loop_variable;             ///< of the scenario's for_each; empty without one
  std::optional<PlannedTemplate> items;  ///< its list, evaluated when the plan is made
  base::Duration timeout{};
  std::vector<std::string> verifies;  ///< of the scenario and all its steps, sorted, unique
  size_t unasserted = 0;              ///< steps that could have an expectation and have none
};

/// One instance of a scenario, ready to run.
struct PlannedScenario {
  std::shared_ptr<const CompiledScenario> compiled;
  size_t instance = 1;        ///< see path.h
  std::string path;           ///< ScenarioPath of the first attempt
  cel::Value loop_value;      ///< of `compiled->loop_variable`
  std::vector<size_t> after;  ///< indexes in RunPlan::scenarios that must have passed before
  std::string skip_reason;    ///< not to be run: wrong environment; else empty

  const scenario::Scenario& source() const { return *compiled->source; }
};

struct RunPlan {
  std::shared_ptr<const scenario::Project> project;
  const scenario::Environment* environment = nullptr;  ///< null: none was named
  /// Every scenario stands behind those it is `after`; among the free ones by priority, then id.
  std::vector<PlannedScenario> scenarios;
  /// csv() and json_file() files that were read while planning, for the manifest's digests.
  std::vector<std::pair<std::string, std::string>> read_files;  ///< path, text
};

/// The values of the outer variables, so that every runner gives the fields that the checker knows.
/// `dir` is the instance's work directory.
cel::Value ScenarioVariable(const PlannedScenario& scenario, std::string_view dir);
/// `services` by name with what is known about each, `credentials` by name (strings).
cel::Value EnvironmentVariable(const scenario::Environment* environment, cel::Value services,
                               cel::Value credentials);
cel::Value RunVariable(std::string_view id, uint64_t seed, base::WallTime started,
                       std::string_view dir);

}  // namespace assay::plan
