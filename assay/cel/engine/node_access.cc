// Constants, variables, fields, elements, and the literals of lists and maps.

#include <cmath>

#include <fmt/format.h>

#include "assay/cel/engine/node.h"
#include "assay/cel/text.h"
#include "lib/base/suggest.h"

namespace assay::cel {
namespace {

class ConstantNode final : public Node {
 public:
  explicit ConstantNode(Value value) : value_(std::move(value)) {}
  const Value& Eval(Frame&, Value&) const override { return value_; }
  const Value* constant() const override { return &value_; }

 private:
  Value value_;
};

class LocalNode final : public Node {
 public:
  explicit LocalNode(uint32_t slot) : slot_(slot) {}
  const Value& Eval(Frame& frame, Value&) const override { return frame.local(slot_); }

 private:
  uint32_t slot_;
};

class VariableNode final : public Node {
 public:
  explicit VariableNode(uint32_t slot) : slot_(slot) {}
  const Value& Eval(Frame& frame, Value&) const override { return frame.variable(slot_); }

 private:
  uint32_t slot_;
};

Value NoSuchKey(const Value& map, const Value& key) {
  base::Error error{base::ErrorCode::kNotFound, fmt::format("no such key: {}", DebugString(key))};
  if (!key.is_string()) return Value::Error(std::move(error));
  std::vector<std::string> known;
  for (const Map::Entry& entry : map.map().entries())
    if (entry.key.is_string() && known.size() < 20) known.emplace_back(entry.key.string());
  error.hint = known.empty() ? "the map is empty" : base::SuggestionFor(key.string(), known);
  return Value::Error(std::move(error));
}

bool CanBeKey(const Value& key) { return key.is_string() || key.is_bool() || key.is_number(); }

/// The whole number of an index; nullopt when it is none.
std::optional<int64_t> WholeNumber(const Value& index) {
  if (index.is_int()) return index.int_value();
  if (index.is_uint() && index.uint_value() <= INT64_MAX)
    return static_cast<int64_t>(index.uint_value());
  if (index.is_double() && std::trunc(index.double_value()) == index.double_value() &&
      std::fabs(index.double_value()) < 0x1p63)
    return static_cast<int64_t>(index.double_value());
  return std::nullopt;
}

/// The element or entry, or nullptr with the reason in `error`.
const Value* Lookup(const Value& operand, const Value& index, Value& error) {
  if (operand.is_map()) {
    const Value* found = CanBeKey(index) ? operand.map().Find(index) : nullptr;
    if (found == nullptr)
      error = CanBeKey(index)
                  ? NoSuchKey(operand, index)
                  : ErrorValue(fmt::format("a map has no keys of type {}", ToString(index.kind())));
    return found;
  }
  if (!operand.is_list()) {
    error = ErrorValue(fmt::format("\"[]\" does not apply to {}", ToString(operand.kind())));
    return nullptr;
  }
  const auto number = WholeNumber(index);
  if (!number) {
    error = ErrorValue(fmt::format("invalid list index {}", DebugString(index)));
    return nullptr;
  }
  const auto list = operand.list();
  if (*number >= 0 && static_cast<size_t>(*number) < list.size())
    return &list[static_cast<size_t>(*number)];
  error = Value::Error(
      base::ErrorCode::kNotFound,
      fmt::format("index {} is out of range: the list has {} elements", *number, list.size()));
  return nullptr;
}

/// Returns what `found` points into: by reference when it outlives the call, else by copy.
const Value& Pass(const Value& found, bool temporary, Value& scratch) {
  if (!temporary) return found;
  Value copy = found;
  scratch = std::move(copy);
  return scratch;
}

class SelectNode final : public Node {
 public:
  SelectNode(NodePtr operand, std::string field)
      : operand_(std::move(operand)), field_(std::move(field)) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    Value owned;
    const Value& operand = operand_->Eval(frame, owned);
    if (operand.is_map()) {
      if (const Value* found = operand.map().Find(field_))
        return Pass(*found, &operand == &owned, scratch);
      return scratch = NoSuchKey(operand, Value::String(field_));
    }
    if (operand.is_error()) return Pass(operand, &operand == &owned, scratch);
    if (operand.is_optional()) return scratch = FromOptional(operand);
    return scratch = ErrorValue(fmt::format("a value of type {} has no field \"{}\"",
                                            ToString(operand.kind()), field_));
  }

