#pragma once
// Whole numbers out of values, and sums that cannot overflow.

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "assay/cel/value.h"

namespace assay::checker {

/// Wide enough for the sum of 2^63 numbers of 64 bits.
using WideInt = __int128;

/// Nothing for what is no whole number in the range of int64.
inline std::optional<int64_t> WholeOf(const cel::Value& value) {
  if (value.is_int()) return value.int_value();
  if (value.is_uint()) {
    if (value.uint_value() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return {};
    return static_cast<int64_t>(value.uint_value());
  }
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (!value.is_double()) return std::nullopt;
  const double real = value.double_value();
  if (std::trunc(real) != real || real < -kTwoTo63 || real >= kTwoTo63) return std::nullopt;
  return static_cast<int64_t>(real);
}

inline std::string ShowWide(WideInt number) { return fmt::format("{}", number); }

}  // namespace assay::checker
