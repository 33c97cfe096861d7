// size(), contains(), startsWith(), endsWith(), matches().

#include <fmt/format.h>
#include <re2/re2.h>

#include "assay/cel/library/library.h"
#include "assay/cel/utf8.h"

namespace assay::cel {
namespace {

Value Size(Arguments arguments, CallContext&) {
  const Value& value = arguments[0];
  size_t size = 0;
  if (value.is_string())
    size = CountCodePoints(value.string());
  else if (value.is_bytes())
    size = value.bytes().size();
  else
    size = value.is_list() ? value.list().size() : value.map().size();
  return Value::Int(static_cast<int64_t>(size));
}

Value Contains(Arguments arguments, CallContext& context) {
  context.Charge(arguments[0].string().size() / 16);
  return Value::Bool(arguments[0].string().find(arguments[1].string()) != std::string_view::npos);
}
Value StartsWith(Arguments arguments, CallContext&) {
  return Value::Bool(arguments[0].string().starts_with(arguments[1].string()));
}
Value EndsWith(Arguments arguments, CallContext&) {
  return Value::Bool(arguments[0].string().ends_with(arguments[1].string()));
}

/// Patterns that are constants are compiled once, by the engine.
Value Matches(Arguments arguments, CallContext& context) {
  const std::string_view pattern = arguments[1].string();
  if (!context.Charge(arguments[0].string().size() / 16 + pattern.size())) return {};
  const re2::RE2 compiled(pattern, re2::RE2::Quiet);
  if (!compiled.ok())
    return InvalidArgument(fmt::format("\"{}\" is not a regular expression", pattern));
  return Value::Bool(re2::RE2::PartialMatch(arguments[0].string(), compiled));
}

}  // namespace

void RegisterTextBasics(FunctionTable& table) {
  Registrar registrar(table);
  const Type text = Type::String();
  for (const Type& type : {text, Type::Bytes(), Type::List(Type::Param("A")),
                           Type::Map(Type::Param("A"), Type::Param("B"))})
    registrar.Both("size", {type}, Type::Int(), &Size);
  registrar.Member("contains", {text, text}, Type::Bool(), &Contains)
      .Member("startsWith", {text, text}, Type::Bool(), &StartsWith)
      .Member("endsWith", {text, text}, Type::Bool(), &EndsWith)
      .Both("matches", {text, text}, Type::Bool(), &Matches);
}

}  // namespace assay::cel
