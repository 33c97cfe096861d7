#include "montage/identity/api_keys.h"

#include <array>

#include <fmt/format.h>

#include "lib/crypto/base64.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/secret.h"
#include "montage/identity/ids.h"

namespace montage::identity {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

constexpr std::string_view kColumns =
    "key_id, name, user_id, scopes, active, created_ns, expires_ns, last_used_ns, per_minute, "
    "per_hour, per_day";

int64_t Nanoseconds(base::WallTime time) { return time.time_since_epoch().count(); }

std::optional<base::WallTime> OptionalTime(std::optional<int64_t> ns) {
  if (!ns) return std::nullopt;
  return base::WallTime(base::Duration(*ns));
}

std::string JoinScopes(const std::vector<Permission>& scopes) {
  std::string text;
  for (const Permission scope : scopes)
    text += fmt::format("{}{}", text.empty() ? "" : " ", ToString(scope));
  return text;
}

Result<std::vector<Permission>> SplitScopes(std::string_view text) {
  std::vector<Permission> scopes;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const auto scope = ParsePermission(word);
    if (!scope)
      return base::Fail(ErrorCode::kCorrupt,
                        fmt::format("an API key has the unknown scope \"{}\"", word));
    scopes.push_back(*scope);
  }
  return scopes;
}

Result<ApiKey> ReadKey(const sql::Row& row) {
  sql::RowReader reader(row);
  ApiKey key;
  key.key_id = reader.Text();
  key.name = reader.Text();
  key.user_id = reader.Text();
  const std::string scopes = reader.Text();
  key.active = reader.Bool();
  key.created = base::WallTime(base::Duration(reader.Int()));
  key.expires = OptionalTime(reader.OptionalInt());
  key.last_used = OptionalTime(reader.OptionalInt());
  key.limits.per_minute = reader.OptionalInt();
  key.limits.per_hour = reader.OptionalInt();
  key.limits.per_day = reader.OptionalInt();
  TRY(reader.Finish());
  TRY(key.scopes, SplitScopes(scopes));
  return key;
}

Result<void> CheckLimits(const KeyLimits& limits) {
  for (const auto& limit : {limits.per_minute, limits.per_hour, limits.per_day}) {
    if (limit && *limit < 1) {
      return base::Fail(
          ErrorCode::kInvalid,
          fmt::format("a limit of {} requests; expected at least 1, or no limit", *limit));
    }
  }
  return {};
}

std::string NewSecret() { return "mk_" + crypto::Base64Url(crypto::RandomBytes(32)); }

std::unexpected<base::Error> Refuse() {
  return base::Fail(ErrorCode::kUnauthorized, "the API key is not valid");
}

}  // namespace

ApiKeys::ApiKeys(sql::Database& database, const base::Clock& clock, Accounts& accounts)
    : database_(database), clock_(clock), accounts_(accounts) {}

Result<NewApiKey> ApiKeys::Create(const User& owner, std::string_view name,
                                  std::vector<Permission> scopes,
                                  std::optional<base::Duration> lifetime, KeyLimits limits,
                                  Deadline deadline) {
  if (name.empty() || name.size() > 100) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("a key's name has {} bytes; expected 1 to 100", name.size()));
  }
  if (scopes.empty())
    return base::Fail(ErrorCode::kInvalid,
                      "a key without scopes can do nothing; name at least one");
  for (const Permission scope : scopes) {
    if (Allows(owner.role, scope)) continue;
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("the role {} does not have {}, so its keys cannot either",
                                  ToString(owner.role), ToString(scope)));
  }
  TRY(CheckLimits(limits));
  const base::WallTime now = clock_.Now();
  NewApiKey made{.key = {.key_id = NewId("key"),
                         .name = std::string(name),
                         .user_id = owner.user_id,
                         .scopes = std::move(scopes),
                         .created = now,
                         .limits = limits},
                 .secret = NewSecret()};
  if (lifetime) made.key.expires = now + *lifetime;
  std::optional<int64_t> expires;
  if (made.key.expires) expires = Nanoseconds(*made.key.expires);
  TRY(sql::Change(database_,
                  "INSERT INTO api_keys (key_id, name, key_hash, user_id, scopes, active, "
                  "created_ns, expires_ns, per_minute,"
                  " per_hour, per_day) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10)",
                  {made.key.key_id, made.key.name, crypto::Sha256Hex(made.secret), owner.user_id,
                   JoinScopes(made.key.scopes), Nanoseconds(now), expires, limits.per_minute,
                   limits.per_hour, limits.per_day},
                  deadline));
  return made;
}

