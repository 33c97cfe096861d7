#include "assay/plan/convert.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "assay/cel/text.h"
#include "lib/base/units.h"

namespace assay::plan {
namespace {

using scenario::Type;
using scenario::TypeKind;

std::unexpected<base::Error> Refuse(const cel::Value& value, const Type& type,
                                    const std::string& what) {
  return base::Fail(base::ErrorCode::kInvalid,
                    fmt::format("expected {} for \"{}\", found {}", type.Expected(), what,
                                cel::DebugString(value)));
}

base::Result<cel::Value> ConvertScalar(cel::Value value, const Type& type,
                                       const std::string& what) {
  switch (type.kind()) {
    case TypeKind::kString:
    case TypeKind::kExpression:
      if (value.is_list() || value.is_map() || value.is_null()) return Refuse(value, type, what);
      return value.is_string() ? value : cel::Value::String(cel::ToText(value));
    case TypeKind::kInt:
      if (value.is_int()) return value;
      if (value.is_uint() && std::in_range<int64_t>(value.uint_value())) {
        return cel::Value::Int(static_cast<int64_t>(value.uint_value()));
      }
      // A whole double, as JSON gives it; 2^53 bounds the exact ones.
      if (value.is_double() && std::trunc(value.double_value()) == value.double_value() &&
          std::abs(value.double_value()) <= 9007199254740992.0) {
        return cel::Value::Int(static_cast<int64_t>(value.double_value()));
      }
      return Refuse(value, type, what);
    case TypeKind::kNumber:
      return value.is_number() ? value : base::Result<cel::Value>(Refuse(value, type, what));
    case TypeKind::kBool:
      if (!value.is_bool()) return Refuse(value, type, what);
      return value;
    case TypeKind::kDuration: {
      if (value.is_duration()) return value;
      if (!value.is_string()) return Refuse(value, type, what);
      const auto duration = base::ParseDuration(value.string());
      if (!duration) return Refuse(value, type, what);
      return cel::Value::Duration(*duration);
    }
    case TypeKind::kSize: {
      if (value.is_int() && value.int_value() >= 0) return value;
      if (!value.is_string()) return Refuse(value, type, what);
      const auto size = base::ParseSize(value.string());
      if (!size || !std::in_range<int64_t>(*size)) return Refuse(value, type, what);
      return cel::Value::Int(static_cast<int64_t>(*size));
    }
    case TypeKind::kEnum:
      if (!value.is_string() ||
          std::ranges::find(type.words(), value.string()) == type.words().end()) {
        return Refuse(value, type, what);
      }
      return value;
    case TypeKind::kBytes:
      if (!value.is_bytes()) return Refuse(value, type, what);
      return value;
    case TypeKind::kTimestamp:
      if (!value.is_timestamp()) return Refuse(value, type, what);
      return value;
    default:
      return value;
  }
}

base::Result<cel::Value> ConvertList(const cel::Value& value, const Type& type,
                                     const std::string& what) {
  if (!value.is_list()) return Refuse(value, type, what);
  std::vector<cel::Value> items;
  for (const cel::Value& item : value.list()) {
    TRY(cel::Value converted, Convert(item, type.element(), what));
    items.push_back(std::move(converted));
  }
  return cel::Value::List(std::move(items));
}

base::Result<cel::Value> ConvertMap(const cel::Value& value, const Type& type,
                                    const std::string& what) {
  if (!value.is_map()) return Refuse(value, type, what);
  cel::MapBuilder map;
  for (const cel::Map::Entry& entry : value.map().entries()) {
    const std::string key = cel::ToText(entry.key);
    const std::string name = fmt::format("{}.{}", what, key);
    if (type.kind() == TypeKind::kMap) {
      TRY(cel::Value converted, Convert(entry.value, type.element(), name));
      map.Set(entry.key, std::move(converted));
      continue;
    }
    const scenario::Field* field = type.table().Find(key);
    if (field == nullptr && !type.table().open) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("unknown key \"{}\" in \"{}\"", key, what));
    }
    TRY(cel::Value converted,
        Convert(entry.value, field == nullptr ? Type::Any() : field->type, name));
    map.Set(entry.key, std::move(converted));
  }
  return std::move(map).Build();
}

}  // namespace

