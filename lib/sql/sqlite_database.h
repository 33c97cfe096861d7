#pragma once
// SQLite in one file: one writing and several reading sessions over its write-ahead log.

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "lib/sql/database.h"
#include "lib/sql/interrupt.h"

namespace sql {

/// What an acknowledged commit survives. kPowerLoss (PRAGMA synchronous = FULL) syncs the log at
/// every commit. kProcessDeath (NORMAL) leaves that to the next checkpoint: kill -9 loses nothing,
/// because the written pages are in the kernel, but a power cut may take the last commits with it.
enum class Durability { kPowerLoss, kProcessDeath };

struct SqliteOptions {
  std::filesystem::path path;
  size_t readers = 4;
  /// "Acknowledged is never lost" includes the plug of a ward's workstation, hence the slower one.
  Durability durability = Durability::kPowerLoss;
  enum class Mode {
    kOwn,       ///< created when missing, turned to a write-ahead log
    kGuest,     ///< somebody else's file: created when missing, its journal mode stays
    kExisting,  ///< the same, but it must exist
    kReadOnly,  ///< the same, and it is never written
  };
  Mode mode = Mode::kOwn;
  /// Null: only deadlines end what blocks.
  std::shared_ptr<const Interrupt> interrupt = {};
};

class SqliteConnection;

/// Several processes may have the same file open; each waits for the others' writes.
class SqliteDatabase final : public Database {
 public:
  /// Creates the file when it is missing; its folder must exist.
  static base::Result<std::unique_ptr<SqliteDatabase>> Open(SqliteOptions options,
                                                            base::Deadline deadline);
  ~SqliteDatabase() override;

  Dialect dialect() const override { return Dialect::kSqlite; }
  base::Result<Lease> Acquire(Access access, base::Deadline deadline) override;

  /// Copies a consistent state of the whole database to a new file while others read and write.
  base::Result<void> CopyTo(const std::filesystem::path& target, base::Deadline deadline);
  /// SQLite's own examination of every page and index; kCorrupt with what it found.
  base::Result<void> CheckIntegrity(base::Deadline deadline);

 private:
  using Pool = std::vector<std::unique_ptr<SqliteConnection>>;

  explicit SqliteDatabase(SqliteOptions options);
  void Return(SqliteConnection* connection, Access access);

  const SqliteOptions options_;
  std::mutex mutex_;
  std::condition_variable returned_;
  Pool writers_;  // those not on loan
  Pool readers_;
};

}  // namespace sql
