#include "lib/http/internal/fields.h"

#include <algorithm>

namespace http::internal {

Headers ParseFields(std::string_view head) {
  Headers headers;
  std::string name;
  std::string value;
  const auto flush = [&] {
    if (!name.empty()) headers.Add(name, value);
    name.clear();
  };
  while (!head.empty()) {
    const size_t end = std::min(head.find('\n'), head.size());
    std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 1, head.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty() && (line.front() == ' ' || line.front() == '\t')) {
      value += ' ';
      value += TrimBlanks(line);
      continue;
    }
    flush();
    const size_t colon = line.find(':');
    if (line.starts_with("HTTP/") || colon == std::string_view::npos) continue;
    name = line.substr(0, colon);
    value = TrimBlanks(line.substr(colon + 1));
  }
  flush();
  return headers;
}

}  // namespace http::internal
