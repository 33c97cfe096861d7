// The math extension.

#include <cmath>

#include <fmt/format.h>

#include "assay/cel/library/library.h"

namespace assay::cel {
namespace {

template <bool kGreatest>
Value Extreme(Arguments arguments, CallContext& context) {
  if (!arguments[0].is_list()) return arguments[0];
  const auto list = arguments[0].list();
  context.Charge(list.size());
  const char* name = kGreatest ? "greatest" : "least";
  if (list.empty()) return InvalidArgument(fmt::format("math.{} of an empty list", name));
  const Value* best = nullptr;
  for (const Value& value : list) {
    if (!value.is_number())
      return InvalidArgument(
          fmt::format("math.{} compares numbers, found {}", name, ToString(value.kind())));
    const auto order = best == nullptr ? std::partial_ordering::unordered : *Compare(value, *best);
    if (best == nullptr || (kGreatest ? order > 0 : order < 0)) best = &value;
  }
  return *best;
}

FunctionBody Rounding(double (*round)(double)) {
  return [round](Arguments arguments, CallContext&) {
    return Value::Double(round(arguments[0].double_value()));
  };
}

FunctionBody Predicate(bool (*holds)(double)) {
  return [holds](Arguments arguments, CallContext&) {
    return Value::Bool(holds(arguments[0].double_value()));
  };
}

Value Abs(Arguments arguments, CallContext&) {
  const Value& value = arguments[0];
  if (value.is_double()) return Value::Double(std::fabs(value.double_value()));
  if (value.is_uint() || value.int_value() >= 0) return value;
  if (value.int_value() == INT64_MIN) return InvalidArgument("int overflow in math.abs");
  return Value::Int(-value.int_value());
}

Value Sign(Arguments arguments, CallContext&) {
  const Value& value = arguments[0];
  if (value.is_uint()) return Value::Uint(value.uint_value() == 0 ? 0 : 1);
  if (value.is_int()) return Value::Int((value.int_value() > 0) - (value.int_value() < 0));
  const double number = value.double_value();
  if (std::isnan(number)) return value;
  return Value::Double(number > 0 ? 1 : number < 0 ? -1 : 0);
}

Value SquareRoot(Arguments arguments, CallContext&) {
  return Value::Double(std::sqrt(*arguments[0].AsDouble()));
}

using Bits = uint64_t (*)(uint64_t, uint64_t);

FunctionBody Bitwise(Bits operation) {
  return [operation](Arguments arguments, CallContext&) {
    if (arguments[0].is_uint())
      return Value::Uint(operation(arguments[0].uint_value(), arguments[1].uint_value()));
    return Value::Int(
        static_cast<int64_t>(operation(static_cast<uint64_t>(arguments[0].int_value()),
                                       static_cast<uint64_t>(arguments[1].int_value()))));
  };
}

Value BitNot(Arguments arguments, CallContext&) {
  if (arguments[0].is_uint()) return Value::Uint(~arguments[0].uint_value());
  return Value::Int(~arguments[0].int_value());
}

/// Shifts fill with zeros, also those of negative ints; by 64 and more the result is zero.
template <bool kLeft>
Value Shift(Arguments arguments, CallContext&) {
  const int64_t count = arguments[1].int_value();
  if (count < 0) return InvalidArgument(fmt::format("shift by the negative number {}", count));
  const uint64_t bits = arguments[0].is_uint() ? arguments[0].uint_value()
                                               : static_cast<uint64_t>(arguments[0].int_value());
  const uint64_t shifted = count >= 64 ? 0 : kLeft ? bits << count : bits >> count;
  return arguments[0].is_uint() ? Value::Uint(shifted) : Value::Int(static_cast<int64_t>(shifted));
}

void RegisterBits(Registrar& registrar) {
  for (const Type& type : {Type::Int(), Type::Uint()})
    registrar
        .Global("math.bitAnd", {type, type}, type,
                Bitwise([](uint64_t a, uint64_t b) { return a & b; }))
        .Global("math.bitOr", {type, type}, type,
                Bitwise([](uint64_t a, uint64_t b) { return a | b; }))
        .Global("math.bitXor", {type, type}, type,
                Bitwise([](uint64_t a, uint64_t b) { return a ^ b; }))
        .Global("math.bitNot", {type}, type, &BitNot)
        .Global("math.bitShiftLeft", {type, Type::Int()}, type, &Shift<true>)
        .Global("math.bitShiftRight", {type, Type::Int()}, type, &Shift<false>);
}

/// Half away from zero, as std::round does.
double Round(double number) { return std::round(number); }

}  // namespace

void RegisterMath(FunctionTable& table) {
  Registrar registrar(table);
  const Type real = Type::Double();
  const Type a = Type::Param("A");
  for (const Type& type : {Type::Int(), Type::Uint(), real}) {
    registrar.Global("math.greatest", {type}, type, &Extreme<true>)
        .Global("math.least", {type}, type, &Extreme<false>)
        .Global("math.abs", {type}, type, &Abs)
        .Global("math.sign", {type}, type, &Sign)
        .Global("math.sqrt", {type}, real, &SquareRoot);
  }
  registrar.Global("math.greatest", {Type::List(a)}, a, &Extreme<true>)
      .Global("math.least", {Type::List(a)}, a, &Extreme<false>)
      .Global("math.ceil", {real}, real, Rounding([](double x) { return std::ceil(x); }))
      .Global("math.floor", {real}, real, Rounding([](double x) { return std::floor(x); }))
      .Global("math.round", {real}, real, Rounding(&Round))
      .Global("math.trunc", {real}, real, Rounding([](double x) { return std::trunc(x); }))
      .Global("math.isNaN", {real}, Type::Bool(), Predicate([](double x) { return std::isnan(x); }))
      .Global("math.isInf", {real}, Type::Bool(), Predicate([](double x) { return std::isinf(x); }))
      .Global("math.isFinite", {real}, Type::Bool(),
              Predicate([](double x) { return std::isfinite(x); }));
  RegisterBits(registrar);
}

}  // namespace assay::cel
