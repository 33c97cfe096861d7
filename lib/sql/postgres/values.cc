#include "lib/sql/postgres/values.h"

#include <charconv>
#include <limits>
#include <memory>

#include <fmt/format.h>
#include <libpq-fe.h>

namespace sql {
namespace {

// Object identifiers of built-in types, stable since they exist (pg_type.dat of PostgreSQL).
enum TypeId : Oid {
  kBool = 16,
  kBytea = 17,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kOid = 26,
  kJson = 114,
  kFloat4 = 700,
  kFloat8 = 701,
  kTimestamp = 1114,
  kTimestampTz = 1184,
  kNumeric = 1700,
  kJsonb = 3802,
};

ColumnType TypeOf(Oid type) {
  switch (type) {
    case kBool:
      return ColumnType::kBool;
    case kNumeric:
      return ColumnType::kDecimal;
    case kTimestamp:
    case kTimestampTz:
      return ColumnType::kTimestamp;
    case kJson:
    case kJsonb:
      return ColumnType::kJson;
    default:
      return ColumnType::kUnknown;
  }
}

template <typename Number>
Value Parsed(std::string_view text) {
  Number number{};
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && rest == text.data() + text.size()) return number;
  return text;
}

Value RealOf(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return Parsed<double>(text);
}

Value BytesOf(const char* text) {
  size_t size = 0;
  const auto* escaped = reinterpret_cast<const unsigned char*>(text);
  const std::unique_ptr<unsigned char, decltype(&PQfreemem)> bytes(PQunescapeBytea(escaped, &size),
                                                                   &PQfreemem);
  if (!bytes) throw std::bad_alloc();
  return Blob{std::string(reinterpret_cast<const char*>(bytes.get()), size)};
}

Value CellOf(const PGresult* result, int row, int column) {
  if (PQgetisnull(result, row, column) == 1) return nullptr;
  const char* text = PQgetvalue(result, row, column);
  const std::string_view view(text, static_cast<size_t>(PQgetlength(result, row, column)));
  switch (PQftype(result, column)) {
    case kBool:
      return view == "t" ? 1 : 0;
    case kInt2:
    case kInt4:
    case kInt8:
    case kOid:
      return Parsed<int64_t>(view);
    case kFloat4:
    case kFloat8:
      return RealOf(view);
    case kBytea:
      return BytesOf(text);
    default:
      return view;
  }
}

/// What COPY's text format gives a meaning: the backslash, and the ends of fields and lines.
void AppendEscaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += c;
    }
  }
}

void AppendHex(std::string_view bytes, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
}

void AppendCopyField(const Value& value, std::string& out) {
  const auto& storage = value.storage();
  if (const auto* number = std::get_if<int64_t>(&storage)) {
    fmt::format_to(std::back_inserter(out), "{}", *number);
  } else if (const auto* real = std::get_if<double>(&storage)) {
    fmt::format_to(std::back_inserter(out), "{}", *real);
  } else if (const auto* text = std::get_if<std::string>(&storage)) {
    AppendEscaped(*text, out);
  } else if (const auto* blob = std::get_if<Blob>(&storage)) {
    out += "\\\\x";
    AppendHex(blob->bytes, out);
  } else {
    out += "\\N";
  }
}

}  // namespace

PostgresParameters::PostgresParameters(std::span<const Value> values) {
  texts_.reserve(values.size());  // the pointers refer to its elements
  for (const Value& value : values) {
    const auto& storage = value.storage();
    const std::string* bytes = nullptr;
    int format = 0;
    if (const auto* number = std::get_if<int64_t>(&storage)) {
      bytes = &texts_.emplace_back(fmt::format("{}", *number));
    } else if (const auto* real = std::get_if<double>(&storage)) {
      bytes = &texts_.emplace_back(fmt::format("{}", *real));
    } else if (const auto* text = std::get_if<std::string>(&storage)) {
      bytes = text;
    } else if (const auto* blob = std::get_if<Blob>(&storage)) {
      bytes = &blob->bytes;
      format = 1;
    }
    pointers_.push_back(bytes == nullptr ? nullptr : bytes->c_str());
    lengths_.push_back(bytes == nullptr ? 0 : static_cast<int>(bytes->size()));
    formats_.push_back(format);
  }
}

Rows RowsOf(const PGresult* result) {
  Rows rows;
  const int columns = PQnfields(result);
  for (int i = 0; i < columns; ++i) {
    rows.columns.emplace_back(PQfname(result, i));
    rows.types.push_back(TypeOf(PQftype(result, i)));
  }
  const int count = PQntuples(result);
  rows.rows.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    Row& row = rows.rows.emplace_back();
    row.reserve(static_cast<size_t>(columns));
    for (int j = 0; j < columns; ++j) row.push_back(CellOf(result, i, j));
  }
  return rows;
}

void AppendCopyLine(const Row& row, std::string& out) {
  bool first = true;
  for (const Value& value : row) {
    if (!first) out += '\t';
    first = false;
    AppendCopyField(value, out);
  }
  out += '\n';
}

}  // namespace sql
