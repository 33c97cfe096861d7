#include "assay/cel/library/json_schema.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <re2/re2.h>

#include "assay/cel/library/schema_formats.h"
#include "assay/cel/text.h"
#include "assay/cel/utf8.h"

namespace assay::cel {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

using Mismatch = std::optional<SchemaMismatch>;
using Outcome = Result<Mismatch>;

constexpr int kMaxDepth = 100;

/// Keywords without an effect on validation, or that others look at.
constexpr std::array<std::string_view, 22> kAnnotations = {"$schema",
                                                           "$id",
                                                           "$comment",
                                                           "$defs",
                                                           "definitions",
                                                           "title",
                                                           "description",
                                                           "default",
                                                           "examples",
                                                           "readOnly",
                                                           "writeOnly",
                                                           "deprecated",
                                                           "$anchor",
                                                           "then",
                                                           "else",
                                                           "minContains",
                                                           "maxContains",
                                                           "contentEncoding",
                                                           "contentMediaType",
                                                           "contentSchema",
                                                           "$vocabulary",
                                                           "$dynamicAnchor"};

std::string Short(const Value& value) { return DebugString(value, {.total_bytes = 80}); }

/// The name of the JSON type of a value.
std::string_view JsonType(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "boolean";
    case Kind::kInt:
    case Kind::kUint:
      return "integer";
    case Kind::kDouble:
      return std::trunc(value.double_value()) == value.double_value() ? "integer" : "number";
    case Kind::kList:
      return "array";
    case Kind::kMap:
      return "object";
    default:
      return "string";
  }
}

bool HasType(const Value& value, std::string_view type) {
  return JsonType(value) == type || (type == "number" && value.is_number());
}

std::string EscapePointer(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

class Validator {
 public:
  Validator(const Value& root, CallContext& context) : root_(root), context_(context) {}

  Outcome Check(const Value& value, const Value& schema, const std::string& path);

 private:
  using Rule = Outcome (Validator::*)(const Value& value, const Value& schema,
                                      const Value& argument, const std::string& path);
  struct Keyword {
    std::string_view name;
    Rule rule;
  };
  static const Keyword* FindKeyword(std::string_view name);

  static Outcome Differs(const std::string& path, std::string reason) {
    return Mismatch(SchemaMismatch{path, std::move(reason)});
  }
  static std::unexpected<base::Error> Malformed(std::string_view keyword, const Value& argument) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("malformed schema: \"{}\" cannot be {}", keyword, Short(argument)));
  }
  Result<bool> Matches(const Value& value, const Value& schema, const std::string& path) {
    TRY(const Mismatch mismatch, Check(value, schema, path));
    return !mismatch.has_value();
  }

  Outcome Reference(const Value&, const Value&, const Value&, const std::string&);
  Outcome TypeRule(const Value&, const Value&, const Value&, const std::string&);
  Outcome Enum(const Value&, const Value&, const Value&, const std::string&);
  Outcome Const(const Value&, const Value&, const Value&, const std::string&);
  Outcome Properties(const Value&, const Value&, const Value&, const std::string&);
  Outcome PatternProperties(const Value&, const Value&, const Value&, const std::string&);
  Outcome AdditionalProperties(const Value&, const Value&, const Value&, const std::string&);
  Outcome PropertyNames(const Value&, const Value&, const Value&, const std::string&);
  Outcome Required(const Value&, const Value&, const Value&, const std::string&);
  Outcome DependentRequired(const Value&, const Value&, const Value&, const std::string&);
  Outcome PrefixItems(const Value&, const Value&, const Value&, const std::string&);
  Outcome Items(const Value&, const Value&, const Value&, const std::string&);
  Outcome Contains(const Value&, const Value&, const Value&, const std::string&);
  Outcome UniqueItems(const Value&, const Value&, const Value&, const std::string&);
  Outcome MultipleOf(const Value&, const Value&, const Value&, const std::string&);
  Outcome Pattern(const Value&, const Value&, const Value&, const std::string&);
  Outcome Format(const Value&, const Value&, const Value&, const std::string&);
  Outcome AllOf(const Value&, const Value&, const Value&, const std::string&);
  Outcome AnyOf(const Value&, const Value&, const Value&, const std::string&);
  Outcome OneOf(const Value&, const Value&, const Value&, const std::string&);
  Outcome Not(const Value&, const Value&, const Value&, const std::string&);
  Outcome If(const Value&, const Value&, const Value&, const std::string&);

  template <int kSign, bool kExclusive>
  Outcome Limit(const Value&, const Value&, const Value&, const std::string&);
  enum class Size { kLength, kItems, kProperties };
  template <Size kSize, int kSign>
  Outcome SizeLimit(const Value&, const Value&, const Value&, const std::string&);

  Result<bool> PatternMatches(std::string_view text, const Value& pattern) const;

  const Value& root_;
  CallContext& context_;
  int depth_ = 0;
};

