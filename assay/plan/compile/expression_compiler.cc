#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "assay/plan/compile/compiler.h"
#include "assay/plan/convert.h"

namespace assay::plan {

using scenario::Expression;
using scenario::TemplateKind;
using scenario::Type;

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

bool IsNamePart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Words that are no variables although they stand where one could.
constexpr std::string_view kReserved[] = {"true", "false",  "null", "in",       "int",
                                          "uint", "double", "bool", "string",   "bytes",
                                          "list", "map",    "type", "null_type"};

// Names that an expression begins with somewhere: no fields, no functions, nothing inside quotes.
// Names that a macro binds are among them; declaring those too does no harm.
std::vector<std::string> RootNames(std::string_view text) {
  std::vector<std::string> names;
  char before = ' ';
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '\'' || c == '"') {
      for (++i; i < text.size() && text[i] != c; ++i) {
        if (text[i] == '\\') ++i;
      }
      ++i;
      before = c;
    } else if (IsNamePart(c)) {
      const size_t begin = i;
      while (i < text.size() && IsNamePart(text[i])) ++i;
      const std::string_view name = text.substr(begin, i - begin);
      const size_t next = text.find_first_not_of(" \t\n", i);
      const bool is_call = next != std::string_view::npos && text[next] == '(';
      const bool is_number = c >= '0' && c <= '9';
      const bool is_reserved = std::ranges::find(kReserved, name) != std::end(kReserved);
      if (before != '.' && !is_call && !is_number && !is_reserved) names.emplace_back(name);
      before = 'x';
    } else {
      if (c != ' ' && c != '\t' && c != '\n') before = c;
      ++i;
    }
  }
  return names;
}

}  // namespace

cel::Environment ExpressionCompiler::Opened(const cel::Environment& names,
                                            const std::string& expression) const {
  cel::Environment opened = names;
  for (const std::string& name : RootNames(expression)) {
    if (!opened.variables().contains(name)) opened.Variable(name, cel::Type::Dyn());
  }
  return opened;
}

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
