#include "lib/base/share.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace base {

Result<double> ParseShare(std::string_view text) {
  std::string_view digits = text;
  const bool is_percent = digits.ends_with('%');
  if (is_percent) digits.remove_suffix(1);
  while (digits.ends_with(' ')) digits.remove_suffix(1);
  double value = -1;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_number = read.ec == std::errc{} && read.ptr == digits.data() + digits.size();
  if (!is_number || !std::isfinite(value) || value < 0) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("\"{}\" is no share; expected such as 10% or 0.1", text));
  }
  return is_percent ? value / 100 : value;
}

}  // namespace base