const Validator::Keyword* Validator::FindKeyword(std::string_view name) {
  static constexpr std::array<Keyword, 32> kKeywords = {{
      {"$ref", &Validator::Reference},
      {"type", &Validator::TypeRule},
      {"enum", &Validator::Enum},
      {"const", &Validator::Const},
      {"properties", &Validator::Properties},
      {"patternProperties", &Validator::PatternProperties},
      {"additionalProperties", &Validator::AdditionalProperties},
      {"propertyNames", &Validator::PropertyNames},
      {"required", &Validator::Required},
      {"dependentRequired", &Validator::DependentRequired},
      {"minProperties", &Validator::SizeLimit<Size::kProperties, -1>},
      {"maxProperties", &Validator::SizeLimit<Size::kProperties, 1>},
      {"prefixItems", &Validator::PrefixItems},
      {"items", &Validator::Items},
      {"contains", &Validator::Contains},
      {"minItems", &Validator::SizeLimit<Size::kItems, -1>},
      {"maxItems", &Validator::SizeLimit<Size::kItems, 1>},
      {"uniqueItems", &Validator::UniqueItems},
      {"minimum", &Validator::Limit<-1, false>},
      {"maximum", &Validator::Limit<1, false>},
      {"exclusiveMinimum", &Validator::Limit<-1, true>},
      {"exclusiveMaximum", &Validator::Limit<1, true>},
      {"multipleOf", &Validator::MultipleOf},
      {"minLength", &Validator::SizeLimit<Size::kLength, -1>},
      {"maxLength", &Validator::SizeLimit<Size::kLength, 1>},
      {"pattern", &Validator::Pattern},
      {"format", &Validator::Format},
      {"allOf", &Validator::AllOf},
      {"anyOf", &Validator::AnyOf},
      {"oneOf", &Validator::OneOf},
      {"not", &Validator::Not},
      {"if", &Validator::If},
  }};
  const auto found = std::ranges::find(kKeywords, name, &Keyword::name);
  return found == kKeywords.end() ? nullptr : &*found;
}

Outcome Validator::Check(const Value& value, const Value& schema, const std::string& path) {
  if (schema.is_true()) return Mismatch();
  if (schema.is_false()) return Differs(path, "nothing is allowed here");
  if (!schema.is_map())
    return Fail(
        ErrorCode::kInvalid,
        fmt::format("malformed schema: {} is neither an object nor a boolean", Short(schema)));
  if (++depth_ > kMaxDepth)
    return Fail(ErrorCode::kTooLarge, "schema is nested too deep, or refers to itself endlessly");
  for (const Map::Entry& entry : schema.map().entries()) {
    if (!context_.Charge(1)) break;
    const std::string_view name = entry.key.is_string() ? entry.key.string() : std::string_view();
    const Keyword* keyword = FindKeyword(name);
    if (keyword == nullptr) {
      if (std::ranges::find(kAnnotations, name) != kAnnotations.end() || name.starts_with("x-"))
        continue;
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("schema keyword {} is not supported", Short(entry.key)));
    }
    TRY(Mismatch mismatch, (this->*keyword->rule)(value, schema, entry.value, path));
    if (!mismatch) continue;
    --depth_;
    return mismatch;
  }
  --depth_;
  return Mismatch();
}

/// `#`, `#/$defs/name`: a JSON Pointer (RFC 6901) into the same document.
Outcome Validator::Reference(const Value& value, const Value&, const Value& argument,
                             const std::string& path) {
  if (!argument.is_string() || !argument.string().starts_with('#'))
    return Malformed("$ref", argument);
  std::string_view rest = argument.string().substr(1);
  const Value* target = &root_;
  while (target != nullptr && rest.starts_with('/')) {
    rest.remove_prefix(1);
    const size_t end = std::min(rest.find('/'), rest.size());
    std::string key(rest.substr(0, end));
    for (size_t at = 0; (at = key.find('~', at)) != std::string::npos; ++at)
      key.replace(at, 2, key.substr(at, 2) == "~1" ? "/" : "~");
    rest.remove_prefix(end);
    target = target->Find(key);
  }
  if (target == nullptr || !rest.empty())
    return Fail(ErrorCode::kNotFound,
                fmt::format("schema reference {} leads nowhere", Short(argument)));
  return Check(value, *target, path);
}

