#pragma once
// JSON text: canonical (for hashing), pretty (for people), and parsing with a place for what is
// wrong.

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "lib/base/result.h"

namespace json {

/// RFC 8785 (JCS): keys sorted by UTF-16 code units, no blanks, numbers as ECMAScript prints a
/// double. Integers beyond 2^53 keep only double precision, as the RFC says; callers that need more
/// write text.
std::string Canonical(const boost::json::value& value);

/// Two-blank indentation, keys in their own order; ends without a newline.
std::string Pretty(const boost::json::value& value);

}  // namespace json