 private:
  Value FromOptional(const Value& optional) const {
    const Value* inner = optional.optional();
    const Value* found = inner == nullptr ? nullptr : inner->Find(field_);
    return found == nullptr ? Value::None() : Value::Optional(*found);
  }

  NodePtr operand_;
  std::string field_;
};

/// has(a.b) and `a.?b`: a missing key is no error.
class ProbeNode final : public Node {
 public:
  ProbeNode(NodePtr operand, std::string field, bool test)
      : operand_(std::move(operand)), field_(std::move(field)), test_(test) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    Value owned;
    const Value* operand = &operand_->Eval(frame, owned);
    if (operand->is_error()) return Pass(*operand, operand == &owned, scratch);
    if (operand->is_optional()) operand = operand->optional();
    if (operand != nullptr && !operand->is_map())
      return scratch = ErrorValue(fmt::format("a value of type {} has no field \"{}\"",
                                              ToString(operand->kind()), field_));
    const Value* found = operand == nullptr ? nullptr : operand->map().Find(field_);
    if (test_) return scratch = Value::Bool(found != nullptr);
    return scratch = found == nullptr ? Value::None() : Value::Optional(*found);
  }

 private:
  NodePtr operand_;
  std::string field_;
  bool test_;
};

class IndexNode final : public Node {
 public:
  IndexNode(NodePtr operand, NodePtr index, bool optional)
      : operand_(std::move(operand)), index_(std::move(index)), optional_(optional) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    Value owned;
    const Value& operand = operand_->Eval(frame, owned);
    if (operand.is_error()) return Pass(operand, &operand == &owned, scratch);
    Value owned_index;
    const Value& index = index_->Eval(frame, owned_index);
    if (index.is_error()) return Pass(index, &index == &owned_index, scratch);
    const bool optional = optional_ || operand.is_optional();
    const Value* inner = operand.is_optional() ? operand.optional() : &operand;
    if (inner == nullptr) return scratch = Value::None();
    Value error;
    const Value* found = Lookup(*inner, index, error);
    if (!optional) {
      if (found != nullptr) return Pass(*found, &operand == &owned, scratch);
      return scratch = std::move(error);
    }
    if (found != nullptr) return scratch = Value::Optional(*found);
    const bool missing = error.error().code == base::ErrorCode::kNotFound;
    return scratch = missing ? Value::None() : std::move(error);
  }

 private:
  NodePtr operand_;
  NodePtr index_;
  bool optional_;
};

class InNode final : public Node {
 public:
  InNode(NodePtr element, NodePtr container)
      : element_(std::move(element)), container_(std::move(container)) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    Value owned_element;
    const Value& element = element_->Eval(frame, owned_element);
    if (element.is_error()) return Pass(element, &element == &owned_element, scratch);
    Value owned;
    const Value& container = container_->Eval(frame, owned);
    if (container.is_error()) return Pass(container, &container == &owned, scratch);
    if (container.is_map())
      return scratch = Value::Bool(CanBeKey(element) && container.map().Find(element) != nullptr);
    if (!container.is_list())
      return scratch = ErrorValue(fmt::format("\"in\" looks into a list or map, found {}",
                                              ToString(container.kind())));
    frame.context().Charge(container.list().size());
    for (const Value& candidate : container.list())
      if (Equals(candidate, element)) return scratch = Value::Bool(true);
    return scratch = Value::Bool(false);
  }

 private:
  NodePtr element_;
  NodePtr container_;
};

