#include "assay/cel/json.h"

#include <charconv>
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/network.h"
#include "assay/cel/text.h"
#include "assay/cel/type.h"
#include "lib/crypto/base64.h"
#include "lib/json/parse.h"

namespace assay::cel {
namespace {

namespace bj = boost::json;
using base::ErrorCode;
using base::Fail;
using base::Result;

std::string_view Std(bj::string_view text) { return {text.data(), text.size()}; }
bj::string_view View(std::string_view text) { return {text.data(), text.size()}; }

constexpr int64_t kMaxExactInteger = int64_t{1} << 53;

/// JSON cannot tell 1.0 from 1.
bool PlainTypedDouble(double value) { return std::isfinite(value) && std::trunc(value) != value; }

bj::value Tagged(std::string_view tag, bj::value content) {
  bj::object object;
  object[View(tag)] = std::move(content);
  return object;
}

bj::value Tagged(std::string_view tag, std::string_view text) {
  return Tagged(tag, bj::value(View(text)));
}

bool PlainKeys(const Map& map) {
  for (const Map::Entry& entry : map.entries())
    if (!entry.key.is_string() || entry.key.string().starts_with('$')) return false;
  return true;
}

bj::value TypedMap(const Map& map) {
  if (PlainKeys(map)) {
    bj::object object;
    object.reserve(map.size());
    for (const Map::Entry& entry : map.entries())
      object[View(entry.key.string())] = ToTypedJson(entry.value);
    return object;
  }
  bj::array pairs;
  for (const Map::Entry& entry : map.entries())
    pairs.push_back(bj::array{ToTypedJson(entry.key), ToTypedJson(entry.value)});
  return Tagged("$map", std::move(pairs));
}

bj::value TypedOptional(const Value& value) {
  bj::array content;
  if (value.optional() != nullptr) content.push_back(ToTypedJson(*value.optional()));
  return Tagged("$optional", std::move(content));
}

bj::value TypedError(const base::Error& error) {
  bj::object content;
  content["code"] = View(base::ToString(error.code));
  content["message"] = error.message;
  return Tagged("$error", std::move(content));
}

bj::value ListToJson(const Value& value, bj::value (*convert)(const Value&)) {
  bj::array array;
  array.reserve(value.list().size());
  for (const Value& element : value.list()) array.push_back(convert(element));
  return array;
}

base::Error Malformed(std::string_view tag, const bj::value& content, std::string_view expected) {
  return {ErrorCode::kCorrupt, fmt::format("typed value {} has the content {}; expected {}", tag,
                                           bj::serialize(content), expected)};
}

template <typename Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

std::optional<double> ParseTaggedDouble(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return ParseNumber<double>(text);
}

std::optional<Type> TypeByName(std::string_view name) {
  for (const Type& type :
       {Type::Dyn(), Type::Null(), Type::Bool(), Type::Int(), Type::Uint(), Type::Double(),
        Type::String(), Type::Bytes(), Type::Timestamp(), Type::Duration(), Type::List({}),
        Type::Map({}, {}), Type::OfType(), Type::Optional({})})
    if (type.name() == name) return type;
  return name.empty() ? std::nullopt : std::optional(Type::Opaque(std::string(name)));
}

/// The value that a tag with a text stands for; nullopt when the text is malformed.
std::optional<Value> FromTaggedText(std::string_view tag, std::string_view text) {
  const auto wrap = [](const auto& parsed, auto make) {
    return parsed ? std::optional<Value>(make(*parsed)) : std::nullopt;
  };
  if (tag == "$int") return wrap(ParseNumber<int64_t>(text), &Value::Int);
  if (tag == "$uint") return wrap(ParseNumber<uint64_t>(text), &Value::Uint);
  if (tag == "$double") return wrap(ParseTaggedDouble(text), &Value::Double);
  if (tag == "$bytes") return wrap(crypto::ParseBase64(text), &Value::Bytes);
  if (tag == "$duration") return wrap(ParseDuration(text), &Value::Duration);
  if (tag == "$timestamp")
    return wrap(ParseTimestamp(text), [](TimePoint time) { return Value::Timestamp(time); });
  if (tag == "$type") return wrap(TypeByName(text), &Value::OfType);
  if (tag == "$ip" || tag == "$cidr") {
    Value value = tag == "$ip" ? ParseIpAddress(text) : ParseCidr(text);
    return value.is_error() ? std::nullopt : std::optional(std::move(value));
  }
  return std::nullopt;
}

Result<Value> FromTypedPairs(const bj::value& content) {
  if (!content.is_array()) return Fail(Malformed("$map", content, "an array of pairs"));
  MapBuilder builder;
  for (const bj::value& pair : content.get_array()) {
    if (!pair.is_array() || pair.get_array().size() != 2)
      return Fail(Malformed("$map", content, "an array of pairs"));
    TRY(Value key, FromTypedJson(pair.get_array()[0]));
    TRY(Value value, FromTypedJson(pair.get_array()[1]));
    builder.Set(std::move(key), std::move(value));
  }
  return std::move(builder).Build();
}

Result<Value> FromTypedOptional(const bj::value& content) {
  if (!content.is_array() || content.get_array().size() > 1)
    return Fail(Malformed("$optional", content, "an array of at most one value"));
  if (content.get_array().empty()) return Value::None();
  TRY(Value value, FromTypedJson(content.get_array()[0]));
  return Value::Optional(std::move(value));
}

Result<Value> FromTypedError(const bj::value& content) {
  const bj::object* object = content.if_object();
  const bj::value* code = object == nullptr ? nullptr : object->if_contains("code");
  const bj::value* message = object == nullptr ? nullptr : object->if_contains("message");
  if (code == nullptr || message == nullptr || !code->is_string() || !message->is_string())
    return Fail(Malformed("$error", content, "an object with code and message"));
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    const auto candidate = static_cast<ErrorCode>(i);
    if (base::ToString(candidate) == Std(code->get_string()))
      return Value::Error(candidate, std::string(Std(message->get_string())));
  }
  return Fail(Malformed("$error", content, "a known error code"));
}

Result<Value> FromTagged(std::string_view tag, const bj::value& content) {
  if (tag == "$map") return FromTypedPairs(content);
  if (tag == "$optional") return FromTypedOptional(content);
  if (tag == "$error") return FromTypedError(content);
  if (content.is_string())
    if (auto value = FromTaggedText(tag, Std(content.get_string()))) return *std::move(value);
  return Fail(Malformed(tag, content, "a known tag with a text of its form"));
}

Value IntegerOrDouble(const bj::value& json) {
  if (json.is_int64()) return Value::Int(json.get_int64());
  if (json.is_uint64()) return Value::Uint(json.get_uint64());
  return Value::Double(json.get_double());
}

}  // namespace

