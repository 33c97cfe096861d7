#include "montage/identity/tokens.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/crypto/base64.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/secret.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"
#include "montage/identity/ids.h"

namespace montage::identity {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kIssuer = "montage";
constexpr size_t kMaxToken = 4096;
// Tokens from "the future" up to this much are accepted: clocks of two servers are never equal.
constexpr auto kClockTolerance = std::chrono::seconds(5);

std::unexpected<base::Error> Refuse(std::string_view why) {
  return base::Fail(ErrorCode::kUnauthorized,
                    fmt::format("the access token is not valid: {}", why));
}

std::string View(const crypto::Digest256& digest) { return {digest.begin(), digest.end()}; }

Result<boost::json::object> ReadPart(std::string_view part) {
  const auto text = crypto::ParseBase64Url(part);
  if (!text) return Refuse("it is no token");
  const auto parsed = json::Parse(*text);
  if (!parsed || !parsed->is_object()) return Refuse("it is no token");
  return parsed->get_object();
}

std::string Text(const boost::json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

Result<base::WallTime> Time(const boost::json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  // Bounded, because nanoseconds of a hostile number of seconds would overflow.
  if (found == nullptr || !found->is_int64() || found->get_int64() < 0 ||
      found->get_int64() > 9'000'000'000) {
    return Refuse("it has no valid times");
  }
  return base::WallTime(std::chrono::seconds(found->get_int64()));
}

int64_t Seconds(base::WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

Result<TokenSigner> TokenSigner::Load(sql::Database& database, const base::Clock& clock,
                                      std::string master_key, base::Deadline deadline) {
  TokenSigner signer(clock, std::move(master_key));
  // Of several programs that start on an empty database one makes the key; the others wait for it.
  TRY(auto transaction, sql::Transaction::Begin(database, deadline));
  if (database.dialect() == sql::Dialect::kPostgres) {
    TRY(transaction->Execute("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE", {}, deadline));
  }
  TRY(const auto rows,
      transaction->Execute("SELECT kid, sealed_secret FROM signing_keys WHERE retired_ns IS "
                           "NULL ORDER BY created_ns",
                           {}, deadline));
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    const std::string kid = reader.Text();
    const std::string sealed = reader.Text();
    TRY(reader.Finish());
    TRY(const std::string bytes, crypto::ParseBase64(sealed));
    auto secret = crypto::Open(signer.master_key_, bytes, "signing-key:" + kid);
    if (!secret)
      return base::Fail(std::move(secret).error().While("opening the signing key " + kid));
    signer.keys_[kid] = *std::move(secret);
    signer.current_ = kid;
  }
  if (signer.keys_.empty()) TRY(signer.AddKey(*transaction, deadline));
  TRY(transaction.Commit(deadline));
  return signer;
}

Result<void> TokenSigner::Rotate(sql::Database& database, base::Deadline deadline) {
  TRY(const sql::Lease lease, database.Acquire(sql::Access::kWrite, deadline));
  return AddKey(*lease, deadline);
}

Result<void> TokenSigner::AddKey(sql::Connection& connection, base::Deadline deadline) {
  const std::string kid = NewId("key");
  std::string secret = crypto::RandomBytes(32);
  const std::string sealed =
      crypto::Base64(crypto::Seal(master_key_, secret, "signing-key:" + kid));
  TRY(connection.Execute(
      "INSERT INTO signing_keys (kid, sealed_secret, created_ns) VALUES ($1, $2, $3)",
      {kid, sealed, clock_->Now().time_since_epoch().count()}, deadline));
  keys_[kid] = std::move(secret);
  current_ = kid;
  return {};
}

std::string TokenSigner::Sign(const Claims& claims) const {
  const boost::json::object header{{"alg", "HS256"}, {"kid", current_}, {"typ", "JWT"}};
  const boost::json::object body{{"exp", Seconds(claims.expires)},
                                 {"iat", Seconds(claims.issued)},
                                 {"iss", kIssuer},
                                 {"sid", claims.family},
                                 {"sub", claims.subject}};
  const std::string signed_text =
      crypto::Base64Url(json::Canonical(header)) + "." + crypto::Base64Url(json::Canonical(body));
  return signed_text + "." +
         crypto::Base64Url(View(crypto::HmacSha256(keys_.at(current_), signed_text)));
}

Result<Claims> TokenSigner::Verify(std::string_view token) const {
  const size_t first = token.find('.');
  const size_t last = token.rfind('.');
  if (token.size() > kMaxToken || first == std::string_view::npos || first == last)
    return Refuse("it is no token");
  TRY(const auto header, ReadPart(token.substr(0, first)));
  if (Text(header, "alg") != "HS256") return Refuse("its algorithm is not HS256");
  const auto key = keys_.find(Text(header, "kid"));
  if (key == keys_.end()) return Refuse("its key is unknown");
  const auto signature = crypto::ParseBase64Url(token.substr(last + 1));
  const std::string expected = View(crypto::HmacSha256(key->second, token.substr(0, last)));
  if (!signature || !crypto::EqualInConstantTime(*signature, expected))
    return Refuse("its signature is wrong");
  TRY(const auto body, ReadPart(token.substr(first + 1, last - first - 1)));
  if (Text(body, "iss") != kIssuer) return Refuse("it comes from another issuer");
  Claims claims{.subject = Text(body, "sub"), .family = Text(body, "sid")};
  TRY(claims.issued, Time(body, "iat"));
  TRY(claims.expires, Time(body, "exp"));
  const base::WallTime now = clock_->Now();
  if (claims.expires <= now) return Refuse("it has expired");
  if (claims.issued > now + kClockTolerance) return Refuse("it is not valid yet");
  if (claims.subject.empty() || claims.family.empty()) return Refuse("it names nobody");
  return claims;
}

}  // namespace montage::identity
