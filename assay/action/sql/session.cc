#include "assay/action/sql/session.h"

#include <fmt/format.h>

#include "lib/sql/open.h"

namespace assay::action {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

Result<sql::Rows> Perform(sql::Connection& connection, const SqlStatement& statement,
                          base::Deadline deadline) {
  if (const auto* query = std::get_if<SqlQuery>(&statement)) {
    return connection.Execute(query->text, query->params, deadline);
  }
  const auto& copy = std::get<SqlCopy>(statement);
  sql::Rows rows;
  if (copy.rows.empty()) return rows;
  TRY(connection.InsertMany(copy.table, copy.columns, copy.rows, deadline));
  rows.changed = static_cast<int64_t>(copy.rows.size());
  return rows;
}

Result<void> PerformAll(sql::Connection& connection, const SqlRequest& request,
                        base::Deadline deadline, SqlReport& report) {
  if (request.in_transaction) TRY(connection.Begin(request.isolation, deadline));
  for (const SqlStatement& statement : request.statements) {
    TRY(sql::Rows rows, Perform(connection, statement, deadline));
    if (rows.rows.size() > request.max_rows) {
      return base::Fail(
          Error{ErrorCode::kTooLarge, fmt::format("\"{}\" gave {} rows, at most {} are taken",
                                                  sql::Shortened(DescribeStatement(statement)),
                                                  rows.rows.size(), request.max_rows)}
              .Hint("add LIMIT, or set max_rows"));
    }
    report.done.push_back(std::move(rows));
  }
  if (request.rollback) {
    connection.Rollback();
    return {};
  }
  if (request.in_transaction) TRY(connection.Commit(deadline));
  report.committed = true;
  return {};
}

}  // namespace

SqlReport CarryOut(const SqlRequest& request, std::shared_ptr<const sql::Interrupt> interrupt,
                   base::Deadline deadline) {
  SqlReport report;
  auto database = sql::Open(
      request.url,
      {.folder = request.folder, .application_name = "assay", .interrupt = std::move(interrupt)},
      deadline);
  if (!database) {
    report.error = std::move(database.error());
    return report;
  }
  const auto access = request.read_only ? sql::Access::kRead : sql::Access::kWrite;
  auto lease = (*database)->Acquire(access, deadline);
  if (!lease) {
    report.error = std::move(lease.error());
    return report;
  }
  auto done = PerformAll(**lease, request, deadline, report);
  if (done) return report;
  report.error = std::move(done.error());
  if (const sql::Refusal* refusal = (*lease)->refusal()) report.refusal = *refusal;
  return report;
}

}  // namespace assay::action
