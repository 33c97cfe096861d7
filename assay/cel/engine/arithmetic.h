#pragma once
// The operators on values; errors for overflow, division by zero and kinds that do not go together.

#include "assay/cel/cel.h"
#include "assay/cel/value.h"

namespace assay::cel {

Value Add(const Value& a, const Value& b, CallContext& context);
Value Subtract(const Value& a, const Value& b, CallContext& context);
Value Multiply(const Value& a, const Value& b, CallContext& context);
Value Divide(const Value& a, const Value& b, CallContext& context);
Value Modulo(const Value& a, const Value& b, CallContext& context);
Value Negate(const Value& a);

}  // namespace assay::cel
