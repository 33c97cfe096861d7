#include "assay/scenario/schema.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/scenario/tables/tables.h"

namespace assay::scenario {

Type Type::Enum(std::vector<std::string> words) {
  Type type(TypeKind::kEnum);
  type.words_ = std::move(words);
  return type;
}

Type Type::List(Type element) {
  Type type(TypeKind::kList);
  type.parts_ = std::make_shared<const std::vector<Type>>(1, std::move(element));
  return type;
}

Type Type::Map(Type element) {
  Type type(TypeKind::kMap);
  type.parts_ = std::make_shared<const std::vector<Type>>(1, std::move(element));
  return type;
}

Type Type::Object(std::shared_ptr<const ObjectSchema> table) {
  Type type(TypeKind::kObject);
  type.table_ = std::move(table);
  return type;
}

Type Type::Object(ObjectSchema table) {
  return Object(std::make_shared<const ObjectSchema>(std::move(table)));
}

Type Type::AnyOf(std::vector<Type> alternatives) {
  Type type(TypeKind::kAnyOf);
  type.parts_ = std::make_shared<const std::vector<Type>>(std::move(alternatives));
  return type;
}

std::string Type::Expected() const {
  switch (kind_) {
    case TypeKind::kAny:
      return "a value";
    case TypeKind::kString:
      return "a string";
    case TypeKind::kInt:
      return "an integer";
    case TypeKind::kNumber:
      return "a number";
    case TypeKind::kBool:
      return "true or false";
    case TypeKind::kDuration:
      return "a duration such as 30s";
    case TypeKind::kSize:
      return "a size such as 64KiB";
    case TypeKind::kBytes:
      return "bytes";
    case TypeKind::kTimestamp:
      return "a timestamp";
    case TypeKind::kExpression:
      return "an expression";
    case TypeKind::kEnum:
      return fmt::format("one of {}", fmt::join(words_, ", "));
    case TypeKind::kList:
      return "a list";
    case TypeKind::kMap:
    case TypeKind::kObject:
      return "a map";
    case TypeKind::kSteps:
      return "a list of steps";
    case TypeKind::kAnyOf:
      break;
  }
  std::vector<std::string> parts;
  for (const Type& type : alternatives()) {
    std::string part = type.Expected();
    if (std::ranges::find(parts, part) == parts.end()) parts.push_back(std::move(part));
  }
  return fmt::format("{}", fmt::join(parts, " or "));
}

std::string Type::Name() const {
  switch (kind_) {
    case TypeKind::kAny:
      return "any";
    case TypeKind::kString:
      return "string";
    case TypeKind::kInt:
      return "int";
    case TypeKind::kNumber:
      return "number";
    case TypeKind::kBool:
      return "bool";
    case TypeKind::kDuration:
      return "duration";
    case TypeKind::kSize:
      return "size";
    case TypeKind::kBytes:
      return "bytes";
    case TypeKind::kTimestamp:
      return "timestamp";
    case TypeKind::kExpression:
      return "expression";
    case TypeKind::kEnum:
      return fmt::format("{}", fmt::join(words_, ", "));
    case TypeKind::kList:
      return "list of " + element().Name();
    case TypeKind::kMap:
      return "map of " + element().Name();
    case TypeKind::kObject:
      return table_->name;
    case TypeKind::kSteps:
      return "steps";
    case TypeKind::kAnyOf:
      break;
  }
  std::vector<std::string> parts;
  for (const Type& type : alternatives()) parts.push_back(type.Name());
  return fmt::format("{}", fmt::join(parts, " or "));
}

std::string_view ToString(FileKind kind) {
  switch (kind) {
    case FileKind::kProject:
      return "project";
    case FileKind::kScenario:
      return "scenario";
    case FileKind::kFragment:
      return "fragment";
    case FileKind::kRequirements:
      return "requirements";
    case FileKind::kPlan:
      return "plan";
    case FileKind::kEnvironment:
      return "environment";
  }
  return "unknown";
}

const Field* ObjectSchema::Find(std::string_view field) const {
  const auto found = std::ranges::find(fields, field, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

std::vector<std::string> ObjectSchema::FieldNames() const {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const Field& field : fields) names.push_back(field.name);
  return names;
}

base::Result<void> SchemaRegistry::AddAction(ActionSchema action) {
  if (actions_.contains(action.name)) {
    return base::Fail(base::ErrorCode::kConflict,
                      fmt::format("the action {} is registered twice", action.name));
  }
  if (StepTable().Find(action.name) != nullptr) {
    return base::Fail(base::ErrorCode::kConflict,
                      fmt::format("the action {} has the name of a step field", action.name));
  }
  for (const Field& field : action.params.fields) {
    if (StepTable().Find(field.name) != nullptr) {
      return base::Fail(
          base::ErrorCode::kConflict,
          fmt::format("the parameter {} of the action {} has the name of a step field", field.name,
                      action.name));
    }
  }
  if (!action.shorthand.empty() && action.params.Find(action.shorthand) == nullptr) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("the shorthand {} of the action {} is no parameter of it",
                                  action.shorthand, action.name));
  }
  if (action.params.name.empty()) action.params.name = action.name;
  if (action.params.doc.empty()) action.params.doc = action.doc;
  std::string name = action.name;
  actions_.emplace(std::move(name), std::move(action));
  return {};
}

const ActionSchema* SchemaRegistry::FindAction(std::string_view name) const {
  const auto found = actions_.find(name);
  return found == actions_.end() ? nullptr : &found->second;
}

std::vector<std::string> SchemaRegistry::ActionNames() const {
  std::vector<std::string> names;
  names.reserve(actions_.size());
  for (const auto& [name, action] : actions_) names.push_back(name);
  return names;
}

}  // namespace assay::scenario
