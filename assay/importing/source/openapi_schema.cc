#include "assay/importing/source/openapi_schema.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <re2/re2.h>

#include "assay/importing/slot.h"
#include "assay/importing/source/json_reader.h"
#include "lib/http/uri.h"

namespace assay::importing {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr size_t kMaxDepth = 40;
constexpr size_t kMaxExampleDepth = 8;
constexpr size_t kMaxReferences = 20;
constexpr std::string_view kComponents = "#/components/schemas/";

// Only documentation, or only of OpenAPI (3.0.3, "Schema Object").
constexpr std::array<std::string_view, 12> kDropped = {
    "nullable",   "discriminator", "xml",       "externalDocs", "example",     "examples",
    "deprecated", "readOnly",      "writeOnly", "title",        "description", "default"};
constexpr std::array<std::string_view, 10> kFormats = {
    "date-time", "date", "time", "duration", "uuid", "email", "ipv4", "ipv6", "uri", "hostname"};
constexpr std::array<std::string_view, 33> kKept = {"type",
                                                    "enum",
                                                    "const",
                                                    "properties",
                                                    "patternProperties",
                                                    "additionalProperties",
                                                    "propertyNames",
                                                    "required",
                                                    "dependentRequired",
                                                    "minProperties",
                                                    "maxProperties",
                                                    "prefixItems",
                                                    "items",
                                                    "contains",
                                                    "minItems",
                                                    "maxItems",
                                                    "uniqueItems",
                                                    "minimum",
                                                    "maximum",
                                                    "exclusiveMinimum",
                                                    "exclusiveMaximum",
                                                    "multipleOf",
                                                    "minLength",
                                                    "maxLength",
                                                    "pattern",
                                                    "format",
                                                    "allOf",
                                                    "anyOf",
                                                    "oneOf",
                                                    "not",
                                                    "if",
                                                    "then",
                                                    "else"};

std::string Unescape(std::string text) {
  text = http::PercentDecode(text).value_or(text);
  for (const auto& [from, to] : {std::pair("~1", "/"), std::pair("~0", "~")}) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; ++at)
      text.replace(at, 2, to);
  }
  return text;
}

std::string EscapePointer(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

bool IsType(const value& schema, std::string_view type) {
  const value* found = Member(schema, "type");
  if (found == nullptr) return false;
  if (found->is_array())
    return std::ranges::find(found->get_array(), value(type)) != found->get_array().end();
  return TextOf(found) == type;
}

double NumberOf(const value* number, double otherwise) {
  if (number == nullptr || !number->is_number()) return otherwise;
  return number->to_number<double>();
}

value ExampleText(const value& schema, std::string_view name) {
  const std::string format = TextOf(schema, "format");
  if (format == "date-time") return value(Slot("string(run.started)"));
  if (format == "date") return "2026-01-15";
  if (format == "time") return "12:00:00Z";
  if (format == "duration") return "PT1H";
  if (format == "uuid") return value(Slot("fake.uuid()"));
  if (format == "email" || name == "email") return value(Slot("fake.email()"));
  if (format == "uri" || format == "url" || format == "uri-reference")
    return "https://example.org/";
  if (format == "hostname") return "example.org";
  if (format == "ipv4") return "192.0.2.1";
  if (format == "ipv6") return "2001:db8::1";
  if (format == "byte") return "YXNzYXk=";
  const double most = NumberOf(Member(schema, "maxLength"), 1e9);
  const double least = NumberOf(Member(schema, "minLength"), 0);
  std::string text = name.empty() ? "text" : fmt::format("some {}", name);
  if (static_cast<double>(text.size()) > most) text.resize(static_cast<size_t>(most));
  while (static_cast<double>(text.size()) < std::min(least, 4096.0)) text += 'x';
  return value(text);
}

value ExampleNumber(const value& schema, bool integer) {
  double number = 1;
  const double least = NumberOf(Member(schema, "minimum"), -1e300);
  const double most = NumberOf(Member(schema, "maximum"), 1e300);
  if (number < least) number = integer ? std::ceil(least) : least;
  if (number > most) number = integer ? std::floor(most) : most;
  const value* above = Member(schema, "exclusiveMinimum");
  if (above != nullptr && above->is_number() && number <= NumberOf(above, 0))
    number = std::floor(NumberOf(above, 0)) + 1;
  if (above != nullptr && above->is_bool() && above->get_bool() && number <= least)
    number = std::floor(least) + 1;
  const double step = NumberOf(Member(schema, "multipleOf"), 0);
  if (step > 0) number = std::ceil(number / step) * step;
  if (integer) return static_cast<int64_t>(std::clamp(number, -9e15, 9e15));
  return number;
}

/// Text of the document may hold the characters of slots; values of examples are cleaned.
value Clean(const value& example) {
  if (example.is_string()) return value(CleanText(std::string(example.get_string())));
  if (example.is_array()) {
    array out;
    for (const value& one : example.get_array()) out.push_back(Clean(one));
    return out;
  }
  if (example.is_object()) {
    object out;
    for (const auto& [key, one] : example.get_object())
      out[CleanText(std::string(key))] = Clean(one);
    return out;
  }
  return example;
}

}  // namespace

