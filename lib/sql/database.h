#pragma once
// The door to a relational database. Blocking and thread-safe; servers call it from a thread pool.
//
//   TRY(auto transaction, sql::Transaction::Begin(database, deadline));
//   TRY(transaction->Execute("UPDATE jobs SET status = $1 WHERE job_id = $2", {"done", id},
//   deadline)); TRY(transaction.Commit(deadline));          // without it everything is rolled back
//
// Errors: a violated constraint is kConflict, a lock or pool not free before the deadline is
// kUnavailable, a statement over its deadline kTimeout, damaged storage kCorrupt, a statement the
// database does not understand kInternal with its text. Values of parameters, which may be health
// data, are never part of an error. Where a database cannot tell a wait for a lock from work
// (PostgreSQL), a statement that waits too long is kTimeout.

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/sql/dialect.h"
#include "lib/sql/value.h"

namespace sql {

/// kRead sees a consistent snapshot and cannot change anything. kReadStale does the same and may be
/// behind what was committed, where a database has a copy that is.
enum class Access { kRead, kReadStale, kWrite };

/// What a transaction sees of others. Every database gives at least what is asked for.
enum class Isolation { kDefault, kReadCommitted, kRepeatableRead, kSerializable };

/// What the database itself said about a statement that it refused. Unlike errors it may quote
/// values.
struct Refusal {
  std::string sqlstate;  ///< five characters, ISO/IEC 9075; SQLite's codes are translated
  std::string message;
  std::string detail;
  std::string table;
  std::string column;
  std::string constraint;
};

/// One session with the database, used by one thread at a time.
class Connection {
 public:
  virtual ~Connection() = default;

  virtual Dialect dialect() const = 0;
  /// Exactly one statement, with `$1`, `$2`, ... for the parameters. Prepared statements are kept.
  virtual base::Result<Rows> Execute(std::string_view statement, std::span<const Value> parameters,
                                     base::Deadline deadline) = 0;
  /// All rows or none, by the fastest way the database has. Names are `[a-z_][a-z0-9_]*`.
  virtual base::Result<void> InsertMany(std::string_view table,
                                        std::span<const std::string> columns,
                                        std::span<const Row> rows, base::Deadline deadline) = 0;
  virtual base::Result<void> Begin(Isolation isolation, base::Deadline deadline) = 0;
  virtual base::Result<void> Commit(base::Deadline deadline) = 0;
  /// Cannot fail in a way that keeps the changes: a session that cannot roll back is closed.
  virtual void Rollback() = 0;
  /// Why the last call failed, when it was the database that refused; null when it succeeded, and
  /// when it failed for another reason (lost connection, deadline, wrong use).
  virtual const Refusal* refusal() const = 0;

  base::Result<Rows> Execute(std::string_view statement, std::initializer_list<Value> parameters,
                             base::Deadline deadline) {
    return Execute(statement, std::span(parameters.begin(), parameters.size()), deadline);
  }
  base::Result<void> Begin(base::Deadline deadline) { return Begin(Isolation::kDefault, deadline); }
};

/// A connection on loan; it goes back to its pool when the lease ends.
using Lease = std::unique_ptr<Connection, std::function<void(Connection*)>>;

class Database {
 public:
  virtual ~Database() = default;

  virtual Dialect dialect() const = 0;
  /// Waits for a free connection until the deadline. No lease may outlive the database.
  virtual base::Result<Lease> Acquire(Access access, base::Deadline deadline) = 0;
};

/// A unit of work: all of it after Commit, else nothing of it.
class Transaction {
 public:
  static base::Result<Transaction> Begin(Database& database, base::Deadline deadline,
                                         Access access = Access::kWrite);
  Transaction(Transaction&&) noexcept = default;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Connection* operator->() const { return lease_.get(); }
  Connection& operator*() const { return *lease_; }
  /// After an error nothing was committed.
  base::Result<void> Commit(base::Deadline deadline);

 private:
  explicit Transaction(Lease lease) : lease_(std::move(lease)) {}
  Lease lease_;
};

/// One reading statement on a connection of its own.
base::Result<Rows> Query(Database& database, std::string_view statement,
                         std::initializer_list<Value> parameters, base::Deadline deadline,
                         Access access = Access::kRead);

/// One changing statement, committed when it returns.
base::Result<Rows> Change(Database& database, std::string_view statement,
                          std::initializer_list<Value> parameters, base::Deadline deadline);

/// kInvalid unless `name` is `[a-z_][a-z0-9_]*`: what may be put into a statement's text.
base::Result<void> CheckName(std::string_view name);

/// The beginning of a statement on one line, for messages.
std::string Shortened(std::string_view statement);

/// `INSERT INTO table (a, b) VALUES ($1, $2)` with checked names.
base::Result<std::string> InsertStatement(std::string_view table,
                                          std::span<const std::string> columns);

}  // namespace sql
