#pragma once
// Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256, the only algorithm that is
// accepted.

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/sql/database.h"

namespace montage::identity {

struct Claims {
  std::string subject;       ///< sub: user id
  std::string family;        ///< sid: the login it belongs to; revoking it ends all its tokens
  base::WallTime issued{};   ///< iat, whole seconds
  base::WallTime expires{};  ///< exp, whole seconds
};

/// Keys by id, so that old tokens stay valid while a new key signs. Thread-safe.
class TokenSigner {
 public:
  /// Loads the keys of the table signing_keys; makes one when there is none. `master_key` (32
  /// bytes) seals them.
  static base::Result<TokenSigner> Load(sql::Database& database, const base::Clock& clock,
                                        std::string master_key, base::Deadline deadline);

  std::string Sign(const Claims& claims) const;
  /// kUnauthorized for anything but an unexpired token of ours: wrong form, algorithm, key,
  /// signature, time.
  base::Result<Claims> Verify(std::string_view token) const;
  /// A new key signs from now on; tokens of the older ones stay valid until they expire.
  base::Result<void> Rotate(sql::Database& database, base::Deadline deadline);

 private:
  TokenSigner(const base::Clock& clock, std::string master_key)
      : clock_(&clock), master_key_(std::move(master_key)) {}
  base::Result<void> AddKey(sql::Connection& connection, base::Deadline deadline);

  const base::Clock* clock_;
  std::string master_key_;
  std::map<std::string, std::string> keys_;  // kid -> secret
  std::string current_;
};

}  // namespace montage::identity
