// The encoders and regex extensions.

#include <fmt/format.h>
#include <re2/re2.h>

#include "assay/cel/library/library.h"
#include "assay/cel/text.h"
#include "lib/crypto/base64.h"

namespace assay::cel {
namespace {

Value Encode(Arguments arguments, CallContext& context) {
  context.Charge(arguments[0].bytes().size() / 16);
  return Value::String(crypto::Base64(arguments[0].bytes()));
}

Value Decode(Arguments arguments, CallContext& context) {
  context.Charge(arguments[0].string().size() / 16);
  auto bytes = crypto::ParseBase64(arguments[0].string());
  return bytes ? Value::Bytes(*bytes) : Value::Error(std::move(bytes).error());
}

/// Runs `use` with the compiled pattern, or returns the error.
template <typename Use>
Value WithPattern(const Value& text, const Value& pattern, CallContext& context, Use use) {
  if (!context.Charge(text.string().size() / 16 + pattern.string().size())) return {};
  const re2::RE2 compiled(pattern.string(), re2::RE2::Quiet);
  if (!compiled.ok())
    return InvalidArgument(fmt::format("{} is not a regular expression", DebugString(pattern)));
  if (compiled.NumberOfCapturingGroups() > 1)
    return InvalidArgument(
        fmt::format("{} has more than one capturing group", DebugString(pattern)));
  return use(compiled);
}

/// Calls `found` with the first group (or the whole match) of every match until it returns false.
template <typename Found>
void EachMatch(std::string_view text, const re2::RE2& pattern, Found found) {
  const int groups = pattern.NumberOfCapturingGroups() + 1;
  size_t position = 0;
  re2::StringPiece parts[2];
  while (position <= text.size() &&
         pattern.Match(text, position, text.size(), re2::RE2::UNANCHORED, parts, groups)) {
    const re2::StringPiece& part = parts[groups - 1];
    if (part.data() != nullptr && !found(std::string_view(part.data(), part.size()))) return;
    const auto end = static_cast<size_t>(parts[0].data() - text.data()) + parts[0].size();
    position = parts[0].empty() ? end + 1 : end;
  }
}

Value Extract(Arguments arguments, CallContext& context) {
  return WithPattern(arguments[0], arguments[1], context, [&](const re2::RE2& pattern) {
    Value result = Value::None();
    EachMatch(arguments[0].string(), pattern, [&](std::string_view part) {
      result = Value::Optional(Value::String(part));
      return false;
    });
    return result;
  });
}

Value ExtractAll(Arguments arguments, CallContext& context) {
  return WithPattern(arguments[0], arguments[1], context, [&](const re2::RE2& pattern) {
    std::vector<Value> parts;
    EachMatch(arguments[0].string(), pattern, [&](std::string_view part) {
      parts.push_back(Value::String(part));
      return context.Charge(1 + part.size() / 16);
    });
    return Value::List(std::move(parts));
  });
}

/// `\1` in the replacement stands for the first group.
Value RegexReplace(Arguments arguments, CallContext& context) {
  return WithPattern(arguments[0], arguments[1], context, [&](const re2::RE2& pattern) {
    const std::string_view rewrite = arguments[2].string();
    std::string problem;
    if (!pattern.CheckRewriteString(rewrite, &problem)) return InvalidArgument(problem);
    std::string text(arguments[0].string());
    // A match may be empty, so there are at most as many as characters.
    if (!context.Charge((text.size() + 1) * (1 + rewrite.size() / 16))) return Value();
    if (arguments.size() == 3) {
      re2::RE2::GlobalReplace(&text, pattern, rewrite);
    } else {
      if (arguments[3].int_value() != 1)
        return InvalidArgument("regex.replace takes the count 1, or none to replace all");
      re2::RE2::Replace(&text, pattern, rewrite);
    }
    return Value::String(text);
  });
}

}  // namespace

void RegisterCodecs(FunctionTable& table) {
  Registrar registrar(table);
  const Type text = Type::String();
  registrar.Global("base64.encode", {Type::Bytes()}, text, &Encode)
      .Global("base64.decode", {text}, Type::Bytes(), &Decode)
      .Global("regex.extract", {text, text}, Type::Optional(text), &Extract)
      .Global("regex.extractAll", {text, text}, Type::List(text), &ExtractAll)
      .Global("regex.replace", {text, text, text}, text, &RegexReplace)
      .Global("regex.replace", {text, text, text, Type::Int()}, text, &RegexReplace);
}

}  // namespace assay::cel
