#pragma once
// Reading JSON text with exact numbers and a place for what is wrong.

#include <string_view>

#include <boost/json/value.hpp>

#include "lib/base/result.h"

namespace json {

/// The whole of `text` as one JSON value. Integers that fit become int64 or uint64, other numbers
/// the nearest double (Boost 1.81's own parser may be off by one unit in the last place). A number
/// beyond the range of double or nesting deeper than 200 is an error; the last of repeated keys
/// wins. Errors name line and column.
base::Result<boost::json::value> Parse(std::string_view text);

}  // namespace json
