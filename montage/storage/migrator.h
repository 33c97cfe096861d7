#pragma once
// Brings a database to a numbered version of its schema, forwards and backwards.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/sql/database.h"

namespace montage::storage {

/// Statements use the type words of sql::RenderSchema. Once released, a migration never changes.
struct Migration {
  int64_t number = 0;  ///< 1, 2, 3, ... without gaps
  std::string name;
  std::vector<std::string> up;
  std::vector<std::string> down;
  std::vector<std::string> up_postgres = {};  ///< after `up`, on PostgreSQL only
};

struct MigrationStatus {
  int64_t number = 0;
  std::string name;
  std::optional<int64_t> applied_at_ns;  ///< nothing when pending
};

/// Each migration is one transaction together with its row in `schema_migrations`; programs that
/// migrate at the same time wait for each other. A database whose applied migrations differ from
/// the given ones (SHA-256), or that is newer, is refused.
class Migrator {
 public:
  /// All arguments must outlive it.
  Migrator(sql::Database& database, std::span<const Migration> migrations, const base::Clock& clock)
      : database_(database), migrations_(migrations), clock_(clock) {}

  /// Applies all pending migrations; returns how many.
  base::Result<int64_t> Up(base::Deadline deadline);
  /// Reverts those above `target`, the newest first; returns how many.
  base::Result<int64_t> Down(int64_t target, base::Deadline deadline);
  base::Result<std::vector<MigrationStatus>> Status(base::Deadline deadline);

 private:
  base::Result<sql::Transaction> BeginAlone(base::Deadline deadline);
  base::Result<std::vector<int64_t>> Applied(sql::Connection& connection, base::Deadline deadline);

  sql::Database& database_;
  std::span<const Migration> migrations_;
  const base::Clock& clock_;
};

}  // namespace montage::storage
