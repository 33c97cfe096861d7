#pragma once
// Names to declarations, calls to overloads, every node to a type.

#include "assay/cel/cel.h"
#include "assay/cel/syntax/ast.h"
#include "assay/cel/syntax/source_map.h"

namespace assay::cel {

/// Resolves `root` in place and returns its type. With checking off in the environment, what does
/// not resolve is left to fail when it is evaluated.
base::Result<Type> Check(const Environment& environment, const SourceMap& source, Expr& root);

/// Of a resolved tree.
std::vector<Reference> CollectReferences(const Expr& root);

/// `a.b.c.name`, `a.b.name`, `a.name`, `name` for the container a.b.c; only `name` for `.name`.
std::vector<std::string> CandidateNames(std::string_view container, std::string_view name);

/// The type that a name such as `int` or `google.protobuf.Timestamp` stands for.
const Type* FindNamedType(std::string_view name);

}  // namespace assay::cel
