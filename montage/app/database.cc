#include "montage/app/database.h"

#include <fmt/format.h>

#include "lib/sql/postgres/database.h"
#include "lib/sql/replicated_database.h"

namespace montage::app {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

sql::PostgresOptions PostgresOptionsOf(const DatabaseOptions& options, const std::string& url) {
  return {.url = url,
          .writers = options.connections,
          .readers = options.connections,
          .write_order = sql::WriteOrder::kConcurrent,
          .discards_read_only = true,
          .application_name = options.application_name};
}

Result<int64_t> Number(sql::Database& database, const std::string& query, Deadline deadline) {
  TRY(const sql::Rows rows, sql::Query(database, query, {}, deadline));
  sql::RowReader reader(rows.rows.at(0));
  const int64_t number = reader.Int();
  TRY(reader.Finish());
  return number;
}

}  // namespace

Result<OpenedDatabase> OpenDatabase(const DatabaseOptions& options,
                                    const std::filesystem::path& file, const base::Clock& clock,
                                    Deadline deadline) {
  if (options.url.empty()) {
    TRY(auto sqlite,
        sql::SqliteDatabase::Open(
            {.path = file, .readers = options.connections, .durability = options.durability},
            deadline));
    sql::SqliteDatabase* const opened = sqlite.get();
    return OpenedDatabase{std::move(sqlite), opened};
  }
  TRY(auto primary, sql::PostgresDatabase::Open(PostgresOptionsOf(options, options.url), deadline));
  if (options.replica_url.empty()) return OpenedDatabase{std::move(primary)};
  // The service can do without the replica, also at its start.
  sql::PostgresOptions copy_options = PostgresOptionsOf(options, options.replica_url);
  copy_options.connects_at_once = false;
  TRY(auto copy, sql::PostgresDatabase::Open(std::move(copy_options), deadline));
  return OpenedDatabase{
      std::make_unique<sql::ReplicatedDatabase>(std::move(primary), std::move(copy), clock)};
}

Result<void> CheckDatabaseExists(const DatabaseOptions& options, const std::filesystem::path& file,
                                 Deadline deadline) {
  if (options.url.empty()) {
    std::error_code error;
    if (std::filesystem::exists(file, error)) return {};
    return base::Fail(
        base::Error{ErrorCode::kNotFound,
                    fmt::format("there is no Montage database in {}", file.parent_path().string())}
            .Hint("name the directory with --data, or make it with `montage migrate up`"));
  }
  TRY(const auto database,
      sql::PostgresDatabase::Open(PostgresOptionsOf(options, options.url), deadline));
  TRY(const int64_t there,
      Number(*database,
             "SELECT count(*) FROM (SELECT to_regclass('schema_migrations') AS t) q "
             "WHERE t IS NOT NULL",
             deadline));
  if (there == 1) return {};
  return base::Fail(
      base::Error{ErrorCode::kNotFound, "the PostgreSQL database has no tables of Montage"}.Hint(
          "make them with `montage migrate up`"));
}

Result<std::vector<std::string>> ListServingSessions(sql::Database& database, Deadline deadline) {
  TRY(const sql::Rows rows,
      sql::Query(
          database,
          "SELECT application_name, coalesce(host(client_addr), 'this machine'), "
          "count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND "
          "application_name IN ('montage serve', 'montage worker') GROUP BY 1, 2 ORDER BY 1, 2",
          {}, deadline));
  std::vector<std::string> sessions;
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    const std::string program = reader.Text();
    const std::string place = reader.Text();
    const int64_t count = reader.Int();
    TRY(reader.Finish());
    sessions.push_back(fmt::format("{} at {} ({} sessions)", program, place, count));
  }
  return sessions;
}

}  // namespace montage::app
