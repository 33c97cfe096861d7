#include "assay/importing/shape.h"

#include <algorithm>
#include <set>
#include <vector>

#include "assay/importing/captures.h"

namespace assay::importing {
namespace {

constexpr size_t kMaxElements = 200;  // of one list; the rest looks alike
constexpr size_t kMaxDepth = 20;
constexpr size_t kMaxMembers = 100;

bool IsNumberType(std::string_view type) { return type == "integer" || type == "number"; }

std::set<std::string> TypesOf(const boost::json::object& schema) {
  std::set<std::string> out;
  const boost::json::value* type = schema.if_contains("type");
  if (type == nullptr) return out;
  if (type->is_string()) out.insert(std::string(type->get_string()));
  if (type->is_array()) {
    for (const auto& one : type->get_array()) out.insert(std::string(one.as_string()));
  }
  return out;
}

boost::json::object Infer(const boost::json::value& value, std::string_view key, size_t depth);

boost::json::object InferObject(const boost::json::object& value, size_t depth) {
  boost::json::object out{{"type", "object"}};
  if (value.empty()) return out;
  const bool is_map =
      value.size() > kMaxMembers ||
      std::ranges::all_of(value, [](const auto& member) { return LooksMade(member.key()); });
  if (is_map) {
    boost::json::object all;
    bool first = true;
    for (const auto& [name, member] : value) {
      boost::json::object one = Infer(member, "", depth + 1);
      all = first ? std::move(one) : MergeSchemas(all, one);
      first = false;
    }
    out["additionalProperties"] = std::move(all);
    return out;
  }
  boost::json::object properties;
  boost::json::array required;
  for (const auto& [name, member] : value) {
    properties[name] = Infer(member, name, depth + 1);
    required.emplace_back(name);
  }
  out["required"] = std::move(required);
  out["properties"] = std::move(properties);
  return out;
}

boost::json::object InferArray(const boost::json::array& value, std::string_view key,
                               size_t depth) {
  boost::json::object out{{"type", "array"}};
  const size_t count = std::min(value.size(), kMaxElements);
  boost::json::object items;
  for (size_t i = 0; i < count; ++i) {
    boost::json::object one = Infer(value[i], key, depth + 1);
    items = i == 0 ? std::move(one) : MergeSchemas(items, one);
  }
  if (!items.empty()) out["items"] = std::move(items);
  return out;
}

boost::json::object Infer(const boost::json::value& value, std::string_view key, size_t depth) {
  if (depth > kMaxDepth) return {};
  switch (value.kind()) {
    case boost::json::kind::null:
      return {};
    case boost::json::kind::bool_:
      return {{"type", "boolean"}};
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
      return {{"type", IsIdentifierKey(key) ? "integer" : "number"}};
    case boost::json::kind::double_:
      return {{"type", "number"}};
    case boost::json::kind::string:
      return {{"type", "string"}};
    case boost::json::kind::array:
      return InferArray(value.get_array(), key, depth);
    case boost::json::kind::object:
      return InferObject(value.get_object(), depth);
  }
  return {};
}

boost::json::array CommonRequired(const boost::json::object& a, const boost::json::object& b) {
  boost::json::array out;
  const auto* left = a.if_contains("required");
  const auto* right = b.if_contains("required");
  if (left == nullptr || right == nullptr) return out;
  for (const auto& name : left->as_array()) {
    if (std::ranges::find(right->as_array(), name) != right->as_array().end()) out.push_back(name);
  }
  return out;
}

}  // namespace

boost::json::object InferSchema(const boost::json::value& value) { return Infer(value, "", 0); }

boost::json::object MergeSchemas(const boost::json::object& a, const boost::json::object& b) {
  if (a == b) return a;
  std::set<std::string> types = TypesOf(a);
  const std::set<std::string> others = TypesOf(b);
  // A null on one side leaves the type open: what the other side knows may be absent next time.
  if (types.empty() || others.empty()) return {};
  types.insert(others.begin(), others.end());
  if (types.contains("number") && types.contains("integer")) types.erase("integer");
  boost::json::object out;
  if (types.size() == 1) {
    out["type"] = *types.begin();
  } else {
    out["type"] = boost::json::array(types.begin(), types.end());
  }
  if (IsNumberType(*types.begin()) && types.size() == 1) return out;
  if (boost::json::array required = CommonRequired(a, b); !required.empty())
    out["required"] = std::move(required);
  boost::json::object properties;
  for (const auto* side : {&a, &b}) {
    const auto* members = side->if_contains("properties");
    if (members == nullptr) continue;
    for (const auto& [name, schema] : members->as_object()) {
      const auto* known = properties.if_contains(name);
      properties[name] = known == nullptr ? schema.as_object()
                                          : MergeSchemas(known->as_object(), schema.as_object());
    }
  }
  if (!properties.empty()) out["properties"] = std::move(properties);
  for (const char* key : {"items", "additionalProperties"}) {
    const auto* left = a.if_contains(key);
    const auto* right = b.if_contains(key);
    if (left != nullptr && right != nullptr) {
      out[key] = MergeSchemas(left->as_object(), right->as_object());
    } else if (left != nullptr || right != nullptr) {
      // An empty list on one side says nothing about elements.
      const bool both_lists = TypesOf(a) == TypesOf(b);
      if (both_lists) out[key] = (left != nullptr ? left : right)->as_object();
    }
  }
  return out;
}

}  // namespace assay::importing
