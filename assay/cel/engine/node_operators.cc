// Logic, comparison and arithmetic.

#include <fmt/format.h>

#include "assay/cel/engine/arithmetic.h"
#include "assay/cel/engine/node.h"

namespace assay::cel {
namespace {

/// `&&` and `||`: the deciding value wins over errors on either side.
template <bool kDecides>
class LogicalNode final : public Node {
 public:
  explicit LogicalNode(std::vector<NodePtr> terms) : terms_(std::move(terms)) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    Value problem;
    for (const NodePtr& term : terms_) {
      Value owned;
      const Value& value = term->Eval(frame, owned);
      if (value.is_bool()) {
        if (value.bool_value() == kDecides) return scratch = Value::Bool(kDecides);
      } else if (!problem.is_error()) {
        problem = value.is_error()
                      ? value
                      : ErrorValue(fmt::format("no such overload: \"{}\" applies to bool, found {}",
                                               kDecides ? "||" : "&&", ToString(value.kind())));
      }
    }
    if (problem.is_error()) return scratch = std::move(problem);
    return scratch = Value::Bool(!kDecides);
  }

 private:
  std::vector<NodePtr> terms_;
};

class NotNode final : public Node {
 public:
  explicit NotNode(NodePtr operand) : operand_(std::move(operand)) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    const Value& value = operand_->Eval(frame, scratch);
    if (value.is_bool()) return scratch = Value::Bool(!value.bool_value());
    if (value.is_error()) return value;
    return scratch = ErrorValue(fmt::format("no such overload: \"!\" applies to bool, found {}",
                                            ToString(value.kind())));
  }

 private:
  NodePtr operand_;
};

class ConditionalNode final : public Node {
 public:
  ConditionalNode(NodePtr condition, NodePtr yes, NodePtr no)
      : condition_(std::move(condition)), yes_(std::move(yes)), no_(std::move(no)) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    const Value& value = condition_->Eval(frame, scratch);
    if (value.is_bool()) return (value.bool_value() ? yes_ : no_)->Eval(frame, scratch);
    if (value.is_error()) return value;
    return scratch = ErrorValue(fmt::format("no such overload: a condition is bool, found {}",
                                            ToString(value.kind())));
  }

 private:
  NodePtr condition_;
  NodePtr yes_;
  NodePtr no_;
};

/// Evaluates two operands and passes an error of either on; else lets `Derived` combine them.
template <typename Derived>
class BinaryNode : public Node {
 public:
  BinaryNode(NodePtr left, NodePtr right) : left_(std::move(left)), right_(std::move(right)) {}

  const Value& Eval(Frame& frame, Value& scratch) const final {
    Value owned_left;
    const Value& left = left_->Eval(frame, owned_left);
    if (left.is_error()) return scratch = left;
    Value owned_right;
    const Value& right = right_->Eval(frame, owned_right);
    if (right.is_error()) return scratch = right;
    return scratch = static_cast<const Derived*>(this)->Combine(left, right, frame);
  }

 private:
  NodePtr left_;
  NodePtr right_;
};

template <bool kNegate>
class EqualNode final : public BinaryNode<EqualNode<kNegate>> {
 public:
  using BinaryNode<EqualNode<kNegate>>::BinaryNode;
  Value Combine(const Value& left, const Value& right, Frame& frame) const {
    if (left.is_int() && right.is_int())
      return Value::Bool((left.int_value() == right.int_value()) != kNegate);
    if (left.is_string() && right.is_string())
      return Value::Bool((left.string() == right.string()) != kNegate);
    if (left.is_list() || left.is_map())
      frame.context().Charge(left.is_list() ? left.list().size() : left.map().size());
    return Value::Bool(Equals(left, right) != kNegate);
  }
};

enum class Order { kLess, kLessEqual, kGreater, kGreaterEqual };

template <Order kOrder>
class OrderNode final : public BinaryNode<OrderNode<kOrder>> {
 public:
  using BinaryNode<OrderNode<kOrder>>::BinaryNode;
  Value Combine(const Value& left, const Value& right, Frame&) const {
    if (left.is_int() && right.is_int())
      return Value::Bool(Holds(left.int_value() <=> right.int_value()));
    const auto order = Compare(left, right);
    if (order) return Value::Bool(Holds(*order));
    return ErrorValue(fmt::format("no such overload: {} and {} have no order",
                                  ToString(left.kind()), ToString(right.kind())));
  }

 private:
  static bool Holds(std::partial_ordering order) {
    switch (kOrder) {
      case Order::kLess:
        return order < 0;
      case Order::kLessEqual:
        return order <= 0;
      case Order::kGreater:
        return order > 0;
      case Order::kGreaterEqual:
        return order >= 0;
    }
  }
};

using Arithmetic = Value (*)(const Value&, const Value&, CallContext&);

class ArithmeticNode final : public BinaryNode<ArithmeticNode> {
 public:
  ArithmeticNode(Arithmetic operation, NodePtr left, NodePtr right)
      : BinaryNode(std::move(left), std::move(right)), operation_(operation) {}
  Value Combine(const Value& left, const Value& right, Frame& frame) const {
    return operation_(left, right, frame.context());
  }

 private:
  Arithmetic operation_;
};

class NegateNode final : public Node {
 public:
  explicit NegateNode(NodePtr operand) : operand_(std::move(operand)) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    const Value& value = operand_->Eval(frame, scratch);
    if (value.is_error()) return value;
    return scratch = Negate(value);
  }

 private:
  NodePtr operand_;
};

}  // namespace

NodePtr MakeAnd(std::vector<NodePtr> terms) {
  return std::make_unique<LogicalNode<false>>(std::move(terms));
}
NodePtr MakeOr(std::vector<NodePtr> terms) {
  return std::make_unique<LogicalNode<true>>(std::move(terms));
}
NodePtr MakeNot(NodePtr operand) { return std::make_unique<NotNode>(std::move(operand)); }
NodePtr MakeConditional(NodePtr condition, NodePtr yes, NodePtr no) {
  return std::make_unique<ConditionalNode>(std::move(condition), std::move(yes), std::move(no));
}
NodePtr MakeEqual(NodePtr left, NodePtr right, bool negate) {
  if (negate) return std::make_unique<EqualNode<true>>(std::move(left), std::move(right));
  return std::make_unique<EqualNode<false>>(std::move(left), std::move(right));
}

NodePtr MakeOrder(std::string_view function, NodePtr left, NodePtr right) {
  if (function == operators::kLess)
    return std::make_unique<OrderNode<Order::kLess>>(std::move(left), std::move(right));
  if (function == operators::kLessEqual)
    return std::make_unique<OrderNode<Order::kLessEqual>>(std::move(left), std::move(right));
  if (function == operators::kGreater)
    return std::make_unique<OrderNode<Order::kGreater>>(std::move(left), std::move(right));
  return std::make_unique<OrderNode<Order::kGreaterEqual>>(std::move(left), std::move(right));
}

NodePtr MakeArithmetic(std::string_view function, NodePtr left, NodePtr right) {
  const Arithmetic operation = function == operators::kAdd        ? &Add
                               : function == operators::kSubtract ? &Subtract
                               : function == operators::kMultiply ? &Multiply
                               : function == operators::kDivide   ? &Divide
                                                                  : &Modulo;
  return std::make_unique<ArithmeticNode>(operation, std::move(left), std::move(right));
}

NodePtr MakeNegate(NodePtr operand) { return std::make_unique<NegateNode>(std::move(operand)); }

}  // namespace assay::cel
