#pragma once
// Compares YAML with the schema tables and says what is wrong, all of it, with places.

#include <optional>
#include <string>

#include "assay/scenario/problems.h"
#include "assay/scenario/schema.h"
#include "assay/scenario/yaml/node.h"

namespace assay::scenario {

class Validator {
 public:
  Validator(const SchemaRegistry& registry, Problems& problems)
      : registry_(registry), problems_(problems) {}

  /// With `templates`, a scalar that holds `${{ }}` fits every type.
  void CheckObject(const yaml::Node& node, const ObjectSchema& table, bool templates);
  void CheckValue(const yaml::Node& node, const Type& type, const std::string& what,
                  bool templates);
  void CheckSteps(const yaml::Node& node, const std::string& what);

 private:
  void CheckStep(const yaml::Node& node);
  void CheckKeys(const yaml::Node& node, const ObjectSchema& table);
  void CheckPresence(const yaml::Node& node, const ObjectSchema& table);
  void CheckScalar(const yaml::Node& node, const Type& type, const std::string& what);
  void CheckAnyOf(const yaml::Node& node, const Type& type, const std::string& what,
                  bool templates);
  void Mismatch(const yaml::Node& node, const Type& type, const std::string& what);

  const SchemaRegistry& registry_;
  Problems& problems_;
};

/// A step taken apart: which action it names, and all parameters of it in one map.
struct StepParts {
  const ActionSchema* action = nullptr;
  const yaml::Entry* named = nullptr;  ///< the entry whose key is the action
  yaml::NodePtr params;                ///< a map; shorthand, nested and sibling parameters
};

/// Nothing (and a problem) when the step has no action, several, or a parameter twice.
std::optional<StepParts> TakeApart(const yaml::Node& step, const SchemaRegistry& registry,
                                   Problems& problems);

}  // namespace assay::scenario
