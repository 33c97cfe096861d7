#include "montage/backup/table_rows.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/crypto/base64.h"

namespace montage::backup {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
namespace json = boost::json;

constexpr size_t kRowsOfAPage = 1000;
constexpr size_t kPiece = size_t{256} * 1024;
/// A row holds at most a result of an analysis, which is far smaller.
constexpr size_t kLongestLine = size_t{256} << 20;

json::value ToJson(const sql::Value& value) {
  return std::visit(
      []<typename T>(const T& held) -> json::value {
        if constexpr (std::is_same_v<T, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<T, sql::Blob>) {
          return json::object{{"blob", crypto::Base64(held.bytes)}};
        } else if constexpr (std::is_same_v<T, double>) {
          // The JSON parser may be one digit off.
          return json::object{{"real", fmt::format("{}", held)}};
        } else {
          return json::value(held);
        }
      },
      value.storage());
}

std::optional<std::string> TextOf(const json::value& value, std::string_view member) {
  const json::value* found = value.is_object() ? value.get_object().if_contains(member) : nullptr;
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return std::string(found->get_string());
}

Result<sql::Value> FromJson(const json::value& value) {
  if (value.is_null()) return sql::Value();
  if (value.is_int64()) return sql::Value(value.get_int64());
  if (value.is_string()) return sql::Value(std::string_view(value.get_string()));
  if (const auto blob = TextOf(value, "blob")) {
    TRY(std::string bytes, crypto::ParseBase64(*blob));
    return sql::Value(sql::Blob{std::move(bytes)});
  }
  if (const auto real = TextOf(value, "real")) {
    double number = 0;
    const auto [end, status] = std::from_chars(real->data(), real->data() + real->size(), number);
    if (status == std::errc() && end == real->data() + real->size()) return sql::Value(number);
  }
  return base::Fail(ErrorCode::kCorrupt, "a value of a row is of no known kind");
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Result<std::vector<std::string>> PrimaryKeyOf(sql::Connection& connection, std::string_view table,
                                              Deadline deadline) {
  const std::string_view statement =
      connection.dialect() == sql::Dialect::kSqlite
          ? "SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk"
          : "SELECT CAST(used.column_name AS text) FROM information_schema.table_constraints made "
            "JOIN information_schema.key_column_usage used ON used.table_schema = "
            "made.table_schema AND used.table_name = made.table_name AND used.constraint_name = "
            "made.constraint_name WHERE made.constraint_type = 'PRIMARY KEY' AND "
            "made.table_schema = current_schema() AND made.table_name = $1 ORDER BY "
            "used.ordinal_position";
  TRY(const sql::Rows rows, connection.Execute(statement, {table}, deadline));
  std::vector<std::string> columns;
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    columns.push_back(reader.Text());
    TRY(reader.Finish());
    TRY(sql::CheckName(columns.back()));
  }
  if (columns.empty()) {
    return base::Fail(ErrorCode::kUnsupported,
                      fmt::format("the table {} has no primary key", table));
  }
  return columns;
}

/// Whole lines of a source.
class LineReader {
 public:
  explicit LineReader(objects::ByteSource& source) : source_(source) {}

  /// Nothing at the end; the last line ends with a line feed as well.
  Result<std::optional<std::string>> Next(Deadline deadline) {
    size_t end = buffer_.find('\n', at_);
    while (end == std::string::npos) {
      if (buffer_.size() - at_ > kLongestLine)
        return base::Fail(ErrorCode::kCorrupt, "a row is longer than any can be");
      buffer_.erase(0, std::exchange(at_, 0));
      const size_t before = buffer_.size();
      buffer_.resize(before + kPiece);
      TRY(const size_t count, source_.Read(std::span(buffer_).subspan(before), deadline));
      buffer_.resize(before + count);
      if (count == 0 && before == 0) return std::nullopt;
      if (count == 0) return base::Fail(ErrorCode::kCorrupt, "the last row is cut off");
      end = buffer_.find('\n', before);
    }
    std::string line = buffer_.substr(at_, end - at_);
    at_ = end + 1;
    return line;
  }

