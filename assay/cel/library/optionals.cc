// The optionals extension; its operators and macros live in the engine.

#include <cmath>

#include "assay/cel/library/library.h"

namespace assay::cel {
namespace {

bool IsZero(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return !value.bool_value();
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kDouble:
      return *value.AsDouble() == 0;
    case Kind::kString:
    case Kind::kBytes:
      return value.string().empty();
    case Kind::kList:
      return value.list().empty();
    case Kind::kMap:
      return value.map().empty();
    case Kind::kDuration:
      return value.duration().count() == 0;
    case Kind::kTimestamp:
      return value.timestamp() == TimePoint{};
    case Kind::kOptional:
      return value.optional() == nullptr;
    default:
      return false;
  }
}

Value Of(Arguments arguments, CallContext&) { return Value::Optional(arguments[0]); }
Value OfNonZero(Arguments arguments, CallContext&) {
  return IsZero(arguments[0]) ? Value::None() : Value::Optional(arguments[0]);
}
Value None(Arguments, CallContext&) { return Value::None(); }
Value HasValue(Arguments arguments, CallContext&) {
  return Value::Bool(arguments[0].optional() != nullptr);
}
Value GetValue(Arguments arguments, CallContext&) {
  const Value* value = arguments[0].optional();
  return value == nullptr ? InvalidArgument("value() of optional.none()") : *value;
}
Value Or(Arguments arguments, CallContext&) {
  return arguments[0].optional() == nullptr ? arguments[1] : arguments[0];
}
Value OrValue(Arguments arguments, CallContext&) {
  const Value* value = arguments[0].optional();
  return value == nullptr ? arguments[1] : *value;
}

}  // namespace

void RegisterOptionals(FunctionTable& table) {
  Registrar registrar(table);
  const Type a = Type::Param("A");
  const Type optional = Type::Optional(a);
  registrar.Global("optional.of", {a}, optional, &Of)
      .Global("optional.ofNonZeroValue", {a}, optional, &OfNonZero)
      .Global("optional.none", {}, optional, &None)
      .Member("hasValue", {optional}, Type::Bool(), &HasValue)
      .Member("value", {optional}, a, &GetValue)
      .Member("or", {optional, optional}, optional, &Or)
      .Member("orValue", {optional, a}, a, &OrValue);
}

}  // namespace assay::cel
