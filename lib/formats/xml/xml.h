#pragma once
// XML documents as trees, over pugixml: no DTD is followed and no entity is expanded, so that a
// document is never larger than its text.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/result.h"

namespace formats::xml {

struct Element {
  std::string name;  ///< with its prefix, as written
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string text;  ///< directly in it, without that of its children
  std::vector<Element> children;
};

struct Limits {
  size_t bytes = size_t{64} << 20;
  size_t depth = 200;
  size_t elements = 1'000'000;
};

/// The root. kInvalid names line and column; kTooLarge beyond the limits.
base::Result<Element> Parse(std::string_view text, const Limits& limits = {});

}  // namespace formats::xml
