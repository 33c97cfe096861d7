#pragma once
// UTF-8, because the language counts strings in code points.

#include <cstddef>
#include <string>
#include <string_view>

namespace assay::cel {

inline bool IsAscii(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  return true;
}

/// Decodes the code point at the start of `text` (not empty) and removes it; an invalid sequence
/// gives U+FFFD and removes one byte.
char32_t TakeCodePoint(std::string_view& text);
void AppendCodePoint(std::string& text, char32_t point);
/// Bytes outside valid sequences count as one each.
size_t CountCodePoints(std::string_view text);
/// The bytes from the start of `text` to its n-th code point; npos when it has fewer than n.
size_t OffsetOfCodePoint(std::string_view text, size_t n);

}  // namespace assay::cel
