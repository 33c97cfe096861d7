// The macros that run over a list or map.

#include <algorithm>

#include <fmt/format.h>

#include "assay/cel/engine/node.h"
#include "assay/cel/engine/sorted_order.h"
#include "assay/cel/text.h"

namespace assay::cel {
namespace {

enum class Step { kContinue, kStop };

/// Runs over the range and sets the variables; `State` collects the result.
template <typename State>
class LoopNode : public Node {
 public:
  explicit LoopNode(ComprehensionParts parts) : parts_(std::move(parts)) {}

  const Value& Eval(Frame& frame, Value& scratch) const final {
    Value owned;
    const Value& range = parts_.range->Eval(frame, owned);
    if (range.is_error()) return scratch = range;
    State state;
    if (range.is_list()) {
      Value index;
      int64_t position = 0;
      state.Reserve(range.list().size());
      for (const Value& element : range.list()) {
        if (parts_.two_variables) index = Value::Int(position++);
        if (!Round(frame, parts_.two_variables ? index : element, element, state)) break;
      }
    } else if (range.is_map()) {
      state.Reserve(range.map().size());
      for (const Map::Entry& entry : range.map().entries())
        if (!Round(frame, entry.key, entry.value, state)) break;
    } else {
      return scratch = ErrorValue(
                 fmt::format("a macro runs over a list or map, found {}", ToString(range.kind())));
    }
    return scratch = state.Finish();
  }

 private:
  bool Round(Frame& frame, const Value& first, const Value& second, State& state) const {
    if (!frame.context().Charge(parts_.cost)) return false;
    frame.SetLocal(parts_.slot, first);
    if (parts_.two_variables) frame.SetLocal(parts_.slot + 1, second);
    if (parts_.filter != nullptr) {
      Value scratch;
      const Value& kept = parts_.filter->Eval(frame, scratch);
      if (kept.is_false()) return true;
      if (!kept.is_true()) {
        state.Fail(kept.is_error()
                       ? kept
                       : ErrorValue(fmt::format("the filter of a macro is bool, found {}",
                                                ToString(kept.kind()))));
        return false;
      }
    }
    Value scratch;
    const Value& result = parts_.transform->Eval(frame, scratch);
    return state.Add(first, result, scratch) == Step::kContinue;
  }

