#pragma once
// `"%s took %.1f s".format([name, seconds])`.

#include <span>

#include "assay/cel/cel.h"

namespace assay::cel {

/// Clauses %s %d %f %e %b %x %X %o and %%, with a precision for %f and %e.
Value FormatString(std::span<const Value> arguments, CallContext& context);

}  // namespace assay::cel