Result<KeyUse> ApiKeys::Use(std::string_view secret, Deadline deadline) {
  TRY(const auto found,
      sql::Query(database_, fmt::format("SELECT {} FROM api_keys WHERE key_hash = $1", kColumns),
                 {crypto::Sha256Hex(secret)}, deadline));
  if (found.empty()) return Refuse();
  TRY(const ApiKey key, ReadKey(found.rows.front()));
  if (!key.active || (key.expires && *key.expires <= clock_.Now())) return Refuse();
  const auto owner = accounts_.FindById(key.user_id, deadline);
  if (!owner || !owner->active) return Refuse();
  KeyUse use;
  use.principal = {.user_id = owner->user_id,
                   .username = owner->username,
                   .role = owner->role,
                   .site = owner->site,
                   .key_id = key.key_id,
                   .scopes = key.scopes};
  TRY(use.rate, Count(key, use.allowed, deadline));
  return use;
}

Result<RateState> ApiKeys::Count(const ApiKey& key, bool& allowed, Deadline deadline) {
  struct Period {
    std::string_view name;
    base::Duration length;
    std::optional<int64_t> limit;
  };
  const std::array<Period, 3> periods = {
      {{"minute", std::chrono::minutes(1), key.limits.per_minute},
       {"hour", std::chrono::hours(1), key.limits.per_hour},
       {"day", std::chrono::hours(24), key.limits.per_day}}};
  const int64_t now = Nanoseconds(clock_.Now());
  RateState tightest;
  TRY(auto transaction, sql::Transaction::Begin(database_, deadline));
  for (const Period& period : periods) {
    const int64_t start = now / period.length.count() * period.length.count();
    TRY(const auto rows,
        transaction->Execute(
            "INSERT INTO api_key_usage (key_id, period, period_start_ns, requests) VALUES ($1, $2, "
            "$3, 1)"
            " ON CONFLICT (key_id, period, period_start_ns) DO UPDATE SET requests ="
            " api_key_usage.requests + 1 RETURNING requests",
            {key.key_id, period.name, start}, deadline));
    if (rows.empty())
      return base::Fail(ErrorCode::kInternal, "counting a request of an API key returned no row");
    sql::RowReader reader(rows.rows.front());
    const int64_t requests = reader.Int();
    TRY(reader.Finish());
    if (!period.limit) continue;
    const int64_t remaining = std::max<int64_t>(0, *period.limit - requests);
    if (requests > *period.limit) allowed = false;
    if (!tightest.limited || remaining < tightest.remaining ||
        (remaining == tightest.remaining && requests > *period.limit)) {
      tightest = {true, *period.limit, remaining,
                  base::Duration(start + period.length.count() - now), std::string(period.name)};
    }
  }
  TRY(transaction->Execute("UPDATE api_keys SET last_used_ns = $2 WHERE key_id = $1",
                           {key.key_id, now}, deadline));
  TRY(transaction.Commit(deadline));
  return tightest;
}