void SchemaReader::ReportOnce(std::string problem) {
  if (reported_.insert(problem).second) report_(problem);
}

const value* SchemaReader::Resolve(const value* at) {
  for (size_t i = 0; i < kMaxReferences; ++i) {
    const value* reference = Member(at, "$ref");
    if (reference == nullptr || !reference->is_string()) return at;
    const std::string text = TextOf(reference);
    if (!text.starts_with("#/")) {
      ReportOnce(
          fmt::format("the reference \"{}\" leads to another file, which is not read", text));
      return nullptr;
    }
    const value* found = &document_;
    std::string_view rest = std::string_view(text).substr(2);
    while (found != nullptr && !rest.empty()) {
      const size_t end = std::min(rest.find('/'), rest.size());
      found = Member(found, Unescape(std::string(rest.substr(0, end))));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (found == nullptr) {
      ReportOnce(fmt::format("the reference \"{}\" leads nowhere", text));
      return nullptr;
    }
    at = found;
  }
  ReportOnce("references lead in a circle");
  return nullptr;
}

value SchemaReader::ConvertMember(std::string_view key, const value& member,
                                  std::set<std::string>& needed, size_t depth) {
  if (key == "properties" || key == "patternProperties") {
    object out;
    if (member.is_object()) {
      for (const auto& [name, one] : member.get_object())
        out[name] = Convert(one, needed, depth + 1);
    }
    return out;
  }
  if (key == "allOf" || key == "anyOf" || key == "oneOf" || key == "prefixItems") {
    array out;
    for (const value& one : ListOf(&member)) out.push_back(Convert(one, needed, depth + 1));
    return out;
  }
  constexpr std::array<std::string_view, 8> kSchemas = {
      "items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"};
  if (std::ranges::find(kSchemas, key) != kSchemas.end()) return Convert(member, needed, depth + 1);
  return member;
}

value SchemaReader::Convert(const value& schema, std::set<std::string>& needed, size_t depth) {
  if (!schema.is_object() || depth > kMaxDepth) return schema.is_bool() ? schema : value(object());
  if (const value* reference = Member(schema, "$ref")) {
    const std::string text = TextOf(reference);
    if (!text.starts_with(kComponents)) {
      const value* target = Resolve(&schema);
      return target == nullptr ? value(object()) : Convert(*target, needed, depth + 1);
    }
    if (Resolve(&schema) == nullptr) return object();
    const std::string name = Unescape(text.substr(kComponents.size()));
    needed.insert(name);
    return object{{"$ref", "#/$defs/" + EscapePointer(name)}};
  }
  object out;
  for (const auto& [key, member] : schema.get_object()) {
    const std::string_view name = key;
    if (name.starts_with("x-") || name.starts_with('$') ||
        std::ranges::find(kDropped, name) != kDropped.end())
      continue;
    if (std::ranges::find(kKept, name) == kKept.end()) {
      ReportOnce(fmt::format("the schema keyword \"{}\" is not checked", name));
      continue;
    }
    if (name == "format" && std::ranges::find(kFormats, TextOf(&member)) == kFormats.end())
      continue;
    if (name == "pattern" && !RE2(TextOf(&member), RE2::Quiet).ok()) {
      ReportOnce(fmt::format("the pattern \"{}\" is no RE2 expression and is not checked",
                             TextOf(&member)));
      continue;
    }
    if (member.is_bool() && (name == "exclusiveMinimum" || name == "exclusiveMaximum")) continue;
    out[name] = ConvertMember(name, member, needed, depth);
  }
  for (const auto& [exclusive, limit] :
       {std::pair("exclusiveMinimum", "minimum"), std::pair("exclusiveMaximum", "maximum")}) {
    if (!IsTrue(schema, exclusive) || !out.contains(limit)) continue;
    out[exclusive] = out[limit];
    out.erase(limit);
  }
  if (const value* properties = Member(schema, "properties");
      properties != nullptr && out.contains("required")) {
    array required;
    for (const value& name : ListOf(Member(schema, "required"))) {
      const value* member = Resolve(Member(properties, TextOf(&name)));
      if (member == nullptr || !IsTrue(*member, "writeOnly")) required.push_back(name);
    }
    out["required"] = std::move(required);
  }
  if (!IsTrue(schema, "nullable")) return out;
  if (out.contains("enum") && out["enum"].is_array()) out["enum"].get_array().emplace_back(nullptr);
  if (out.contains("type") && out["type"].is_string()) {
    out["type"] = array{out["type"], "null"};
    return out;
  }
  return object{{"anyOf", array{std::move(out), object{{"type", "null"}}}}};
}

object SchemaReader::ForAnswer(const value& schema) {
  std::set<std::string> needed;
  value converted = Convert(schema, needed, 0);
  object out = converted.is_object() ? std::move(converted.get_object()) : object();
  object definitions;
  const value* schemas = Member(Member(document_, "components"), "schemas");
  while (true) {
    std::vector<std::string> missing;
    for (const std::string& name : needed) {
      if (!definitions.contains(name)) missing.push_back(name);
    }
    if (missing.empty()) break;
    for (const std::string& name : missing) {
      const value* found = Member(schemas, name);
      definitions[name] = found == nullptr ? value(object()) : Convert(*found, needed, 0);
    }
  }
  if (!definitions.empty()) out["$defs"] = std::move(definitions);
  return out;
}

value SchemaReader::Example(const value& schema, std::string_view name) {
  return ExampleAt(schema, name, 0);
}

object SchemaReader::ExampleObject(const value& schema, size_t depth) {
  object out;
  const array& required = ListOf(schema, "required");
  const value* properties = Member(schema, "properties");
  if (properties == nullptr || !properties->is_object()) return out;
  for (const auto& [key, member] : properties->get_object()) {
    const value* resolved = Resolve(&member);
    if (resolved == nullptr || IsTrue(*resolved, "readOnly")) continue;
    const bool is_required = std::ranges::find(required, value(key)) != required.end();
    if (!is_required && Member(*resolved, "example") == nullptr &&
        Member(*resolved, "examples") == nullptr)
      continue;
    out[key] = ExampleAt(*resolved, key, depth + 1);
  }
  return out;
}

value SchemaReader::ExampleAt(const value& schema, std::string_view name, size_t depth) {
  const value* resolved = Resolve(&schema);
  if (resolved == nullptr || !resolved->is_object() || depth > kMaxExampleDepth) return nullptr;
  const value& at = *resolved;
  if (const value* example = Member(at, "example")) return Clean(*example);
  if (const array& examples = ListOf(at, "examples"); !examples.empty())
    return Clean(examples.front());
  if (const value* fixed = Member(at, "const")) return Clean(*fixed);
  if (const value* usual = Member(at, "default"); usual != nullptr && !usual->is_null())
    return Clean(*usual);
  if (const array& choices = ListOf(at, "enum"); !choices.empty()) return Clean(choices.front());
  if (const array& all = ListOf(at, "allOf"); !all.empty()) {
    object out = ExampleObject(at, depth);
    for (const value& part : all) {
      const value one = ExampleAt(part, name, depth + 1);
      if (!one.is_object()) return one;
      for (const auto& [key, member] : one.get_object()) out[key] = member;
    }
    return out;
  }
  for (const char* choice : {"oneOf", "anyOf"}) {
    if (const array& any = ListOf(at, choice); !any.empty())
      return ExampleAt(any.front(), name, depth + 1);
  }
  if (IsType(at, "object") || Member(at, "properties") != nullptr) return ExampleObject(at, depth);
  if (IsType(at, "array")) {
    const value* items = Member(at, "items");
    const double least = NumberOf(Member(at, "minItems"), 1);
    array out;
    for (double i = 0; items != nullptr && i < std::clamp(least, 1.0, 20.0); ++i)
      out.push_back(ExampleAt(*items, name, depth + 1));
    return out;
  }
  if (IsType(at, "integer")) return ExampleNumber(at, true);
  if (IsType(at, "number")) return ExampleNumber(at, false);
  if (IsType(at, "boolean")) return true;
  if (IsType(at, "string")) {
    if (Member(at, "pattern") != nullptr)
      ReportOnce(fmt::format("the example of \"{}\" may not fit the pattern \"{}\"", name,
                             TextOf(at, "pattern")));
    return ExampleText(at, name);
  }
  return at.get_object().contains("type") ? value(nullptr) : value("text");
}

}  // namespace assay::importing
