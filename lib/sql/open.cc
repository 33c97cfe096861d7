#include "lib/sql/open.h"

#include <fmt/format.h>

#include "lib/sql/sqlite_database.h"
#include "lib/sql/url.h"

namespace sql {
namespace {

using base::Error;
using base::ErrorCode;
using base::Fail;

constexpr std::string_view kSqlite = "sqlite:";

base::Result<SqliteOptions> ParseSqliteUrl(std::string_view url) {
  std::string_view path = url.substr(kSqlite.size());
  if (path.starts_with("//")) path.remove_prefix(2);
  SqliteOptions options{.readers = 1, .mode = SqliteOptions::Mode::kExisting};
  if (const size_t query = path.find('?'); query != std::string_view::npos) {
    const std::string_view mode = path.substr(query + 1);
    path = path.substr(0, query);
    if (mode == "mode=rwc") {
      options.mode = SqliteOptions::Mode::kGuest;
    } else if (mode == "mode=ro") {
      options.mode = SqliteOptions::Mode::kReadOnly;
    } else if (mode != "mode=rw") {
      return Fail(ErrorCode::kInvalid,
                  fmt::format("\"{}\" is no parameter of \"{}\", expected mode=ro, mode=rw or "
                              "mode=rwc",
                              mode, url));
    }
  }
  if (path.empty() || path == ":memory:") {
    return Fail(ErrorCode::kInvalid,
                fmt::format("\"{}\" names no file, expected sqlite:path/of/file.db", url));
  }
  options.path = path;
  return options;
}

base::Result<std::unique_ptr<Database>> OpenSqlite(const std::string& url, OpenOptions options,
                                                   base::Deadline deadline) {
  TRY(SqliteOptions sqlite, ParseSqliteUrl(url));
  sqlite.path = options.folder / sqlite.path;
  sqlite.readers = options.connections;
  sqlite.interrupt = std::move(options.interrupt);
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
  if (url.starts_with(kSqlite)) return OpenSqlite(url, std::move(options), deadline);
  return PostgresDatabase::Open({.url = url,
                                 .writers = options.connections,
                                 .readers = options.connections,
                                 .write_order = options.write_order,
                                 .application_name = std::move(options.application_name),
                                 .interrupt = std::move(options.interrupt)},
                                deadline);
}

}  // namespace sql
