#pragma once
// API keys for programs: shown once, hashed at rest, with scopes, an end and limits that are
// enforced.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/sql/database.h"
#include "montage/identity/accounts.h"
#include "montage/identity/roles.h"

namespace montage::identity {

/// Requests allowed in a calendar minute, hour and day (UTC); absent: no limit.
struct KeyLimits {
  std::optional<int64_t> per_minute;
  std::optional<int64_t> per_hour;
  std::optional<int64_t> per_day;
};

struct ApiKey {
  std::string key_id;
  std::string name;
  std::string user_id;
  std::vector<Permission> scopes;
  bool active = true;
  base::WallTime created{};
  std::optional<base::WallTime> expires;
  std::optional<base::WallTime> last_used;
  KeyLimits limits;
};

struct NewApiKey {
  ApiKey key;
  std::string secret;  ///< `mk_...`; cannot be read again
};

/// What is left of the tightest limit, for the headers X-RateLimit-Limit, -Remaining and -Reset.
struct RateState {
  bool limited = false;  ///< false: the key has no limit
  int64_t limit = 0;
  int64_t remaining = 0;
  base::Duration reset{};  ///< until the period ends
  std::string period;      ///< minute, hour or day
};

struct KeyUse {
  Principal principal;
  RateState rate;
  bool allowed = true;  ///< false: over a limit; answer 429 with Retry-After = rate.reset
};

struct KeyUsage {
  std::string period;
  base::WallTime start{};
  int64_t requests = 0;
};

/// Thread-safe; all references outlive it.
class ApiKeys {
 public:
  ApiKeys(sql::Database& database, const base::Clock& clock, Accounts& accounts);

  /// kInvalid: a name outside 1 to 100 bytes, no scope, a scope that the owner's role does not
  /// have, a limit below 1.
  base::Result<NewApiKey> Create(const User& owner, std::string_view name,
                                 std::vector<Permission> scopes,
                                 std::optional<base::Duration> lifetime, KeyLimits limits,
                                 base::Deadline deadline);
  /// Counts the request and decides. kUnauthorized for an unknown, inactive or expired key or an
  /// inactive owner, always with the same message.
  base::Result<KeyUse> Use(std::string_view secret, base::Deadline deadline);

  base::Result<std::vector<ApiKey>> List(base::Deadline deadline);
  base::Result<ApiKey> Show(std::string_view key_id, base::Deadline deadline);
  base::Result<void> SetActive(std::string_view key_id, bool active, base::Deadline deadline);
  base::Result<void> Extend(std::string_view key_id, base::Duration by, base::Deadline deadline);
  base::Result<void> SetLimits(std::string_view key_id, KeyLimits limits, base::Deadline deadline);
  /// The old secret ends at once.
  base::Result<NewApiKey> Rotate(std::string_view key_id, base::Deadline deadline);
  base::Result<std::vector<KeyUsage>> Usage(std::string_view key_id, base::Deadline deadline);
  /// Removes expired keys and counters of past days; returns how many rows.
  base::Result<int64_t> CleanUp(base::Deadline deadline);

 private:
  base::Result<void> Update(std::string_view key_id, std::string_view assignment,
                            std::initializer_list<sql::Value> values, base::Deadline deadline);
  base::Result<RateState> Count(const ApiKey& key, bool& allowed, base::Deadline deadline);

  sql::Database& database_;
  const base::Clock& clock_;
  Accounts& accounts_;
};

}  // namespace montage::identity
