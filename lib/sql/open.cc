#include "lib/sql/open.h"

#include <fmt/format.h>

#include "lib/sql/sqlite_database.h"
#include "lib/sql/url.h"

namespace sql {
namespace {

using base::Error;
using base::ErrorCode;
using base::Fail;

base::Result<SqliteOptions::Mode> ParseMode(std::string_view url) {
  const size_t query = url.find('?');
  if (query == std::string_view::npos) return SqliteOptions::Mode::kExisting;
  const std::string_view mode = url.substr(query + 1);
  if (mode == "mode=rw") return SqliteOptions::Mode::kExisting;
  if (mode == "mode=rwc") return SqliteOptions::Mode::kGuest;
  if (mode == "mode=ro") return SqliteOptions::Mode::kReadOnly;
  return Fail(ErrorCode::kInvalid,
              fmt::format("\"{}\" is no parameter of \"{}\", expected mode=ro, "
                          "mode=rw or mode=rwc",
                          mode, url));
}

base::Result<std::unique_ptr<Database>> OpenSqlite(const std::string& url, OpenOptions options,
                                                   base::Deadline deadline) {
  TRY(const SqliteOptions::Mode mode, ParseMode(url));
  const std::filesystem::path path = *SqlitePath(url);
  if (path.empty() || path == ":memory:") {
    return Fail(ErrorCode::kInvalid,
                fmt::format("\"{}\" names no file, expected sqlite:path/of/file.db", url));
  }
  SqliteOptions sqlite{.path = options.folder / path,
                       .readers = options.connections,
                       .mode = mode,
                       .interrupt = std::move(options.interrupt)};
  std::error_code error;
  const bool must_exist = sqlite.mode != SqliteOptions::Mode::kGuest;
  if (must_exist && !std::filesystem::exists(sqlite.path, error)) {
    return Fail(
        Error{ErrorCode::kNotFound, fmt::format("there is no file \"{}\"", sqlite.path.string())}
            .Hint(fmt::format("{}?mode=rwc would create it", url)));
  }
  return SqliteDatabase::Open(std::move(sqlite), deadline);
}

}  // namespace

base::Result<std::unique_ptr<Database>> Open(const std::string& url, OpenOptions options,
                                             base::Deadline deadline) {
  if (!IsDatabaseUrl(url)) {
    return Fail(
        Error{ErrorCode::kInvalid, fmt::format("\"{}\" is no URL of a database", RedactedUrl(url))}
            .Hint("expected postgresql://user:password@host:port/database or sqlite:path"));
  }
  if (SqlitePath(url)) return OpenSqlite(url, std::move(options), deadline);
  return PostgresDatabase::Open({.url = url,
                                 .writers = options.connections,
                                 .readers = options.connections,
                                 .write_order = options.write_order,
                                 .discards_read_only = options.discards_read_only,
                                 .application_name = std::move(options.application_name),
                                 .interrupt = std::move(options.interrupt)},
                                deadline);
}

}  // namespace sql
