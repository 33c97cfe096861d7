#include "assay/cel/explain.h"

#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/engine/node.h"

namespace assay::cel {
namespace {

constexpr size_t kMaxDetailDepth = 6;

class Explainer {
 public:
  Explainer(const Plan& plan, const Activation& activation, const EvaluationLimits& limits,
            const TextLimits& text)
      : plan_(plan), text_(text), frame_(plan, activation, limits) {}

  Explanation Run(const Value& value) {
    Explanation explanation;
    explanation.value = value;
    Visit(*plan_.root, true, explanation.nodes);
    explanation.vacuous = std::move(vacuous_);
    return explanation;
  }

 private:
  using Nodes = std::vector<ExplanationNode>;

  Value Evaluate(const Expr& expr) {
    Value scratch;
    return Take(expr.node->Eval(frame_, scratch), scratch);
  }

  std::string Source(const Expr& expr) const { return plan_.source.Text(expr.begin, expr.end); }

  ExplanationNode Describe(const Expr& expr, const Value& value) const {
    ExplanationNode node;
    node.expression = Source(expr);
    node.span = plan_.source.Span(expr.begin, expr.end);
    node.is_error = value.is_error();
    node.value = value.is_error() ? value.error().message : DebugString(value, text_);
    if (value.is_error()) node.note = value.error().hint;
    return node;
  }

  void Visit(const Expr& expr, bool wanted, Nodes& out);
  void VisitLogical(const Expr& expr, bool wanted, Nodes& out);
  void VisitConditional(const Expr& expr, bool wanted, Nodes& out);
  void VisitBind(const Expr& expr, bool wanted, Nodes& out);
  void VisitMacro(const Expr& expr, bool wanted, Nodes& out);
  void AddOperands(const Expr& expr, size_t depth, Nodes& out);
  void AddOperand(const Expr& expr, size_t depth, Nodes& out);

  struct Deciding {
    size_t position = 0;
    bool found = false;
    size_t matches = 0;
    size_t size = 0;
  };
  void SetElement(const Expr& macro, const Value& range, size_t position);
  Deciding FindDeciding(const Expr& macro, const Value& range, const Value& result);
  void DescribeElement(const Expr& macro, const Value& range, const Deciding& deciding,
                       const Value& result, ExplanationNode& node);
  bool SizeIsBounded(const Expr& range) const;

