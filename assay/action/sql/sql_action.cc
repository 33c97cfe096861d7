#include "assay/action/sql/sql_action.h"

#include <fmt/format.h>

#include "assay/action/sql/outcome.h"
#include "assay/action/sql/request.h"
#include "assay/action/sql/session.h"
#include "assay/cel/text.h"
#include "lib/net/service/interruptible.h"
#include "lib/sql/url.h"

namespace assay::action {
namespace {

using base::ErrorCode;
using cel::Value;
using history::Disposition;
using history::Outcome;
using scenario::Field;
using scenario::ObjectSchema;
using scenario::Type;

ObjectSchema CopyTable() {
  return {.name = "copy",
          .doc = "Rows for one table: all of them or none.",
          .fields = {{.name = "table", .type = Type::String(), .required = true, .doc = "Table."},
                     {.name = "columns",
                      .type = Type::List(Type::String()),
                      .doc = "Columns of the rows; absent: the keys of the first row."},
                     {.name = "rows",
                      .type = Type::List(Type::Any()),
                      .required = true,
                      .doc = "Lists of values, or maps of columns to values."}}};
}

std::vector<Field> StatementFields() {
  return {{.name = "query",
           .type = Type::String(),
           .doc = "One statement with `$1`, `$2`, ... for the parameters."},
          {.name = "params",
           .type = Type::List(Type::Any()),
           .doc = "Values of the parameters; lists and maps are sent as JSON."},
          {.name = "copy",
           .type = Type::Object(CopyTable()),
           .doc = "Many rows at once, by COPY where the database has it."}};
}

std::vector<Field> ParamFields() {
  const ObjectSchema statement{.name = "statement",
                               .doc = "A statement of a transaction.",
                               .fields = StatementFields(),
                               .one_of = {{.names = {"query", "copy"}}}};
  std::vector<Field> fields = {
      {.name = "endpoint",
       .type = Type::String(),
       .required = true,
       .doc = "Name of an endpoint, or a URL: `postgresql://user:password@host:port/database` with "
              "libpq's parameters (`?sslmode=verify-full&sslrootcert=ca.pem`), or `sqlite:path` "
              "(`?mode=rwc` creates the file, `?mode=ro` never writes it; a relative path starts "
              "at the scenario's working directory, then at its folder)."}};
  for (Field& field : StatementFields()) fields.push_back(std::move(field));
  fields.push_back({.name = "transaction",
                    .type = Type::List(Type::Object(statement)),
                    .doc = "Statements of one transaction, in order."});
  fields.push_back({.name = "rollback",
                    .type = Type::Bool(),
                    .default_text = "false",
                    .doc = "Undoes the transaction at its end instead of committing it."});
  fields.push_back({.name = "isolation",
                    .type = Type::Enum({"read-committed", "repeatable-read", "serializable"}),
                    .doc = "Isolation of the transaction; SQLite is always serializable."});
  fields.push_back({.name = "read_only",
                    .type = Type::Bool(),
                    .default_text = "false",
                    .doc = "The database refuses statements that change something."});
  fields.push_back({.name = "max_rows",
                    .type = Type::Int(),
                    .default_text = "10000",
                    .doc = "Most rows that a statement may give."});
  return fields;
}

std::vector<Field> OutcomeFields() {
  const Type rows = Type::List(Type::Map(Type::Any()));
  const ObjectSchema result{
      .name = "result",
      .doc = "What one statement gave.",
      .fields = {{.name = "rows", .type = rows, .doc = "Its rows."},
                 {.name = "columns", .type = Type::List(Type::String()), .doc = "Its columns."},
                 {.name = "affected", .type = Type::Int(), .doc = "Rows that it changed."}}};
  return {
      {.name = "rows",
       .type = rows,
       .doc = "Rows of the last statement as maps: null, bool, int, double (also of `numeric`), "
              "string, bytes, timestamp, and decoded JSON, by the type of the column. Of columns "
              "with the same name the last one stays."},
      {.name = "row", .type = Type::Any(), .doc = "The first of `rows`; null when there is none."},
      {.name = "value",
       .type = Type::Any(),
       .doc = "The first column of the first row; null when there is none."},
      {.name = "columns",
       .type = Type::List(Type::String()),
       .doc = "Names of the columns, in order."},
      {.name = "affected", .type = Type::Int(), .doc = "Rows inserted, updated or deleted."},
      {.name = "results",
       .type = Type::List(Type::Object(result)),
       .doc = "The same for each statement that was carried out."},
      {.name = "committed",
       .type = Type::Bool(),
       .doc = "Whether the changes stay: false after `rollback` and after a refusal."},
      {.name = "sqlstate",
       .type = Type::String(),
       .doc = "`00000`, or the SQLSTATE of a refusal such as `23505` (unique violation). The step "
              "is an error then, unless an expectation uses `sqlstate`, `refusal` or `error`. "
              "Without an answer of the database (connection refused, timeout) there is none.",
       .tells_refusal = true},
      {.name = "refusal",
       .type = Type::Any(),
       .doc = "{message, detail, table, column, constraint} of a refusal; else null.",
       .tells_refusal = true},
      {.name = "duration", .type = Type::Duration(), .doc = "From connecting to the last answer."}};
}

Outcome Failed(base::Error error, base::Duration duration) {
  const bool cancelled = error.code == ErrorCode::kCancelled;
  return {.disposition = cancelled ? Disposition::kInterrupted : Disposition::kError,
          .value = Value::Object({}),
          .error = std::move(error),
          .duration = duration};
}

/// The database's own words, which the error of lib/sql leaves out where they may quote a value:
/// here they are about test data, and secrets are redacted where the history is written.
base::Error RefusalError(const SqlReport& report) {
  base::Error error = *report.error;
  error.message =
      fmt::format("{} (SQLSTATE {})", report.refusal->message, report.refusal->sqlstate);
  if (!report.refusal->detail.empty()) error.message += ": " + report.refusal->detail;
  // A limit of the server ended the statement; the step's own time is not over.
  if (error.code == ErrorCode::kTimeout) error.code = ErrorCode::kUnavailable;
  if (error.hint.empty()) {
    error.hint = fmt::format("a refusal that is meant is expected by sqlstate == \"{}\"",
                             report.refusal->sqlstate);
  }
  return error;
}

}  // namespace

SqlAction::SqlAction() {
  schema_ = {.name = "sql",
             .doc = "Sends statements to a PostgreSQL or SQLite database.",
             .shorthand = "endpoint",
             .shorthand_doc = "name of an endpoint, or a URL"};
  schema_.params = {.name = "sql",
                    .doc = "The database and the statements.",
                    .fields = ParamFields(),
                    .one_of = {{.names = {"query", "copy", "transaction"}}}};
  schema_.outcome = OutcomeFields();
}

std::string SqlAction::Head(const Value& params) const {
  constexpr size_t kLongest = 100;
  const Value* endpoint = params.Find("endpoint");
  const Value* query = params.Find("query");
  std::string what = "copy";
  if (query != nullptr) what = cel::ToText(*query);
  if (params.Find("transaction") != nullptr) what = "transaction";
  std::string head = fmt::format(
      "{}: {}", endpoint == nullptr ? "sql" : sql::RedactedUrl(cel::ToText(*endpoint)), what);
  std::ranges::replace(head, '\n', ' ');
  if (head.size() > kLongest) head = head.substr(0, kLongest - 3) + "...";
  return head;
}

net::Task<Outcome> SqlAction::Run(Value params, const ActionContext& context) const {
  const auto started = context.clock.Steady();
  auto request = BuildSqlRequest(params, context);
  if (!request) co_return Failed(std::move(request).error(), {});
  // A thread of its own, so that a statement that waits for another step's lock keeps no third one
  // from running.
  net::ThreadPool thread(1);
  const auto interrupt = std::make_shared<sql::Interrupt>();
  const auto work = [&] { return CarryOut(*request, interrupt, context.deadline); };
  const SqlReport report =
      co_await net::OffloadInterruptibly(thread, work, [&] { interrupt->Raise(); });
  const base::Duration duration = context.clock.Steady() - started;
  auto transcript = RecordSqlTranscript(*request, report, duration, context.blobs);
  if (!transcript) co_return Failed(std::move(transcript).error(), duration);
  Outcome outcome;
  if (report.error) {
    outcome = Failed(report.refusal ? RefusalError(report) : *report.error, duration);
  }
  if (!report.error || report.refusal) outcome.value = SqlOutcomeValue(report, duration);
  outcome.duration = duration;
  outcome.blobs = {*transcript};
  outcome.transcript = *transcript;
  co_return outcome;
}

}  // namespace assay::action