Outcome Validator::TypeRule(const Value& value, const Value&, const Value& argument,
                            const std::string& path) {
  const auto one = std::span(&argument, 1);
  const auto types = argument.is_list() ? argument.list() : one;
  std::string expected;
  for (const Value& type : types) {
    constexpr std::array<std::string_view, 7> kTypes = {"null",   "boolean", "integer", "number",
                                                        "string", "array",   "object"};
    if (!type.is_string() || std::ranges::find(kTypes, type.string()) == kTypes.end())
      return Malformed("type", argument);
    if (HasType(value, type.string())) return Mismatch();
    expected.append(expected.empty() ? "" : " or ").append(type.string());
  }
  return Differs(path, fmt::format("expected {}, found {}", expected, Short(value)));
}

Outcome Validator::Enum(const Value& value, const Value&, const Value& argument,
                        const std::string& path) {
  if (!argument.is_list()) return Malformed("enum", argument);
  for (const Value& allowed : argument.list())
    if (Equals(value, allowed)) return Mismatch();
  return Differs(path, fmt::format("expected one of {}, found {}", Short(argument), Short(value)));
}

Outcome Validator::Const(const Value& value, const Value&, const Value& argument,
                         const std::string& path) {
  if (Equals(value, argument)) return Mismatch();
  return Differs(path, fmt::format("expected {}, found {}", Short(argument), Short(value)));
}

Outcome Validator::Properties(const Value& value, const Value&, const Value& argument,
                              const std::string& path) {
  if (!argument.is_map()) return Malformed("properties", argument);
  if (!value.is_map()) return Mismatch();
  for (const Map::Entry& property : argument.map().entries()) {
    const Value* member = value.map().Find(property.key);
    if (member == nullptr) continue;
    TRY(Mismatch mismatch,
        Check(*member, property.value, path + "/" + EscapePointer(ToText(property.key))));
    if (mismatch) return mismatch;
  }
  return Mismatch();
}

Outcome Validator::PatternProperties(const Value& value, const Value&, const Value& argument,
                                     const std::string& path) {
  if (!argument.is_map()) return Malformed("patternProperties", argument);
  if (!value.is_map()) return Mismatch();
  for (const Map::Entry& property : argument.map().entries())
    for (const Map::Entry& member : value.map().entries()) {
      const std::string key = ToText(member.key);
      TRY(const bool applies, PatternMatches(key, property.key));
      if (!applies) continue;
      TRY(Mismatch mismatch, Check(member.value, property.value, path + "/" + EscapePointer(key)));
      if (mismatch) return mismatch;
    }
  return Mismatch();
}

Outcome Validator::AdditionalProperties(const Value& value, const Value& schema,
                                        const Value& argument, const std::string& path) {
  if (!value.is_map()) return Mismatch();
  const Value* properties = schema.Find("properties");
  const Value* patterns = schema.Find("patternProperties");
  for (const Map::Entry& member : value.map().entries()) {
    const std::string key = ToText(member.key);
    bool known = properties != nullptr && properties->Find(key) != nullptr;
    if (patterns != nullptr && patterns->is_map())
      for (const Map::Entry& pattern : patterns->map().entries()) {
        TRY(const bool applies, PatternMatches(key, pattern.key));
        known = known || applies;
      }
    if (known) continue;
    if (argument.is_false()) return Differs(path, fmt::format("unexpected property \"{}\"", key));
    TRY(Mismatch mismatch, Check(member.value, argument, path + "/" + EscapePointer(key)));
    if (mismatch) return mismatch;
  }
  return Mismatch();
}

Outcome Validator::PropertyNames(const Value& value, const Value&, const Value& argument,
                                 const std::string& path) {
  if (!value.is_map()) return Mismatch();
  for (const Map::Entry& member : value.map().entries()) {
    TRY(Mismatch mismatch, Check(Value::String(ToText(member.key)), argument, path));
    if (mismatch) return mismatch;
  }
  return Mismatch();
}

Outcome Validator::Required(const Value& value, const Value&, const Value& argument,
                            const std::string& path) {
  if (!argument.is_list()) return Malformed("required", argument);
  if (!value.is_map()) return Mismatch();
  for (const Value& key : argument.list()) {
    if (!key.is_string()) return Malformed("required", argument);
    if (value.map().Find(key) == nullptr)
      return Differs(path, fmt::format("property \"{}\" is missing", key.string()));
  }
  return Mismatch();
}

