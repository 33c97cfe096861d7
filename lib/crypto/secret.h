#pragma once
// Random bytes, password hashes, sealed bytes and signatures over libsodium and OpenSSL.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace crypto {

/// From the kernel's generator; for keys, tokens and salts.
std::string RandomBytes(size_t count);

/// Cost of a password hash. Interactive: about 64 MiB and 0.1 s. Minimal is for tests only.
enum class PasswordCost { kInteractive, kMinimal };

/// Argon2id in its PHC string form, salt included.
std::string HashPassword(std::string_view password, PasswordCost cost);
bool VerifyPassword(std::string_view phc, std::string_view password);

/// AES-256-GCM: nonce (12 bytes) + ciphertext + tag (16 bytes). `context` is authenticated, not
/// stored. Requires: key.size() == 32.
std::string Seal(std::string_view key, std::string_view plaintext, std::string_view context);
/// kCorrupt when key, context or any byte is wrong; no plaintext is ever returned then.
base::Result<std::string> Open(std::string_view key, std::string_view sealed,
                               std::string_view context);

/// Ed25519 (RFC 8032).
struct SigningKey {
  std::string secret;      ///< 64 bytes
  std::string public_key;  ///< 32 bytes
};
SigningKey GenerateSigningKey();
/// Requires: secret.size() == 64. 64 bytes.
std::string Sign(std::string_view secret, std::string_view message);
bool VerifySignature(std::string_view public_key, std::string_view message,
                     std::string_view signature);

}  // namespace crypto
