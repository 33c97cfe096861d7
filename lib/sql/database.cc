#include "lib/sql/database.h"

#include <algorithm>

#include <fmt/format.h>

namespace sql {

using base::ErrorCode;
using base::Fail;

base::Result<Transaction> Transaction::Begin(Database& database, base::Deadline deadline,
                                             Access access) {
  TRY(Lease lease, database.Acquire(access, deadline));
  TRY(lease->Begin(deadline));
  return Transaction(std::move(lease));
}

Transaction::~Transaction() {
  if (lease_) lease_->Rollback();
}

base::Result<void> Transaction::Commit(base::Deadline deadline) {
  if (!lease_) return Fail(ErrorCode::kInternal, "the transaction was committed before");
  TRY(lease_->Commit(deadline));
  lease_.reset();
  return {};
}

base::Result<Rows> Query(Database& database, std::string_view statement,
                         std::initializer_list<Value> parameters, base::Deadline deadline,
                         Access access) {
  TRY(Lease lease, database.Acquire(access, deadline));
  return lease->Execute(statement, parameters, deadline);
}

base::Result<Rows> Change(Database& database, std::string_view statement,
                          std::initializer_list<Value> parameters, base::Deadline deadline) {
  TRY(Lease lease, database.Acquire(Access::kWrite, deadline));
  return lease->Execute(statement, parameters, deadline);
}

base::Result<void> CheckName(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  bool good = !name.empty() && name.size() <= 63 && letter(name.front());
  for (const char c : name) good = good && (letter(c) || (c >= '0' && c <= '9'));
  if (!good) {
    return Fail(
        ErrorCode::kInvalid,
        fmt::format("\"{}\" is no table or column name ([a-z_][a-z0-9_]*, at most 63 bytes)",
                    name));
  }
  return {};
}

std::string Shortened(std::string_view statement) {
  constexpr size_t kShown = 300;
  std::string text(statement.substr(0, kShown));
  std::ranges::replace(text, '\n', ' ');
  return statement.size() > kShown ? text + "..." : text;
}

base::Result<std::string> InsertStatement(std::string_view table,
                                          std::span<const std::string> columns) {
  TRY(CheckName(table));
  if (columns.empty()) return Fail(ErrorCode::kInvalid, "an insert needs at least one column");
  std::string names;
  std::string places;
  for (size_t i = 0; i < columns.size(); ++i) {
    TRY(CheckName(columns[i]));
    names += fmt::format("{}{}", i > 0 ? ", " : "", columns[i]);
    places += fmt::format("{}${}", i > 0 ? ", " : "", i + 1);
  }
  return fmt::format("INSERT INTO {} ({}) VALUES ({})", table, names, places);
}

}  // namespace sql