Value FromJson(const bj::value& json) {
  switch (json.kind()) {
    case bj::kind::null:
      return Value::Null();
    case bj::kind::bool_:
      return Value::Bool(json.get_bool());
    case bj::kind::string:
      return Value::String(Std(json.get_string()));
    case bj::kind::array: {
      std::vector<Value> elements;
      elements.reserve(json.get_array().size());
      for (const bj::value& element : json.get_array()) elements.push_back(FromJson(element));
      return Value::List(std::move(elements));
    }
    case bj::kind::object: {
      std::vector<std::pair<Value, Value>> entries;
      entries.reserve(json.get_object().size());
      for (const auto& [key, value] : json.get_object())
        entries.emplace_back(Value::String(Std(key)), FromJson(value));
      return Value::Map(std::move(entries));
    }
    default:
      return IntegerOrDouble(json);
  }
}

bj::value ToJson(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return nullptr;
    case Kind::kBool:
      return value.bool_value();
    case Kind::kInt:
      return value.int_value();
    case Kind::kUint:
      return value.uint_value();
    case Kind::kDouble:
      if (std::isfinite(value.double_value())) return value.double_value();
      return bj::value(View(ToText(value)));
    case Kind::kBytes:
      return bj::value(View(crypto::Base64(value.bytes())));
    case Kind::kList:
      return ListToJson(value, &ToJson);
    case Kind::kMap: {
      bj::object object;
      object.reserve(value.map().size());
      for (const Map::Entry& entry : value.map().entries())
        object[View(ToText(entry.key))] = ToJson(entry.value);
      return object;
    }
    case Kind::kOptional:
      return value.optional() == nullptr ? bj::value(nullptr) : ToJson(*value.optional());
    case Kind::kError:
      return bj::object{{"error", value.error().message}};
    default:
      return bj::value(View(ToText(value)));
  }
}

bj::value ToTypedJson(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return nullptr;
    case Kind::kBool:
      return value.bool_value();
    case Kind::kInt:
      if (value.int_value() >= -kMaxExactInteger && value.int_value() <= kMaxExactInteger)
        return value.int_value();
      return Tagged("$int", ToText(value));
    case Kind::kUint:
      return Tagged("$uint", ToText(value));
    case Kind::kDouble:
      if (PlainTypedDouble(value.double_value())) return value.double_value();
      return Tagged("$double", ToText(value));
    case Kind::kString:
      return bj::value(View(value.string()));
    case Kind::kBytes:
      return Tagged("$bytes", crypto::Base64(value.bytes()));
    case Kind::kTimestamp:
      return Tagged("$timestamp", ToText(value));
    case Kind::kDuration:
      return Tagged("$duration", ToText(value));
    case Kind::kType:
      return Tagged("$type", ToText(value));
    case Kind::kList:
      return ListToJson(value, &ToTypedJson);
    case Kind::kMap:
      return TypedMap(value.map());
    case Kind::kOptional:
      return TypedOptional(value);
    case Kind::kOpaque:
      return Tagged(value.opaque().type_name() == kIpTypeName ? "$ip" : "$cidr", ToText(value));
    case Kind::kError:
      return TypedError(value.error());
  }
  std::unreachable();
}

Result<Value> ParseJson(std::string_view text) {
  TRY(const bj::value json, json::Parse(text));
  return FromJson(json);
}

Result<Value> FromTypedJson(const bj::value& json) {
  if (json.is_array()) {
    std::vector<Value> elements;
    elements.reserve(json.get_array().size());
    for (const bj::value& element : json.get_array()) {
      TRY(Value value, FromTypedJson(element));
      elements.push_back(std::move(value));
    }
    return Value::List(std::move(elements));
  }
  if (!json.is_object()) {
    // A canonicalised whole number may come back as a double; only ints are written untagged.
    if (json.is_double() && std::trunc(json.get_double()) == json.get_double() &&
        std::fabs(json.get_double()) <= static_cast<double>(kMaxExactInteger))
      return Value::Int(static_cast<int64_t>(json.get_double()));
    return FromJson(json);
  }
  const bj::object& object = json.get_object();
  if (object.size() == 1 && Std(object.begin()->key()).starts_with('$'))
    return FromTagged(Std(object.begin()->key()), object.begin()->value());
  std::vector<std::pair<Value, Value>> entries;
  entries.reserve(object.size());
  for (const auto& [key, member] : object) {
    TRY(Value value, FromTypedJson(member));
    entries.emplace_back(Value::String(Std(key)), std::move(value));
  }
  return Value::Map(std::move(entries));
}

}  // namespace assay::cel
