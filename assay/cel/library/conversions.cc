// bool(), int(), uint(), double(), string(), bytes(), type(), dyn().

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "assay/cel/library/library.h"
#include "assay/cel/text.h"
#include "lib/base/utf8.h"

namespace assay::cel {
namespace {

Value OutOfRange(const Value& value, std::string_view type) {
  return InvalidArgument(fmt::format("{} is out of the range of {}", DebugString(value), type));
}
Value NotA(const Value& value, std::string_view expected) {
  return InvalidArgument(fmt::format("{} is not {}", DebugString(value), expected));
}

template <typename Number>
std::optional<Number> ParseWhole(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number number{};
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

Value ToInt(Arguments arguments, CallContext&) {
  const Value& value = arguments[0];
  switch (value.kind()) {
    case Kind::kUint:
      if (value.uint_value() > INT64_MAX) return OutOfRange(value, "int");
      return Value::Int(static_cast<int64_t>(value.uint_value()));
    case Kind::kDouble:
      // Both limits are excluded: the doubles next to them stand for numbers that do not fit.
      if (!(value.double_value() > -0x1p63 && value.double_value() < 0x1p63))
        return OutOfRange(value, "int");
      return Value::Int(static_cast<int64_t>(value.double_value()));
    case Kind::kTimestamp:
      return Value::Int(value.timestamp().seconds);
    case Kind::kString:
      if (const auto number = ParseWhole<int64_t>(value.string())) return Value::Int(*number);
      return NotA(value, "an int");
    default:
      return value;
  }
}

Value ToUint(Arguments arguments, CallContext&) {
  const Value& value = arguments[0];
  switch (value.kind()) {
    case Kind::kInt:
      if (value.int_value() < 0) return OutOfRange(value, "uint");
      return Value::Uint(static_cast<uint64_t>(value.int_value()));
    case Kind::kDouble:
      if (!(value.double_value() >= 0 && value.double_value() < 0x1p64))
        return OutOfRange(value, "uint");
      return Value::Uint(static_cast<uint64_t>(value.double_value()));
    case Kind::kString:
      if (const auto number = ParseWhole<uint64_t>(value.string())) return Value::Uint(*number);
      return NotA(value, "a uint");
    default:
      return value;
  }
}

Value ToDouble(Arguments arguments, CallContext&) {
  const Value& value = arguments[0];
  if (!value.is_string()) return Value::Double(*value.AsDouble());
  const std::string text(value.string());
  if (text == "NaN") return Value::Double(std::nan(""));
  if (text == "Infinity" || text == "+Infinity") return Value::Double(INFINITY);
  if (text == "-Infinity") return Value::Double(-INFINITY);
  const bool plain = !text.empty() && text.find_first_not_of("+-.eE0123456789") == text.npos;
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (!plain || end != text.c_str() + text.size()) return NotA(value, "a double");
  return Value::Double(number);
}

Value ToBool(Arguments arguments, CallContext&) {
  const Value& value = arguments[0];
  if (value.is_bool()) return value;
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (value.string() == yes) return Value::Bool(true);
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
    if (value.string() == no) return Value::Bool(false);
  return NotA(value, "a bool");
}

Value StringOf(Arguments arguments, CallContext&) {
  const Value& value = arguments[0];
  if (value.is_string()) return value;
  if (value.is_bytes() && !base::IsUtf8(value.bytes())) return NotA(value, "valid UTF-8");
  return Value::String(ToText(value));
}

Value ToBytes(Arguments arguments, CallContext&) { return Value::Bytes(arguments[0].string()); }

Value TypeOf(Arguments arguments, CallContext&) {
  const Value& value = arguments[0];
  switch (value.kind()) {
    case Kind::kNull:
      return Value::OfType(Type::Null());
    case Kind::kBool:
      return Value::OfType(Type::Bool());
    case Kind::kInt:
      return Value::OfType(Type::Int());
    case Kind::kUint:
      return Value::OfType(Type::Uint());
    case Kind::kDouble:
      return Value::OfType(Type::Double());
    case Kind::kTimestamp:
      return Value::OfType(Type::Timestamp());
    case Kind::kDuration:
      return Value::OfType(Type::Duration());
    case Kind::kString:
      return Value::OfType(Type::String());
    case Kind::kBytes:
      return Value::OfType(Type::Bytes());
    case Kind::kType:
      return Value::OfType(Type::OfType());
    case Kind::kList:
      return Value::OfType(Type::List({}));
    case Kind::kMap:
      return Value::OfType(Type::Map({}, {}));
    case Kind::kOptional:
      return Value::OfType(Type::Optional({}));
    case Kind::kOpaque:
      return Value::OfType(Type::Opaque(std::string(value.opaque().type_name())));
    case Kind::kError:
      return value;
  }
  std::unreachable();
}

Value Same(Arguments arguments, CallContext&) { return arguments[0]; }

}  // namespace

void RegisterConversions(FunctionTable& table) {
  Registrar registrar(table);
  const auto add = [&](const char* name, const Type& result, const std::vector<Type>& from,
                       const FunctionBody& body) {
    for (const Type& type : from) registrar.Global(name, {type}, result, body);
  };
  const Type a = Type::Param("A");
  add("int", Type::Int(),
      {Type::Int(), Type::Uint(), Type::Double(), Type::String(), Type::Timestamp()}, &ToInt);
  add("uint", Type::Uint(), {Type::Uint(), Type::Int(), Type::Double(), Type::String()}, &ToUint);
  add("double", Type::Double(), {Type::Double(), Type::Int(), Type::Uint(), Type::String()},
      &ToDouble);
  add("bool", Type::Bool(), {Type::Bool(), Type::String()}, &ToBool);
  add("string", Type::String(),
      {Type::String(), Type::Bool(), Type::Int(), Type::Uint(), Type::Double(), Type::Bytes(),
       Type::Timestamp(), Type::Duration()},
      &StringOf);
  add("bytes", Type::Bytes(), {Type::Bytes(), Type::String()}, &ToBytes);
  registrar.Global("type", {a}, Type::OfType(a), &TypeOf).Global("dyn", {a}, Type::Dyn(), &Same);
}

}  // namespace assay::cel
