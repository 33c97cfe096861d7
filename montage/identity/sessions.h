#pragma once
// Logins: an access token for requests, and a refresh token that can be used once for the next
// pair.
//
//   LogIn -> [access, refresh 1] -- refresh 1 --> [access, refresh 2] -- refresh 2 --> ...
//                 refresh 1 again (stolen?) --> the whole family is revoked

#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/sql/database.h"
#include "montage/identity/accounts.h"
#include "montage/identity/roles.h"
#include "montage/identity/tokens.h"

namespace montage::identity {

struct TokenPair {
  std::string access_token;
  std::string refresh_token;  ///< shown once; only its hash is stored
  base::Duration expires_in{};
};

struct SessionOptions {
  base::Duration access_lifetime = std::chrono::minutes(30);
  base::Duration refresh_lifetime = std::chrono::hours(24 * 7);
};

/// Thread-safe; all references outlive it.
class Sessions {
 public:
  Sessions(sql::Database& database, const base::Clock& clock, Accounts& accounts,
           TokenSigner& signer, SessionOptions options);

  base::Result<TokenPair> Open(const User& user, base::Deadline deadline);
  /// kUnauthorized: unknown, expired, revoked, used before (then its family is revoked), or the
  /// user is inactive.
  base::Result<TokenPair> Refresh(std::string_view refresh_token, base::Deadline deadline);
  /// Who an access token belongs to; kUnauthorized also after its family was revoked or its user
  /// deactivated.
  base::Result<Principal> Authenticate(std::string_view access_token, base::Deadline deadline);
  /// Ends a login: neither its access tokens nor its refresh tokens are good any more.
  base::Result<void> Revoke(std::string_view family, base::Deadline deadline);
  /// Removes rows that cannot matter any more; returns how many.
  base::Result<int64_t> Sweep(base::Deadline deadline);

 private:
  base::Result<TokenPair> Issue(const User& user, const std::string& family,
                                base::Deadline deadline);
  base::Result<void> RefuseRevoked(std::string_view family, base::Deadline deadline);

  sql::Database& database_;
  const base::Clock& clock_;
  Accounts& accounts_;
  TokenSigner& signer_;
  const SessionOptions options_;
};

}  // namespace montage::identity
