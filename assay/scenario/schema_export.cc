#include "assay/scenario/schema_export.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/scenario/tables/tables.h"

namespace assay::scenario {
namespace {

namespace json = boost::json;

constexpr std::string_view kDurationPattern = R"(^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d))+$)";
constexpr std::string_view kSizePattern = R"(^[0-9]+(\.[0-9]+)?([KMGT]?B|[KMGT]iB)$)";

json::object Reference(std::string_view name) {
  return {{"$ref", fmt::format("#/$defs/{}", name)}};
}

class SchemaWriter {
 public:
  explicit SchemaWriter(const SchemaRegistry& registry) : registry_(registry) {}

  json::object Run(FileKind kind) {
    json::object root{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                      {"$id", fmt::format("urn:assay:schema:{}:0.1", ToString(kind))}};
    for (auto& member : Table(TableOf(kind), false, true)) {
      root[member.key()] = std::move(member.value());
    }
    definitions_["template"] = {{"type", "string"},
                                {"pattern", R"(\$\{\{)"},
                                {"description", "Text with ${{ expression }}."}};
    root["$defs"] = std::move(definitions_);
    return root;
  }

 private:
  json::object Table(const ObjectSchema& table, bool templates, bool closed) {
    json::object out{{"title", table.name}, {"description", table.doc}, {"type", "object"}};
    json::object properties;
    json::array required;
    for (const Field& field : table.fields) {
      properties[field.name] = Property(field, templates);
      if (field.required) required.emplace_back(field.name);
    }
    out["properties"] = std::move(properties);
    if (!required.empty() && closed) out["required"] = std::move(required);
    if (json::array groups = Groups(table); !groups.empty() && closed) {
      out["allOf"] = std::move(groups);
    }
    if (closed) out["additionalProperties"] = table.open;
    return out;
  }

  static json::array Groups(const ObjectSchema& table) {
    json::array groups;
    for (const OneOf& group : table.one_of) {
      json::array choices;
      for (const std::string& name : group.names) {
        choices.push_back(json::object{{"required", json::array{name}}});
      }
      if (!group.required) {
        json::array none = choices;
        choices.push_back(json::object{{"not", json::object{{"anyOf", std::move(none)}}}});
      }
      groups.push_back(json::object{{"oneOf", std::move(choices)}});
    }
    return groups;
  }

  json::object Property(const Field& field, bool templates) {
    json::object out = TypeOf(field.type, templates);
    if (!field.doc.empty()) out["description"] = field.doc;
    if (!field.default_text.empty()) out["default"] = field.default_text;
    return out;
  }

  json::object TypeOf(const Type& type, bool templates) {
    json::object plain = Plain(type, templates);
    const bool any = type.kind() == TypeKind::kAny || type.kind() == TypeKind::kAnyOf;
    const bool text = type.kind() == TypeKind::kString || type.kind() == TypeKind::kExpression ||
                      type.kind() == TypeKind::kSteps;
    if (!templates || any || text) return plain;
    return {{"anyOf", json::array{std::move(plain), Reference("template")}}};
  }

  json::object Plain(const Type& type, bool templates) {
    switch (type.kind()) {
      case TypeKind::kString:
      case TypeKind::kExpression:
        return {{"type", json::array{"string", "number", "boolean"}}};
      case TypeKind::kInt:
        return {{"type", "integer"}};
      case TypeKind::kNumber:
        return {{"type", "number"}};
      case TypeKind::kBool:
        return {{"type", "boolean"}};
      case TypeKind::kDuration:
        return {{"type", "string"}, {"pattern", kDurationPattern}};
      case TypeKind::kSize:
        return {
            {"anyOf", json::array{json::object{{"type", "integer"}, {"minimum", 0}},
                                  json::object{{"type", "string"}, {"pattern", kSizePattern}}}}};
      case TypeKind::kEnum: {
        json::array words(type.words().begin(), type.words().end());
        return {{"enum", std::move(words)}};
      }
      case TypeKind::kList:
        return {{"type", "array"}, {"items", TypeOf(type.element(), templates)}};
      case TypeKind::kMap:
        return {{"type", "object"}, {"additionalProperties", TypeOf(type.element(), templates)}};
      case TypeKind::kObject:
        return Define(type.table(), templates);
      case TypeKind::kSteps:
        DefineSteps();
        return {{"type", "array"}, {"items", Reference("step")}};
      case TypeKind::kAnyOf: {
        json::array parts;
        for (const Type& part : type.alternatives()) parts.push_back(TypeOf(part, templates));
        return {{"anyOf", std::move(parts)}};
      }
      default:
        return {};
    }
  }

  // Tables with the same name inside templates and outside differ, hence two definitions.
  json::object Define(const ObjectSchema& table, bool templates) {
    const std::string name = templates ? table.name + ".template" : table.name;
    if (defined_.insert(name).second) {
      json::object made = Table(table, templates, true);
      definitions_[name] = std::move(made);
    }
    return Reference(name);
  }

