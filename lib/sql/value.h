#pragma once
// The five kinds of value a database column holds, and rows of them.

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "lib/base/result.h"

namespace sql {

/// Bytes that are no text.
struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

/// One column of one row, or one parameter. Text is UTF-8 without NUL and doubles are finite: what
/// every database stores unchanged.
class Value {
 public:
  using Storage = std::variant<std::monostate, int64_t, double, std::string, Blob>;

  Value() = default;
  Value(std::nullptr_t) {}
  template <std::integral T>
  Value(T number) : storage_(static_cast<int64_t>(number)) {}
  Value(double number) : storage_(number) {}
  Value(std::string text) : storage_(std::move(text)) {}
  Value(std::string_view text) : storage_(std::string(text)) {}
  Value(const char* text) : storage_(std::string(text)) {}
  Value(Blob blob) : storage_(std::move(blob)) {}
  template <typename T>
    requires std::constructible_from<Storage, T>
  Value(std::optional<T> value) {
    if (value) storage_ = Storage(std::move(*value));
  }

  bool is_null() const { return std::holds_alternative<std::monostate>(storage_); }
  const Storage& storage() const { return storage_; }
  bool operator==(const Value&) const = default;

 private:
  Storage storage_;
};

/// `null`, `integer`, `real`, `text`, `blob`.
std::string_view KindName(const Value& value);

/// Whether every database stores it unchanged; the error names the kind and never the value.
base::Result<void> CheckStorable(const Value& value);

using Row = std::vector<Value>;

/// What a column is declared as, where that says more than the kinds of its values.
enum class ColumnType {
  kUnknown,    ///< as the value is
  kBool,       ///< integers 0 and 1
  kDecimal,    ///< text with every digit
  kTimestamp,  ///< text, ISO 8601; without an offset it is UTC
  kJson,       ///< text
};

struct Rows {
  std::vector<std::string> columns;
  std::vector<ColumnType> types;  ///< as many as columns
  std::vector<Row> rows;
  int64_t changed = 0;  ///< rows inserted, updated or deleted by the statement

  bool empty() const { return rows.empty(); }
};

/// Reads a row's columns from left to right; the first mismatch sticks and is reported by Finish.
class RowReader {
 public:
  explicit RowReader(const Row& row) : row_(row) {}

  int64_t Int();
  bool Bool() { return Int() != 0; }
  double Real();  ///< takes an integer as well
  std::string Text();
  Blob Bytes();
  std::optional<int64_t> OptionalInt();
  std::optional<double> OptionalReal();
  std::optional<std::string> OptionalText();
  std::optional<Blob> OptionalBytes();

  /// kCorrupt when a column had another kind than was read, or columns were left or missing.
  base::Result<void> Finish() const;

 private:
  const Value* Next();
  bool NextIsNull() const;
  template <typename T>
  T Read(std::string_view expected);

  const Row& row_;
  size_t at_ = 0;
  std::string mismatch_;
};

}  // namespace sql
