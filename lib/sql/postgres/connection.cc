#include "lib/sql/postgres/connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include "lib/sql/postgres/login.h"
#include "lib/sql/postgres/values.h"
#include "lib/sql/sqlstate.h"
#include "lib/sql/url.h"

namespace sql {
namespace {

using base::Error;
using base::ErrorCode;
using base::Fail;

constexpr size_t kPreparedStatements = 128;
constexpr size_t kCopyChunk = size_t{64} << 10;
/// A rollback that takes longer is left to the server, which does it when the session is closed.
constexpr auto kRollbackLimit = std::chrono::seconds(5);
/// Any number that nothing else uses; advisory locks belong to one database of the server.
constexpr std::string_view kWriterLock =
    "SELECT pg_catalog.pg_advisory_xact_lock(4702111234474983745)";

/// read_only_sql_transaction.
constexpr std::string_view kReadOnlyState = "25006";

std::string OneLine(const char* text) {
  std::string line(text == nullptr ? "" : text);
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0)
    line.pop_back();
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\t', ' ');
  return line;
}

std::string FieldOf(const PGresult* result, int field) {
  const char* text = PQresultErrorField(result, field);
  return text == nullptr ? "" : text;
}

std::string_view Level(Isolation isolation) {
  switch (isolation) {
    case Isolation::kDefault:
      break;
    case Isolation::kReadCommitted:
      return " ISOLATION LEVEL READ COMMITTED";
    case Isolation::kRepeatableRead:
      return " ISOLATION LEVEL REPEATABLE READ";
    case Isolation::kSerializable:
      return " ISOLATION LEVEL SERIALIZABLE";
  }
  return "";
}

int64_t ChangedRows(PGresult* result) {
  // Set for SELECT as well, where nothing changed.
  if (std::string_view(PQcmdStatus(result)).starts_with("SELECT")) return 0;
  return std::strtoll(PQcmdTuples(result), nullptr, 10);
}

}  // namespace

void PostgresConnection::Finish::operator()(pg_conn* session) const { PQfinish(session); }
void PostgresConnection::Clear::operator()(pg_result* result) const { PQclear(result); }

PostgresConnection::~PostgresConnection() = default;

base::Result<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(
    const PostgresOptions& options, Access access, base::Deadline deadline) {
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(access, options));
  auto done = connection->Connect(options, deadline);
  if (done) done = connection->Configure(deadline);
  if (!done) {
    return Fail(
        std::move(done.error()).While(fmt::format("connecting to {}", RedactedUrl(options.url))));
  }
  return connection;
}

base::Result<void> PostgresConnection::Connect(const PostgresOptions& options,
                                               base::Deadline deadline) {
  TRY(const auto login, PostgresLogin::Parse(options.url, options.application_name));
  session_.reset(PQconnectStartParams(login.keywords(), login.values(), 0));
  if (!session_) return Fail(ErrorCode::kExhausted, "no memory for a connection");
  // Otherwise libpq writes what the server remarks to the standard error.
  PQsetNoticeReceiver(session_.get(), &OnNotice, this);
  // The only way to have the SQLSTATE of a refused login is in its text.
  PQsetErrorVerbosity(session_.get(), PQERRORS_VERBOSE);
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (PQstatus(session_.get()) != CONNECTION_BAD && state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) break;
    TRY(Wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline));
    state = PQconnectPoll(session_.get());
  }
  if (PQstatus(session_.get()) != CONNECTION_OK) {
    return Fail(LoginError(PQerrorMessage(session_.get())));
  }
  PQsetErrorVerbosity(session_.get(), PQERRORS_DEFAULT);
  PQsetnonblocking(session_.get(), 1);
  return {};
}

