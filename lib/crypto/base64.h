#pragma once
// Base64 after RFC 4648: standard alphabet with padding, and the URL-safe one without.

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace crypto {

std::string Base64(std::string_view bytes);
std::string Base64Url(std::string_view bytes);

/// Padding may be missing; anything outside the alphabet, or stray bits, is an error.
base::Result<std::string> ParseBase64(std::string_view text);
base::Result<std::string> ParseBase64Url(std::string_view text);

}  // namespace crypto
