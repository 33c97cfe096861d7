// The lists and sets extensions.

#include <algorithm>

#include <fmt/format.h>

#include "assay/cel/engine/sorted_order.h"
#include "assay/cel/library/library.h"

namespace assay::cel {
namespace {

Value Slice(Arguments arguments, CallContext& context) {
  const auto list = arguments[0].list();
  const int64_t begin = arguments[1].int_value();
  const int64_t end = arguments[2].int_value();
  const auto size = static_cast<int64_t>(list.size());
  if (begin < 0 || begin > end || end > size)
    return InvalidArgument(
        fmt::format("slice({}, {}) is out of range: the list has {} elements", begin, end, size));
  context.Charge(static_cast<uint64_t>(end - begin));
  const auto part = list.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  return Value::List({part.begin(), part.end()});
}

bool AppendFlat(const Value& list, int64_t depth, std::vector<Value>& out, CallContext& context) {
  if (!context.Charge(1 + list.list().size())) return false;
  for (const Value& element : list.list()) {
    if (!element.is_list() || depth <= 0)
      out.push_back(element);
    else if (!AppendFlat(element, depth - 1, out, context))
      return false;
  }
  return true;
}

Value Flatten(Arguments arguments, CallContext& context) {
  const int64_t depth = arguments.size() == 2 ? arguments[1].int_value() : 1;
  if (depth < 0) return InvalidArgument(fmt::format("flatten to the negative depth {}", depth));
  std::vector<Value> flat;
  AppendFlat(arguments[0], depth, flat, context);
  return Value::List(std::move(flat));
}

bool Contains(std::span<const Value> list, const Value& element, CallContext& context) {
  for (const Value& candidate : list) {
    if (!context.Charge(1)) return false;
    if (Equals(candidate, element)) return true;
  }
  return false;
}

Value Distinct(Arguments arguments, CallContext& context) {
  std::vector<Value> distinct;
  for (const Value& element : arguments[0].list())
    if (!Contains(distinct, element, context)) distinct.push_back(element);
  return Value::List(std::move(distinct));
}

Value Sort(Arguments arguments, CallContext& context) {
  const auto list = arguments[0].list();
  context.Charge(list.size() * 4);
  for (const Value& element : list)
    if (!Compare(element, list.front()))
      return InvalidArgument(fmt::format("sort() cannot order {} and {}",
                                         ToString(list.front().kind()), ToString(element.kind())));
  std::vector<Value> sorted;
  sorted.reserve(list.size());
  for (const size_t i : SortedOrder(list.size(), [&](size_t k) -> const Value& { return list[k]; }))
    sorted.push_back(list[i]);
  return Value::List(std::move(sorted));
}

Value ReverseList(Arguments arguments, CallContext& context) {
  const auto list = arguments[0].list();
  context.Charge(list.size());
  return Value::List({list.rbegin(), list.rend()});
}

Value Range(Arguments arguments, CallContext& context) {
  const int64_t count = arguments[0].int_value();
  std::vector<Value> numbers;
  if (count <= 0 || !context.Charge(static_cast<uint64_t>(count))) return Value::List({});
  numbers.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) numbers.push_back(Value::Int(i));
  return Value::List(std::move(numbers));
}

Value First(Arguments arguments, CallContext&) {
  const auto list = arguments[0].list();
  return list.empty() ? Value::None() : Value::Optional(list.front());
}
Value Last(Arguments arguments, CallContext&) {
  const auto list = arguments[0].list();
  return list.empty() ? Value::None() : Value::Optional(list.back());
}

bool ContainsAll(const Value& list, const Value& elements, CallContext& context) {
  return std::ranges::all_of(elements.list(), [&](const Value& element) {
    return Contains(list.list(), element, context);
  });
}

Value SetContains(Arguments arguments, CallContext& context) {
  return Value::Bool(ContainsAll(arguments[0], arguments[1], context));
}
Value SetEquivalent(Arguments arguments, CallContext& context) {
  return Value::Bool(ContainsAll(arguments[0], arguments[1], context) &&
                     ContainsAll(arguments[1], arguments[0], context));
}
Value SetIntersects(Arguments arguments, CallContext& context) {
  return Value::Bool(std::ranges::any_of(arguments[1].list(), [&](const Value& element) {
    return Contains(arguments[0].list(), element, context);
  }));
}

}  // namespace

void RegisterLists(FunctionTable& table) {
  Registrar registrar(table);
  const Type a = Type::Param("A");
  const Type list = Type::List(a);
  const Type number = Type::Int();
  registrar.Member("slice", {list, number, number}, list, &Slice)
      .Member("flatten", {Type::List(list)}, list, &Flatten)
      .Member("flatten", {Type::List(Type::Dyn())}, Type::List(Type::Dyn()), &Flatten)
      .Member("flatten", {Type::List(Type::Dyn()), number}, Type::List(Type::Dyn()), &Flatten)
      .Member("distinct", {list}, list, &Distinct)
      .Member("sort", {list}, list, &Sort)
      .Member("reverse", {list}, list, &ReverseList)
      .Member("first", {list}, Type::Optional(a), &First)
      .Member("last", {list}, Type::Optional(a), &Last)
      .Global("lists.range", {number}, Type::List(number), &Range);
}

void RegisterSets(FunctionTable& table) {
  Registrar registrar(table);
  const Type list = Type::List(Type::Param("A"));
  registrar.Global("sets.contains", {list, list}, Type::Bool(), &SetContains)
      .Global("sets.equivalent", {list, list}, Type::Bool(), &SetEquivalent)
      .Global("sets.intersects", {list, list}, Type::Bool(), &SetIntersects);
}

}  // namespace assay::cel
