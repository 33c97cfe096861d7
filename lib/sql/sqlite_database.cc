#include "lib/sql/sqlite_database.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/sql/sqlite_connection.h"

namespace sql {

using base::ErrorCode;
using base::Fail;

SqliteDatabase::SqliteDatabase(SqliteOptions options) : options_(std::move(options)) {}

SqliteDatabase::~SqliteDatabase() = default;

base::Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(SqliteOptions options,
                                                                   base::Deadline deadline) {
  options.readers = std::max<size_t>(options.readers, 1);
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(std::move(options)));
  // The writer first: it creates the file and turns on the write-ahead log.
  TRY(auto writer, SqliteConnection::Open(database->options_, Access::kWrite, deadline));
  database->writers_.push_back(std::move(writer));
  for (size_t i = 0; i < database->options_.readers; ++i) {
    TRY(auto reader, SqliteConnection::Open(database->options_, Access::kRead, deadline));
    database->readers_.push_back(std::move(reader));
  }
  return database;
}

base::Result<Lease> SqliteDatabase::Acquire(Access access, base::Deadline deadline) {
  std::unique_lock lock(mutex_);
  Pool& pool = access == Access::kWrite ? writers_ : readers_;
  const auto free = [&] { return !pool.empty(); };
  if (deadline.is_never()) {
    returned_.wait(lock, free);
  } else if (!returned_.wait_until(lock, deadline.time(), free)) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("no {} connection became free in time",
                            access == Access::kWrite ? "writing" : "reading"));
  }
  SqliteConnection* const connection = pool.back().release();
  pool.pop_back();
  return Lease(connection, [this, access](Connection* returned) {
    Return(static_cast<SqliteConnection*>(returned), access);
  });
}

void SqliteDatabase::Return(SqliteConnection* connection, Access access) {
  connection->Rollback();
  {
    const std::scoped_lock lock(mutex_);
    (access == Access::kWrite ? writers_ : readers_).emplace_back(connection);
  }
  returned_.notify_all();
}

base::Result<void> SqliteDatabase::CopyTo(const std::filesystem::path& target,
                                          base::Deadline deadline) {
  std::error_code ignored;
  if (std::filesystem::exists(target, ignored)) {
    return Fail(ErrorCode::kConflict, fmt::format("\"{}\" exists already", target.string()));
  }
  // VACUUM INTO only reads the source, but a query_only session refuses it; a session of its own
  // leaves the writer free.
  TRY(auto session, SqliteConnection::Open(options_, Access::kWrite, deadline));
  TRY(session->Execute("VACUUM INTO $1", {target.string()}, deadline));
  return {};
}

base::Result<void> SqliteDatabase::CheckIntegrity(base::Deadline deadline) {
  TRY(const Rows rows, Query(*this, "PRAGMA integrity_check(1)", {}, deadline));
  const bool good = rows.rows.size() == 1 && rows.rows[0] == Row{Value("ok")};
  if (!good) {
    return Fail(base::Error{ErrorCode::kCorrupt, "the database failed its integrity check"}.Hint(
        "restore the last backup"));
  }
  return {};
}

}  // namespace sql
