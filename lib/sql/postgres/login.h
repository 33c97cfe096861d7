#pragma once
// The URL of a PostgreSQL database, and what a failed login says.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace sql {

/// Keywords and values for libpq.
class PostgresLogin {
 public:
  /// kInvalid says what is wrong with the URL and never quotes its password.
  static base::Result<PostgresLogin> Parse(const std::string& url,
                                           const std::string& application_name);
  PostgresLogin(PostgresLogin&&) noexcept = default;  // the texts stay where they are
  PostgresLogin& operator=(PostgresLogin&&) noexcept = default;

  /// Arrays that end with a null pointer; they live as long as this object.
  const char* const* keywords() const { return keyword_pointers_.data(); }
  const char* const* values() const { return value_pointers_.data(); }

 private:
  PostgresLogin() = default;
  void Point();

  std::vector<std::pair<std::string, std::string>> settings_;
  std::vector<const char*> keyword_pointers_;
  std::vector<const char*> value_pointers_;
};

/// What libpq said, in verbose form, after connecting failed: its code from the SQLSTATE when the
/// server refused, else kUnavailable.
base::Error LoginError(std::string_view message);

}  // namespace sql
