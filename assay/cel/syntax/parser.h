#pragma once
// Tokens to a syntax tree.

#include "assay/cel/syntax/ast.h"
#include "assay/cel/syntax/source_map.h"
#include "lib/base/result.h"

namespace assay::cel {

struct ParseOptions {
  bool macros = true;
  /// cel.block, cel.index, cel.iterVar, cel.accuVar: what an optimiser would produce; for tests.
  bool block_macros = false;
};

/// How large an expression may be; the limits keep hostile input from exhausting the stack.
inline constexpr size_t kMaxExpressionBytes = 100'000;
inline constexpr uint32_t kMaxNesting = 150;
inline constexpr uint32_t kMaxHeight = 300;

base::Result<ExprPtr> Parse(const SourceMap& source, const ParseOptions& options);

/// A call that names a macro becomes the macro's node; other calls come back as they are.
base::Result<ExprPtr> ExpandMacro(const SourceMap& source, const ParseOptions& options,
                                  ExprPtr call);

}  // namespace assay::cel
