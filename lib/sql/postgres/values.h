#pragma once
// Values to and from what PostgreSQL's protocol carries; knows libpq's results, sends nothing.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/sql/value.h"

struct pg_result;

namespace sql {

/// The parameters of one execution in the form that libpq takes. Texts and numbers travel as text,
/// so that the server reads them as the type it expects; blobs as they are.
class PostgresParameters {
 public:
  /// Requires: the values are storable and outlive this object.
  explicit PostgresParameters(std::span<const Value> values);

  int count() const { return static_cast<int>(pointers_.size()); }
  const char* const* values() const { return pointers_.data(); }
  const int* lengths() const { return lengths_.data(); }
  const int* formats() const { return formats_.data(); }

 private:
  std::vector<std::string> texts_;  // of numbers
  std::vector<const char*> pointers_;
  std::vector<int> lengths_;
  std::vector<int> formats_;  // 0 text, 1 binary
};

/// All rows of a result in text format. Session settings decide how dates look.
Rows RowsOf(const pg_result* result);

/// Appends one line of COPY's text format.
void AppendCopyLine(const Row& row, std::string& out);

}  // namespace sql
