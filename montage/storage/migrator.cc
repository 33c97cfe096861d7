#include "montage/storage/migrator.h"

#include <fmt/format.h>

#include "lib/crypto/hash.h"

namespace montage::storage {
namespace {

using base::ErrorCode;
using base::Fail;

std::string ChecksumOf(const Migration& migration) {
  crypto::Sha256 hash;
  const auto add = [&](std::string_view text) {
    hash.Update(fmt::format("{}:", text.size()));
    hash.Update(text);
  };
  add(migration.name);
  for (const std::string& statement : migration.up) add(statement);
  add("down");
  for (const std::string& statement : migration.down) add(statement);
  if (!migration.up_postgres.empty()) add("postgres");
  for (const std::string& statement : migration.up_postgres) add(statement);
  return hash.FinishHex();
}

base::Result<void> ExecuteAll(sql::Connection& connection, std::span<const std::string> statements,
                              base::Deadline deadline) {
  for (const std::string& statement : statements) {
    TRY(connection.Execute(sql::RenderSchema(statement, connection.dialect()), {}, deadline));
  }
  return {};
}

}  // namespace

base::Result<sql::Transaction> Migrator::BeginAlone(base::Deadline deadline) {
  TRY(auto transaction, sql::Transaction::Begin(database_, deadline));
  // SQLite has one writer anyway. The lock ends with the transaction and belongs to one schema; its
  // first number is any that nothing else here uses.
  if (database_.dialect() == sql::Dialect::kPostgres) {
    TRY(transaction->Execute(
        "SELECT pg_catalog.pg_advisory_xact_lock(1836019570, hashtext(current_schema()::text))", {},
        deadline));
  }
  return transaction;
}

base::Result<std::vector<int64_t>> Migrator::Applied(sql::Connection& connection,
                                                     base::Deadline deadline) {
  TRY(connection.Execute(
      sql::RenderSchema("CREATE TABLE IF NOT EXISTS schema_migrations (number {int} PRIMARY KEY, "
                        "name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at {int} NOT NULL) "
                        "{strict}",
                        connection.dialect()),
      {}, deadline));
  TRY(const sql::Rows rows,
      connection.Execute("SELECT number, checksum, applied_at FROM schema_migrations ORDER BY "
                         "number",
                         {}, deadline));
  std::vector<int64_t> applied_at;
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    const int64_t number = reader.Int();
    const std::string checksum = reader.Text();
    applied_at.push_back(reader.Int());
    TRY(reader.Finish());
    const size_t index = applied_at.size() - 1;
    if (index >= migrations_.size()) {
      return Fail(base::Error{ErrorCode::kConflict,
                              fmt::format("the database has migration {}, this program knows {}",
                                          number, migrations_.size())}
                      .Hint("use a newer program"));
    }
    const Migration& known = migrations_[index];
    if (known.number != number || ChecksumOf(known) != checksum) {
      return Fail(ErrorCode::kConflict,
                  fmt::format("migration {} \"{}\" is not the one that was applied (checksum)",
                              number, known.name));
    }
  }
  return applied_at;
}

base::Result<int64_t> Migrator::Up(base::Deadline deadline) {
  for (int64_t done = 0;; ++done) {
    TRY(auto transaction, BeginAlone(deadline));
    TRY(const auto applied, Applied(*transaction, deadline));
    if (applied.size() == migrations_.size()) {
      TRY(transaction.Commit(deadline));
      return done;
    }
    const Migration& next = migrations_[applied.size()];
    TRY(ExecuteAll(*transaction, next.up, deadline));
    if (database_.dialect() == sql::Dialect::kPostgres)
      TRY(ExecuteAll(*transaction, next.up_postgres, deadline));
    TRY(transaction->Execute(
        "INSERT INTO schema_migrations VALUES ($1, $2, $3, $4)",
        {next.number, next.name, ChecksumOf(next), clock_.Now().time_since_epoch().count()},
        deadline));
    TRY(transaction.Commit(deadline));
  }
}

base::Result<int64_t> Migrator::Down(int64_t target, base::Deadline deadline) {
  for (int64_t done = 0;; ++done) {
    TRY(auto transaction, BeginAlone(deadline));
    TRY(const auto applied, Applied(*transaction, deadline));
    if (applied.empty() || migrations_[applied.size() - 1].number <= target) return done;
    const Migration& last = migrations_[applied.size() - 1];
    TRY(ExecuteAll(*transaction, last.down, deadline));
    TRY(transaction->Execute("DELETE FROM schema_migrations WHERE number = $1", {last.number},
                             deadline));
    TRY(transaction.Commit(deadline));
  }
}

base::Result<std::vector<MigrationStatus>> Migrator::Status(base::Deadline deadline) {
  TRY(auto transaction, BeginAlone(deadline));
  TRY(const auto applied, Applied(*transaction, deadline));
  std::vector<MigrationStatus> status;
  for (size_t i = 0; i < migrations_.size(); ++i) {
    status.push_back({migrations_[i].number, migrations_[i].name,
                      i < applied.size() ? std::optional(applied[i]) : std::nullopt});
  }
  return status;
}

}  // namespace montage::storage
