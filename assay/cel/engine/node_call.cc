// Function calls and what binds names to values.

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <re2/re2.h>

#include "assay/cel/engine/node.h"

namespace assay::cel {
namespace {

constexpr uint32_t Bit(Kind kind) { return 1u << static_cast<uint32_t>(kind); }
constexpr uint32_t kAnyKind = ~Bit(Kind::kError);

/// The kinds that a parameter of this type takes at run time.
uint32_t AcceptedKinds(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kNull:
      return Bit(Kind::kNull);
    case TypeKind::kBool:
      return Bit(Kind::kBool);
    case TypeKind::kInt:
      return Bit(Kind::kInt);
    case TypeKind::kUint:
      return Bit(Kind::kUint);
    case TypeKind::kDouble:
      return Bit(Kind::kDouble);
    case TypeKind::kString:
      return Bit(Kind::kString);
    case TypeKind::kBytes:
      return Bit(Kind::kBytes);
    case TypeKind::kTimestamp:
      return Bit(Kind::kTimestamp);
    case TypeKind::kDuration:
      return Bit(Kind::kDuration);
    case TypeKind::kList:
      return Bit(Kind::kList);
    case TypeKind::kMap:
    case TypeKind::kObject:
      return Bit(Kind::kMap);
    case TypeKind::kType:
      return Bit(Kind::kType);
    case TypeKind::kOptional:
      return Bit(Kind::kOptional);
    case TypeKind::kOpaque:
      return Bit(Kind::kOpaque);
    case TypeKind::kDyn:
    case TypeKind::kParam:
      return kAnyKind;
  }
  std::unreachable();
}

bool Accepts(const Type& type, uint32_t kinds, const Value& value) {
  if ((kinds & Bit(value.kind())) == 0) return false;
  return type.kind() != TypeKind::kOpaque || value.opaque().type_name() == type.name();
}

class CallNode final : public Node {
 public:
  CallNode(const Expr& call, std::vector<NodePtr> arguments)
      : name_(call.name), arguments_(std::move(arguments)) {
    const auto style = call.member ? Overload::Style::kMember : Overload::Style::kGlobal;
    for (const Overload* overload : call.overloads) {
      if (overload->style != style || overload->parameters.size() != arguments_.size() ||
          !overload->body)
        continue;
      Candidate candidate{overload, {}};
      for (const Type& type : overload->parameters) candidate.kinds.push_back(AcceptedKinds(type));
      candidates_.push_back(std::move(candidate));
    }
  }

  const Value& Eval(Frame& frame, Value& scratch) const override {
    std::array<Value, 4> few;
    std::vector<Value> many;
    if (arguments_.size() > few.size()) many.resize(arguments_.size());
    Value* storage = many.empty() ? few.data() : many.data();
    for (size_t i = 0; i < arguments_.size(); ++i) {
      const Value& value = arguments_[i]->Eval(frame, storage[i]);
      if (value.is_error()) return scratch = value;
      if (&value != &storage[i]) storage[i] = value;
    }
    const std::span<const Value> arguments(storage, arguments_.size());
    for (const Candidate& candidate : candidates_)
      if (candidate.Fits(arguments))
        return scratch = candidate.overload->body(arguments, frame.context());
    return scratch = NoOverload(arguments);
  }

 private:
  struct Candidate {
    const Overload* overload;
    std::vector<uint32_t> kinds;
    bool Fits(std::span<const Value> arguments) const {
      for (size_t i = 0; i < arguments.size(); ++i)
        if (!Accepts(overload->parameters[i], kinds[i], arguments[i])) return false;
      return true;
    }
  };

  Value NoOverload(std::span<const Value> arguments) const {
    std::vector<std::string_view> kinds;
    for (const Value& argument : arguments) kinds.push_back(ToString(argument.kind()));
    return ErrorValue(
        fmt::format("no such overload: \"{}\" with ({})", name_, fmt::join(kinds, ", ")));
  }

