#include "lib/sql/dialect.h"

#include <array>
#include <cctype>
#include <utility>

namespace sql {
namespace {

/// Length of the literal, quoted name or comment at the front; 0 when there is none.
size_t OpaqueLength(std::string_view text) {
  const auto until = [&](std::string_view end, size_t from) {
    const size_t found = text.find(end, from);
    return found == std::string_view::npos ? text.size() : found + end.size();
  };
  // A doubled quote inside a literal reads as two literals side by side, which comes to the same.
  if (text.starts_with('\'')) return until("'", 1);
  if (text.starts_with('"')) return until("\"", 1);
  if (text.starts_with("--")) return until("\n", 2);
  if (text.starts_with("/*")) return until("*/", 2);
  return 0;
}

bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

}  // namespace

std::string_view ToString(Dialect dialect) {
  return dialect == Dialect::kSqlite ? "sqlite" : "postgres";
}

std::string RenderPlaceholders(std::string_view statement, Dialect dialect) {
  if (dialect == Dialect::kPostgres) return std::string(statement);
  std::string out;
  out.reserve(statement.size());
  for (size_t i = 0; i < statement.size();) {
    const size_t opaque = OpaqueLength(statement.substr(i));
    if (opaque > 0) {
      out += statement.substr(i, opaque);
      i += opaque;
      continue;
    }
    const bool placeholder =
        statement[i] == '$' && i + 1 < statement.size() && IsDigit(statement[i + 1]);
    out += placeholder ? '?' : statement[i];
    ++i;
  }
  return out;
}

std::string RenderSchema(std::string_view statement, Dialect dialect) {
  using Word = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<Word, 5> kSqlite = {
      {{"{identity}", "INTEGER PRIMARY KEY AUTOINCREMENT"},
       {"{int}", "INTEGER"},
       {"{real}", "REAL"},
       {"{blob}", "BLOB"},
       {"{strict}", "STRICT"}}};
  static constexpr std::array<Word, 5> kPostgres = {
      {{"{identity}", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"},
       {"{int}", "BIGINT"},
       {"{real}", "DOUBLE PRECISION"},
       {"{blob}", "BYTEA"},
       {"{strict}", ""}}};
  std::string out(statement);
  for (const auto& [word, type] : dialect == Dialect::kSqlite ? kSqlite : kPostgres) {
    for (size_t at = out.find(word); at != std::string::npos; at = out.find(word, at)) {
      out.replace(at, word.size(), type);
      at += type.size();
    }
  }
  return out;
}

std::string_view LockClause(Dialect dialect) {
  return dialect == Dialect::kPostgres ? " FOR UPDATE" : "";
}

std::string_view SkipLockedClause(Dialect dialect) {
  return dialect == Dialect::kPostgres ? " FOR UPDATE SKIP LOCKED" : "";
}

}  // namespace sql
