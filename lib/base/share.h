#pragma once
// Shares as people write them: `10%`, `7.5 %`, `0.1`.

#include <string_view>

#include "lib/base/result.h"

namespace base {

/// At least 0 and finite; `10%` is 0.1. kInvalid for anything else.
Result<double> ParseShare(std::string_view text);

}  // namespace base
