#include "assay/cli/values/late_json.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "assay/plan/convert.h"

namespace assay::cli {
namespace {

using scenario::Template;
using scenario::TemplateKind;

/// Literal text, or an expression.
struct Part {
  std::string literal;
  std::optional<cel::Program> program;
  base::SourceSpan span;
};

/// A Template with its expressions compiled.
struct Tree {
  TemplateKind kind = TemplateKind::kLiteral;
  cel::Value literal;
  std::vector<Part> parts;        ///< kExpression has one
  std::vector<std::string> keys;  ///< of a map, one for each value
  std::vector<Tree> values;       ///< of a sequence, of a map
};

Tree Compiled(const Template& value, const CompileExpression& compile) {
  Tree tree{
      .kind = value.kind, .literal = cel::Value::Null(), .parts = {}, .keys = {}, .values = {}};
  const auto add = [&](const scenario::Expression& expression) {
    tree.parts.push_back({.literal = {}, .program = compile(expression), .span = expression.span});
  };
  if (value.kind == TemplateKind::kExpression) add(value.expression);
  for (const scenario::TemplatePart& part : value.parts) {
    if (part.expression) {
      add(*part.expression);
    } else {
      tree.parts.push_back({.literal = part.literal, .program = {}, .span = value.span});
    }
  }
  for (const Template& item : value.items) tree.values.push_back(Compiled(item, compile));
  for (const scenario::TemplateEntry& entry : value.entries) {
    tree.keys.push_back(entry.key);
    tree.values.push_back(Compiled(entry.value, compile));
  }
  if (value.literal != nullptr) tree.literal = plan::ToValue(*value.literal);
  return tree;
}

base::Result<cel::Value> Evaluate(const Part& part, const cel::MapActivation& names) {
  if (!part.program) return cel::Value::String(part.literal);
  cel::Value value = part.program->Evaluate(names);
  if (value.is_error()) return base::Fail(base::Error(value.error()).At(part.span));
  return value;
}

base::Result<boost::json::value> Evaluate(const Tree& tree, const cel::MapActivation& names) {
  switch (tree.kind) {
    case TemplateKind::kExpression: {
      TRY(const cel::Value value, Evaluate(tree.parts.front(), names));
      return cel::ToJson(value);
    }
    case TemplateKind::kText: {
      std::string text;
      for (const Part& part : tree.parts) {
        TRY(const cel::Value value, Evaluate(part, names));
        text += cel::ToText(value);
      }
      return boost::json::value(text);
    }
    case TemplateKind::kSequence: {
      boost::json::array items;
      for (const Tree& item : tree.values) {
        TRY(boost::json::value value, Evaluate(item, names));
        items.push_back(std::move(value));
      }
      return items;
    }
    case TemplateKind::kMap: {
      boost::json::object map;
      for (size_t i = 0; i < tree.keys.size(); ++i) {
        TRY(boost::json::value value, Evaluate(tree.values[i], names));
        map[tree.keys[i]] = std::move(value);
      }
      return map;
    }
    case TemplateKind::kLiteral:
    case TemplateKind::kCondition:
      break;
  }
  return cel::ToJson(tree.literal);
}

}  // namespace

environment::LateText LateJson(const Template& value, const CompileExpression& compile,
                               MakeNames names) {
  auto tree = std::make_shared<const Tree>(Compiled(value, compile));
  return [tree, names = std::move(names)](
             const environment::Placement& placement) -> base::Result<std::string> {
    TRY(const boost::json::value json, Evaluate(*tree, names(placement)));
    return boost::json::serialize(json);
  };
}

}  // namespace assay::cli