  std::string name_;
  std::vector<NodePtr> arguments_;
  std::vector<Candidate> candidates_;
};

class MatchesNode final : public Node {
 public:
  MatchesNode(NodePtr text, std::unique_ptr<re2::RE2> pattern)
      : text_(std::move(text)), pattern_(std::move(pattern)) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    Value owned;
    const Value& text = text_->Eval(frame, owned);
    if (text.is_error()) return scratch = text;
    if (!text.is_string())
      return scratch = ErrorValue(fmt::format("no such overload: \"matches\" with ({}, string)",
                                              ToString(text.kind())));
    frame.context().Charge(text.string().size() / 16);
    return scratch = Value::Bool(re2::RE2::PartialMatch(text.string(), *pattern_));
  }

 private:
  NodePtr text_;
  std::unique_ptr<re2::RE2> pattern_;
};

class BindNode final : public Node {
 public:
  BindNode(uint32_t slot, NodePtr value, NodePtr body)
      : slot_(slot), value_(std::move(value)), body_(std::move(body)) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    Value owned;
    const Value& value = value_->Eval(frame, owned);
    frame.SetLocal(slot_, value);
    Value owned_result;
    const Value& result = body_->Eval(frame, owned_result);
    // The result may point into `owned`, which ends here.
    return scratch = Take(result, owned_result);
  }

 private:
  uint32_t slot_;
  NodePtr value_;
  NodePtr body_;
};

class OptionalMapNode final : public Node {
 public:
  OptionalMapNode(uint32_t slot, NodePtr optional, NodePtr body, bool flat)
      : slot_(slot), optional_(std::move(optional)), body_(std::move(body)), flat_(flat) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    Value owned;
    const Value& optional = optional_->Eval(frame, owned);
    if (optional.is_error()) return scratch = optional;
    if (!optional.is_optional())
      return scratch =
                 ErrorValue(fmt::format("optMap and optFlatMap apply to an optional, found {}",
                                        ToString(optional.kind())));
    if (optional.optional() == nullptr) return scratch = Value::None();
    frame.SetLocal(slot_, *optional.optional());
    Value owned_result;
    Value result = Take(body_->Eval(frame, owned_result), owned_result);
    if (result.is_error()) return scratch = std::move(result);
    if (!flat_) return scratch = Value::Optional(std::move(result));
    if (!result.is_optional()) return scratch = ErrorValue("the body of optFlatMap is no optional");
    return scratch = std::move(result);
  }

 private:
  uint32_t slot_;
  NodePtr optional_;
  NodePtr body_;
  bool flat_;
};

class BlockNode final : public Node {
 public:
  BlockNode(uint32_t first_slot, std::vector<NodePtr> values, NodePtr body)
      : first_slot_(first_slot), values_(std::move(values)), body_(std::move(body)) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    // Errors are kept like values: one that nothing uses does no harm.
    std::vector<Value> values(values_.size());
    for (size_t i = 0; i < values_.size(); ++i) {
      Value owned;
      values[i] = Take(values_[i]->Eval(frame, owned), owned);
      frame.SetLocal(first_slot_ + static_cast<uint32_t>(i), values[i]);
    }
    Value owned;
    return scratch = Take(body_->Eval(frame, owned), owned);
  }

 private:
  uint32_t first_slot_;
  std::vector<NodePtr> values_;
  NodePtr body_;
};

}  // namespace

NodePtr MakeCall(const Expr& call, std::vector<NodePtr> arguments) {
  return std::make_unique<CallNode>(call, std::move(arguments));
}

NodePtr MakeMatches(NodePtr text, std::string_view pattern) {
  auto compiled = std::make_unique<re2::RE2>(pattern, re2::RE2::Quiet);
  if (!compiled->ok()) return nullptr;
  return std::make_unique<MatchesNode>(std::move(text), std::move(compiled));
}

NodePtr MakeBind(uint32_t slot, NodePtr value, NodePtr body) {
  return std::make_unique<BindNode>(slot, std::move(value), std::move(body));
}
NodePtr MakeOptionalMap(uint32_t slot, NodePtr optional, NodePtr body, bool flat) {
  return std::make_unique<OptionalMapNode>(slot, std::move(optional), std::move(body), flat);
}
NodePtr MakeBlock(uint32_t first_slot, std::vector<NodePtr> values, NodePtr body) {
  return std::make_unique<BlockNode>(first_slot, std::move(values), std::move(body));
}

}  // namespace assay::cel
