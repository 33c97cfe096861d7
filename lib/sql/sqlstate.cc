#include "lib/sql/sqlstate.h"

#include <algorithm>
#include <array>

#include <sqlite3.h>

namespace sql {
namespace {

using base::ErrorCode;

struct Class {
  std::string_view prefix;
  ErrorCode code;
  bool quotes_no_values;
  std::string_view name;
};

// The first prefix that fits decides, so single states stand before their class.
constexpr std::array kClasses = std::to_array<Class>({
    {"08P01", ErrorCode::kInternal, true, "protocol violation"},
    {"08", ErrorCode::kUnavailable, true, "connection exception"},
    {"0A", ErrorCode::kUnsupported, true, "feature not supported"},
    {"21", ErrorCode::kInvalid, true, "cardinality violation"},
    {"22", ErrorCode::kInvalid, false, "data exception"},
    {"23", ErrorCode::kConflict, true, "integrity constraint violation"},
    {"25006", ErrorCode::kForbidden, true, "read only transaction"},
    {"25", ErrorCode::kConflict, true, "invalid transaction state"},
    {"28", ErrorCode::kUnauthorized, true, "invalid authorization"},
    {"3D", ErrorCode::kNotFound, true, "invalid catalog name"},
    {"3F", ErrorCode::kNotFound, true, "invalid schema name"},
    {"40", ErrorCode::kConflict, true, "transaction rollback"},
    {"42501", ErrorCode::kForbidden, true, "insufficient privilege"},
    {"42", ErrorCode::kInternal, true, "syntax error or access rule violation"},
    {"44", ErrorCode::kConflict, true, "with check option violation"},
    {"53", ErrorCode::kExhausted, true, "insufficient resources"},
    {"54", ErrorCode::kTooLarge, true, "program limit exceeded"},
    {"55P03", ErrorCode::kUnavailable, true, "lock not available"},
    {"55", ErrorCode::kConflict, true, "object not in prerequisite state"},
    {"57014", ErrorCode::kTimeout, true, "query canceled"},
    {"57", ErrorCode::kUnavailable, true, "operator intervention"},
    {"58", ErrorCode::kIo, true, "system error"},
    {"P0", ErrorCode::kConflict, false, "raised by a function"},
    {"XX001", ErrorCode::kCorrupt, true, "data corrupted"},
    {"XX002", ErrorCode::kCorrupt, true, "index corrupted"},
    {"", ErrorCode::kInternal, false, "refused"},
});

const Class& Find(std::string_view sqlstate) {
  return *std::ranges::find_if(kClasses,
                               [&](const Class& one) { return sqlstate.starts_with(one.prefix); });
}

}  // namespace

ErrorCode CodeOfSqlState(std::string_view sqlstate) { return Find(sqlstate).code; }
bool QuotesNoValues(std::string_view sqlstate) { return Find(sqlstate).quotes_no_values; }
std::string_view SqlStateClass(std::string_view sqlstate) { return Find(sqlstate).name; }

std::string_view SqlStateOfSqlite(int extended, std::string_view message) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return "23505";
    case SQLITE_CONSTRAINT_NOTNULL:
      return "23502";
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return "23503";
    case SQLITE_CONSTRAINT_CHECK:
      return "23514";
    case SQLITE_CONSTRAINT_DATATYPE:
      return "22018";
    case SQLITE_CONSTRAINT_TRIGGER:
      return "P0001";
    default:
      break;
  }
  switch (extended & 0xFF) {
    case SQLITE_CONSTRAINT:
      return "23000";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "55P03";
    case SQLITE_INTERRUPT:
      return "57014";
    case SQLITE_READONLY:
      return "25006";
    case SQLITE_AUTH:
    case SQLITE_PERM:
      return "42501";
    case SQLITE_FULL:
      return "53100";
    case SQLITE_NOMEM:
      return "53200";
    case SQLITE_TOOBIG:
      return "54000";
    case SQLITE_MISMATCH:
      return "22018";
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return "58030";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "XX001";
    default:
      break;
  }
  if (message.starts_with("no such table")) return "42P01";
  if (message.starts_with("no such column") || message.contains("has no column named"))
    return "42703";
  if (message.starts_with("no such function")) return "42883";
  if (message.ends_with("already exists")) return "42P07";
  if (message.contains("syntax error") || message == "incomplete input") return "42601";
  return "HY000";
}

}  // namespace sql