  // A step has the step's keys and what at least one action allows; nothing else.
  void DefineSteps() {
    if (!defined_.insert("step").second) return;
    json::array actions;
    for (const auto& [name, action] : registry_.actions()) {
      actions.push_back(Reference("action." + name));
    }
    json::object step = Table(StepTable(), false, false);
    step["anyOf"] = std::move(actions);
    step["unevaluatedProperties"] = false;
    definitions_["step"] = std::move(step);
    for (const auto& [name, action] : registry_.actions()) {
      json::object made = Action(action);
      definitions_["action." + name] = std::move(made);
    }
  }

  json::object Action(const ActionSchema& action) {
    json::object out = Table(action.params, true, false);
    out["title"] = action.name;
    out["description"] = action.doc;
    json::array forms;
    if (!action.shorthand.empty()) {
      json::object shorthand = TypeOf(action.params.Find(action.shorthand)->type, true);
      shorthand["description"] = action.shorthand_doc;
      forms.push_back(std::move(shorthand));
    }
    if (!action.shorthand_takes_maps) {
      forms.push_back(Table(action.params, true, false));
      forms.push_back(json::object{{"type", "null"}});
    }
    json::object& properties = out["properties"].as_object();
    json::object value{{"anyOf", std::move(forms)}, {"description", action.doc}};
    properties[action.name] = std::move(value);
    out["required"] = json::array{action.name};
    return out;
  }

  const SchemaRegistry& registry_;
  json::object definitions_;
  std::set<std::string> defined_;
};

// --- reference pages ---

std::string Cell(std::string text) {
  for (size_t i = 0; (i = text.find('|', i)) != std::string::npos; i += 2) text.insert(i, "\\");
  return text;
}

std::string FieldRows(const std::vector<Field>& fields, bool with_default) {
  std::string out = with_default ? "| key | type | default | meaning |\n|---|---|---|---|\n"
                                 : "| name | type | meaning |\n|---|---|---|\n";
  for (const Field& field : fields) {
    const std::string type = Cell(field.type.Name());
    if (!with_default) {
      out += fmt::format("| `{}` | {} | {} |\n", field.name, type, Cell(field.doc));
      continue;
    }
    const std::string fallback = field.required               ? "required"
                                 : field.default_text.empty() ? ""
                                                              : "`" + field.default_text + "`";
    out += fmt::format("| `{}` | {} | {} | {} |\n", field.name, type, fallback, Cell(field.doc));
  }
  return out;
}

void CollectTables(const Type& type, std::vector<const ObjectSchema*>& tables) {
  switch (type.kind()) {
    case TypeKind::kList:
    case TypeKind::kMap:
      return CollectTables(type.element(), tables);
    case TypeKind::kAnyOf:
      for (const Type& part : type.alternatives()) CollectTables(part, tables);
      return;
    case TypeKind::kObject:
      break;
    default:
      return;
  }
  const ObjectSchema& table = type.table();
  if (std::ranges::find(tables, table.name, &ObjectSchema::name) != tables.end()) return;
  tables.push_back(&table);
  for (const Field& field : table.fields) CollectTables(field.type, tables);
}

std::string TableSection(const ObjectSchema& table) {
  std::string out =
      fmt::format("## {}\n\n{}\n\n{}", table.name, table.doc, FieldRows(table.fields, true));
  for (const OneOf& group : table.one_of) {
    out += fmt::format("\n{} one of:", group.required ? "Exactly" : "At most");
    for (const std::string& name : group.names) out += fmt::format(" `{}`", name);
    out += ".\n";
  }
  return out + "\n";
}

}  // namespace

json::object JsonSchema(FileKind kind, const SchemaRegistry& registry) {
  return SchemaWriter(registry).Run(kind);
}

std::string ReferenceOf(FileKind kind) {
  const ObjectSchema& root = TableOf(kind);
  std::vector<const ObjectSchema*> tables{&root};
  for (const Field& field : root.fields) CollectTables(field.type, tables);
  if (kind == FileKind::kScenario || kind == FileKind::kFragment) {
    tables.push_back(&StepTable());
    for (const Field& field : StepTable().fields) CollectTables(field.type, tables);
  }
  std::string out = fmt::format("# {}\n\n", ToString(kind));
  for (const ObjectSchema* table : tables) out += TableSection(*table);
  return out;
}

std::string ReferenceOfActions(const SchemaRegistry& registry) {
  std::string out = "# actions\n\n";
  for (const auto& [name, action] : registry.actions()) {
    out += fmt::format("## {}\n\n{}\n\n", name, action.doc);
    if (!action.shorthand.empty()) {
      out += fmt::format("Short form: `{}:` {} (fills `{}`).\n\n", name, action.shorthand_doc,
                         action.shorthand);
    }
    if (!action.params.fields.empty()) out += FieldRows(action.params.fields, true) + "\n";
    if (action.outcome.empty()) continue;
    out += "Outcome variables:\n\n" + FieldRows(action.outcome, false) + "\n";
  }
  return out;
}

}  // namespace assay::scenario
