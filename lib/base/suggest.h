#pragma once
// "did you mean": the nearest of a list of valid names.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace base {

/// Damerau-Levenshtein distance (optimal string alignment), case-sensitive, in bytes.
size_t EditDistance(std::string_view a, std::string_view b);

/// The candidate nearest to `wrong`, when near enough to be a slip (distance <= 1 + length / 4);
/// else "".
std::string Nearest(std::string_view wrong, std::span<const std::string> candidates);

/// `did you mean "x"?`, or `expected one of a, b, c` when nothing is near.
std::string SuggestionFor(std::string_view wrong, std::span<const std::string> candidates);

}  // namespace base
