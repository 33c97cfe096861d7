#include "assay/cel/engine/planner.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "assay/cel/text.h"

namespace assay::cel {
namespace {

using base::ErrorCode;
using base::Result;

class NothingActivation final : public Activation {
 public:
  std::optional<Value> Find(std::string_view) const override { return std::nullopt; }
};

constexpr uint64_t kFoldingBudget = 10'000;
constexpr size_t kLargestFoldedText = 4096;

/// Conversions from text whose failure is a mistake in the expression, not in the data.
bool ConvertsText(std::string_view function) {
  constexpr std::array<std::string_view, 5> kFunctions = {"duration", "timestamp", "matches", "ip",
                                                          "cidr"};
  return std::ranges::find(kFunctions, function) != kFunctions.end();
}

/// Before the node of an expression is dropped: nothing may look at it or its parts again.
void ForgetNode(Expr& expr) {
  expr.node = nullptr;
  for (const ExprPtr& argument : expr.arguments) ForgetNode(*argument);
}
void ForgetNodes(const std::vector<ExprPtr>& arguments) {
  for (const ExprPtr& argument : arguments) ForgetNode(*argument);
}

class Planner {
 public:
  Planner(Plan& plan, bool strict) : plan_(plan), strict_(strict) {}

  Result<NodePtr> Build(Expr& expr) {
    ++weight_;
    TRY(NodePtr node, Dispatch(expr));
    expr.node = node.get();
    return node;
  }

 private:
  struct Local {
    std::string name;
    uint32_t slot;
  };

  Result<NodePtr> Dispatch(Expr& expr);
  Result<NodePtr> Ident(const Expr& expr);
  Result<NodePtr> Call(Expr& expr);
  NodePtr Operator(const Expr& expr, std::vector<NodePtr>& arguments) const;
  Result<NodePtr> Function(Expr& expr, std::vector<NodePtr> arguments);
  Result<NodePtr> Matches(const Expr& expr, NodePtr text, std::string_view pattern) const;
  Result<NodePtr> Fold(Expr& expr, NodePtr node) const;
  Result<NodePtr> Comprehension(Expr& expr);
  Result<NodePtr> Bind(Expr& expr);
  Result<NodePtr> OptionalMap(Expr& expr);
  Result<NodePtr> Block(Expr& expr);
  Result<std::vector<NodePtr>> BuildAll(const std::vector<ExprPtr>& exprs);

  uint32_t Declare(const std::string& name) {
    const auto slot = static_cast<uint32_t>(locals_.size());
    locals_.push_back({name, slot});
    plan_.locals = std::max(plan_.locals, slot + 1);
    return slot;
  }