Outcome Validator::DependentRequired(const Value& value, const Value& schema, const Value& argument,
                                     const std::string& path) {
  if (!argument.is_map()) return Malformed("dependentRequired", argument);
  if (!value.is_map()) return Mismatch();
  for (const Map::Entry& entry : argument.map().entries()) {
    if (value.map().Find(entry.key) == nullptr) continue;
    TRY(Mismatch mismatch, Required(value, schema, entry.value, path));
    if (mismatch) return mismatch;
  }
  return Mismatch();
}

Outcome Validator::PrefixItems(const Value& value, const Value&, const Value& argument,
                               const std::string& path) {
  if (!argument.is_list()) return Malformed("prefixItems", argument);
  if (!value.is_list()) return Mismatch();
  const size_t count = std::min(value.list().size(), argument.list().size());
  for (size_t i = 0; i < count; ++i) {
    TRY(Mismatch mismatch,
        Check(value.list()[i], argument.list()[i], fmt::format("{}/{}", path, i)));
    if (mismatch) return mismatch;
  }
  return Mismatch();
}

Outcome Validator::Items(const Value& value, const Value& schema, const Value& argument,
                         const std::string& path) {
  if (!value.is_list()) return Mismatch();
  const Value* prefix = schema.Find("prefixItems");
  for (size_t i = prefix != nullptr && prefix->is_list() ? prefix->list().size() : 0;
       i < value.list().size(); ++i) {
    TRY(Mismatch mismatch, Check(value.list()[i], argument, fmt::format("{}/{}", path, i)));
    if (mismatch) return mismatch;
  }
  return Mismatch();
}

Outcome Validator::Contains(const Value& value, const Value& schema, const Value& argument,
                            const std::string& path) {
  if (!value.is_list()) return Mismatch();
  int64_t count = 0;
  for (const Value& element : value.list()) {
    TRY(const bool matches, Matches(element, argument, path));
    count += matches ? 1 : 0;
  }
  const Value* least = schema.Find("minContains");
  const Value* most = schema.Find("maxContains");
  const double minimum = least != nullptr ? least->AsDouble().value_or(1) : 1;
  const double maximum = most != nullptr ? most->AsDouble().value_or(INFINITY) : INFINITY;
  if (static_cast<double>(count) >= minimum && static_cast<double>(count) <= maximum)
    return Mismatch();
  return Differs(path, fmt::format("{} elements match \"contains\"", count));
}

Outcome Validator::UniqueItems(const Value& value, const Value&, const Value& argument,
                               const std::string& path) {
  if (!argument.is_bool()) return Malformed("uniqueItems", argument);
  if (!value.is_list() || argument.is_false()) return Mismatch();
  const auto list = value.list();
  for (size_t i = 0; i < list.size(); ++i) {
    if (!context_.Charge(i)) return Mismatch();
    for (size_t k = 0; k < i; ++k)
      if (Equals(list[i], list[k]))
        return Differs(path, fmt::format("elements {} and {} are equal: {}", k, i, Short(list[i])));
  }
  return Mismatch();
}

template <int kSign, bool kExclusive>
Outcome Validator::Limit(const Value& value, const Value&, const Value& argument,
                         const std::string& path) {
  if (!argument.is_number()) return Malformed("minimum or maximum", argument);
  if (!value.is_number()) return Mismatch();
  const auto order = *Compare(value, argument);
  const bool beyond = kSign > 0 ? order > 0 : order < 0;
  if (!beyond && !(kExclusive && order == 0)) return Mismatch();
  return Differs(path, fmt::format("expected {} {}, found {}",
                                   kSign > 0 ? (kExclusive ? "less than" : "at most")
                                             : (kExclusive ? "more than" : "at least"),
                                   Short(argument), Short(value)));
}

template <Validator::Size kSize, int kSign>
Outcome Validator::SizeLimit(const Value& value, const Value&, const Value& argument,
                             const std::string& path) {
  if (!argument.is_number()) return Malformed("minLength and the like", argument);
  size_t size = 0;
  if (kSize == Size::kLength && value.is_string())
    size = CountCodePoints(value.string());
  else if (kSize == Size::kItems && value.is_list())
    size = value.list().size();
  else if (kSize == Size::kProperties && value.is_map())
    size = value.map().size();
  else
    return Mismatch();
  const auto order = static_cast<double>(size) <=> *argument.AsDouble();
  if (kSign > 0 ? order <= 0 : order >= 0) return Mismatch();
  return Differs(path, fmt::format("expected {} {} {}, found {}",
                                   kSign > 0 ? "at most" : "at least", ToText(argument),
                                   kSize == Size::kLength  ? "characters"
                                   : kSize == Size::kItems ? "elements"
                                                           : "properties",
                                   size));
}

