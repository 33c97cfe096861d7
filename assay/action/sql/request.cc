#include "assay/action/sql/request.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/sql/url.h"

namespace assay::action {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;
using cel::Value;

constexpr int64_t kDefaultMaxRows = 10'000;

std::unexpected<Error> Wrong(std::string_view name, std::string_view expected) {
  return base::Fail(ErrorCode::kInvalid, fmt::format("parameter \"{}\" is not {}", name, expected));
}

const Value* Given(const Value& params, std::string_view name) {
  const Value* value = params.Find(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool IsOn(const Value& params, std::string_view name) {
  const Value* value = Given(params, name);
  return value != nullptr && value->is_true();
}

/// Lists and maps go as JSON, times as text: databases read both.
Result<sql::Value> ToSql(const Value& value, std::string_view name) {
  switch (value.kind()) {
    case cel::Kind::kNull:
      return sql::Value();
    case cel::Kind::kBool:
      return sql::Value(value.bool_value() ? 1 : 0);
    case cel::Kind::kInt:
      return sql::Value(value.int_value());
    case cel::Kind::kUint:
      if (std::cmp_greater(value.uint_value(), std::numeric_limits<int64_t>::max())) {
        return Wrong(name, "a number of at most 63 bits");
      }
      return sql::Value(static_cast<int64_t>(value.uint_value()));
    case cel::Kind::kDouble:
      return sql::Value(value.double_value());
    case cel::Kind::kString:
      return sql::Value(value.string());
    case cel::Kind::kBytes:
      return sql::Value(sql::Blob{std::string(value.bytes())});
    case cel::Kind::kTimestamp:
    case cel::Kind::kDuration:
      return sql::Value(cel::ToText(value));
    case cel::Kind::kList:
    case cel::Kind::kMap:
      return sql::Value(boost::json::serialize(cel::ToJson(value)));
    default:
      return Wrong(name, fmt::format("a value that a database has ({})", ToString(value.kind())));
  }
}

Result<SqlQuery> ReadQuery(const Value& from, const std::string& at) {
  const Value* text = Given(from, "query");
  if (text == nullptr || !text->is_string()) return Wrong(at + "query", "a statement");
  SqlQuery query{.text = std::string(text->string())};
  const Value* params = Given(from, "params");
  if (params == nullptr) return query;
  if (!params->is_list()) return Wrong(at + "params", "a list of values for $1, $2, ...");
  for (size_t i = 0; i < params->list().size(); ++i) {
    TRY(sql::Value value, ToSql(params->list()[i], fmt::format("{}params[{}]", at, i)));
    query.params.push_back(std::move(value));
  }
  return query;
}

/// The columns are those that are named, else the keys of the first row.
Result<std::vector<std::string>> ReadColumns(const Value& copy, std::span<const Value> rows,
                                             const std::string& at) {
  std::vector<std::string> columns;
  if (const Value* named = Given(copy, "columns"); named != nullptr) {
    if (!named->is_list()) return Wrong(at + "columns", "a list of names");
    for (const Value& name : named->list()) columns.push_back(cel::ToText(name));
  } else if (!rows.empty() && rows.front().is_map()) {
    for (const auto& [key, value] : rows.front().map().entries()) {
      columns.push_back(cel::ToText(key));
    }
  }
  if (columns.empty() && !rows.empty()) {
    return Wrong(at + "columns", "given, and the rows are lists, which have no names");
  }
  return columns;
}

Result<sql::Row> ReadRow(const Value& row, const std::vector<std::string>& columns,
                         const std::string& at) {
  sql::Row out;
  if (row.is_list()) {
    for (const Value& cell : row.list()) {
      TRY(sql::Value value, ToSql(cell, at));
      out.push_back(std::move(value));
    }
  } else if (row.is_map()) {
    for (const std::string& column : columns) {
      const Value* cell = row.Find(column);
      TRY(sql::Value value, ToSql(cell == nullptr ? Value::Null() : *cell, at + "." + column));
      out.push_back(std::move(value));
    }
    for (const auto& [key, value] : row.map().entries()) {
      if (std::ranges::find(columns, cel::ToText(key)) == columns.end()) {
        return base::Fail(ErrorCode::kInvalid, fmt::format("parameter \"{}\" has the key \"{}\", "
                                                           "which is no column of the copy",
                                                           at, cel::ToText(key)));
      }
    }
  } else {
    return Wrong(at, "a list of values or a map of columns to values");
  }
  if (out.size() != columns.size()) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("parameter \"{}\" has {} values for {} columns", at, out.size(),
                                  columns.size()));
  }
  return out;
}

Result<SqlCopy> ReadCopy(const Value& copy, const std::string& at) {
  const Value* table = Given(copy, "table");
  const Value* rows = Given(copy, "rows");
  if (table == nullptr || !table->is_string()) return Wrong(at + "table", "the name of a table");
  if (rows == nullptr || !rows->is_list()) return Wrong(at + "rows", "a list of rows");
  SqlCopy out{.table = std::string(table->string())};
  TRY(out.columns, ReadColumns(copy, rows->list(), at));
  for (size_t i = 0; i < rows->list().size(); ++i) {
    TRY(sql::Row row, ReadRow(rows->list()[i], out.columns, fmt::format("{}rows[{}]", at, i)));
    out.rows.push_back(std::move(row));
  }
  return out;
}

Result<SqlStatement> ReadStatement(const Value& from, const std::string& at) {
  const Value* copy = Given(from, "copy");
  if (copy != nullptr) {
    TRY(SqlCopy read, ReadCopy(*copy, at + "copy."));
    return SqlStatement(std::move(read));
  }
  TRY(SqlQuery read, ReadQuery(from, at));
  return SqlStatement(std::move(read));
}

Result<std::vector<SqlStatement>> ReadStatements(const Value& params) {
  std::vector<SqlStatement> statements;
  const Value* transaction = Given(params, "transaction");
  if (transaction == nullptr) {
    TRY(SqlStatement one, ReadStatement(params, ""));
    statements.push_back(std::move(one));
    return statements;
  }
  if (!transaction->is_list()) return Wrong("transaction", "a list of statements");
  for (size_t i = 0; i < transaction->list().size(); ++i) {
    TRY(SqlStatement one,
        ReadStatement(transaction->list()[i], fmt::format("transaction[{}].", i)));
    statements.push_back(std::move(one));
  }
  return statements;
}

Result<sql::Isolation> ReadIsolation(const Value& params) {
  const Value* level = Given(params, "isolation");
  if (level == nullptr) return sql::Isolation::kDefault;
  const std::string name = cel::ToText(*level);
  if (name == "read-committed") return sql::Isolation::kReadCommitted;
  if (name == "repeatable-read") return sql::Isolation::kRepeatableRead;
  if (name == "serializable") return sql::Isolation::kSerializable;
  return Wrong("isolation", "one of read-committed, repeatable-read, serializable");
}

Result<void> FindDatabase(const Value& params, const ActionContext& context, SqlRequest& request) {
  const Value* name = Given(params, "endpoint");
  request.endpoint = name == nullptr ? "" : cel::ToText(*name);
  if (sql::IsDatabaseUrl(request.endpoint)) {
    request.url = std::exchange(request.endpoint, sql::RedactedUrl(request.endpoint));
  } else {
    TRY(const Endpoint endpoint, context.find_endpoint(request.endpoint));
    request.endpoint = endpoint.name;
    request.url = endpoint.url;
    if (!sql::IsDatabaseUrl(request.url)) {
      return base::Fail(
          Error{ErrorCode::kInvalid, fmt::format("endpoint \"{}\" is no database: {}",
                                                 endpoint.name, sql::RedactedUrl(request.url))}
              .Hint("expected postgresql://user:password@host:port/database or "
                    "sqlite:path"));
    }
  }
  // As for other files: what the scenario made comes before what lies beside it.
  request.folder = context.work_dir;
  const auto path = sql::SqlitePath(request.url);
  std::error_code ignored;
  if (path && !std::filesystem::exists(request.folder / *path, ignored) &&
      std::filesystem::exists(std::filesystem::path(context.source_dir) / *path, ignored)) {
    request.folder = context.source_dir;
  }
  return {};
}

}  // namespace

Result<SqlRequest> BuildSqlRequest(const Value& params, const ActionContext& context) {
  SqlRequest request;
  TRY(FindDatabase(params, context, request));
  TRY(request.statements, ReadStatements(params));
  TRY(request.isolation, ReadIsolation(params));
  request.rollback = IsOn(params, "rollback");
  request.read_only = IsOn(params, "read_only");
  request.in_transaction = Given(params, "transaction") != nullptr || request.rollback ||
                           request.isolation != sql::Isolation::kDefault;
  const Value* max_rows = Given(params, "max_rows");
  const int64_t most = max_rows == nullptr  ? kDefaultMaxRows
                       : max_rows->is_int() ? max_rows->int_value()
                                            : 0;
  if (most < 1) return Wrong("max_rows", "a number from 1");
  request.max_rows = static_cast<size_t>(most);
  return request;
}

std::string DescribeStatement(const SqlStatement& statement) {
  if (const auto* copy = std::get_if<SqlCopy>(&statement)) {
    return fmt::format("copy {} rows into {}", copy->rows.size(), copy->table);
  }
  return std::get<SqlQuery>(statement).text;
}

}  // namespace assay::action