 private:
  objects::ByteSource& source_;
  std::string buffer_;
  size_t at_ = 0;
};

Result<json::array> ParseLine(const std::string& line) {
  boost::system::error_code error;
  json::value parsed = json::parse(line, error);
  if (error || !parsed.is_array()) return base::Fail(ErrorCode::kCorrupt, "a row is no JSON array");
  return std::move(parsed).as_array();
}

Result<std::vector<std::string>> ReadColumns(LineReader& lines, Deadline deadline) {
  TRY(const auto line, lines.Next(deadline));
  if (!line) return base::Fail(ErrorCode::kCorrupt, "the names of the columns are missing");
  TRY(const json::array names, ParseLine(*line));
  std::vector<std::string> columns;
  for (const json::value& name : names) {
    if (!name.is_string())
      return base::Fail(ErrorCode::kCorrupt, "the name of a column is no text");
    columns.emplace_back(name.get_string());
  }
  return columns;
}

}  // namespace

std::vector<std::string> TablesOf(std::span<const storage::Migration> migrations) {
  constexpr std::string_view kCreate = "CREATE TABLE ";
  std::vector<std::string> tables;
  for (const storage::Migration& migration : migrations) {
    for (const std::string& statement : migration.up) {
      if (!statement.starts_with(kCreate)) continue;
      const size_t end = statement.find_first_of(" (", kCreate.size());
      tables.push_back(statement.substr(kCreate.size(), end - kCreate.size()));
    }
  }
  return tables;
}

Result<TableSource> TableSource::Open(sql::Connection& connection, std::string_view table,
                                      Watch watch, Deadline deadline) {
  TRY(sql::CheckName(table));
  TRY(auto key, PrimaryKeyOf(connection, table, deadline));
  return TableSource(connection, std::string(table), std::move(key), std::move(watch));
}

Result<void> TableSource::ReadPage(Deadline deadline) {
  const std::string keys = Joined(key_);
  std::string where;
  for (size_t i = 0; i < last_.size(); ++i)
    where += fmt::format("{}${}", i == 0 ? "" : ", ", i + 1);
  if (!where.empty()) where = fmt::format(" WHERE ({}) > ({})", keys, where);
  TRY(const sql::Rows page,
      connection_.Execute(
          fmt::format("SELECT * FROM {}{} ORDER BY {} LIMIT {}", table_, where, keys, kRowsOfAPage),
          last_, deadline));
  ready_.clear();
  at_ = 0;
  if (last_.empty()) {
    json::array names;
    for (const std::string& column : page.columns) names.emplace_back(column);
    ready_ += json::serialize(names) + "\n";
  }
  for (const sql::Row& row : page.rows) {
    json::array values;
    for (const sql::Value& value : row) values.push_back(ToJson(value));
    ready_ += json::serialize(values) + "\n";
    watch_(page.columns, row);
  }
  rows_ += page.rows.size();
  ended_ = page.rows.size() < kRowsOfAPage;
  if (ended_) return {};
  last_.clear();
  for (const std::string& name : key_) {
    const auto column = std::ranges::find(page.columns, name);
    if (column == page.columns.end())
      return base::Fail(ErrorCode::kInternal, "a column of the primary key is not in the table");
    last_.push_back(page.rows.back()[static_cast<size_t>(column - page.columns.begin())]);
  }
  return {};
}

Result<size_t> TableSource::Read(std::span<char> into, Deadline deadline) {
  while (at_ == ready_.size() && !ended_) TRY(ReadPage(deadline));
  const size_t count = std::min(into.size(), ready_.size() - at_);
  std::copy_n(ready_.data() + at_, count, into.data());
  at_ += count;
  return count;
}

Result<uint64_t> InsertRows(sql::Connection& connection, std::string_view table,
                            objects::ByteSource& source, Deadline deadline) {
  LineReader lines(source);
  TRY(const auto columns, ReadColumns(lines, deadline));
  uint64_t inserted = 0;
  std::vector<sql::Row> page;
  const auto flush = [&]() -> Result<void> {
    if (page.empty()) return {};
    TRY(connection.InsertMany(table, columns, page, deadline));
    inserted += page.size();
    page.clear();
    return {};
  };
  while (true) {
    TRY(const auto line, lines.Next(deadline));
    if (!line) break;
    TRY(const json::array values, ParseLine(*line));
    if (values.size() != columns.size()) {
      return base::Fail(ErrorCode::kCorrupt, fmt::format("a row of {} has {} values for {} columns",
                                                         table, values.size(), columns.size()));
    }
    sql::Row row;
    for (const json::value& value : values) {
      TRY(sql::Value converted, FromJson(value));
      row.push_back(std::move(converted));
    }
    page.push_back(std::move(row));
    if (page.size() == kRowsOfAPage) TRY(flush());
  }
  TRY(flush());
  return inserted;
}

}  // namespace montage::backup
