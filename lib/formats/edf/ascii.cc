#include <array>
#include <utility>

#include "lib/formats/edf/header.h"

namespace formats::edf {
namespace {

struct Spelling {
  char32_t code;
  std::string_view ascii;
};

/// Letters whose spelling is not "the base letter". German umlauts as DIN 5007-2, Scandinavian
/// letters as in passports (ICAO Doc 9303, part 3, section 6).
constexpr std::array kSpecial = {
    Spelling{0xb5, "u"},  Spelling{0x3bc, "u"},  Spelling{0xc4, "Ae"}, Spelling{0xc5, "Aa"},
    Spelling{0xc6, "Ae"}, Spelling{0xd6, "Oe"},  Spelling{0xd8, "Oe"}, Spelling{0xdc, "Ue"},
    Spelling{0xde, "Th"}, Spelling{0xdf, "ss"},  Spelling{0xe4, "ae"}, Spelling{0xe5, "aa"},
    Spelling{0xe6, "ae"}, Spelling{0xf6, "oe"},  Spelling{0xf8, "oe"}, Spelling{0xfc, "ue"},
    Spelling{0xfe, "th"}, Spelling{0x152, "OE"}, Spelling{0x153, "oe"}};

/// Base letters of U+00C0 to U+017F; `?` where there is none.
constexpr std::string_view kBase =
    "AAAAAAACEEEEIIIIDNOOOOO?OUUUUY?saaaaaaaceeeeiiiidnooooo?ouuuuy?y"
    "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRrSsSs"
    "Ss"
    "SsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

std::pair<char32_t, size_t> Decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : byte(0) >= 0xc0 ? 2 : 1;
  if (length == 1 || text.size() < length) return {0, 1};
  char32_t code = byte(0) & (0x7fU >> length);
  for (size_t i = 1; i < length; ++i) code = (code << 6) | (byte(i) & 0x3fU);
  return {code, length};
}

std::string_view Spell(char32_t code) {
  for (const Spelling& entry : kSpecial) {
    if (entry.code == code) return entry.ascii;
  }
  if (code >= 0xc0 && code - 0xc0 < kBase.size()) return kBase.substr(code - 0xc0, 1);
  return "?";
}

}  // namespace

std::string ToAscii(std::string_view utf8) {
  std::string out;
  while (!utf8.empty()) {
    const char first = utf8.front();
    if (static_cast<uint8_t>(first) < 0x80) {
      out += first >= 0x20 && first != 0x7f ? first : '?';
      utf8.remove_prefix(1);
      continue;
    }
    const auto [code, length] = Decode(utf8);
    out += Spell(code);
    utf8.remove_prefix(length);
  }
  return out;
}

}  // namespace formats::edf
