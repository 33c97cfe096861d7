#include <array>

#include "lib/formats/hl7/message.h"

namespace formats::hl7 {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// \Xdddd..\: pairs of hexadecimal digits (2.7.5).
std::optional<std::string> HexBytes(std::string_view digits) {
  if (digits.empty() || digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = HexDigit(digits[i]);
    const int low = HexDigit(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

// What stands between two escape characters, as text.
std::optional<std::string> Meaning(std::string_view sequence, const Delimiters& delimiters) {
  if (sequence.starts_with('X')) return HexBytes(sequence.substr(1));
  if (sequence == "F") return std::string(1, delimiters.field);
  if (sequence == "S") return std::string(1, delimiters.component);
  if (sequence == "T") return std::string(1, delimiters.subcomponent);
  if (sequence == "R") return std::string(1, delimiters.repetition);
  if (sequence == "E") return std::string(1, delimiters.escape);
  return std::nullopt;
}

char NameOf(char c, const Delimiters& delimiters) {
  if (c == delimiters.field) return 'F';
  if (c == delimiters.component) return 'S';
  if (c == delimiters.subcomponent) return 'T';
  if (c == delimiters.repetition) return 'R';
  if (c == delimiters.escape) return 'E';
  return '\0';
}

}  // namespace

std::string Escape(std::string_view text, const Delimiters& delimiters) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr unsigned char kFirstPrintable = 0x20;
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const char name = NameOf(c, delimiters); name != '\0') {
      out += {delimiters.escape, name, delimiters.escape};
    } else if (byte < kFirstPrintable) {
      out += {delimiters.escape, 'X', kDigits[byte / 16], kDigits[byte % 16], delimiters.escape};
    } else {
      out += c;
    }
  }
  return out;
}

std::string Unescape(std::string_view encoded, const Delimiters& delimiters) {
  std::string out;
  out.reserve(encoded.size());
  while (!encoded.empty()) {
    const size_t start = encoded.find(delimiters.escape);
    out += encoded.substr(0, start);
    if (start == std::string_view::npos) break;
    encoded.remove_prefix(start);
    const size_t end = encoded.find(delimiters.escape, 1);
    const auto meaning = end == std::string_view::npos
                             ? std::nullopt
                             : Meaning(encoded.substr(1, end - 1), delimiters);
    if (meaning) {
      out += *meaning;
      encoded.remove_prefix(end + 1);
    } else if (end == std::string_view::npos) {
      out += encoded;
      break;
    } else {
      // The second escape character may begin a sequence of its own.
      const bool known = end > 1 && std::string_view("HNCMZ.").contains(encoded[1]);
      out += encoded.substr(0, known ? end + 1 : end);
      encoded.remove_prefix(known ? end + 1 : end);
    }
  }
  return out;
}

}  // namespace formats::hl7
