#pragma once
// The program as a library: arguments in, text out, exit code back.

#include <string>
#include <vector>

#include "assay/cli/host.h"

namespace assay::cli {

inline constexpr std::string_view kVersion = ASSAY_VERSION;

/// `arguments` without the program's name. Exceptions do not leave it.
int Main(const std::vector<std::string>& arguments, const Host& host);

}  // namespace assay::cli
