#pragma once
// One PostgreSQL session; used through PostgresDatabase.
//
// libpq's asynchronous calls with poll(2), so that every wait ends at its deadline and when an
// Interrupt is raised. What ends early closes the session: the server notices within a second
// (client_connection_check_interval, PostgreSQL 14 and later) and undoes what was not committed.

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/sql/database.h"
#include "lib/sql/postgres/database.h"

struct pg_conn;
struct pg_result;

namespace sql {

class PostgresConnection final : public Connection {
 public:
  static base::Result<std::unique_ptr<PostgresConnection>> Open(const PostgresOptions& options,
                                                                Access access,
                                                                base::Deadline deadline);
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;
  ~PostgresConnection() override;

  using Connection::Begin;
  using Connection::Execute;
  Dialect dialect() const override { return Dialect::kPostgres; }
  base::Result<Rows> Execute(std::string_view statement, std::span<const Value> parameters,
                             base::Deadline deadline) override;
  base::Result<void> InsertMany(std::string_view table, std::span<const std::string> columns,
                                std::span<const Row> rows, base::Deadline deadline) override;
  base::Result<void> Begin(Isolation isolation, base::Deadline deadline) override;
  base::Result<void> Commit(base::Deadline deadline) override;
  void Rollback() override;
  const Refusal* refusal() const override;

  /// Without asking the server: whether it has closed the session, as far as is known here.
  bool IsAlive();

 private:
  struct Finish {
    void operator()(pg_conn* session) const;
  };
  struct Clear {
    void operator()(pg_result* result) const;
  };
  using ResultPtr = std::unique_ptr<pg_result, Clear>;
  struct Prepared {
    std::string text;
    std::string name;
    std::vector<unsigned> types;  ///< of the parameters, object identifiers of pg_type
  };

  PostgresConnection(Access access, const PostgresOptions& options)
      : access_(access),
        write_order_(options.write_order),
        discards_read_only_(options.discards_read_only),
        interrupt_(options.interrupt) {}

  base::Result<void> Connect(const PostgresOptions& options, base::Deadline deadline);
  base::Result<void> Configure(base::Deadline deadline);
  /// Gets what the server says without being asked.
  static void OnNotice(void* self, const pg_result* notice);
  /// Until the socket is ready for `events` of poll(2).
  base::Result<void> Wait(short events, base::Deadline deadline) const;
  base::Result<void> Flush(base::Deadline deadline);
  base::Result<void> AwaitAnswer(base::Deadline deadline);
  /// The answer to what was sent, read to its end: the last result, or the first that is an error.
  base::Result<ResultPtr> Collect(std::string_view statement, base::Deadline deadline);
  /// Sent text without parameters.
  base::Result<ResultPtr> Simple(const std::string& statement, base::Deadline deadline);
  base::Result<const Prepared*> Prepare(std::string_view statement, base::Deadline deadline);
  base::Result<void> MakeRoom(base::Deadline deadline);
  void Forget(std::string_view statement);
  base::Result<ResultPtr> Send(const Prepared& prepared, std::span<const Value> parameters,
                               base::Deadline deadline);
  base::Result<void> Copy(const std::string& statement, std::span<const Row> rows,
                          base::Deadline deadline);
  base::Result<void> PutCopy(std::string_view bytes, base::Deadline deadline);
  /// What a result that is no success says.
  base::Error Refused(const pg_result* result, std::string_view statement);
  /// The session is lost or unusable; closes it.
  base::Error Lost(std::string_view statement);
  base::Error Closed(base::Error why, std::string_view statement);

  std::unique_ptr<pg_conn, Finish> session_;
  Access access_;
  WriteOrder write_order_;
  bool discards_read_only_;
  std::shared_ptr<const Interrupt> interrupt_;
  std::optional<Refusal> refusal_;
  std::list<Prepared> recent_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Prepared>::iterator> by_text_;
  uint64_t prepared_ever_ = 0;
  bool ended_ = false;  ///< the server said that it ends the session
};

}  // namespace sql
