#pragma once
// Which names expressions may use at a place of a scenario, with their types.

#include <string>
#include <string_view>
#include <vector>

#include "assay/cel/cel.h"
#include "assay/scenario/ast.h"

namespace assay::plan {

/// A table of fields that grows as steps are walked; shown to expressions as one object.
class FieldSet {
 public:
  bool Has(std::string_view name) const;
  /// A name that comes again with another type is dyn from then on.
  void Add(const std::string& name, cel::Type type);
  cel::Type ToType() const;
  std::vector<std::string> Names() const;

 private:
  std::vector<cel::Type::Field> fields_;
};

/// Names at one place; copied where a structure opens a scope of its own.
struct Names {
  cel::Environment outer;  ///< everything but `steps` and `vars`
  FieldSet steps;
  FieldSet vars;
  std::vector<std::string> running;  ///< ids of background steps that were not joined yet

  cel::Environment Here() const;
  void CloseStep(const std::string& id);
};

/// `run`, `env`, `environment`, `endpoints`, `scenario`, `fake`, on top of `base`. Endpoints are
/// those of all environments, as a scenario is compiled once for all of them.
cel::Environment OuterNames(const cel::Environment& base, const scenario::Project& project);

/// The same with `fixtures`.
void DeclareFixtures(cel::Environment& environment, const scenario::Scenario& scenario,
                     const cel::Type& fixture);

}  // namespace assay::plan
