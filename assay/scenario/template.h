#pragma once
// Finds `${{ expr }}` in the scalars of a YAML value.

#include "assay/scenario/ast.h"
#include "assay/scenario/problems.h"

namespace assay::scenario {

/// `$${{` stands for `${{`. Braces and quotes inside an expression are respected, so
/// `${{ {'a': '}}'}['a'] }}` is one expression. A missing end is a problem, the scalar then
/// literal.
Template ParseTemplate(const yaml::NodePtr& node, Problems& problems);

/// A kMap without entries.
Template EmptyTemplateMap(base::SourceSpan span);

/// Bare CEL of a scalar; a `${{` in front of it is a problem.
Expression ParseExpression(const yaml::Node& node, Problems& problems);

/// Keys are fixed: one with an expression in it is a problem.
void RefuseExpressionInKey(const yaml::Entry& entry, Problems& problems);

/// True when the text holds a `${{` that is not escaped.
bool HoldsExpression(std::string_view text);

}  // namespace assay::scenario
