#pragma once
// One SQLite session; used through SqliteDatabase.

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "lib/sql/database.h"
#include "lib/sql/sqlite_database.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sql {

class SqliteConnection final : public Connection {
 public:
  static base::Result<std::unique_ptr<SqliteConnection>> Open(const SqliteOptions& options,
                                                              Access access,
                                                              base::Deadline deadline);
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;
  ~SqliteConnection() override;

  using Connection::Begin;
  using Connection::Execute;
  Dialect dialect() const override { return Dialect::kSqlite; }
  base::Result<Rows> Execute(std::string_view statement, std::span<const Value> parameters,
                             base::Deadline deadline) override;
  base::Result<void> InsertMany(std::string_view table, std::span<const std::string> columns,
                                std::span<const Row> rows, base::Deadline deadline) override;
  base::Result<void> Begin(Isolation isolation, base::Deadline deadline) override;
  base::Result<void> Commit(base::Deadline deadline) override;
  void Rollback() override;
  const Refusal* refusal() const override { return refusal_ ? &*refusal_ : nullptr; }

  /// Whether a caller left a transaction open.
  bool in_transaction() const;

 private:
  struct Prepared {
    std::string text;
    sqlite3_stmt* statement;
  };

  SqliteConnection(sqlite3* handle, Access access, std::shared_ptr<const Interrupt> interrupt)
      : handle_(handle), access_(access), interrupt_(std::move(interrupt)) {}
  base::Result<void> Configure(const SqliteOptions& options, base::Deadline deadline);
  base::Result<sqlite3_stmt*> Prepare(std::string_view statement);
  base::Result<void> Bind(sqlite3_stmt* statement, std::string_view text,
                          std::span<const Value> parameters);
  base::Result<Rows> Step(sqlite3_stmt* statement, std::string_view text);
  base::Result<void> InsertRows(std::string_view statement, std::span<const Row> rows,
                                base::Deadline deadline);
  void Arm(base::Deadline deadline);
  base::Error Failure(int code, std::string_view statement);
  bool interrupted() const { return interrupt_ && interrupt_->raised(); }
  static int OnProgress(void* self);
  static int OnBusy(void* self, int times);

  sqlite3* handle_;
  Access access_;
  std::shared_ptr<const Interrupt> interrupt_;
  std::optional<Refusal> refusal_;
  base::Deadline deadline_ = base::Deadline::Never();
  std::list<Prepared> recent_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Prepared>::iterator> by_text_;
};

}  // namespace sql
