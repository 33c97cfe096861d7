#pragma once
// Tables as text: RFC 4180 with a header line; LF or CRLF.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace formats::csv {

struct Table {
  std::vector<std::string> columns;            ///< from the first line
  std::vector<std::vector<std::string>> rows;  ///< each as long as `columns`
};

struct Limits {
  size_t bytes = size_t{64} << 20;
  size_t rows = 1'000'000;
  size_t columns = 4096;
};

/// A byte order mark is skipped, and so are empty lines. kInvalid names line and column of a quote
/// that is not closed or has something behind it, a row with another number of fields than the
/// header, a column that is there twice; kTooLarge beyond the limits.
base::Result<Table> Parse(std::string_view text, char delimiter = ',', const Limits& limits = {});

}  // namespace formats::csv
