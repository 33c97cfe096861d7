#include "lib/formats/edf/field.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace formats::edf {
namespace {

using base::ErrorCode;

std::string_view Trimmed(std::string_view bytes) {
  const auto padding = [](char c) { return c == ' ' || c == '\0'; };
  while (!bytes.empty() && padding(bytes.back())) bytes.remove_suffix(1);
  while (!bytes.empty() && bytes.front() == ' ') bytes.remove_prefix(1);
  return bytes;
}

bool IsPrintableAscii(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

/// Length of the UTF-8 sequence at the start of `text`, 0 when it is none (RFC 3629, table 3-7 of
/// the Unicode standard without its finer lower bounds for 3 and 4 bytes: overlong forms are
/// refused).
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) < 0x80) return 1;
  const size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if ((byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xed && byte(1) > 0x9f)) return 0;
  if ((byte(0) == 0xf0 && byte(1) < 0x90) || (byte(0) == 0xf4 && byte(1) > 0x8f)) return 0;
  return length;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::string Field::Quoted() const {
  std::string out = "\"";
  for (const char c : Trimmed(bytes)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c >= 0x20 && c <= 0x7e) {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    }
  }
  return out + "\"";
}

std::unexpected<base::Error> Field::Wrong(std::string_view expected) const {
  const bool empty = Trimmed(bytes).empty();
  return base::Fail(ErrorCode::kInvalid, fmt::format("{} at byte {} is {}, expected {}", name,
                                                     offset, empty ? "empty" : Quoted(), expected));
}

std::string DecodeText(const Field& field, std::vector<Warning>& warnings) {
  const std::string_view text = Trimmed(field.bytes);
  if (IsPrintableAscii(text)) return std::string(text);
  const bool utf8 = IsUtf8(text);
  std::string out;
  bool control = false;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte == 0x7f) {
      control = true;
      out += '?';
    } else if (byte < 0x80 || utf8) {
      out += c;
    } else {  // Latin-1 maps to the code points of the same number
      out += static_cast<char>(0xc0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  warnings.push_back({field.offset, fmt::format("{} at byte {} is {}, which is not US-ASCII; {}",
                                                field.name, field.offset, field.Quoted(),
                                                control ? "control characters became \"?\""
                                                : utf8  ? "read as UTF-8"
                                                        : "read as Latin-1")});
  return out;
}

base::Result<double> ParseNumber(const Field& field, std::vector<Warning>& warnings) {
  std::string text(Trimmed(field.bytes));
  if (const size_t comma = text.find(','); comma != std::string::npos) {
    text[comma] = '.';
    warnings.push_back({field.offset, fmt::format("{} at byte {} is {}, with a decimal comma",
                                                  field.name, field.offset, field.Quoted())});
  }
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = end == digits.data() + digits.size();
  if (error != std::errc() || !whole || digits.starts_with("+") || !std::isfinite(value)) {
    return field.Wrong("a number like -3276.8");
  }
  return value;
}

base::Result<int64_t> ParseInteger(const Field& field, int64_t low, int64_t high,
                                   std::vector<Warning>& warnings) {
  const std::string expected = fmt::format("an integer from {} to {}", low, high);
  std::string_view text = Trimmed(field.bytes);
  if (text.starts_with('+')) text.remove_prefix(1);
  int64_t value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (error != std::errc()) return field.Wrong(expected);
  if (end != last) {
    const std::string_view rest(end, static_cast<size_t>(last - end));
    if (rest.front() != '.' || rest.find_first_not_of('0', 1) != std::string_view::npos) {
      return field.Wrong(expected);
    }
    warnings.push_back({field.offset, fmt::format("{} at byte {} is {}, an integer was expected",
                                                  field.name, field.offset, field.Quoted())});
  }
  if (value < low || value > high) return field.Wrong(expected);
  return value;
}

std::optional<std::string> FormatNumber(double value, size_t width) {
  if (!std::isfinite(value)) return std::nullopt;
  if (value == 0) return "0";  // also for -0
  std::string best;
  for (int decimals = 0; decimals <= static_cast<int>(width); ++decimals) {
    std::string text = fmt::format("{:.{}f}", value, decimals);
    if (decimals > 0) {
      while (text.back() == '0') text.pop_back();
      if (text.back() == '.') text.pop_back();
    }
    if (text.size() > width) break;
    best = std::move(text);
  }
  if (best.empty() || best == "0" || best == "-0") return std::nullopt;
  return best;
}

}  // namespace formats::edf
