#include "lib/crypto/secret.h"

#include <cstdlib>
#include <memory>

#include <openssl/evp.h>
#include <sodium.h>

namespace crypto {
namespace {

constexpr size_t kNonceSize = 12;
constexpr size_t kTagSize = 16;
constexpr size_t kKeySize = 32;

// sodium_init is idempotent and thread-safe; without it the fallback generator would be used.
void Initialise() {
  static const int status = sodium_init();
  if (status < 0) std::abort();
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

base::Error Damaged() {
  return {base::ErrorCode::kCorrupt,
          "sealed bytes do not open: wrong key, wrong context or altered bytes"};
}

}  // namespace

std::string RandomBytes(size_t count) {
  Initialise();
  std::string bytes(count, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

std::string HashPassword(std::string_view password, PasswordCost cost) {
  Initialise();
  const bool minimal = cost == PasswordCost::kMinimal;
  std::array<char, crypto_pwhash_STRBYTES> phc = {};
  const int status = crypto_pwhash_str_alg(
      phc.data(), password.data(), password.size(),
      minimal ? crypto_pwhash_OPSLIMIT_MIN : crypto_pwhash_OPSLIMIT_INTERACTIVE,
      minimal ? crypto_pwhash_MEMLIMIT_MIN : crypto_pwhash_MEMLIMIT_INTERACTIVE,
      crypto_pwhash_ALG_ARGON2ID13);
  if (status != 0) throw std::bad_alloc();
  return phc.data();
}

bool VerifyPassword(std::string_view phc, std::string_view password) {
  Initialise();
  const std::string terminated(phc);
  return crypto_pwhash_str_verify(terminated.c_str(), password.data(), password.size()) == 0;
}

std::string Seal(std::string_view key, std::string_view plaintext, std::string_view context) {
  const std::string nonce = RandomBytes(kNonceSize);
  std::string sealed = nonce;
  sealed.resize(kNonceSize + plaintext.size() + kTagSize);
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce));
  EVP_EncryptUpdate(cipher.get(), nullptr, &length, Bytes(context),
                    static_cast<int>(context.size()));
  unsigned char* out = Bytes(sealed) + kNonceSize;
  EVP_EncryptUpdate(cipher.get(), out, &length, Bytes(plaintext),
                    static_cast<int>(plaintext.size()));
  EVP_EncryptFinal_ex(cipher.get(), out + plaintext.size(), &length);
  EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, out + plaintext.size());
  return sealed;
}

base::Result<std::string> Open(std::string_view key, std::string_view sealed,
                               std::string_view context) {
  if (key.size() != kKeySize || sealed.size() < kNonceSize + kTagSize) return base::Fail(Damaged());
  const std::string_view nonce = sealed.substr(0, kNonceSize);
  const std::string_view body = sealed.substr(kNonceSize, sealed.size() - kNonceSize - kTagSize);
  std::string tag(sealed.substr(sealed.size() - kTagSize));
  std::string plaintext(body.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce));
  EVP_DecryptUpdate(cipher.get(), nullptr, &length, Bytes(context),
                    static_cast<int>(context.size()));
  EVP_DecryptUpdate(cipher.get(), Bytes(plaintext), &length, Bytes(body),
                    static_cast<int>(body.size()));
  EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data());
  if (EVP_DecryptFinal_ex(cipher.get(), Bytes(plaintext) + plaintext.size(), &length) != 1) {
    sodium_memzero(plaintext.data(), plaintext.size());
    return base::Fail(Damaged());
  }
  return plaintext;
}

SigningKey GenerateSigningKey() {
  Initialise();
  SigningKey key{std::string(crypto_sign_SECRETKEYBYTES, '\0'),
                 std::string(crypto_sign_PUBLICKEYBYTES, '\0')};
  crypto_sign_keypair(Bytes(key.public_key), Bytes(key.secret));
  return key;
}

std::string Sign(std::string_view secret, std::string_view message) {
  Initialise();
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(Bytes(signature), nullptr, Bytes(message), message.size(), Bytes(secret));
  return signature;
}

bool VerifySignature(std::string_view public_key, std::string_view message,
                     std::string_view signature) {
  Initialise();
  return public_key.size() == crypto_sign_PUBLICKEYBYTES && signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(Bytes(signature), Bytes(message), message.size(),
                                     Bytes(public_key)) == 0;
}

}  // namespace crypto
