#include "assay/baseline/run_store.h"

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/baseline/configuration.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"
#include "lib/sql/sqlite_database.h"

namespace assay::baseline {
namespace {

using base::ErrorCode;

constexpr int64_t kVersion = 1;
constexpr std::array<std::string_view, 3> kSchema = {
    "CREATE TABLE IF NOT EXISTS run (id TEXT PRIMARY KEY, head TEXT NOT NULL, started TEXT NOT "
    "NULL, verdict TEXT NOT NULL, complete INTEGER NOT NULL, configuration TEXT NOT NULL, "
    "configuration_digest TEXT NOT NULL, not_passed TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS metric (run TEXT NOT NULL REFERENCES run(id) ON DELETE CASCADE, "
    "name TEXT NOT NULL, unit TEXT NOT NULL, better TEXT NOT NULL, value REAL NOT NULL, error "
    "REAL, floor REAL NOT NULL, PRIMARY KEY (run, name)) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS run_by_time ON run (configuration_digest, started)"};

base::Result<void> MakeSchema(sql::Database& database, base::Deadline deadline) {
  TRY(const sql::Rows version, sql::Query(database, "PRAGMA user_version", {}, deadline));
  sql::RowReader reader(version.rows.at(0));
  const int64_t found = reader.Int();
  TRY(reader.Finish());
  if (found == kVersion) return {};
  if (found > kVersion) {
    return base::Fail(base::Error{
        ErrorCode::kUnsupported,
        fmt::format("the history has version {}, this program knows {}", found, kVersion)}
                          .Hint("use the newer assay, or another --results folder"));
  }
  TRY(auto transaction, sql::Transaction::Begin(database, deadline));
  for (const std::string_view statement : kSchema) {
    TRY(transaction->Execute(statement, {}, deadline));
  }
  TRY(transaction->Execute(fmt::format("PRAGMA user_version = {}", kVersion), {}, deadline));
  return transaction.Commit(deadline);
}

sql::Row RowOf(const MeasuredRun& run, const Metric& metric) {
  return {run.id,       metric.name,  metric.unit, ToString(metric.better),
          metric.value, metric.error, metric.floor};
}

base::Result<MeasuredRun> ReadRun(const sql::Row& row) {
  sql::RowReader reader(row);
  boost::json::object shape = {{"run", reader.Text()},          {"head", reader.Text()},
                               {"started", reader.Text()},      {"verdict", reader.Text()},
                               {"complete", reader.Int() != 0}, {"metrics", boost::json::object()}};
  const std::string configuration = reader.Text();
  const std::string not_passed = reader.Text();
  TRY(reader.Finish());
  TRY(auto instances, json::Parse(not_passed));
  shape["not_passed"] = std::move(instances);
  TRY(MeasuredRun run, ReadMeasuredRun(shape));
  TRY(const auto conditions, json::Parse(configuration));
  if (!conditions.is_object()) {
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("the configuration of run {} is no object", run.id));
  }
  TRY(run.configuration, ReadConfiguration(conditions.get_object()));
  return run;
}

base::Result<void> ReadMetrics(sql::Connection& connection, MeasuredRun& run,
                               base::Deadline deadline) {
  TRY(const sql::Rows rows,
      connection.Execute("SELECT name, unit, better, value, error, floor FROM metric WHERE run = "
                         "$1 ORDER BY name",
                         {run.id}, deadline));
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    Metric metric;
    metric.name = reader.Text();
    metric.unit = reader.Text();
    metric.better = ParseBetter(reader.Text()).value_or(Better::kNeither);
    metric.value = reader.Real();
    metric.error = reader.OptionalReal();
    metric.floor = reader.Real();
    TRY(reader.Finish());
    run.metrics.push_back(std::move(metric));
  }
  std::ranges::sort(run.metrics, {}, &Metric::name);
  return {};
}

}  // namespace

base::Result<RunStore> RunStore::Open(const std::filesystem::path& file, base::Deadline deadline) {
  std::error_code failure;
  std::filesystem::create_directories(file.parent_path(), failure);
  if (failure) {
    return base::Fail(ErrorCode::kIo, fmt::format("cannot make the folder {}: {}",
                                                  file.parent_path().string(), failure.message()));
  }
  // A power cut may cost the last entry, which `assay history add` makes again from the run.
  TRY(auto database,
      sql::SqliteDatabase::Open(
          {.path = file, .readers = 1, .durability = sql::Durability::kProcessDeath}, deadline));
  TRY(MakeSchema(*database, deadline));
  return RunStore(std::move(database));
}

base::Result<void> RunStore::Enter(const MeasuredRun& run, base::Deadline deadline) {
  TRY(auto transaction, sql::Transaction::Begin(*database_, deadline));
  TRY(transaction->Execute("DELETE FROM run WHERE id = $1", {run.id}, deadline));
  boost::json::object not_passed;
  for (const auto& [instance, verdict] : run.not_passed) not_passed[instance] = verdict;
  TRY(transaction->Execute(
      "INSERT INTO run (id, head, started, verdict, complete, configuration, "
      "configuration_digest, not_passed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
      {run.id, run.head, base::FormatRfc3339(run.started), history::ToString(run.verdict),
       run.complete ? 1 : 0, json::Canonical(ToJson(run.configuration)),
       DigestOf(run.configuration), json::Canonical(not_passed)},
      deadline));
  std::vector<sql::Row> rows;
  for (const Metric& metric : run.metrics) rows.push_back(RowOf(run, metric));
  const std::vector<std::string> columns = {"run",   "name",  "unit", "better",
                                            "value", "error", "floor"};
  TRY(transaction->InsertMany("metric", columns, rows, deadline));
  return transaction.Commit(deadline);
}

base::Result<bool> RunStore::Holds(std::string_view run_id, base::Deadline deadline) const {
  TRY(const sql::Rows rows,
      sql::Query(*database_, "SELECT 1 FROM run WHERE id = $1", {run_id}, deadline));
  return !rows.empty();
}

base::Result<std::vector<MeasuredRun>> RunStore::Latest(size_t count,
                                                        std::string_view configuration_digest,
                                                        base::Deadline deadline) const {
  TRY(auto transaction, sql::Transaction::Begin(*database_, deadline, sql::Access::kRead));
  TRY(const sql::Rows rows,
      transaction->Execute(
          "SELECT id, head, started, verdict, complete, configuration, not_passed FROM run WHERE "
          "$1 = '' OR configuration_digest = $1 ORDER BY started DESC, id DESC LIMIT $2",
          {configuration_digest, static_cast<int64_t>(count)}, deadline));
  std::vector<MeasuredRun> runs;
  for (const sql::Row& row : rows.rows) {
    TRY(MeasuredRun run, ReadRun(row));
    TRY(ReadMetrics(*transaction, run, deadline));
    runs.push_back(std::move(run));
  }
  std::ranges::reverse(runs);
  return runs;
}

}  // namespace assay::baseline
