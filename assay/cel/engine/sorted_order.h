#pragma once
// A stable order of values; libstdc++ 12's stable_sort does not compile without warnings here.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "assay/cel/value.h"

namespace assay::cel {

inline bool IsNan(const Value& value) {
  return value.is_double() && std::isnan(value.double_value());
}

/// Positions 0..count-1 in ascending order of `key(position)`; equal keys keep their order, NaN
/// comes last. The keys must be comparable with each other.
template <typename Key>
std::vector<size_t> SortedOrder(size_t count, const Key& key) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    if (IsNan(key(a)) != IsNan(key(b))) return IsNan(key(b));
    const auto compared = Compare(key(a), key(b));
    if (compared && *compared < 0) return true;
    return !(compared && *compared > 0) && a < b;
  });
  return order;
}

}  // namespace assay::cel
