#pragma once
// PostgreSQL through libpq: a bounded pool of sessions that are opened when they are needed and
// replaced when the server has closed them.

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/sql/database.h"
#include "lib/sql/interrupt.h"

namespace sql {

/// How writing transactions of one database meet.
enum class WriteOrder {
  /// One at a time, as in SQLite, also across processes (an advisory lock): what reads and then
  /// writes loses no update and never has to be tried again.
  kOneAtATime,
  /// As the isolation level of the server says: callers lock what they read or try again.
  kConcurrent,
};

struct PostgresOptions {
  /// postgresql://user:password@host:port/database?sslmode=verify-full&sslrootcert=ca.pem; all
  /// parameters of libpq. What it leaves out libpq takes from its own defaults.
  std::string url;
  size_t writers = 4;  ///< most sessions that may write
  size_t readers = 4;  ///< most sessions that only read
  WriteOrder write_order = WriteOrder::kOneAtATime;
  /// A writing session whose server turns out to take no changes is closed with kUnavailable, and
  /// the next one looks for a server that does (`target_session_attrs=read-write`). False: such a
  /// statement is kForbidden.
  bool discards_read_only = false;
  /// Open proves that the server can be reached. False: the first Acquire does.
  bool connects_at_once = true;
  std::string application_name = {};  ///< as the server's statistics show it
  /// Null: only deadlines end what blocks.
  std::shared_ptr<const Interrupt> interrupt = {};
};

class PostgresConnection;

class PostgresDatabase final : public Database {
 public:
  /// kInvalid for a wrong URL; when it connects: kUnauthorized, kNotFound (database), kUnavailable,
  /// kTimeout.
  static base::Result<std::unique_ptr<PostgresDatabase>> Open(PostgresOptions options,
                                                              base::Deadline deadline);
  ~PostgresDatabase() override;

  Dialect dialect() const override { return Dialect::kPostgres; }
  base::Result<Lease> Acquire(Access access, base::Deadline deadline) override;

 private:
  struct Pool {
    size_t limit = 0;
    size_t open = 0;  ///< on loan, idle, or being opened
    std::vector<std::unique_ptr<PostgresConnection>> idle;
  };

  explicit PostgresDatabase(PostgresOptions options);
  Pool& PoolOf(Access access) { return access == Access::kWrite ? writers_ : readers_; }
  /// A live idle session, or null with a place in the pool to open one.
  base::Result<std::unique_ptr<PostgresConnection>> TakePlace(Access access,
                                                              base::Deadline deadline);
  void Return(PostgresConnection* connection, Access access);
  void GiveUpPlace(Access access);

  const PostgresOptions options_;
  std::mutex mutex_;
  std::condition_variable returned_;
  Pool writers_;
  Pool readers_;
};

}  // namespace sql
