#include "lib/sql/sqlite_connection.h"

#include <algorithm>
#include <cctype>
#include <chrono>

#include <fmt/format.h>
#include <poll.h>
#include <sqlite3.h>

#include "lib/sql/sqlstate.h"

namespace sql {
namespace {

using base::Error;
using base::ErrorCode;
using base::Fail;

constexpr size_t kPreparedStatements = 128;
/// Virtual machine instructions between two looks at the deadline: about a millisecond of work.
constexpr int kInstructionsBetweenChecks = 20'000;

ErrorCode CodeOf(int code, int extended) {
  if (extended == SQLITE_CONSTRAINT_DATATYPE) return ErrorCode::kInvalid;
  switch (code) {
    case SQLITE_CONSTRAINT:
      return ErrorCode::kConflict;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kUnavailable;
    case SQLITE_INTERRUPT:
      return ErrorCode::kTimeout;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorrupt;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return ErrorCode::kExhausted;
    case SQLITE_TOOBIG:
      return ErrorCode::kTooLarge;
    case SQLITE_READONLY:
    case SQLITE_AUTH:
    case SQLITE_PERM:
      return ErrorCode::kForbidden;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return ErrorCode::kIo;
    default:
      return ErrorCode::kInternal;
  }
}

/// The pointer of an empty view is null, which SQLite would store as NULL.
const char* Bytes(const std::string& text) { return text.empty() ? "" : text.data(); }

int BindOne(sqlite3_stmt* statement, int index, const Value& value) {
  const auto& storage = value.storage();
  if (const auto* number = std::get_if<int64_t>(&storage)) {
    return sqlite3_bind_int64(statement, index, *number);
  }
  if (const auto* real = std::get_if<double>(&storage)) {
    return sqlite3_bind_double(statement, index, *real);
  }
  if (const auto* text = std::get_if<std::string>(&storage)) {
    return sqlite3_bind_text64(statement, index, Bytes(*text), text->size(), nullptr, SQLITE_UTF8);
  }
  if (const auto* blob = std::get_if<Blob>(&storage)) {
    return sqlite3_bind_blob64(statement, index, Bytes(blob->bytes), blob->bytes.size(), nullptr);
  }
  return sqlite3_bind_null(statement, index);
}

std::string ColumnBytes(sqlite3_stmt* statement, int column) {
  const void* bytes = sqlite3_column_blob(statement, column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, column));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

Value ColumnValue(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT:
      return ColumnBytes(statement, column);
    case SQLITE_BLOB:
      return Blob{ColumnBytes(statement, column)};
    default:
      return nullptr;
  }
}

/// SQLite has no types for these; a declaration still says what the author meant.
ColumnType DeclaredType(sqlite3_stmt* statement, int column) {
  const char* declared = sqlite3_column_decltype(statement, column);
  std::string name(declared == nullptr ? "" : declared);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (name.starts_with("BOOL")) return ColumnType::kBool;
  if (name.starts_with("TIMESTAMP") || name == "DATETIME") return ColumnType::kTimestamp;
  if (name == "JSON" || name == "JSONB") return ColumnType::kJson;
  return ColumnType::kUnknown;
}

int OpenFlags(SqliteOptions::Mode mode) {
  switch (mode) {
    case SqliteOptions::Mode::kOwn:
    case SqliteOptions::Mode::kGuest:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case SqliteOptions::Mode::kExisting:
      return SQLITE_OPEN_READWRITE;
    case SqliteOptions::Mode::kReadOnly:
      break;
  }
  return SQLITE_OPEN_READONLY;
}

/// Leaves a prepared statement ready for its next use, without references to the parameters.
class Reset {
 public:
  explicit Reset(sqlite3_stmt* statement) : statement_(statement) {}
  Reset(const Reset&) = delete;
  Reset& operator=(const Reset&) = delete;
  ~Reset() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

 private:
  sqlite3_stmt* statement_;
};

}  // namespace