/// Takes an optional entry apart: false when there is nothing to add.
bool Unwrap(Value& value) {
  if (!value.is_optional()) {
    value = ErrorValue(
        fmt::format("an entry with \"?\" takes an optional, found {}", ToString(value.kind())));
    return true;
  }
  if (value.optional() == nullptr) return false;
  Value inner = *value.optional();
  value = std::move(inner);
  return true;
}

class ListNode final : public Node {
 public:
  ListNode(std::vector<NodePtr> elements, std::vector<bool> optional)
      : elements_(std::move(elements)), optional_(std::move(optional)) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    std::vector<Value> list;
    list.reserve(elements_.size());
    for (size_t i = 0; i < elements_.size(); ++i) {
      Value owned;
      Value element = Take(elements_[i]->Eval(frame, owned), owned);
      if (!element.is_error() && optional_[i] && !Unwrap(element)) continue;
      if (element.is_error()) return scratch = std::move(element);
      list.push_back(std::move(element));
    }
    frame.context().Charge(list.size());
    return scratch = Value::List(std::move(list));
  }

 private:
  std::vector<NodePtr> elements_;
  std::vector<bool> optional_;
};

class MapNode final : public Node {
 public:
  MapNode(std::vector<NodePtr> parts, std::vector<bool> optional)
      : parts_(std::move(parts)), optional_(std::move(optional)) {}

  const Value& Eval(Frame& frame, Value& scratch) const override {
    std::vector<std::pair<Value, Value>> entries;
    entries.reserve(optional_.size());
    for (size_t i = 0; i < optional_.size(); ++i) {
      Value owned;
      Value key = Take(parts_[2 * i]->Eval(frame, owned), owned);
      if (key.is_error()) return scratch = std::move(key);
      if (!CanBeKey(key) || key.is_double())
        return scratch = ErrorValue(fmt::format("a map key is bool, int, uint or string, found {}",
                                                ToString(key.kind())));
      Value value = Take(parts_[2 * i + 1]->Eval(frame, owned), owned);
      if (!value.is_error() && optional_[i] && !Unwrap(value)) continue;
      if (value.is_error()) return scratch = std::move(value);
      entries.emplace_back(std::move(key), std::move(value));
    }
    const size_t count = entries.size();
    frame.context().Charge(count);
    scratch = Value::Map(std::move(entries));
    if (scratch.map().size() < count) scratch = ErrorValue("a key of this map is repeated");
    return scratch;
  }

 private:
  std::vector<NodePtr> parts_;
  std::vector<bool> optional_;
};

}  // namespace

Value ErrorValue(std::string message, base::ErrorCode code) {
  return Value::Error(code, std::move(message));
}

NodePtr MakeConstant(Value value) { return std::make_unique<ConstantNode>(std::move(value)); }
NodePtr MakeLocal(uint32_t slot) { return std::make_unique<LocalNode>(slot); }
NodePtr MakeVariable(uint32_t slot) { return std::make_unique<VariableNode>(slot); }

NodePtr MakeSelect(NodePtr operand, std::string field, bool optional, bool test) {
  if (optional || test)
    return std::make_unique<ProbeNode>(std::move(operand), std::move(field), test);
  return std::make_unique<SelectNode>(std::move(operand), std::move(field));
}
NodePtr MakeIndex(NodePtr operand, NodePtr index, bool optional) {
  return std::make_unique<IndexNode>(std::move(operand), std::move(index), optional);
}
NodePtr MakeIn(NodePtr element, NodePtr container) {
  return std::make_unique<InNode>(std::move(element), std::move(container));
}
NodePtr MakeList(std::vector<NodePtr> elements, std::vector<bool> optional) {
  return std::make_unique<ListNode>(std::move(elements), std::move(optional));
}
NodePtr MakeMap(std::vector<NodePtr> keys_and_values, std::vector<bool> optional) {
  return std::make_unique<MapNode>(std::move(keys_and_values), std::move(optional));
}

}  // namespace assay::cel