base::Result<void> PostgresConnection::Configure(base::Deadline deadline) {
  // How values look as text must not depend on the server's configuration.
  std::string settings =
      "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; "
      "SET extra_float_digits = 1; SET bytea_output = 'hex'; SET client_encoding = 'UTF8';";
  constexpr int kKnowsConnectionCheck = 140000;
  if (PQserverVersion(session_.get()) >= kKnowsConnectionCheck) {
    settings += "SET client_connection_check_interval = '1s';";
  }
  if (access_ != Access::kWrite) settings += "SET default_transaction_read_only = on;";
  TRY(Simple(settings, deadline));
  return {};
}

base::Result<void> PostgresConnection::Wait(short events, base::Deadline deadline) const {
  std::array<pollfd, 2> waiting{{{PQsocket(session_.get()), events, 0},
                                 {interrupt_ ? interrupt_->descriptor() : -1, POLLIN, 0}}};
  while (true) {
    int wait_ms = -1;
    if (!deadline.is_never()) {
      const auto left = deadline.Remaining(base::SystemClock());
      const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
      wait_ms = static_cast<int>(std::min<int64_t>(ms, INT_MAX));
    }
    const int ready = ::poll(waiting.data(), waiting.size(), wait_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return Fail(ErrorCode::kIo, fmt::format("poll: {}", std::strerror(errno)));
    if (waiting[1].revents != 0) return Fail(ErrorCode::kCancelled, "the wait was interrupted");
    if (waiting[0].revents != 0) return {};
    if (wait_ms == 0) return Fail(ErrorCode::kTimeout, "no answer in time");
  }
}

base::Result<void> PostgresConnection::Flush(base::Deadline deadline) {
  for (int left = PQflush(session_.get()); left != 0; left = PQflush(session_.get())) {
    if (left < 0) return Fail(ErrorCode::kUnavailable, OneLine(PQerrorMessage(session_.get())));
    // A server that writes does not read until it has been read.
    TRY(Wait(POLLIN | POLLOUT, deadline));
    if (PQconsumeInput(session_.get()) == 0) {
      return Fail(ErrorCode::kUnavailable, OneLine(PQerrorMessage(session_.get())));
    }
  }
  return {};
}

base::Result<void> PostgresConnection::AwaitAnswer(base::Deadline deadline) {
  while (PQisBusy(session_.get()) == 1) {
    TRY(Wait(POLLIN, deadline));
    // What came before the end of the connection is still read; PQgetResult tells of the end.
    if (PQconsumeInput(session_.get()) == 0) break;
  }
  return {};
}

base::Result<PostgresConnection::ResultPtr> PostgresConnection::Collect(std::string_view statement,
                                                                        base::Deadline deadline) {
  if (auto sent = Flush(deadline); !sent) return Fail(Closed(std::move(sent.error()), statement));
  ResultPtr kept;
  while (true) {
    if (auto came = AwaitAnswer(deadline); !came) {
      return Fail(Closed(std::move(came.error()), statement));
    }
    ResultPtr next(PQgetResult(session_.get()));
    if (!next) break;
    const ExecStatusType status = PQresultStatus(next.get());
    if (status == PGRES_COPY_IN) {
      kept = std::move(next);
      break;  // the caller sends rows now
    }
    if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
      return Fail(
          Closed({ErrorCode::kUnsupported, "rows of COPY ... TO STDOUT are not taken"}, statement));
    }
    const bool failed = kept && PQresultStatus(kept.get()) == PGRES_FATAL_ERROR;
    if (!failed) kept = std::move(next);
  }
  if (!kept || PQstatus(session_.get()) == CONNECTION_BAD) return Fail(Lost(statement));
  switch (PQresultStatus(kept.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_IN:
      return kept;
    case PGRES_EMPTY_QUERY:
      return Fail(ErrorCode::kInternal, "expected exactly one statement: \"\"");
    default:
      return Fail(Refused(kept.get(), statement));
  }
}

base::Result<PostgresConnection::ResultPtr> PostgresConnection::Simple(const std::string& statement,
                                                                       base::Deadline deadline) {
  refusal_.reset();
  if (!session_) return Fail(Lost(statement));
  if (PQsendQuery(session_.get(), statement.c_str()) == 0) return Fail(Lost(statement));
  return Collect(statement, deadline);
}

base::Result<void> PostgresConnection::MakeRoom(base::Deadline deadline) {
  if (recent_.size() < kPreparedStatements) return {};
  const std::string name = recent_.back().name;
  Forget(recent_.back().text);
  TRY(Simple("DEALLOCATE " + name, deadline));
  return {};
}

void PostgresConnection::Forget(std::string_view statement) {
  const auto found = by_text_.find(statement);
  if (found == by_text_.end()) return;
  const auto entry = found->second;
  by_text_.erase(found);
  recent_.erase(entry);
}

base::Result<const PostgresConnection::Prepared*> PostgresConnection::Prepare(
    std::string_view statement, base::Deadline deadline) {
  if (const auto found = by_text_.find(statement); found != by_text_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    return &*found->second;
  }
  if (statement.find('\0') != std::string_view::npos) {
    return Fail(ErrorCode::kInvalid, "a statement must not hold a NUL byte");
  }
  TRY(MakeRoom(deadline));
  Prepared made{.text = std::string(statement), .name = fmt::format("s{}", ++prepared_ever_)};
  pg_conn* const session = session_.get();
  if (PQsendPrepare(session, made.name.c_str(), made.text.c_str(), 0, nullptr) == 0) {
    return Fail(Lost(statement));
  }
  TRY(Collect(statement, deadline));
  if (PQsendDescribePrepared(session, made.name.c_str()) == 0) return Fail(Lost(statement));
  TRY(const ResultPtr description, Collect(statement, deadline));
  for (int i = 0; i < PQnparams(description.get()); ++i) {
    made.types.push_back(PQparamtype(description.get(), i));
  }
  recent_.push_front(std::move(made));
  by_text_.emplace(recent_.front().text, recent_.begin());
  return &recent_.front();
}

base::Result<PostgresConnection::ResultPtr> PostgresConnection::Send(
    const Prepared& prepared, std::span<const Value> parameters, base::Deadline deadline) {
  if (prepared.types.size() != parameters.size()) {
    return Fail(ErrorCode::kInternal,
                fmt::format("{} parameters given, {} expected by \"{}\"", parameters.size(),
                            prepared.types.size(), Shortened(prepared.text)));
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (auto checked = CheckStorable(parameters[i]); !checked) {
      return Fail(std::move(checked.error())
                      .While(fmt::format("binding parameter {} of \"{}\"", i + 1,
                                         Shortened(prepared.text))));
    }
  }
  const PostgresParameters sent(parameters);
  if (PQsendQueryPrepared(session_.get(), prepared.name.c_str(), sent.count(), sent.values(),
                          sent.lengths(), sent.formats(), 0) == 0) {
    return Fail(Lost(prepared.text));
  }
  return Collect(prepared.text, deadline);
}

base::Result<Rows> PostgresConnection::Execute(std::string_view statement,
                                               std::span<const Value> parameters,
                                               base::Deadline deadline) {
  refusal_.reset();
  if (!session_) return Fail(Lost(statement));
  const bool alone = PQtransactionStatus(session_.get()) == PQTRANS_IDLE;
  const bool kept = by_text_.contains(statement);
  TRY(const Prepared* prepared, Prepare(statement, deadline));
  auto result = Send(*prepared, parameters, deadline);
  if (!result && kept && alone && refusal_ && refusal_->sqlstate == "0A000") {
    // A table changed under a statement that was prepared before; the server wants it anew.
    Forget(statement);
    refusal_.reset();
    TRY(prepared, Prepare(statement, deadline));
    result = Send(*prepared, parameters, deadline);
  }
  if (!result) return Fail(std::move(result.error()));
  if (PQresultStatus(result->get()) == PGRES_COPY_IN) {
    return Fail(
        Closed({ErrorCode::kUnsupported, "COPY ... FROM STDIN gets no rows here"}, statement));
  }
  Rows rows = RowsOf(result->get());
  rows.changed = ChangedRows(result->get());
  return rows;
}

base::Result<void> PostgresConnection::PutCopy(std::string_view bytes, base::Deadline deadline) {
  int done = 0;
  while ((done = PQputCopyData(session_.get(), bytes.data(), static_cast<int>(bytes.size()))) ==
         0) {
    TRY(Wait(POLLIN | POLLOUT, deadline));
    TRY(Flush(deadline));
  }
  if (done < 0) return Fail(ErrorCode::kUnavailable, OneLine(PQerrorMessage(session_.get())));
  // libpq keeps what the socket does not take; sending as we go bounds that.
  return Flush(deadline);
}

base::Result<void> PostgresConnection::Copy(const std::string& statement, std::span<const Row> rows,
                                            base::Deadline deadline) {
  TRY(const ResultPtr ready, Simple(statement, deadline));
  if (PQresultStatus(ready.get()) != PGRES_COPY_IN) {
    return Fail(ErrorCode::kInternal, "the server does not take rows");
  }
  std::string chunk;
  for (const Row& row : rows) {
    AppendCopyLine(row, chunk);
    if (chunk.size() < kCopyChunk) continue;
    if (auto put = PutCopy(chunk, deadline); !put) {
      return Fail(Closed(std::move(put.error()), statement));
    }
    chunk.clear();
  }
  if (auto put = PutCopy(chunk, deadline); !put) {
    return Fail(Closed(std::move(put.error()), statement));
  }
  if (PQputCopyEnd(session_.get(), nullptr) < 0) return Fail(Lost(statement));
  TRY(Collect(statement, deadline));
  return {};
}

base::Result<void> PostgresConnection::InsertMany(std::string_view table,
                                                  std::span<const std::string> columns,
                                                  std::span<const Row> rows,
                                                  base::Deadline deadline) {
  TRY(InsertStatement(table, columns));
  for (const Row& row : rows) {
    if (row.size() != columns.size()) {
      return Fail(ErrorCode::kInternal, fmt::format("a row for \"{}\" has {} values, expected {}",
                                                    table, row.size(), columns.size()));
    }
    for (const Value& value : row) TRY(CheckStorable(value));
  }
  const bool inside = session_ && PQtransactionStatus(session_.get()) == PQTRANS_INTRANS;
  if (inside) TRY(Simple("SAVEPOINT insert_many", deadline));
  auto copied =
      Copy(fmt::format("COPY {} ({}) FROM STDIN", table, fmt::join(columns, ", ")), rows, deadline);
  if (!copied && inside && session_) {
    const std::optional<Refusal> why = refusal_;
    TRY(Simple("ROLLBACK TO SAVEPOINT insert_many", deadline));
    refusal_ = why;
  }
  if (!copied) return copied;
  if (inside) TRY(Simple("RELEASE SAVEPOINT insert_many", deadline));
  return {};
}

base::Result<void> PostgresConnection::Begin(Isolation isolation, base::Deadline deadline) {
  const bool reader = access_ != Access::kWrite;
  if (reader && isolation == Isolation::kDefault) isolation = Isolation::kRepeatableRead;
  TRY(Simple(fmt::format("BEGIN{}{}", Level(isolation), reader ? " READ ONLY" : ""), deadline));
  if (reader || write_order_ == WriteOrder::kConcurrent) return {};
  auto locked = Execute(kWriterLock, {}, deadline);
  if (locked) return {};
  Error error = std::move(locked.error());
  if (error.code == ErrorCode::kTimeout) error.code = ErrorCode::kUnavailable;
  return Fail(std::move(error).While("waiting for the writing transaction before"));
}

base::Result<void> PostgresConnection::Commit(base::Deadline deadline) {
  refusal_.reset();
  if (!session_) return Fail(Lost("COMMIT"));
  const PGTransactionStatusType status = PQtransactionStatus(session_.get());
  if (status == PQTRANS_INERROR) {
    Rollback();
    return Fail(ErrorCode::kConflict,
                "the transaction cannot be committed, because one of its statements failed");
  }
  if (status != PQTRANS_INTRANS) return Fail(ErrorCode::kInternal, "there is no transaction");
  auto done = Simple("COMMIT", deadline);
  if (done) return {};
  Error error = std::move(done.error());
  if (!session_) error = std::move(error).Hint("whether it was committed is unknown");
  return Fail(std::move(error));
}

void PostgresConnection::Rollback() {
  if (!session_ || PQtransactionStatus(session_.get()) == PQTRANS_IDLE) return;
  const std::optional<Refusal> why = refusal_;
  if (!Simple("ROLLBACK", base::Deadline::After(kRollbackLimit))) session_.reset();
  refusal_ = why;
}

const Refusal* PostgresConnection::refusal() const {
  return session_ && refusal_ ? &*refusal_ : nullptr;
}

void PostgresConnection::OnNotice(void* self, const pg_result* notice) {
  const std::string severity = FieldOf(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity == "FATAL" || severity == "PANIC")
    static_cast<PostgresConnection*>(self)->ended_ = true;
}

bool PostgresConnection::IsAlive() {
  if (!session_) return false;
  pollfd socket{PQsocket(session_.get()), POLLIN, 0};
  while (!ended_ && ::poll(&socket, 1, 0) > 0) {
    if (PQconsumeInput(session_.get()) == 0) return false;
    (void)PQisBusy(session_.get());  // reads what has come; a farewell goes to OnNotice
  }
  return !ended_ && PQstatus(session_.get()) == CONNECTION_OK;
}

Error PostgresConnection::Refused(const pg_result* result, std::string_view statement) {
  refusal_ = Refusal{.sqlstate = FieldOf(result, PG_DIAG_SQLSTATE),
                     .message = FieldOf(result, PG_DIAG_MESSAGE_PRIMARY),
                     .detail = FieldOf(result, PG_DIAG_MESSAGE_DETAIL),
                     .table = FieldOf(result, PG_DIAG_TABLE_NAME),
                     .column = FieldOf(result, PG_DIAG_COLUMN_NAME),
                     .constraint = FieldOf(result, PG_DIAG_CONSTRAINT_NAME)};
  const std::string& state = refusal_->sqlstate;
  if (state.empty()) return Lost(statement);
  if (state == kReadOnlyState && access_ == Access::kWrite && discards_read_only_) {
    return Closed({ErrorCode::kUnavailable, "the server takes no changes at the moment"},
                  statement);
  }
  const std::string_view words =
      QuotesNoValues(state) ? std::string_view(refusal_->message) : SqlStateClass(state);
  return Error{CodeOfSqlState(state), fmt::format("{} (SQLSTATE {})", words, state)}.While(
      fmt::format("executing \"{}\"", Shortened(statement)));
}

Error PostgresConnection::Lost(std::string_view statement) {
  const std::string why = session_ ? OneLine(PQerrorMessage(session_.get())) : "";
  return Closed(
      {ErrorCode::kUnavailable,
       why.empty() ? "the connection is closed" : fmt::format("the connection was lost: {}", why)},
      statement);
}

Error PostgresConnection::Closed(Error why, std::string_view statement) {
  session_.reset();
  refusal_.reset();
  if (why.code == ErrorCode::kTimeout) why.message = "the statement did not finish in time";
  if (why.code == ErrorCode::kCancelled) why.message = "the statement was interrupted";
  return std::move(why).While(fmt::format("executing \"{}\"", Shortened(statement)));
}

}  // namespace sql
