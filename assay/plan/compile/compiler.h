#pragma once
// Compiles a scenario: every expression checked against the names at its place.

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/cel/cel.h"
#include "assay/plan/compile/names.h"
#include "assay/plan/data_files.h"
#include "assay/plan/plan.h"
#include "assay/plan/requirements.h"
#include "assay/scenario/problems.h"

namespace assay::plan {

/// What all scenarios of a project share; built once.
struct CompileContext {
  CompileContext(const scenario::Project& project, const scenario::SchemaRegistry& registry,
                 const RequirementIndex& requirements, std::shared_ptr<DataFiles> data);

  const scenario::Project& project;
  const scenario::SchemaRegistry& registry;
  const RequirementIndex& requirements;
  std::shared_ptr<DataFiles> data;
  cel::Environment base;  ///< the library, fake.* and the project's names
  std::vector<std::string> requirement_ids;
  std::vector<std::string> environment_names;
  /// `--var`; wins over all levels.
  std::vector<std::pair<std::string, std::string>> overrides;
  const scenario::Environment* environment = nullptr;

  /// `base` with csv and json_file for scenarios beside `file`; made once a folder, because adding
  /// a function copies the function table.
  const cel::Environment& BaseFor(const std::string& file) const;
  /// The fragment of that name nearest to the file: same suite first.
  const scenario::Fragment* FindFragment(std::string_view name, std::string_view file) const;

 private:
  mutable std::map<std::string, cel::Environment, std::less<>> by_folder_;
};

inline bool Contains(const std::vector<std::string>& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

/// What counting gives on the way.
struct CompileCounts {
  size_t steps = 0;
  size_t expressions = 0;
  std::vector<std::string> unasserted;  ///< `file:line:column: title`
};

/// Null when it has errors; they are in `problems`.
std::shared_ptr<const CompiledScenario> CompileScenario(const scenario::Scenario& scenario,
                                                        const CompileContext& context,
                                                        scenario::Problems& problems,
                                                        CompileCounts& counts);

/// Compiles expressions and templates at one place. Problems are reported; what did not compile is
/// absent.
class ExpressionCompiler {
 public:
  ExpressionCompiler(scenario::Problems& problems, CompileCounts& counts)
      : problems_(problems), counts_(counts) {}

  std::optional<PlannedExpression> Compile(const cel::Environment& names,
                                           const scenario::Expression& expression,
                                           std::string place);
  /// Must be a bool, as far as is known.
  std::optional<PlannedExpression> Condition(const cel::Environment& names,
                                             const scenario::Expression& expression,
                                             std::string place);
  PlannedTemplate Template(const cel::Environment& names, const scenario::Template& source,
                           const std::string& place);
  /// With the types of the schema; conditions inside go to `conditions`, compiled with
  /// `condition_names` or with what their field says that they see.
  PlannedTemplate Typed(const cel::Environment& names, const scenario::Template& source,
                        const scenario::Type& type, const std::string& place);

  struct Conditions {
    const cel::Environment* names = nullptr;  ///< for fields that say nothing of their own
    const cel::Environment* outer = nullptr;  ///< to which a field's own names are added
    bool open = false;
    std::vector<NamedProgram>* out = nullptr;
  };
  void CollectInto(Conditions conditions) { conditions_ = conditions; }
  /// Names that are not known are dyn, for outcomes whose fields are not fixed.
  cel::Environment Opened(const cel::Environment& names, const std::string& expression) const;

 private:
  PlannedTemplate Node(const cel::Environment& names, const scenario::Template& source,
                       const scenario::Type& type, const std::string& place,
                       const scenario::Field* field);
  PlannedTemplate Sequence(const cel::Environment& names, const scenario::Template& source,
                           const scenario::Type& type, const std::string& place,
                           const scenario::Field* field);
  PlannedTemplate Map(const cel::Environment& names, const scenario::Template& source,
                      const scenario::Type& type, const std::string& place,
                      const scenario::Field* field);
  void CollectCondition(const scenario::Template& source, const std::string& place,
                        const scenario::Field* field);

  scenario::Problems& problems_;
  CompileCounts& counts_;
  Conditions conditions_;
};

}  // namespace assay::plan
