#pragma once
// SQLSTATE (ISO/IEC 9075; PostgreSQL's list is appendix A of its manual) in terms of our errors.

#include <string_view>

#include "lib/base/error.h"

namespace sql {

base::ErrorCode CodeOfSqlState(std::string_view sqlstate);

/// Whether the database's own words for it never quote a value of a row or parameter. For others
/// only the class is said.
bool QuotesNoValues(std::string_view sqlstate);

/// `data exception`, `integrity constraint violation`, ...
std::string_view SqlStateClass(std::string_view sqlstate);

/// The SQLSTATE that stands for what SQLite reports. `extended` is its extended result code; its
/// message tells apart what shares the code SQLITE_ERROR.
std::string_view SqlStateOfSqlite(int extended, std::string_view message);

}  // namespace sql