Result<std::vector<ApiKey>> ApiKeys::List(Deadline deadline) {
  TRY(const auto rows,
      sql::Query(database_,
                 fmt::format("SELECT {} FROM api_keys ORDER BY created_ns, key_id", kColumns), {},
                 deadline));
  std::vector<ApiKey> keys;
  for (const sql::Row& row : rows.rows) {
    TRY(ApiKey key, ReadKey(row));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<ApiKey> ApiKeys::Show(std::string_view key_id, Deadline deadline) {
  TRY(const auto rows,
      sql::Query(database_, fmt::format("SELECT {} FROM api_keys WHERE key_id = $1", kColumns),
                 {key_id}, deadline));
  if (rows.empty())
    return base::Fail(ErrorCode::kNotFound, fmt::format("there is no API key \"{}\"", key_id));
  return ReadKey(rows.rows.front());
}

Result<void> ApiKeys::Update(std::string_view key_id, std::string_view assignment,
                             std::initializer_list<sql::Value> values, Deadline deadline) {
  std::vector<sql::Value> parameters(values);
  parameters.emplace(parameters.begin(), key_id);
  TRY(auto transaction, sql::Transaction::Begin(database_, deadline));
  TRY(const auto rows,
      transaction->Execute(fmt::format("UPDATE api_keys SET {} WHERE key_id = $1", assignment),
                           std::span<const sql::Value>(parameters), deadline));
  if (rows.changed == 0)
    return base::Fail(ErrorCode::kNotFound, fmt::format("there is no API key \"{}\"", key_id));
  return transaction.Commit(deadline);
}

Result<void> ApiKeys::SetActive(std::string_view key_id, bool active, Deadline deadline) {
  return Update(key_id, "active = $2", {active ? 1 : 0}, deadline);
}

Result<void> ApiKeys::Extend(std::string_view key_id, base::Duration by, Deadline deadline) {
  TRY(const ApiKey key, Show(key_id, deadline));
  const base::WallTime from = key.expires ? std::max(*key.expires, clock_.Now()) : clock_.Now();
  return Update(key_id, "expires_ns = $2", {Nanoseconds(from + by)}, deadline);
}

Result<void> ApiKeys::SetLimits(std::string_view key_id, KeyLimits limits, Deadline deadline) {
  TRY(CheckLimits(limits));
  return Update(key_id, "per_minute = $2, per_hour = $3, per_day = $4",
                {limits.per_minute, limits.per_hour, limits.per_day}, deadline);
}

Result<NewApiKey> ApiKeys::Rotate(std::string_view key_id, Deadline deadline) {
  TRY(ApiKey key, Show(key_id, deadline));
  NewApiKey made{.key = std::move(key), .secret = NewSecret()};
  TRY(Update(key_id, "key_hash = $2", {crypto::Sha256Hex(made.secret)}, deadline));
  return made;
}

Result<std::vector<KeyUsage>> ApiKeys::Usage(std::string_view key_id, Deadline deadline) {
  TRY(const auto rows,
      sql::Query(database_,
                 "SELECT period, period_start_ns, requests FROM api_key_usage WHERE key_id = $1"
                 " ORDER BY period, period_start_ns",
                 {key_id}, deadline));
  std::vector<KeyUsage> usage;
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    KeyUsage entry;
    entry.period = reader.Text();
    entry.start = base::WallTime(base::Duration(reader.Int()));
    entry.requests = reader.Int();
    TRY(reader.Finish());
    usage.push_back(std::move(entry));
  }
  return usage;
}

Result<int64_t> ApiKeys::CleanUp(Deadline deadline) {
  const int64_t now = Nanoseconds(clock_.Now());
  const int64_t yesterday = now - base::Duration(std::chrono::hours(48)).count();
  TRY(auto transaction, sql::Transaction::Begin(database_, deadline));
  TRY(const auto counters,
      transaction->Execute("DELETE FROM api_key_usage WHERE period_start_ns < $1 OR key_id IN "
                           "(SELECT key_id FROM api_keys"
                           " WHERE expires_ns IS NOT NULL AND expires_ns <= $2)",
                           {yesterday, now}, deadline));
  TRY(const auto keys,
      transaction->Execute("DELETE FROM api_keys WHERE expires_ns IS NOT NULL AND expires_ns <= $1",
                           {now}, deadline));
  TRY(transaction.Commit(deadline));
  return counters.changed + keys.changed;
}

}  // namespace montage::identity