  Plan& plan_;
  bool strict_;
  std::vector<Local> locals_;
  uint64_t weight_ = 0;
};

Result<NodePtr> Planner::Dispatch(Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kConstant:
      return MakeConstant(expr.constant);
    case ExprKind::kIdent:
      return Ident(expr);
    case ExprKind::kSelect: {
      TRY(NodePtr operand, Build(*expr.arguments[0]));
      return MakeSelect(std::move(operand), expr.name, expr.optional, expr.test);
    }
    case ExprKind::kCall:
      return Call(expr);
    case ExprKind::kList: {
      TRY(auto elements, BuildAll(expr.arguments));
      const bool constant = std::ranges::all_of(
          elements, [](const NodePtr& node) { return node->constant() != nullptr; });
      NodePtr node = MakeList(std::move(elements), expr.optional_entries);
      return constant ? Fold(expr, std::move(node)) : std::move(node);
    }
    case ExprKind::kMap: {
      TRY(auto parts, BuildAll(expr.arguments));
      return MakeMap(std::move(parts), expr.optional_entries);
    }
    case ExprKind::kComprehension:
      return Comprehension(expr);
    case ExprKind::kBind:
      return Bind(expr);
    case ExprKind::kOptionalMap:
      return OptionalMap(expr);
    case ExprKind::kBlock:
      return Block(expr);
  }
  std::unreachable();
}

Result<std::vector<NodePtr>> Planner::BuildAll(const std::vector<ExprPtr>& exprs) {
  std::vector<NodePtr> nodes;
  for (const ExprPtr& expr : exprs) {
    TRY(NodePtr node, Build(*expr));
    nodes.push_back(std::move(node));
  }
  return nodes;
}

Result<NodePtr> Planner::Ident(const Expr& expr) {
  if (expr.binding == Binding::kLocal) {
    const auto found = std::ranges::find(locals_.rbegin(), locals_.rend(), expr.name, &Local::name);
    return MakeLocal(found->slot);
  }
  if (expr.binding == Binding::kUndeclared)
    return MakeConstant(
        ErrorValue(fmt::format("undeclared reference to \"{}\"", expr.name), ErrorCode::kNotFound));
  const auto found = std::ranges::find(plan_.variables, expr.name);
  const auto slot = static_cast<uint32_t>(found - plan_.variables.begin());
  if (found == plan_.variables.end()) plan_.variables.push_back(expr.name);
  return MakeVariable(slot);
}

NodePtr Planner::Operator(const Expr& expr, std::vector<NodePtr>& arguments) const {
  const std::string_view name = expr.name;
  const auto argument = [&](size_t i) { return std::move(arguments[i]); };
  if (name == operators::kAnd) return MakeAnd(std::move(arguments));
  if (name == operators::kOr) return MakeOr(std::move(arguments));
  if (name == operators::kNot) return MakeNot(argument(0));
  if (name == operators::kNegate) return MakeNegate(argument(0));
  if (name == operators::kConditional)
    return MakeConditional(argument(0), argument(1), argument(2));
  if (name == operators::kEqual || name == operators::kNotEqual)
    return MakeEqual(argument(0), argument(1), name == operators::kNotEqual);
  if (name == operators::kIn) return MakeIn(argument(0), argument(1));
  if (name == operators::kIndex || name == operators::kOptionalIndex)
    return MakeIndex(argument(0), argument(1), name == operators::kOptionalIndex);
  if (name == operators::kLess || name == operators::kLessEqual || name == operators::kGreater ||
      name == operators::kGreaterEqual)
    return MakeOrder(name, argument(0), argument(1));
  if (name == operators::kAdd || name == operators::kSubtract || name == operators::kMultiply ||
      name == operators::kDivide || name == operators::kModulo)
    return MakeArithmetic(name, argument(0), argument(1));
  return nullptr;
}

Result<NodePtr> Planner::Call(Expr& expr) {
  TRY(auto arguments, BuildAll(expr.arguments));
  if (NodePtr node = Operator(expr, arguments)) return node;
  return Function(expr, std::move(arguments));
}

Result<NodePtr> Planner::Function(Expr& expr, std::vector<NodePtr> arguments) {
  if (expr.overloads.empty()) {
    ForgetNodes(expr.arguments);
    return MakeConstant(ErrorValue(fmt::format("unbound function \"{}\"", expr.name)));
  }
  bool foldable = true;
  for (const NodePtr& argument : arguments) foldable = foldable && argument->constant() != nullptr;
  for (const Overload* overload : expr.overloads) foldable = foldable && overload->foldable;
  const bool builtin = expr.overloads.front()->foldable;
  const Value* pattern = expr.name == "matches" && builtin && arguments.size() == 2
                             ? arguments[1]->constant()
                             : nullptr;
  if (pattern != nullptr && pattern->is_string()) {
    TRY(NodePtr node, Matches(expr, std::move(arguments[0]), pattern->string()));
    return foldable ? Fold(expr, std::move(node)) : std::move(node);
  }
  NodePtr node = MakeCall(expr, std::move(arguments));
  return foldable ? Fold(expr, std::move(node)) : std::move(node);
}

Result<NodePtr> Planner::Matches(const Expr& expr, NodePtr text, std::string_view pattern) const {
  // The node of the pattern is not needed any more, nor that of the text if the pattern is wrong.
  ForgetNode(*expr.arguments[1]);
  if (NodePtr node = MakeMatches(std::move(text), pattern)) return node;
  ForgetNode(*expr.arguments[0]);
  const std::string message = fmt::format("\"{}\" is not a regular expression", pattern);
  const Expr& where = *expr.arguments[1];
  if (strict_)
    return std::unexpected(
        plan_.source.Error(ErrorCode::kInvalid, message, where.begin, where.end));
  return MakeConstant(ErrorValue(message));
}

/// Replaces a call on constants by its value, unless that is an error that may be absorbed.
Result<NodePtr> Planner::Fold(Expr& expr, NodePtr node) const {
  const NothingActivation nothing;
  Frame frame(plan_, nothing, {.cost = kFoldingBudget});
  Value scratch;
  Value value = assay::cel::Take(node->Eval(frame, scratch), scratch);
  if (frame.context().exhausted()) return node;
  if (value.is_error()) {
    if (strict_ && expr.kind == ExprKind::kCall && ConvertsText(expr.name))
      return std::unexpected(
          plan_.source.Error(ErrorCode::kInvalid, value.error().message, expr.begin, expr.end));
    return node;
  }
  const bool text = value.is_string() || value.is_bytes();
  if (text && value.string().size() > kLargestFoldedText) return node;
  ForgetNodes(expr.arguments);
  return MakeConstant(std::move(value));
}

Result<NodePtr> Planner::Comprehension(Expr& expr) {
  ComprehensionParts parts{.macro = expr.macro,
                           .slot = 0,
                           .two_variables = !expr.second_name.empty(),
                           .cost = 0,
                           .range = nullptr,
                           .filter = nullptr,
                           .transform = nullptr};
  TRY(parts.range, Build(*expr.arguments[0]));
  const size_t outer = locals_.size();
  parts.slot = expr.slot = Declare(expr.name);
  if (parts.two_variables) Declare(expr.second_name);
  const uint64_t before = weight_;
  if (expr.arguments.size() == 3) {
    TRY(parts.filter, Build(*expr.arguments[1]));
  }
  TRY(parts.transform, Build(*expr.arguments.back()));
  parts.cost = weight_ - before;
  locals_.resize(outer);
  return MakeComprehension(std::move(parts));
}

Result<NodePtr> Planner::Bind(Expr& expr) {
  TRY(NodePtr value, Build(*expr.arguments[0]));
  expr.slot = Declare(expr.name);
  TRY(NodePtr body, Build(*expr.arguments[1]));
  locals_.pop_back();
  return MakeBind(expr.slot, std::move(value), std::move(body));
}

Result<NodePtr> Planner::OptionalMap(Expr& expr) {
  TRY(NodePtr optional, Build(*expr.arguments[0]));
  expr.slot = Declare(expr.name);
  TRY(NodePtr body, Build(*expr.arguments[1]));
  locals_.pop_back();
  return MakeOptionalMap(expr.slot, std::move(optional), std::move(body), expr.optional);
}

Result<NodePtr> Planner::Block(Expr& expr) {
  const size_t outer = locals_.size();
  expr.slot = static_cast<uint32_t>(outer);
  std::vector<NodePtr> values;
  for (size_t i = 0; i + 1 < expr.arguments.size(); ++i) {
    // What a value binds inside must not overwrite the values that follow it.
    TRY(NodePtr value, Build(*expr.arguments[i]));
    values.push_back(std::move(value));
    Declare(fmt::format("@index{}", i));
  }
  TRY(NodePtr body, Build(*expr.arguments.back()));
  locals_.resize(outer);
  return MakeBlock(expr.slot, std::move(values), std::move(body));
}

}  // namespace

base::Result<void> BuildPlan(Plan& plan, bool strict) {
  TRY(plan.node, Planner(plan, strict).Build(*plan.root));
  return {};
}

}  // namespace assay::cel
