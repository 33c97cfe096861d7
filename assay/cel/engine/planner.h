#pragma once
// From a checked tree to nodes.

#include "assay/cel/engine/node.h"
#include "lib/base/result.h"

namespace assay::cel {

/// Fills `plan.node`, `plan.variables` and `plan.locals` from `plan.root`. With `strict`, a
/// constant that can never be converted (a malformed duration, regular expression, ...) is an
/// error.
base::Result<void> BuildPlan(Plan& plan, bool strict);

}  // namespace assay::cel