  const Plan& plan_;
  const TextLimits& text_;
  Frame frame_;
  Value index_;
  std::vector<std::string> vacuous_;
};

/// Explains a boolean expression. `wanted` is false beneath an odd number of negations.
void Explainer::Visit(const Expr& expr, bool wanted, Nodes& out) {
  if (expr.node == nullptr || frame_.context().exhausted()) return;
  const std::string_view name = expr.kind == ExprKind::kCall ? expr.name : std::string_view();
  if (expr.node->constant() == nullptr) {
    if (name == operators::kAnd || name == operators::kOr) return VisitLogical(expr, wanted, out);
    if (name == operators::kNot) return Visit(*expr.arguments[0], !wanted, out);
    if (name == operators::kConditional) return VisitConditional(expr, wanted, out);
    if (expr.kind == ExprKind::kBind) return VisitBind(expr, wanted, out);
    if (expr.kind == ExprKind::kComprehension) return VisitMacro(expr, wanted, out);
  }
  out.push_back(Describe(expr, Evaluate(expr)));
  AddOperands(expr, 0, out.back().details);
}

/// Of `&&` and `||` only the term that decided matters; without one all of them do, or, when an
/// error came out, those that are errors.
void Explainer::VisitLogical(const Expr& expr, bool wanted, Nodes& out) {
  const bool decides = expr.name == operators::kOr;
  std::vector<const Expr*> errors;
  for (const ExprPtr& term : expr.arguments) {
    if (term->node == nullptr) continue;
    const Value value = Evaluate(*term);
    if (value.is_bool() && value.bool_value() == decides) return Visit(*term, wanted, out);
    if (!value.is_bool()) errors.push_back(term.get());
  }
  for (const Expr* term : errors) Visit(*term, wanted, out);
  if (!errors.empty()) return;
  for (const ExprPtr& term : expr.arguments) Visit(*term, wanted, out);
}

void Explainer::VisitConditional(const Expr& expr, bool wanted, Nodes& out) {
  const Value condition = Evaluate(*expr.arguments[0]);
  Visit(*expr.arguments[0], true, out);
  if (condition.is_bool()) Visit(*expr.arguments[condition.bool_value() ? 1 : 2], wanted, out);
}

void Explainer::VisitBind(const Expr& expr, bool wanted, Nodes& out) {
  const Value value = Evaluate(*expr.arguments[0]);
  out.push_back(Describe(*expr.arguments[0], value));
  out.back().expression = fmt::format("{} = {}", expr.name, out.back().expression);
  frame_.SetLocal(expr.slot, value);
  Visit(*expr.arguments[1], wanted, out);
}

void Explainer::AddOperands(const Expr& expr, size_t depth, Nodes& out) {
  const bool navigation = expr.kind == ExprKind::kSelect || expr.kind == ExprKind::kIdent;
  if (depth >= kMaxDetailDepth) return;
  if (expr.kind == ExprKind::kComprehension) {
    AddOperand(*expr.arguments[0], depth, out);
    return;
  }
  if (navigation && !expr.test && !expr.arguments.empty()) {
    // Of a path only the part that broke is worth a line.
    const Expr& operand = *expr.arguments[0];
    if (operand.node != nullptr && Evaluate(expr).is_error()) AddOperand(operand, depth, out);
    return;
  }
  if (expr.kind == ExprKind::kCall || expr.test)
    for (const ExprPtr& argument : expr.arguments) AddOperand(*argument, depth, out);
}

/// Adds the value of a part that is no constant, with its own parts.
void Explainer::AddOperand(const Expr& expr, size_t depth, Nodes& out) {
  if (expr.node == nullptr || expr.kind == ExprKind::kConstant || expr.node->constant() != nullptr)
    return;
  const Value value = Evaluate(expr);
  out.push_back(Describe(expr, value));
  AddOperands(expr, depth + 1, out.back().details);
}

void Explainer::SetElement(const Expr& macro, const Value& range, size_t position) {
  const bool two = !macro.second_name.empty();
  if (range.is_map()) {
    const Map::Entry& entry = range.map().entries()[position];
    frame_.SetLocal(macro.slot, entry.key);
    if (two) frame_.SetLocal(macro.slot + 1, entry.value);
    return;
  }
  const Value& element = range.list()[position];
  index_ = Value::Int(static_cast<int64_t>(position));
  frame_.SetLocal(macro.slot, two ? index_ : element);
  if (two) frame_.SetLocal(macro.slot + 1, element);
}

/// The element because of which the macro came out as it did: the first that failed or erred for
/// all, the first that held for exists, the second that held for exists_one.
Explainer::Deciding Explainer::FindDeciding(const Expr& macro, const Value& range,
                                            const Value& result) {
  Deciding deciding;
  deciding.size = range.is_map() ? range.map().size() : range.list().size();
  const size_t enough = macro.macro == Macro::kExistsOne ? 2 : 1;
  for (size_t i = 0; i < deciding.size; ++i) {
    if (!frame_.context().Charge(1)) break;
    SetElement(macro, range, i);
    const Value value = Evaluate(*macro.arguments[1]);
    const bool hit = result.is_error()            ? value.is_error()
                     : macro.macro == Macro::kAll ? value.is_false()
                                                  : value.is_true();
    if (!hit) continue;
    deciding.found = true;
    deciding.position = i;
    if (++deciding.matches == enough) break;
  }
  return deciding;
}

void Explainer::DescribeElement(const Expr& macro, const Value& range, const Deciding& deciding,
                                const Value& result, ExplanationNode& node) {
  const bool map = range.is_map();
  const Value key = map ? range.map().entries()[deciding.position].key
                        : Value::Int(static_cast<int64_t>(deciding.position));
  const Value& element =
      map ? range.map().entries()[deciding.position].value : range.list()[deciding.position];
  node.element = fmt::format("{}[{}]", Source(*macro.arguments[0]), DebugString(key, text_));
  node.element_value = DebugString(element, text_);
  const auto plural = [](size_t n) { return n == 1 ? "element" : "elements"; };
  if (!deciding.found && !(macro.macro == Macro::kAll))
    node.note = fmt::format("none of {} {} matched; the first is shown", deciding.size,
                            plural(deciding.size));
  else if (macro.macro == Macro::kExistsOne && result.is_false())
    node.note = "more than one element matched; the second is shown";
  SetElement(macro, range, deciding.position);
  Visit(*macro.arguments[1], true, node.details);
}

void Explainer::VisitMacro(const Expr& expr, bool wanted, Nodes& out) {
  const Value result = Evaluate(expr);
  const Value range = Evaluate(*expr.arguments[0]);
  out.push_back(Describe(expr, result));
  const bool predicate =
      expr.macro == Macro::kAll || expr.macro == Macro::kExists || expr.macro == Macro::kExistsOne;
  if (!predicate || !(range.is_list() || range.is_map())) {
    AddOperands(expr, 0, out.back().details);
    return;
  }
  const Deciding deciding = FindDeciding(expr, range, result);
  ExplanationNode node = std::move(out.back());
  if (deciding.size == 0) {
    node.note = fmt::format("{} is empty", Source(*expr.arguments[0]));
    const bool vacuous =
        expr.macro == Macro::kAll ? wanted && result.is_true() : !wanted && result.is_false();
    if (vacuous && !SizeIsBounded(*expr.arguments[0])) vacuous_.push_back(node.expression);
  } else if (deciding.found || expr.macro != Macro::kAll) {
    DescribeElement(expr, range, deciding, result, node);
  }
  out.back() = std::move(node);
}

/// Whether the expression says anything about the size of `range`, or of what `range` maps.
bool Explainer::SizeIsBounded(const Expr& range) const {
  const std::string& all = plan_.source.expression();
  const std::string text = Source(range);
  for (const std::string& bound : {fmt::format("size({})", text), fmt::format("{}.size()", text),
                                   fmt::format("{} != []", text)})
    if (all.find(bound) != std::string::npos) return true;
  return range.kind == ExprKind::kComprehension && SizeIsBounded(*range.arguments[0]);
}

void AppendText(const ExplanationNode& node, size_t depth, std::string& out) {
  out.append(2 * depth, ' ');
  out += fmt::format("{}  ->  {}{}", node.expression, node.is_error ? "error: " : "", node.value);
  if (!node.note.empty()) out += fmt::format("  ({})", node.note);
  out += '\n';
  if (!node.element.empty()) {
    out.append(2 * depth + 2, ' ');
    out += fmt::format("{} = {}\n", node.element, node.element_value);
  }
  for (const ExplanationNode& detail : node.details) AppendText(detail, depth + 1, out);
}

boost::json::value NodeToJson(const ExplanationNode& node) {
  boost::json::object json;
  json["expression"] = node.expression;
  if (node.span.known()) json["where"] = node.span.ToString();
  json[node.is_error ? "error" : "value"] = node.value;
  if (!node.note.empty()) json["note"] = node.note;
  if (!node.element.empty()) {
    json["element"] = node.element;
    json["element_value"] = node.element_value;
  }
  if (!node.details.empty()) {
    boost::json::array details;
    for (const ExplanationNode& detail : node.details) details.push_back(NodeToJson(detail));
    json["details"] = std::move(details);
  }
  return json;
}

}  // namespace

Explanation Explain(const Program& program, const Activation& activation,
                    const EvaluationLimits& limits, const TextLimits& text) {
  const Value value = program.Evaluate(activation, limits);
  return Explainer(program.plan(), activation, limits, text).Run(value);
}

std::string Explanation::ToText() const {
  std::string out;
  for (const ExplanationNode& node : nodes) AppendText(node, 0, out);
  for (const std::string& expression : vacuous)
    out += fmt::format("warning: {} holds only because its list is empty\n", expression);
  return out;
}

boost::json::value ToJson(const Explanation& explanation) {
  boost::json::array nodes;
  for (const ExplanationNode& node : explanation.nodes) nodes.push_back(NodeToJson(node));
  boost::json::array vacuous;
  for (const std::string& expression : explanation.vacuous)
    vacuous.push_back(boost::json::value(expression));
  boost::json::object json;
  json["value"] = explanation.value.is_error() ? "error: " + explanation.value.error().message
                                               : DebugString(explanation.value);
  json["nodes"] = std::move(nodes);
  if (!explanation.vacuous.empty()) json["vacuous"] = std::move(vacuous);
  return json;
}

}  // namespace assay::cel
