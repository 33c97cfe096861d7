#pragma once
// The section `baseline` of assay.yaml: how `assay compare` judges.

#include <optional>
#include <string>
#include <vector>

#include "assay/scenario/ast.h"
#include "assay/scenario/problems.h"
#include "assay/scenario/yaml/node.h"

namespace assay::scenario {

/// What it says about some metrics; absent: as it was.
struct BaselineRule {
  std::string metrics;              ///< name with wildcards
  std::optional<double> tolerance;  ///< share
  std::optional<double> floor;      ///< in the metric's unit, seconds for times
  std::string better;               ///< lower, higher, neither or ""
  bool ignore = false;
};

struct BaselineSettings {
  std::string folder = "baselines";
  std::optional<double> tolerance;  ///< share
  std::vector<BaselineRule> rules;
};

/// From the root of assay.yaml, which the Validator has seen.
BaselineSettings BuildBaseline(const yaml::Node& root, Problems& problems);

/// Of a loaded project; its problems were reported when it was loaded.
BaselineSettings BaselineOf(const Project& project);

}  // namespace assay::scenario
