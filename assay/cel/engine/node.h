#pragma once
// What an expression is compiled to: a tree of nodes that evaluate themselves.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "assay/cel/cel.h"
#include "assay/cel/syntax/ast.h"
#include "assay/cel/syntax/source_map.h"

namespace assay::cel {

/// The state of one evaluation. Locals are pointers, because what a macro runs over outlives the
/// macro's body; variables are fetched from the activation when first used.
class Frame {
 public:
  Frame(const Plan& plan, const Activation& activation, const EvaluationLimits& limits);
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  const Value& local(uint32_t slot) const { return *locals_[slot]; }
  void SetLocal(uint32_t slot, const Value& value) { locals_[slot] = &value; }
  const Value& variable(uint32_t slot) { return loaded_[slot] ? variables_[slot] : Load(slot); }
  CallContext& context() { return context_; }
  const Plan& plan() const { return plan_; }

 private:
  static constexpr size_t kInline = 8;
  const Value& Load(uint32_t slot);

  const Plan& plan_;
  const Activation& activation_;
  CallContext context_;
  std::array<Value, kInline> few_variables_;
  std::array<const Value*, kInline> few_locals_{};
  std::array<bool, kInline> few_loaded_{};
  std::vector<Value> many_variables_;
  std::vector<const Value*> many_locals_;
  std::unique_ptr<bool[]> many_loaded_;
  Value* variables_;
  const Value** locals_;
  bool* loaded_;
};

/// Evaluates to a value: either `scratch`, or one that lives in a constant, a variable or what a
/// local points at. It stays valid while `scratch` is unchanged and the enclosing macro does not
/// move on. Errors are values; they are passed on unless the node says otherwise.
class Node {
 public:
  virtual ~Node() = default;
  virtual const Value& Eval(Frame& frame, Value& scratch) const = 0;
  /// The value when it is known before evaluation.
  virtual const Value* constant() const { return nullptr; }
};
using NodePtr = std::unique_ptr<const Node>;

/// A compiled expression.
struct Plan {
  explicit Plan(SourceMap map) : source(std::move(map)) {}

  SourceMap source;
  ExprPtr root;
  NodePtr node;
  Type result;
  std::vector<Reference> references;
  std::shared_ptr<const FunctionTable> functions;
  std::shared_ptr<const SchemaLoader> schema_loader;
  std::vector<std::string> variables;  ///< by slot
  uint32_t locals = 0;
};

/// Moves or copies what Eval returned.
inline Value Take(const Value& result, Value& scratch) {
  return &result == &scratch ? std::move(scratch) : result;
}

Value ErrorValue(std::string message, base::ErrorCode code = base::ErrorCode::kInvalid);

// Factories, one group a file.

NodePtr MakeConstant(Value value);
NodePtr MakeLocal(uint32_t slot);
NodePtr MakeVariable(uint32_t slot);

/// `a.b`, `a.?b`, has(a.b).
NodePtr MakeSelect(NodePtr operand, std::string field, bool optional, bool test);
NodePtr MakeIndex(NodePtr operand, NodePtr index, bool optional);
NodePtr MakeIn(NodePtr element, NodePtr container);
NodePtr MakeList(std::vector<NodePtr> elements, std::vector<bool> optional);
NodePtr MakeMap(std::vector<NodePtr> keys_and_values, std::vector<bool> optional);

NodePtr MakeAnd(std::vector<NodePtr> terms);
NodePtr MakeOr(std::vector<NodePtr> terms);
NodePtr MakeNot(NodePtr operand);
NodePtr MakeConditional(NodePtr condition, NodePtr yes, NodePtr no);
NodePtr MakeEqual(NodePtr left, NodePtr right, bool negate);
/// `function` is the name of `<`, `<=`, `>` or `>=`.
NodePtr MakeOrder(std::string_view function, NodePtr left, NodePtr right);
NodePtr MakeArithmetic(std::string_view function, NodePtr left, NodePtr right);
NodePtr MakeNegate(NodePtr operand);

NodePtr MakeCall(const Expr& call, std::vector<NodePtr> arguments);
/// matches() with a pattern known beforehand; null when the pattern is malformed.
NodePtr MakeMatches(NodePtr text, std::string_view pattern);
NodePtr MakeBind(uint32_t slot, NodePtr value, NodePtr body);
NodePtr MakeOptionalMap(uint32_t slot, NodePtr optional, NodePtr body, bool flat);
NodePtr MakeBlock(uint32_t first_slot, std::vector<NodePtr> values, NodePtr body);

/// What a macro is made of; `filter` and `transform` may be null.
struct ComprehensionParts {
  Macro macro;
  uint32_t slot;  ///< of the first variable; the second is behind it
  bool two_variables;
  uint64_t cost;  ///< of one round
  NodePtr range;
  NodePtr filter;
  NodePtr transform;
};
NodePtr MakeComprehension(ComprehensionParts parts);

}  // namespace assay::cel
