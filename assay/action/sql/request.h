#pragma once
// From the evaluated parameters of an `sql` step to the statements that are sent.

#include <cstddef>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "assay/action/action.h"
#include "lib/base/result.h"
#include "lib/sql/database.h"

namespace assay::action {

struct SqlQuery {
  std::string text;
  std::vector<sql::Value> params;
};

/// Rows for one table, by the fastest way the database has.
struct SqlCopy {
  std::string table;
  std::vector<std::string> columns;
  std::vector<sql::Row> rows;
};

using SqlStatement = std::variant<SqlQuery, SqlCopy>;

struct SqlRequest {
  std::string endpoint;  ///< as the scenario names it; a URL stands without its password
  std::string url;
  std::filesystem::path folder;  ///< where the relative path of an SQLite file starts
  std::vector<SqlStatement> statements;
  bool in_transaction = false;
  bool rollback = false;
  bool read_only = false;
  sql::Isolation isolation = sql::Isolation::kDefault;
  size_t max_rows = 0;
};

/// kInvalid or kNotFound (endpoint) names the parameter.
base::Result<SqlRequest> BuildSqlRequest(const cel::Value& params, const ActionContext& context);

/// The text of a statement as a person would say it: a query itself, `copy 3 rows into item`.
std::string DescribeStatement(const SqlStatement& statement);

}  // namespace assay::action
