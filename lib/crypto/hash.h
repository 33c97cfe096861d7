#pragma once
// SHA-256, HMAC-SHA-256 and MD5 over OpenSSL, and their text forms.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace crypto {

using Digest256 = std::array<uint8_t, 32>;
using Digest128 = std::array<uint8_t, 16>;

/// Incremental SHA-256. Not thread-safe; movable.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(std::span<const std::byte> bytes);
  void Update(std::string_view text);
  /// The digest of everything so far; the object is then empty again.
  Digest256 Finish();
  std::string FinishHex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// Incremental MD5 (RFC 1321), for protocols that ask for it; it secures nothing. Movable.
class Md5 {
 public:
  Md5();
  ~Md5();
  Md5(Md5&&) noexcept;
  Md5& operator=(Md5&&) noexcept;

  void Update(std::string_view text);
  /// The digest of everything so far; the object is then empty again.
  Digest128 Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

Digest128 Md5Of(std::string_view text);

Digest256 Sha256Of(std::string_view text);
Digest256 Sha256Of(std::span<const std::byte> bytes);
/// 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view text);
std::string Sha256Hex(std::span<const std::byte> bytes);

Digest256 HmacSha256(std::string_view key, std::string_view message);

std::string ToHex(std::span<const uint8_t> bytes);

/// Takes the same time wherever the first difference is; false for different lengths.
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace crypto
