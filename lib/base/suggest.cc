#include "lib/base/suggest.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace base {

size_t EditDistance(std::string_view a, std::string_view b) {
  const size_t width = b.size() + 1;
  std::vector<size_t> before(width);
  std::vector<size_t> previous(width);
  std::vector<size_t> current(width);
  for (size_t j = 0; j < width; ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j < width; ++j) {
      const size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

std::string Nearest(std::string_view wrong, std::span<const std::string> candidates) {
  size_t best_distance = 2 + wrong.size() / 4;
  std::string best;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(wrong, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string SuggestionFor(std::string_view wrong, std::span<const std::string> candidates) {
  if (const std::string nearest = Nearest(wrong, candidates); !nearest.empty()) {
    return fmt::format("did you mean \"{}\"?", nearest);
  }
  return fmt::format("expected one of {}", fmt::join(candidates, ", "));
}

}  // namespace base
