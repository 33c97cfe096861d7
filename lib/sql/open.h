#pragma once
// A database by its URL.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "lib/sql/database.h"
#include "lib/sql/interrupt.h"
#include "lib/sql/postgres/database.h"

namespace sql {

struct OpenOptions {
  size_t connections = 1;  ///< most that write (PostgreSQL), and most that only read
  WriteOrder write_order = WriteOrder::kConcurrent;
  std::filesystem::path folder = {};  ///< where relative paths of SQLite files start
  bool discards_read_only = false;    ///< PostgresOptions
  std::string application_name = {};
  std::shared_ptr<const Interrupt> interrupt = {};
};

/// - `postgresql://user:password@host:port/database?sslmode=verify-full&sslrootcert=ca.pem`
/// - `sqlite:path`, `sqlite:///path`: the file must exist, unless `?mode=rwc` follows; `?mode=ro`
///   never writes it. The file keeps its journal mode. No character of the path is special but `?`.
///
/// kInvalid for other URLs; errors never quote a password.
base::Result<std::unique_ptr<Database>> Open(const std::string& url, OpenOptions options,
                                             base::Deadline deadline);

}  // namespace sql