base::Result<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const SqliteOptions& options,
                                                                       Access access,
                                                                       base::Deadline deadline) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(options.path.c_str(), &handle,
                                   OpenFlags(options.mode) | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<SqliteConnection> connection(
      new SqliteConnection(handle, access, options.interrupt));
  if (code != SQLITE_OK) {
    return Fail(connection->Failure(code, "").While(
        fmt::format("opening the database \"{}\"", options.path.string())));
  }
  sqlite3_extended_result_codes(handle, 0);
  if (auto done = connection->Configure(options, deadline); !done) {
    return Fail(std::move(done.error())
                    .While(fmt::format("opening the database \"{}\"", options.path.string())));
  }
  return connection;
}

SqliteConnection::~SqliteConnection() {
  for (const Prepared& prepared : recent_) sqlite3_finalize(prepared.statement);
  sqlite3_close_v2(handle_);
}

base::Result<void> SqliteConnection::Configure(const SqliteOptions& options,
                                               base::Deadline deadline) {
  sqlite3_progress_handler(handle_, kInstructionsBetweenChecks, &OnProgress, this);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  const bool own = options.mode == SqliteOptions::Mode::kOwn;
  if (own && access_ == Access::kWrite) TRY(Execute("PRAGMA journal_mode = WAL", {}, deadline));
  TRY(Execute(options.durability == Durability::kPowerLoss ? "PRAGMA synchronous = FULL"
                                                           : "PRAGMA synchronous = NORMAL",
              {}, deadline));
  TRY(Execute("PRAGMA foreign_keys = ON", {}, deadline));
  TRY(Execute("PRAGMA temp_store = MEMORY", {}, deadline));
  // Deleted health data is overwritten in the file, not only unlinked from its page.
  TRY(Execute("PRAGMA secure_delete = ON", {}, deadline));
  if (access_ == Access::kRead) TRY(Execute("PRAGMA query_only = ON", {}, deadline));
  return {};
}

void SqliteConnection::Arm(base::Deadline deadline) {
  deadline_ = deadline;
  refusal_.reset();
  sqlite3_busy_handler(handle_, &OnBusy, this);
}

int SqliteConnection::OnProgress(void* self) {
  const auto* connection = static_cast<SqliteConnection*>(self);
  const bool late = connection->deadline_.HasPassed(base::SystemClock());
  return late || connection->interrupted() ? 1 : 0;
}

int SqliteConnection::OnBusy(void* self, int times) {
  // Locks are held for microseconds or for a whole transaction; SQLite tells nobody when one is
  // free again.
  constexpr int kLongestPauseMs = 20;
  const auto* connection = static_cast<SqliteConnection*>(self);
  const bool late = connection->deadline_.HasPassed(base::SystemClock());
  if (late || connection->interrupted()) return 0;
  pollfd wake{connection->interrupt_ ? connection->interrupt_->descriptor() : -1, POLLIN, 0};
  ::poll(&wake, 1, std::min(times + 1, kLongestPauseMs));
  return connection->interrupted() ? 0 : 1;
}

Error SqliteConnection::Failure(int code, std::string_view statement) {
  const int extended = handle_ == nullptr ? code : sqlite3_extended_errcode(handle_);
  const char* reason = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
  Error error{CodeOf(code & 0xFF, extended), reason};
  if (interrupted()) {
    error = {ErrorCode::kCancelled, "the statement was interrupted"};
  } else if (error.code == ErrorCode::kTimeout) {
    error.message = "the statement did not finish in time";
  } else {
    refusal_ =
        Refusal{.sqlstate = std::string(SqlStateOfSqlite(extended, reason)), .message = reason};
  }
  if (!statement.empty()) {
    error.While(fmt::format("executing \"{}\"", Shortened(statement)));
  }
  return error;
}

base::Result<sqlite3_stmt*> SqliteConnection::Prepare(std::string_view statement) {
  if (const auto found = by_text_.find(statement); found != by_text_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->statement;
  }
  const std::string text = RenderPlaceholders(statement, Dialect::kSqlite);
  sqlite3_stmt* prepared = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v3(handle_, text.c_str(), static_cast<int>(text.size()) + 1,
                                      SQLITE_PREPARE_PERSISTENT, &prepared, &rest);
  if (code != SQLITE_OK) return Fail(Failure(code, statement));
  const bool more = std::string_view(rest).find_first_not_of(" \t\r\n;") != std::string_view::npos;
  if (prepared == nullptr || more) {
    sqlite3_finalize(prepared);
    return Fail(ErrorCode::kInternal,
                fmt::format("expected exactly one statement: \"{}\"", Shortened(statement)));
  }
  if (recent_.size() >= kPreparedStatements) {
    by_text_.erase(recent_.back().text);
    sqlite3_finalize(recent_.back().statement);
    recent_.pop_back();
  }
  recent_.push_front({std::string(statement), prepared});
  by_text_.emplace(recent_.front().text, recent_.begin());
  return prepared;
}

