#include "lib/crypto/base64.h"

#include <array>
#include <cstdint>

#include <fmt/format.h>

namespace crypto {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string Encode(std::string_view bytes, std::string_view alphabet, bool pad) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t group = 0;
  int bits = 0;
  for (const char c : bytes) {
    group = (group << 8) | static_cast<unsigned char>(c);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += alphabet[(group >> bits) & 63];
    }
  }
  if (bits > 0) text += alphabet[(group << (6 - bits)) & 63];
  while (pad && text.size() % 4 != 0) text += '=';
  return text;
}

base::Result<std::string> Decode(std::string_view text, std::string_view alphabet) {
  std::array<int8_t, 256> values;
  values.fill(-1);
  for (size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<int8_t>(i);
  }
  const size_t total = text.size();
  for (int padding = 0; padding < 2 && text.ends_with('=') && total % 4 == 0; ++padding) {
    text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("base64 text of {} characters is cut short", total));
  }
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t group = 0;
  int bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const int8_t value = values[static_cast<unsigned char>(text[i])];
    if (value < 0) {
      return base::Fail(
          base::ErrorCode::kInvalid,
          fmt::format("character {} of the base64 text is not in its alphabet", i + 1));
    }
    group = ((group << 6) | static_cast<uint32_t>(value)) & 0xFFFFFF;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>((group >> bits) & 255);
    }
  }
  if ((group & ((1U << bits) - 1)) != 0) {
    return base::Fail(base::ErrorCode::kInvalid, "base64 text has stray bits at its end");
  }
  return bytes;
}

}  // namespace

std::string Base64(std::string_view bytes) { return Encode(bytes, kStandard, true); }
std::string Base64Url(std::string_view bytes) { return Encode(bytes, kUrl, false); }

base::Result<std::string> ParseBase64(std::string_view text) { return Decode(text, kStandard); }
base::Result<std::string> ParseBase64Url(std::string_view text) { return Decode(text, kUrl); }

}  // namespace crypto
