#include "assay/cel/utf8.h"

#include "lib/base/utf8.h"

namespace assay::cel {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

}  // namespace

char32_t TakeCodePoint(std::string_view& text) {
  const size_t length = base::utf8_detail::SequenceLength(text);
  if (length == 0) {
    text.remove_prefix(1);
    return kReplacement;
  }
  char32_t point = static_cast<unsigned char>(text[0]);
  if (length > 1) point &= 0xFFu >> (length + 1);
  for (size_t i = 1; i < length; ++i)
    point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  text.remove_prefix(length);
  return point;
}

void AppendCodePoint(std::string& text, char32_t point) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | point >> 6);
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3F));
    put(0x80 | (point >> 6 & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

size_t CountCodePoints(std::string_view text) {
  if (IsAscii(text)) return text.size();
  size_t count = 0;
  for (; !text.empty(); ++count) TakeCodePoint(text);
  return count;
}

size_t OffsetOfCodePoint(std::string_view text, size_t n) {
  std::string_view rest = text;
  for (; n > 0; --n) {
    if (rest.empty()) return std::string_view::npos;
    TakeCodePoint(rest);
  }
  return text.size() - rest.size();
}

}  // namespace assay::cel
