#pragma once
// The gzip content coding (RFC 1952) for bodies in memory.

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace http {

std::string Gzip(std::string_view text);
/// kCorrupt: not gzip, or damaged; kTooLarge: more than `limit` bytes come out.
base::Result<std::string> Gunzip(std::string_view bytes, uint64_t limit);

}  // namespace http
