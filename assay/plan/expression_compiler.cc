#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "assay/plan/compiler.h"
#include "assay/plan/convert.h"

namespace assay::plan {

using scenario::Expression;
using scenario::TemplateKind;
using scenario::Type;

cel::Environment ExpressionCompiler::Opened(const cel::Environment& names,
                                            const std::string& expression) const {
  cel::Environment opened = names;
  opened.Check(false);
  const auto draft = cel::Compile(opened, expression);
  opened.Check(true);
  if (!draft) return opened;
  for (const cel::Reference& reference : draft->references()) {
    if (!opened.variables().contains(reference.front())) {
      opened.Variable(reference.front(), cel::Type::Dyn());
    }
  }
  return opened;
}

namespace {

// Of several possible types the one that a list or map in the file can have.
Type Fitting(const Type& type, scenario::TypeKind wanted) {
  if (type.kind() != scenario::TypeKind::kAnyOf) return type;
  for (const Type& part : type.alternatives()) {
    const bool map =
        wanted == scenario::TypeKind::kObject && part.kind() == scenario::TypeKind::kMap;
    if (part.kind() == wanted || map) return part;
  }
  return Type::Any();
}

}  // namespace

std::optional<PlannedExpression> ExpressionCompiler::Compile(const cel::Environment& names,
                                                             const Expression& expression,
                                                             std::string place) {
  ++counts_.expressions;
  auto program = cel::Compile(names, expression.text, expression.span);
  if (!program) {
    problems_.Add(std::move(program).error());
    return std::nullopt;
  }
  return PlannedExpression(*std::move(program), expression, std::move(place));
}

std::optional<PlannedExpression> ExpressionCompiler::Condition(const cel::Environment& names,
                                                               const Expression& expression,
                                                               std::string place) {
  auto compiled = Compile(names, expression, std::move(place));
  if (!compiled) return std::nullopt;
  const cel::Type& type = compiled->program().result_type();
  if (type.is_dyn() || type.kind() == cel::TypeKind::kBool) return compiled;
  problems_.Add(
      base::ErrorCode::kInvalid,
      fmt::format("expected a condition (bool), found an expression of type {}", type.ToString()),
      expression.span, "compare the value with something, such as `... == 200`");
  return std::nullopt;
}

PlannedTemplate ExpressionCompiler::Template(const cel::Environment& names,
                                             const scenario::Template& source,
                                             const std::string& place) {
  return Node(names, source, Type::Any(), place, nullptr);
}

PlannedTemplate ExpressionCompiler::Typed(const cel::Environment& names,
                                          const scenario::Template& source, const Type& type,
                                          const std::string& place) {
  return Node(names, source, type, place, nullptr);
}

void ExpressionCompiler::CollectCondition(const scenario::Template& source,
                                          const std::string& place, const scenario::Field* field) {
  if (conditions_.out == nullptr) return;
  cel::Environment names = *conditions_.names;
  if (field != nullptr && !field->sees.empty()) {
    names = *conditions_.outer;
    for (const scenario::Field& seen : field->sees) names.Variable(seen.name, CelTypeOf(seen.type));
  } else if (conditions_.open) {
    names = Opened(names, source.expression.text);
  }
  if (auto condition = Condition(names, source.expression, place)) {
    conditions_.out->push_back({place, *std::move(condition)});
  }
}

PlannedTemplate ExpressionCompiler::Node(const cel::Environment& names,
                                         const scenario::Template& source, const Type& type,
                                         const std::string& place, const scenario::Field* field) {
  switch (source.kind) {
    case TemplateKind::kLiteral: {
      PlannedTemplate constant = PlannedTemplate::Constant(
          source.literal == nullptr ? cel::Value::Null() : ToValue(*source.literal), source.span);
      if (type.kind() == scenario::TypeKind::kAny) return constant;
      auto value = Convert(constant.constant(), type, place);
      if (value) return PlannedTemplate::Constant(*std::move(value), source.span);
      problems_.Add(std::move(value).error().At(source.span));
      return constant;
    }
    case TemplateKind::kExpression: {
      auto compiled = Compile(names, source.expression, place);
      if (!compiled) return {};
      PlannedTemplate out = PlannedTemplate::FromExpression(*std::move(compiled), source.span);
      if (type.kind() != scenario::TypeKind::kAny) out.Expect(type, place);
      return out;
    }
    case TemplateKind::kText: {
      std::vector<PlannedTemplate::Part> parts;
      for (const scenario::TemplatePart& part : source.parts) {
        if (!part.expression) {
          parts.push_back({part.literal, std::nullopt});
        } else if (auto compiled = Compile(names, *part.expression, place)) {
          parts.push_back({"", *std::move(compiled)});
        }
      }
      PlannedTemplate out = PlannedTemplate::FromText(std::move(parts), source.span);
      if (type.kind() != scenario::TypeKind::kAny) out.Expect(type, place);
      return out;
    }
    case TemplateKind::kSequence:
      return Sequence(names, source, Fitting(type, scenario::TypeKind::kList), place, field);
    case TemplateKind::kMap:
      return Map(names, source, Fitting(type, scenario::TypeKind::kObject), place, field);
    case TemplateKind::kCondition:
      break;
  }
  CollectCondition(source, place, field);
  return {};
}

PlannedTemplate ExpressionCompiler::Sequence(const cel::Environment& names,
                                             const scenario::Template& source, const Type& type,
                                             const std::string& place,
                                             const scenario::Field* field) {
  const Type element = type.kind() == scenario::TypeKind::kList ? type.element() : Type::Any();
  std::vector<PlannedTemplate> items;
  for (size_t i = 0; i < source.items.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", place, i);
    if (source.items[i].kind == TemplateKind::kCondition) {
      CollectCondition(source.items[i], at, field);
    } else {
      items.push_back(Node(names, source.items[i], element, at, field));
    }
  }
  return PlannedTemplate::List(std::move(items), source.span);
}

PlannedTemplate ExpressionCompiler::Map(const cel::Environment& names,
                                        const scenario::Template& source, const Type& type,
                                        const std::string& place, const scenario::Field* field) {
  std::vector<std::pair<std::string, PlannedTemplate>> entries;
  for (const scenario::TemplateEntry& entry : source.entries) {
    const bool is_table = type.kind() == scenario::TypeKind::kObject;
    const scenario::Field* inner = is_table ? type.table().Find(entry.key) : nullptr;
    const Type element = type.kind() == scenario::TypeKind::kMap ? type.element() : Type::Any();
    const std::string at = place.empty() ? entry.key : fmt::format("{}.{}", place, entry.key);
    if (entry.value.kind == TemplateKind::kCondition) {
      CollectCondition(entry.value, at, inner == nullptr ? field : inner);
      continue;
    }
    entries.emplace_back(
        entry.key, Node(names, entry.value, inner == nullptr ? element : inner->type, at, inner));
  }
  return PlannedTemplate::Map(std::move(entries), source.span);
}

}  // namespace assay::plan
