// Macros: calls whose arguments are not evaluated as arguments.

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "assay/cel/syntax/parser.h"

namespace assay::cel {
namespace {

using base::ErrorCode;
using base::Result;

struct ComprehensionMacro {
  std::string_view name;
  size_t arguments;  ///< without the receiver
  size_t variables;
  Macro macro;
};
constexpr std::array<ComprehensionMacro, 18> kComprehensions = {{
    {"all", 2, 1, Macro::kAll},
    {"all", 3, 2, Macro::kAll},
    {"exists", 2, 1, Macro::kExists},
    {"exists", 3, 2, Macro::kExists},
    {"exists_one", 2, 1, Macro::kExistsOne},
    {"exists_one", 3, 2, Macro::kExistsOne},
    {"existsOne", 2, 1, Macro::kExistsOne},
    {"existsOne", 3, 2, Macro::kExistsOne},
    {"map", 2, 1, Macro::kMap},
    {"map", 3, 1, Macro::kMap},
    {"filter", 2, 1, Macro::kFilter},
    {"transformList", 3, 2, Macro::kTransformList},
    {"transformList", 4, 2, Macro::kTransformList},
    {"transformMap", 3, 2, Macro::kTransformMap},
    {"transformMap", 4, 2, Macro::kTransformMap},
    {"transformMapEntry", 3, 2, Macro::kTransformMapEntry},
    {"transformMapEntry", 4, 2, Macro::kTransformMapEntry},
    {"sortBy", 2, 1, Macro::kSortBy},
}};

class Expander {
 public:
  Expander(const SourceMap& source, const ParseOptions& options)
      : source_(source), options_(options) {}

  Result<ExprPtr> Expand(ExprPtr call) {
    if (!call->member) return call->name == "has" ? Has(std::move(call)) : std::move(call);
    const size_t count = call->arguments.size() - 1;
    const std::string receiver = QualifiedName(*call->arguments[0]);
    if (receiver == "cel") return CelMacro(std::move(call));
    if (receiver == "math" && (call->name == "greatest" || call->name == "least") && count > 1)
      return Variadic(std::move(call));
    if (count == 2 && (call->name == "optMap" || call->name == "optFlatMap"))
      return OptionalMap(std::move(call));
    for (const ComprehensionMacro& macro : kComprehensions)
      if (macro.name == call->name && macro.arguments == count)
        return Comprehension(std::move(call), macro);
    return call;
  }

 private:
  std::unexpected<base::Error> Wrong(std::string message, const Expr& where) const {
    return std::unexpected(
        source_.Error(ErrorCode::kInvalid, std::move(message), where.begin, where.end));
  }

  /// The name of a variable that a macro declares.
  Result<std::string> Variable(const Expr& expr) const {
    const bool generated = options_.block_macros && expr.name.starts_with('@');
    if (expr.kind == ExprKind::kIdent && !expr.absolute && (generated || !expr.name.empty()))
      return expr.name;
    return Wrong(fmt::format("found \"{}\", expected the name of a variable",
                             source_.Text(expr.begin, expr.end)),
                 expr);
  }

  static ExprPtr Like(const Expr& call, ExprKind kind) {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->begin = call.begin;
    expr->end = call.end;
    expr->at = call.at;
    expr->height = call.height;
    return expr;
  }

  Result<ExprPtr> Has(ExprPtr call) {
    if (call->arguments.size() != 1) return Wrong("has() takes one selection: has(a.b)", *call);
    ExprPtr selection = std::move(call->arguments[0]);
    if (selection->kind != ExprKind::kSelect || selection->test)
      return Wrong(fmt::format("has() takes a selection such as has(a.b), found \"{}\"",
                               source_.Text(selection->begin, selection->end)),
                   *selection);
    selection->test = true;
    selection->begin = call->begin;
    selection->end = call->end;
    return selection;
  }

  Result<ExprPtr> Comprehension(ExprPtr call, const ComprehensionMacro& macro) {
    ExprPtr expr = Like(*call, ExprKind::kComprehension);
    expr->macro = macro.macro;
    TRY(expr->name, Variable(*call->arguments[1]));
    if (macro.variables == 2) {
      TRY(expr->second_name, Variable(*call->arguments[2]));
      if (expr->name == expr->second_name)
        return Wrong(fmt::format("both variables are called \"{}\"", expr->name),
                     *call->arguments[2]);
    }
    expr->arguments.push_back(std::move(call->arguments[0]));
    for (size_t i = 1 + macro.variables; i < call->arguments.size(); ++i)
      expr->arguments.push_back(std::move(call->arguments[i]));
    return expr;
  }

  Result<ExprPtr> OptionalMap(ExprPtr call) {
    ExprPtr expr = Like(*call, ExprKind::kOptionalMap);
    expr->optional = call->name == "optFlatMap";
    TRY(expr->name, Variable(*call->arguments[1]));
    expr->arguments.push_back(std::move(call->arguments[0]));
    expr->arguments.push_back(std::move(call->arguments[2]));
    return expr;
  }

  /// math.greatest(a, b, c) is math.greatest([a, b, c]).
  static Result<ExprPtr> Variadic(ExprPtr call) {
    ExprPtr list = Like(*call, ExprKind::kList);
    list->begin = call->arguments[1]->begin;
    for (size_t i = 1; i < call->arguments.size(); ++i) {
      list->arguments.push_back(std::move(call->arguments[i]));
      list->optional_entries.push_back(false);
    }
    call->arguments.resize(1);
    call->arguments.push_back(std::move(list));
    return call;
  }

  Result<ExprPtr> CelMacro(ExprPtr call) {
    const size_t count = call->arguments.size() - 1;
    if (call->name == "bind" && count == 3) {
      ExprPtr expr = Like(*call, ExprKind::kBind);
      TRY(expr->name, Variable(*call->arguments[1]));
      expr->arguments.push_back(std::move(call->arguments[2]));
      expr->arguments.push_back(std::move(call->arguments[3]));
      return expr;
    }
    if (!options_.block_macros) return call;
    if (call->name == "block" && count == 2) return Block(std::move(call));
    if (call->name == "index" && count == 1)
      return Generated(*call, fmt::format("@index{}", Number(*call->arguments[1])));
    if ((call->name == "iterVar" || call->name == "accuVar") && count == 2)
      return Generated(*call,
                       fmt::format("@{}:{}:{}", call->name == "iterVar" ? "it" : "ac",
                                   Number(*call->arguments[1]), Number(*call->arguments[2])));
    return call;
  }

  static int64_t Number(const Expr& expr) {
    return expr.kind == ExprKind::kConstant && expr.constant.is_int() ? expr.constant.int_value()
                                                                      : -1;
  }

  static Result<ExprPtr> Generated(const Expr& call, std::string name) {
    ExprPtr expr = Like(call, ExprKind::kIdent);
    expr->name = std::move(name);
    return expr;
  }

  Result<ExprPtr> Block(ExprPtr call) {
    if (call->arguments[1]->kind != ExprKind::kList)
      return Wrong("cel.block takes a list of values and an expression", *call);
    ExprPtr expr = Like(*call, ExprKind::kBlock);
    for (ExprPtr& value : call->arguments[1]->arguments)
      expr->arguments.push_back(std::move(value));
    expr->arguments.push_back(std::move(call->arguments[2]));
    return expr;
  }

  const SourceMap& source_;
  const ParseOptions& options_;
};

}  // namespace

Result<ExprPtr> ExpandMacro(const SourceMap& source, const ParseOptions& options, ExprPtr call) {
  if (!options.macros) return call;
  return Expander(source, options).Expand(std::move(call));
}

}  // namespace assay::cel