Outcome Validator::MultipleOf(const Value& value, const Value&, const Value& argument,
                              const std::string& path) {
  const double step = argument.AsDouble().value_or(0);
  if (step <= 0) return Malformed("multipleOf", argument);
  if (!value.is_number()) return Mismatch();
  // Decimal steps such as 0.1 have no exact double, so the quotient may be off by a rounding error.
  const double quotient = *value.AsDouble() / step;
  const double distance = std::fabs(quotient - std::round(quotient));
  if (distance <= 1e-9 * std::max(1.0, std::fabs(quotient))) return Mismatch();
  return Differs(path,
                 fmt::format("expected a multiple of {}, found {}", Short(argument), Short(value)));
}

Result<bool> Validator::PatternMatches(std::string_view text, const Value& pattern) const {
  if (!pattern.is_string()) return Malformed("pattern", pattern);
  const re2::RE2 compiled(pattern.string(), re2::RE2::Quiet);
  if (!compiled.ok()) return Malformed("pattern", pattern);
  return re2::RE2::PartialMatch(text, compiled);
}

Outcome Validator::Pattern(const Value& value, const Value&, const Value& argument,
                           const std::string& path) {
  if (!value.is_string()) return Mismatch();
  TRY(const bool matches, PatternMatches(value.string(), argument));
  if (matches) return Mismatch();
  return Differs(path,
                 fmt::format("expected text like {}, found {}", Short(argument), Short(value)));
}

Outcome Validator::Format(const Value& value, const Value&, const Value& argument,
                          const std::string& path) {
  if (!argument.is_string()) return Malformed("format", argument);
  const auto format = FindSchemaFormat(argument.string());
  if (format == nullptr)
    return Fail(ErrorCode::kUnsupported,
                fmt::format("schema format {} is not supported", Short(argument)));
  if (!value.is_string() || format(value.string())) return Mismatch();
  return Differs(path, fmt::format("expected a {}, found {}", argument.string(), Short(value)));
}

Outcome Validator::AllOf(const Value& value, const Value&, const Value& argument,
                         const std::string& path) {
  if (!argument.is_list()) return Malformed("allOf", argument);
  for (const Value& schema : argument.list()) {
    TRY(Mismatch mismatch, Check(value, schema, path));
    if (mismatch) return mismatch;
  }
  return Mismatch();
}

Outcome Validator::AnyOf(const Value& value, const Value&, const Value& argument,
                         const std::string& path) {
  if (!argument.is_list()) return Malformed("anyOf", argument);
  std::string reasons;
  for (const Value& schema : argument.list()) {
    TRY(const Mismatch mismatch, Check(value, schema, path));
    if (!mismatch) return Mismatch();
    if (reasons.size() < 200) reasons.append(reasons.empty() ? "" : "; ").append(mismatch->reason);
  }
  return Differs(path, fmt::format("none of \"anyOf\" matches: {}", reasons));
}

Outcome Validator::OneOf(const Value& value, const Value&, const Value& argument,
                         const std::string& path) {
  if (!argument.is_list()) return Malformed("oneOf", argument);
  size_t count = 0;
  for (const Value& schema : argument.list()) {
    TRY(const bool matches, Matches(value, schema, path));
    count += matches ? 1 : 0;
  }
  if (count == 1) return Mismatch();
  return Differs(path, fmt::format("{} of \"oneOf\" match {}", count, Short(value)));
}

Outcome Validator::Not(const Value& value, const Value&, const Value& argument,
                       const std::string& path) {
  TRY(const bool matches, Matches(value, argument, path));
  if (!matches) return Mismatch();
  return Differs(path, fmt::format("{} matches what \"not\" forbids", Short(value)));
}

Outcome Validator::If(const Value& value, const Value& schema, const Value& argument,
                      const std::string& path) {
  TRY(const bool matches, Matches(value, argument, path));
  const Value* branch = schema.Find(matches ? "then" : "else");
  return branch == nullptr ? Mismatch() : Check(value, *branch, path);
}

}  // namespace

Result<std::optional<SchemaMismatch>> MatchSchema(const Value& value, const Value& schema,
                                                  CallContext& context) {
  return Validator(schema, context).Check(value, schema, "");
}

}  // namespace assay::cel
