#include "assay/action/sql/outcome.h"

#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/json/canonical.h"

namespace assay::action {
namespace {

using cel::Value;

constexpr size_t kTranscriptRows = 100;

/// ISO 8601 as databases write it (`2026-01-02 03:04:05.6+00`, `2026-01-02`); without an offset
/// UTC. Other texts (`infinity`) stay texts.
Value TimestampOf(const std::string& text) {
  constexpr size_t kDate = 10;
  std::string time = text;
  if (time.size() == kDate) time += "T00:00:00";
  if (time.size() < kDate + 1) return Value::String(text);
  if (time[kDate] == ' ') time[kDate] = 'T';
  const size_t offset = time.find_first_of("+-Zz", kDate);
  if (offset == std::string::npos) {
    time += 'Z';
  } else if (time.size() - offset == 3) {
    time += ":00";
  }
  const auto parsed = cel::ParseTimestamp(time);
  return parsed ? Value::Timestamp(*parsed) : Value::String(text);
}

Value DecimalOf(const std::string& text) {
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && rest == text.data() + text.size();
  return whole ? Value::Double(number) : Value::String(text);
}

Value TextValue(const std::string& text, sql::ColumnType type) {
  switch (type) {
    case sql::ColumnType::kTimestamp:
      return TimestampOf(text);
    case sql::ColumnType::kDecimal:
      return DecimalOf(text);
    case sql::ColumnType::kJson:
      if (auto parsed = cel::ParseJson(text)) return *std::move(parsed);
      return Value::String(text);
    default:
      return Value::String(text);
  }
}

Value RowsValue(const sql::Rows& rows) {
  std::vector<Value> out;
  out.reserve(rows.rows.size());
  for (const sql::Row& row : rows.rows) {
    cel::MapBuilder map;
    for (size_t i = 0; i < row.size(); ++i) {
      map.Set(rows.columns[i], CellValue(row[i], rows.types[i]));
    }
    out.push_back(std::move(map).Build());
  }
  return Value::List(std::move(out));
}

Value ColumnsValue(const sql::Rows& rows) {
  std::vector<Value> names;
  for (const std::string& name : rows.columns) names.push_back(Value::String(name));
  return Value::List(std::move(names));
}

Value ResultValue(const sql::Rows& rows) {
  return Value::Object({{"rows", RowsValue(rows)},
                        {"columns", ColumnsValue(rows)},
                        {"affected", Value::Int(rows.changed)}});
}

boost::json::object TranscriptOf(const SqlStatement& statement) {
  boost::json::object out;
  if (const auto* copy = std::get_if<SqlCopy>(&statement)) {
    out["copy"] = copy->table;
    out["columns"] = boost::json::value_from(copy->columns);
    out["row_count"] = copy->rows.size();
    return out;
  }
  const auto& query = std::get<SqlQuery>(statement);
  out["query"] = query.text;
  boost::json::array params;
  for (const sql::Value& param : query.params) {
    params.push_back(cel::ToJson(CellValue(param, sql::ColumnType::kUnknown)));
  }
  out["params"] = std::move(params);
  return out;
}

void AddAnswer(const sql::Rows& rows, boost::json::object& out) {
  out["columns"] = boost::json::value_from(rows.columns);
  boost::json::array shown;
  for (const sql::Row& row : rows.rows) {
    if (shown.size() == kTranscriptRows) break;
    boost::json::array cells;
    for (size_t i = 0; i < row.size(); ++i) {
      cells.push_back(cel::ToJson(CellValue(row[i], rows.types[i])));
    }
    shown.push_back(std::move(cells));
  }
  out["rows"] = std::move(shown);
  out["row_count"] = rows.rows.size();
  out["affected"] = rows.changed;
}

}  // namespace

Value CellValue(const sql::Value& cell, sql::ColumnType type) {
  const auto& storage = cell.storage();
  if (const auto* number = std::get_if<int64_t>(&storage)) {
    return type == sql::ColumnType::kBool ? Value::Bool(*number != 0) : Value::Int(*number);
  }
  if (const auto* real = std::get_if<double>(&storage)) return Value::Double(*real);
  if (const auto* text = std::get_if<std::string>(&storage)) return TextValue(*text, type);
  if (const auto* blob = std::get_if<sql::Blob>(&storage)) return Value::Bytes(blob->bytes);
  return Value::Null();
}

Value SqlOutcomeValue(const SqlReport& report, base::Duration duration) {
  static const sql::Rows kNone;
  // A refused statement has no answer, and the one before it is not the outcome.
  const sql::Rows& last = report.done.empty() || report.error ? kNone : report.done.back();
  std::vector<Value> results;
  for (const sql::Rows& rows : report.done) results.push_back(ResultValue(rows));
  const sql::Refusal refusal = report.refusal.value_or(sql::Refusal{.sqlstate{kSqlSuccess}});
  Value rows = RowsValue(last);
  Value row = rows.list().empty() ? Value::Null() : rows.list().front();
  Value value = last.rows.empty() || last.columns.empty()
                    ? Value::Null()
                    : CellValue(last.rows.front().front(), last.types.front());
  cel::MapBuilder map;
  map.Set("rows", std::move(rows));
  map.Set("row", std::move(row));
  map.Set("value", std::move(value));
  map.Set("columns", ColumnsValue(last));
  map.Set("affected", Value::Int(last.changed));
  map.Set("results", Value::List(std::move(results)));
  map.Set("committed", Value::Bool(report.committed));
  map.Set("sqlstate", Value::String(refusal.sqlstate));
  map.Set("refusal", report.refusal
                         ? Value::Object({{"message", Value::String(refusal.message)},
                                          {"detail", Value::String(refusal.detail)},
                                          {"table", Value::String(refusal.table)},
                                          {"column", Value::String(refusal.column)},
                                          {"constraint", Value::String(refusal.constraint)}})
                         : Value::Null());
  map.Set("duration", Value::Duration(duration));
  return std::move(map).Build();
}

base::Result<std::string> RecordSqlTranscript(const SqlRequest& request, const SqlReport& report,
                                              base::Duration duration, history::BlobSink& blobs) {
  boost::json::array statements;
  for (size_t i = 0; i < request.statements.size(); ++i) {
    boost::json::object one = TranscriptOf(request.statements[i]);
    if (i < report.done.size()) AddAnswer(report.done[i], one);
    statements.push_back(std::move(one));
  }
  boost::json::object transcript{{"kind", "sql"},
                                 {"endpoint", request.endpoint},
                                 {"statements", std::move(statements)},
                                 {"transaction", request.in_transaction},
                                 {"committed", report.committed},
                                 {"duration_ns", duration.count()},
                                 {"error", nullptr}};
  if (report.error) transcript["error"] = report.error->message;
  if (report.refusal) {
    transcript["refusal"] = {{"sqlstate", report.refusal->sqlstate},
                             {"message", report.refusal->message},
                             {"detail", report.refusal->detail}};
  }
  return blobs.Put(json::Pretty(transcript));
}

}  // namespace assay::action