cel::Value ToValue(const scenario::yaml::Node& node) {
  using scenario::yaml::NodeKind;
  switch (node.kind()) {
    case NodeKind::kNull:
      return cel::Value::Null();
    case NodeKind::kBool:
      return cel::Value::Bool(node.as_bool());
    case NodeKind::kInt:
      return cel::Value::Int(node.as_int());
    case NodeKind::kDouble:
      return cel::Value::Double(node.as_double());
    case NodeKind::kString:
      return cel::Value::String(node.text());
    case NodeKind::kSequence: {
      std::vector<cel::Value> items;
      for (const auto& item : node.items()) items.push_back(ToValue(*item));
      return cel::Value::List(std::move(items));
    }
    case NodeKind::kMap:
      break;
  }
  cel::MapBuilder map;
  for (const auto& entry : node.entries()) map.Set(entry.key, ToValue(*entry.value));
  return std::move(map).Build();
}

base::Result<cel::Value> Convert(cel::Value value, const Type& type, const std::string& what) {
  switch (type.kind()) {
    case TypeKind::kAny:
    case TypeKind::kSteps:
      return value;
    case TypeKind::kList:
      return ConvertList(value, type, what);
    case TypeKind::kMap:
    case TypeKind::kObject:
      return ConvertMap(value, type, what);
    case TypeKind::kAnyOf:
      break;
    default:
      return ConvertScalar(std::move(value), type, what);
  }
  for (const Type& part : type.alternatives()) {
    if (auto converted = Convert(value, part, what)) return converted;
  }
  return Refuse(value, type, what);
}

cel::Type CelTypeOf(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kString:
    case TypeKind::kEnum:
      return cel::Type::String();
    case TypeKind::kInt:
    case TypeKind::kSize:
      return cel::Type::Int();
    case TypeKind::kBool:
      return cel::Type::Bool();
    case TypeKind::kDuration:
      return cel::Type::Duration();
    case TypeKind::kBytes:
      return cel::Type::Bytes();
    case TypeKind::kTimestamp:
      return cel::Type::Timestamp();
    case TypeKind::kList:
      return cel::Type::List(CelTypeOf(type.element()));
    case TypeKind::kMap:
      return cel::Type::Map(cel::Type::String(), CelTypeOf(type.element()));
    case TypeKind::kObject:
      return CelObjectOf(type.table().fields, type.table().open);
    default:
      return cel::Type::Dyn();
  }
}

cel::Type CelTypeOf(const cel::Value& value) {
  switch (value.kind()) {
    case cel::Kind::kBool:
      return cel::Type::Bool();
    case cel::Kind::kInt:
      return cel::Type::Int();
    case cel::Kind::kUint:
      return cel::Type::Uint();
    case cel::Kind::kDouble:
      return cel::Type::Double();
    case cel::Kind::kString:
      return cel::Type::String();
    case cel::Kind::kBytes:
      return cel::Type::Bytes();
    case cel::Kind::kTimestamp:
      return cel::Type::Timestamp();
    case cel::Kind::kDuration:
      return cel::Type::Duration();
    case cel::Kind::kList: {
      if (value.list().empty()) return cel::Type::List(cel::Type::Dyn());
      const cel::Type first = CelTypeOf(value.list().front());
      const bool same = std::ranges::all_of(
          value.list(), [&](const cel::Value& item) { return CelTypeOf(item) == first; });
      return cel::Type::List(same ? first : cel::Type::Dyn());
    }
    case cel::Kind::kMap: {
      std::vector<cel::Type::Field> fields;
      for (const cel::Map::Entry& entry : value.map().entries()) {
        if (!entry.key.is_string()) return cel::Type::Map(cel::Type::Dyn(), cel::Type::Dyn());
        fields.emplace_back(std::string(entry.key.string()), CelTypeOf(entry.value));
      }
      return cel::Type::Object(std::move(fields), cel::Type::Openness::kOpen);
    }
    default:
      return cel::Type::Dyn();
  }
}

cel::Type CelObjectOf(const std::vector<scenario::Field>& fields, bool open) {
  std::vector<cel::Type::Field> typed;
  typed.reserve(fields.size());
  for (const scenario::Field& field : fields) typed.emplace_back(field.name, CelTypeOf(field.type));
  return cel::Type::Object(std::move(typed),
                           open ? cel::Type::Openness::kOpen : cel::Type::Openness::kClosed);
}

}  // namespace assay::plan