  ComprehensionParts parts_;
};

Value NotBool(const Value& result) {
  if (result.is_error()) return result;
  return ErrorValue(
      fmt::format("the predicate of a macro is bool, found {}", ToString(result.kind())));
}

/// all (until the first false) and exists (until the first true); errors lose against that.
template <bool kDecides>
struct QuantifierState {
  Value problem;
  bool decided = false;
  void Reserve(size_t) {}
  void Fail(Value error) { problem = std::move(error); }
  Step Add(const Value&, const Value& result, Value&) {
    if (result.is_bool()) {
      decided = result.bool_value() == kDecides;
      return decided ? Step::kStop : Step::kContinue;
    }
    if (!problem.is_error()) problem = NotBool(result);
    return Step::kContinue;
  }
  Value Finish() {
    if (decided) return Value::Bool(kDecides);
    return problem.is_error() ? std::move(problem) : Value::Bool(!kDecides);
  }
};

struct ExistsOneState {
  Value problem;
  int64_t count = 0;
  void Reserve(size_t) {}
  void Fail(Value error) { problem = std::move(error); }
  Step Add(const Value&, const Value& result, Value&) {
    if (!result.is_bool()) {
      problem = NotBool(result);
      return Step::kStop;
    }
    count += result.bool_value() ? 1 : 0;
    return Step::kContinue;
  }
  Value Finish() { return problem.is_error() ? std::move(problem) : Value::Bool(count == 1); }
};

/// What collects a list shares.
struct ListState {
  Value problem;
  std::vector<Value> list;
  void Reserve(size_t size) { list.reserve(size); }
  void Fail(Value error) { problem = std::move(error); }
  Value Finish() { return problem.is_error() ? std::move(problem) : Value::List(std::move(list)); }
};

struct MapListState : ListState {
  Step Add(const Value&, const Value& result, Value& scratch) {
    if (result.is_error()) {
      problem = result;
      return Step::kStop;
    }
    list.push_back(Take(result, scratch));
    return Step::kContinue;
  }
};

struct FilterState : ListState {
  void Reserve(size_t) {}
  Step Add(const Value& first, const Value& result, Value&) {
    if (!result.is_bool()) {
      problem = NotBool(result);
      return Step::kStop;
    }
    if (result.bool_value()) list.push_back(first);
    return Step::kContinue;
  }
};

/// What collects a map shares.
struct EntriesState {
  Value problem;
  std::vector<std::pair<Value, Value>> entries;
  void Reserve(size_t size) { entries.reserve(size); }
  void Fail(Value error) { problem = std::move(error); }
  Value Finish() {
    if (problem.is_error()) return std::move(problem);
    const size_t count = entries.size();
    Value map = Value::Map(std::move(entries));
    if (map.map().size() < count) return ErrorValue("transformMapEntry repeats a key");
    return map;
  }
};

struct TransformMapState : EntriesState {
  Step Add(const Value& first, const Value& result, Value& scratch) {
    if (result.is_error()) {
      problem = result;
      return Step::kStop;
    }
    entries.emplace_back(first, Take(result, scratch));
    return Step::kContinue;
  }
};

struct TransformMapEntryState : EntriesState {
  Step Add(const Value&, const Value& result, Value&) {
    if (!result.is_map()) {
      problem = result.is_error() ? result
                                  : ErrorValue(fmt::format("transformMapEntry makes maps, found {}",
                                                           ToString(result.kind())));
      return Step::kStop;
    }
    for (const Map::Entry& entry : result.map().entries())
      entries.emplace_back(entry.key, entry.value);
    return Step::kContinue;
  }
};

struct SortByState {
  Value problem;
  std::vector<std::pair<Value, Value>> keyed;
  void Reserve(size_t size) { keyed.reserve(size); }
  void Fail(Value error) { problem = std::move(error); }
  Step Add(const Value& first, const Value& result, Value& scratch) {
    if (result.is_error()) {
      problem = result;
      return Step::kStop;
    }
    if (!keyed.empty() && !Compare(keyed.front().first, result)) {
      problem =
          ErrorValue(fmt::format("sortBy cannot order {} and {}",
                                 ToString(keyed.front().first.kind()), ToString(result.kind())));
      return Step::kStop;
    }
    keyed.emplace_back(Take(result, scratch), first);
    return Step::kContinue;
  }
  Value Finish() {
    if (problem.is_error()) return std::move(problem);
    std::vector<Value> list;
    list.reserve(keyed.size());
    for (const size_t i :
         SortedOrder(keyed.size(), [&](size_t k) -> const Value& { return keyed[k].first; }))
      list.push_back(std::move(keyed[i].second));
    return Value::List(std::move(list));
  }
};

}  // namespace

NodePtr MakeComprehension(ComprehensionParts parts) {
  switch (parts.macro) {
    case Macro::kAll:
      return std::make_unique<LoopNode<QuantifierState<false>>>(std::move(parts));
    case Macro::kExists:
      return std::make_unique<LoopNode<QuantifierState<true>>>(std::move(parts));
    case Macro::kExistsOne:
      return std::make_unique<LoopNode<ExistsOneState>>(std::move(parts));
    case Macro::kFilter:
      return std::make_unique<LoopNode<FilterState>>(std::move(parts));
    case Macro::kTransformMap:
      return std::make_unique<LoopNode<TransformMapState>>(std::move(parts));
    case Macro::kTransformMapEntry:
      return std::make_unique<LoopNode<TransformMapEntryState>>(std::move(parts));
    case Macro::kSortBy:
      return std::make_unique<LoopNode<SortByState>>(std::move(parts));
    case Macro::kNone:
    case Macro::kMap:
    case Macro::kTransformList:
      return std::make_unique<LoopNode<MapListState>>(std::move(parts));
  }
  std::unreachable();
}

}  // namespace assay::cel
