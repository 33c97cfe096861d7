#pragma once
// A value of a file with expressions in it, as JSON once they can be evaluated.

#include <functional>
#include <optional>

#include "assay/cel/cel.h"
#include "assay/environment/spec.h"
#include "assay/scenario/ast.h"

namespace assay::cli {

/// Nothing when the expression is wrong, which is then reported.
using CompileExpression = std::function<std::optional<cel::Program>(const scenario::Expression&)>;
/// What expressions may use.
using MakeNames = std::function<cel::MapActivation(const environment::Placement&)>;

/// The text of a JSON document. Values keep their types: `${{ vars.count }}` may be a number.
environment::LateText LateJson(const scenario::Template& value, const CompileExpression& compile,
                               MakeNames names);

}  // namespace assay::cli
