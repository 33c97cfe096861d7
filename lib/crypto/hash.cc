#include "lib/crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace crypto {

struct Sha256::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  Context() { EVP_DigestInit_ex(md, EVP_sha256(), nullptr); }
  ~Context() { EVP_MD_CTX_free(md); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(context_->md, bytes.data(), bytes.size());
}

void Sha256::Update(std::string_view text) { Update(std::as_bytes(std::span(text))); }

Digest256 Sha256::Finish() {
  Digest256 digest;
  EVP_DigestFinal_ex(context_->md, digest.data(), nullptr);
  EVP_DigestInit_ex(context_->md, EVP_sha256(), nullptr);
  return digest;
}

std::string Sha256::FinishHex() { return ToHex(Finish()); }

struct Md5::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  Context() { EVP_DigestInit_ex(md, EVP_md5(), nullptr); }
  ~Context() { EVP_MD_CTX_free(md); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

Md5::Md5() : context_(std::make_unique<Context>()) {}
Md5::~Md5() = default;
Md5::Md5(Md5&&) noexcept = default;
Md5& Md5::operator=(Md5&&) noexcept = default;

void Md5::Update(std::string_view text) {
  EVP_DigestUpdate(context_->md, text.data(), text.size());
}

Digest128 Md5::Finish() {
  Digest128 digest;
  EVP_DigestFinal_ex(context_->md, digest.data(), nullptr);
  EVP_DigestInit_ex(context_->md, EVP_md5(), nullptr);
  return digest;
}

Digest128 Md5Of(std::string_view text) {
  Md5 hash;
  hash.Update(text);
  return hash.Finish();
}

Digest256 Sha256Of(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.Finish();
}

Digest256 Sha256Of(std::string_view text) { return Sha256Of(std::as_bytes(std::span(text))); }

std::string Sha256Hex(std::string_view text) { return ToHex(Sha256Of(text)); }

std::string Sha256Hex(std::span<const std::byte> bytes) { return ToHex(Sha256Of(bytes)); }

Digest256 HmacSha256(std::string_view key, std::string_view message) {
  Digest256 digest;
  const auto bytes = std::as_bytes(std::span(message));
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data(), nullptr);
  return digest;
}

std::string ToHex(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace crypto
