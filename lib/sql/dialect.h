#pragma once
// Where SQLite and PostgreSQL differ in what we write. Everything else is the common subset:
// ON CONFLICT, RETURNING, CHECK, partial indexes, integer division for time buckets.

#include <string>
#include <string_view>

namespace sql {

enum class Dialect { kSqlite, kPostgres };

std::string_view ToString(Dialect dialect);

/// Statements are written with `$1`, `$2`, ... ; SQLite wants `?1`. Literals, quoted names and
/// comments are left alone.
std::string RenderPlaceholders(std::string_view statement, Dialect dialect);

/// Replaces the type words of schema statements: `{identity}` (an increasing primary key), `{int}`
/// (64 bits), `{real}`, `{blob}`, `{strict}` (table option: no silent conversion).
std::string RenderSchema(std::string_view statement, Dialect dialect);

/// Appended to the SELECT of rows that the same transaction changes afterwards, so that nobody else
/// changes them in between. SQLite has one writer at a time, so there it is empty.
std::string_view LockClause(Dialect dialect);

/// Appended to the SELECT that picks a row to be taken by one of several workers. SQLite has one
/// writer at a time, so there it is empty.
std::string_view SkipLockedClause(Dialect dialect);

}  // namespace sql
