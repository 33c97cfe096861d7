#include "montage/identity/sessions.h"

#include "lib/crypto/base64.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/secret.h"
#include "montage/identity/ids.h"

namespace montage::identity {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

std::unexpected<base::Error> RefuseRefresh() {
  return base::Fail(
      base::Error{ErrorCode::kUnauthorized, "the refresh token is not valid"}.Hint("log in again"));
}

int64_t Nanoseconds(base::WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

Sessions::Sessions(sql::Database& database, const base::Clock& clock, Accounts& accounts,
                   TokenSigner& signer, SessionOptions options)
    : database_(database), clock_(clock), accounts_(accounts), signer_(signer), options_(options) {}

Result<TokenPair> Sessions::Open(const User& user, Deadline deadline) {
  return Issue(user, NewId("ses"), deadline);
}

Result<TokenPair> Sessions::Issue(const User& user, const std::string& family, Deadline deadline) {
  const base::WallTime now = std::chrono::floor<std::chrono::seconds>(clock_.Now());
  TokenPair pair;
  pair.refresh_token = "mrt_" + crypto::Base64Url(crypto::RandomBytes(32));
  pair.expires_in = options_.access_lifetime;
  TRY(sql::Change(database_,
                  "INSERT INTO refresh_tokens (token_hash, family, user_id, expires_ns, used) "
                  "VALUES ($1, $2, $3, $4, 0)",
                  {crypto::Sha256Hex(pair.refresh_token), family, user.user_id,
                   Nanoseconds(now + options_.refresh_lifetime)},
                  deadline));
  pair.access_token = signer_.Sign({.subject = user.user_id,
                                    .family = family,
                                    .issued = now,
                                    .expires = now + options_.access_lifetime});
  return pair;
}

Result<TokenPair> Sessions::Refresh(std::string_view refresh_token, Deadline deadline) {
  const std::string hash = crypto::Sha256Hex(refresh_token);
  // One statement decides who may use it, so that two at the same time cannot both.
  TRY(const auto taken,
      sql::Change(database_,
                  "UPDATE refresh_tokens SET used = 1 WHERE token_hash = $1 AND used = 0", {hash},
                  deadline));
  TRY(const auto found,
      sql::Query(database_,
                 "SELECT family, user_id, expires_ns FROM refresh_tokens WHERE token_hash = $1",
                 {hash}, deadline));
  if (found.empty()) return RefuseRefresh();
  sql::RowReader reader(found.rows.front());
  const std::string family = reader.Text();
  const std::string user_id = reader.Text();
  const base::WallTime expires(base::Duration(reader.Int()));
  TRY(reader.Finish());
  if (taken.changed == 0) {
    TRY(Revoke(family, deadline));
    return RefuseRefresh();
  }
  if (expires <= clock_.Now() || !RefuseRevoked(family, deadline)) return RefuseRefresh();
  const auto user = accounts_.FindById(user_id, deadline);
  if (!user || !user->active) return RefuseRefresh();
  return Issue(*user, family, deadline);
}

Result<Principal> Sessions::Authenticate(std::string_view access_token, Deadline deadline) {
  TRY(const Claims claims, signer_.Verify(access_token));
  TRY(RefuseRevoked(claims.family, deadline));
  const auto user = accounts_.FindById(claims.subject, deadline);
  if (!user && user.error().code != ErrorCode::kNotFound) return base::Fail(user.error());
  if (!user || !user->active)
    return base::Fail(ErrorCode::kUnauthorized, "the access token's user is not active");
  return Principal{.user_id = user->user_id,
                   .username = user->username,
                   .role = user->role,
                   .site = user->site,
                   .token_family = claims.family};
}

Result<void> Sessions::RefuseRevoked(std::string_view family, Deadline deadline) {
  TRY(const auto rows, sql::Query(database_, "SELECT 1 FROM revoked_families WHERE family = $1",
                                  {family}, deadline));
  if (rows.empty()) return {};
  return base::Fail(ErrorCode::kUnauthorized, "the access token is not valid: it was revoked");
}

Result<void> Sessions::Revoke(std::string_view family, Deadline deadline) {
  TRY(sql::Change(database_,
                  "INSERT INTO revoked_families (family, until_ns) VALUES ($1, $2) ON CONFLICT "
                  "(family) DO NOTHING",
                  {family, Nanoseconds(clock_.Now() + options_.refresh_lifetime)}, deadline));
  return {};
}

Result<int64_t> Sessions::Sweep(Deadline deadline) {
  const int64_t now = Nanoseconds(clock_.Now());
  TRY(const auto tokens,
      sql::Change(database_, "DELETE FROM refresh_tokens WHERE expires_ns < $1", {now}, deadline));
  TRY(const auto families,
      sql::Change(database_, "DELETE FROM revoked_families WHERE until_ns < $1", {now}, deadline));
  return tokens.changed + families.changed;
}

}  // namespace montage::identity
