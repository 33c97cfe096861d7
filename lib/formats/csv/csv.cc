#include "lib/formats/csv/csv.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace formats::csv {
namespace {

using base::ErrorCode;

using Record = std::vector<std::string>;

class Reader {
 public:
  Reader(std::string_view text, char delimiter, const Limits& limits)
      : text_(text), delimiter_(delimiter), limits_(limits) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  bool AtEnd() const { return at_ >= text_.size(); }
  /// Of the record read last.
  size_t line() const { return record_line_; }

  base::Result<Record> Next() {
    record_line_ = line_;
    Record record;
    while (true) {
      TRY(std::string field, Field());
      record.push_back(std::move(field));
      if (record.size() > limits_.columns) {
        return base::Fail(ErrorCode::kTooLarge,
                          fmt::format("line {} has more than {} fields", line_, limits_.columns));
      }
      if (!AtEnd() && text_[at_] == delimiter_) {
        ++at_;
        continue;
      }
      SkipLineEnd();
      return record;
    }
  }

 private:
  size_t Column() const { return at_ - line_start_ + 1; }

  bool AtLineEnd() const { return text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n"; }

  void SkipLineEnd() {
    if (AtEnd()) return;
    at_ += text_[at_] == '\r' ? 2 : 1;
    ++line_;
    line_start_ = at_;
  }

  base::Result<std::string> Field() {
    if (!AtEnd() && text_[at_] == '"') return Quoted();
    const size_t start = at_;
    while (!AtEnd() && text_[at_] != delimiter_ && !AtLineEnd()) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  base::Result<std::string> Quoted() {
    const size_t opened_line = line_;
    const size_t opened_column = Column();
    std::string field;
    ++at_;
    while (!AtEnd()) {
      const char c = text_[at_++];
      if (c == '\n') {
        ++line_;
        line_start_ = at_;
      }
      if (c != '"') {
        field += c;
      } else if (!AtEnd() && text_[at_] == '"') {
        field += '"';
        ++at_;
      } else if (AtEnd() || text_[at_] == delimiter_ || AtLineEnd()) {
        return field;
      } else {
        return base::Fail(ErrorCode::kInvalid,
                          fmt::format("line {}, column {}: found '{}' behind a closing quote, "
                                      "expected '{}' or the end of the line",
                                      line_, Column(), text_[at_], delimiter_));
      }
    }
    return base::Fail(
        ErrorCode::kInvalid,
        fmt::format("line {}, column {}: the quote is not closed", opened_line, opened_column));
  }

  std::string_view text_;
  char delimiter_;
  const Limits& limits_;
  size_t at_ = 0;
  size_t line_ = 1;
  size_t line_start_ = 0;
  size_t record_line_ = 1;
};

base::Result<void> CheckColumns(const Record& columns) {
  for (auto column = columns.begin(); column != columns.end(); ++column) {
    if (std::find(columns.begin(), column, *column) != column) {
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("the column \"{}\" is there twice in the header", *column));
    }
  }
  return {};
}

bool IsEmptyLine(const Record& record) { return record.size() == 1 && record.front().empty(); }

}  // namespace

base::Result<Table> Parse(std::string_view text, char delimiter, const Limits& limits) {
  if (text.size() > limits.bytes) {
    return base::Fail(ErrorCode::kTooLarge,
                      fmt::format("{} bytes, expected at most {}", text.size(), limits.bytes));
  }
  Reader reader(text, delimiter, limits);
  if (reader.AtEnd()) return base::Fail(ErrorCode::kInvalid, "there is no header line");
  Table table;
  TRY(table.columns, reader.Next());
  TRY(CheckColumns(table.columns));
  while (!reader.AtEnd()) {
    TRY(Record record, reader.Next());
    if (IsEmptyLine(record)) continue;
    if (record.size() != table.columns.size()) {
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("line {} has {} fields, expected {} as in the header",
                                    reader.line(), record.size(), table.columns.size()));
    }
    if (table.rows.size() == limits.rows) {
      return base::Fail(ErrorCode::kTooLarge, fmt::format("more than {} rows", limits.rows));
    }
    table.rows.push_back(std::move(record));
  }
  return table;
}

}  // namespace formats::csv
