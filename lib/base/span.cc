#include "lib/base/span.h"

#include <fmt/format.h>

namespace base {

std::string_view SourceText::Line(uint32_t line) const {
  std::string_view rest = text_;
  for (uint32_t current = 1;; ++current) {
    const size_t end = rest.find('\n');
    if (current == line) {
      std::string_view found = rest.substr(0, end);
      if (found.ends_with('\r')) found.remove_suffix(1);
      return found;
    }
    if (line == 0 || end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
}

std::string SourceSpan::ToString() const {
  if (!known()) return {};
  return fmt::format("{}:{}:{}", source->name(), line, column);
}

}  // namespace base
