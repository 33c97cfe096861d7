#include "montage/signal/finite.h"

#include <bit>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

namespace montage::signal {

base::Result<void> CheckFinite(std::span<const double> samples) {
  // An exponent of all ones overflows into the sign bit when one unit is added to it.
  constexpr uint64_t kExponent = 0x7ff0000000000000ULL;
  constexpr uint64_t kUnit = 0x0010000000000000ULL;
  uint64_t seen = 0;
  for (const double value : samples) seen |= (std::bit_cast<uint64_t>(value) & kExponent) + kUnit;
  if ((seen >> 63) == 0) return {};
  for (size_t i = 0; i < samples.size(); ++i) {
    if (std::isfinite(samples[i])) continue;
    return base::Fail(base::Error{
        .code = base::ErrorCode::kInvalid,
        .message = fmt::format("sample {} is {}, expected a finite number", i, samples[i]),
        .hint = "replace missing samples before filtering or transforming"});
  }
  return {};
}

void HoldMissing(std::span<double> samples) {
  double last = 0;
  for (double& value : samples) {
    if (std::isfinite(value)) {
      last = value;
    } else {
      value = last;
    }
  }
}

}  // namespace montage::signal
