#pragma once
// The database that the configuration names: SQLite in the data directory, or PostgreSQL, maybe
// with a replica for reads.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/sql/sqlite_database.h"

namespace montage::app {

struct DatabaseOptions {
  std::string url = {};          ///< postgresql://...; "": SQLite
  std::string replica_url = {};  ///< postgresql://...; "": none
  size_t connections = 4;        ///< most that read, and on PostgreSQL most that write
  sql::Durability durability = sql::Durability::kPowerLoss;
  /// What PostgreSQL shows of this process: `montage serve`.
  std::string application_name = "montage";
};

struct OpenedDatabase {
  std::unique_ptr<sql::Database> database;
  sql::SqliteDatabase* file = nullptr;  ///< the same, when it is SQLite
};

/// `file`: where SQLite is. The clock outlives the database.
base::Result<OpenedDatabase> OpenDatabase(const DatabaseOptions& options,
                                          const std::filesystem::path& file,
                                          const base::Clock& clock, base::Deadline deadline);

/// kNotFound when nothing of Montage was ever stored there.
base::Result<void> CheckDatabaseExists(const DatabaseOptions& options,
                                       const std::filesystem::path& file, base::Deadline deadline);

/// Who serves on this PostgreSQL database: `montage worker at 10.0.0.7 (3 sessions)`.
base::Result<std::vector<std::string>> ListServingSessions(sql::Database& database,
                                                           base::Deadline deadline);

}  // namespace montage::app