base::Result<void> SqliteConnection::Bind(sqlite3_stmt* statement, std::string_view text,
                                          std::span<const Value> parameters) {
  const int expected = sqlite3_bind_parameter_count(statement);
  if (std::cmp_not_equal(expected, parameters.size())) {
    return Fail(ErrorCode::kInternal, fmt::format("{} parameters given, {} expected by \"{}\"",
                                                  parameters.size(), expected, Shortened(text)));
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (auto checked = CheckStorable(parameters[i]); !checked) {
      return Fail(
          std::move(checked.error())
              .While(fmt::format("binding parameter {} of \"{}\"", i + 1, Shortened(text))));
    }
    const int code = BindOne(statement, static_cast<int>(i) + 1, parameters[i]);
    if (code != SQLITE_OK) return Fail(Failure(code, text));
  }
  return {};
}

base::Result<Rows> SqliteConnection::Step(sqlite3_stmt* statement, std::string_view text) {
  Rows result;
  const int columns = sqlite3_column_count(statement);
  for (int i = 0; i < columns; ++i) {
    result.columns.emplace_back(sqlite3_column_name(statement, i));
    result.types.push_back(DeclaredType(statement, i));
  }
  const int64_t before = sqlite3_total_changes64(handle_);
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    Row& row = result.rows.emplace_back();
    row.reserve(static_cast<size_t>(columns));
    for (int i = 0; i < columns; ++i) row.push_back(ColumnValue(statement, i));
  }
  if (code != SQLITE_DONE) return Fail(Failure(code, text));
  // Triggers and cascades count in the total only; the statement's own rows are wanted.
  if (sqlite3_total_changes64(handle_) != before) result.changed = sqlite3_changes64(handle_);
  return result;
}

base::Result<Rows> SqliteConnection::Execute(std::string_view statement,
                                             std::span<const Value> parameters,
                                             base::Deadline deadline) {
  Arm(deadline);
  TRY(sqlite3_stmt* const prepared, Prepare(statement));
  const Reset reset(prepared);
  TRY(Bind(prepared, statement, parameters));
  return Step(prepared, statement);
}

base::Result<void> SqliteConnection::InsertRows(std::string_view statement,
                                                std::span<const Row> rows,
                                                base::Deadline deadline) {
  for (const Row& row : rows) TRY(Execute(statement, row, deadline));
  return {};
}

base::Result<void> SqliteConnection::InsertMany(std::string_view table,
                                                std::span<const std::string> columns,
                                                std::span<const Row> rows,
                                                base::Deadline deadline) {
  TRY(const std::string statement, InsertStatement(table, columns));
  TRY(Execute("SAVEPOINT insert_many", {}, deadline));
  auto inserted = InsertRows(statement, rows, deadline);
  if (!inserted) {
    const std::optional<Refusal> why = refusal_;
    (void)Execute("ROLLBACK TO insert_many", {}, base::Deadline::Never());
    (void)Execute("RELEASE insert_many", {}, base::Deadline::Never());
    refusal_ = why;
    return inserted;
  }
  TRY(Execute("RELEASE insert_many", {}, deadline));
  return {};
}

base::Result<void> SqliteConnection::Begin(Isolation /*always serializable*/,
                                           base::Deadline deadline) {
  // A writer takes its lock at once: upgrading later can fail in a way no waiting resolves.
  TRY(Execute(access_ == Access::kWrite ? "BEGIN IMMEDIATE" : "BEGIN", {}, deadline));
  return {};
}

base::Result<void> SqliteConnection::Commit(base::Deadline deadline) {
  TRY(Execute("COMMIT", {}, deadline));
  return {};
}

void SqliteConnection::Rollback() {
  if (in_transaction()) (void)Execute("ROLLBACK", {}, base::Deadline::Never());
}

bool SqliteConnection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

}  // namespace sql
