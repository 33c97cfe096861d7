#include "lib/sql/url.h"

#include <algorithm>

namespace sql {

namespace {
constexpr std::string_view kSqlite = "sqlite:";
}  // namespace

bool IsDatabaseUrl(std::string_view url) {
  return url.starts_with(kSqlite) || url.starts_with("postgresql://") ||
         url.starts_with("postgres://");
}

std::optional<std::filesystem::path> SqlitePath(std::string_view url) {
  if (!url.starts_with(kSqlite)) return std::nullopt;
  std::string_view path = url.substr(kSqlite.size());
  if (path.starts_with("//")) path.remove_prefix(2);
  return std::filesystem::path(path.substr(0, path.find('?')));
}

std::string RedactedUrl(std::string_view url) {
  std::string out(url);
  const size_t scheme = out.find("://");
  const size_t start = scheme == std::string::npos ? 0 : scheme + 3;
  // The last `@`, because a password may hold an unencoded one; a `/` before it may be the
  // password's too.
  const size_t at = out.substr(0, out.find('?', start)).rfind('@');
  if (at != std::string::npos && at >= start) {
    const size_t colon = out.find(':', start);
    if (colon < at) out.erase(colon, at - colon);
  }
  constexpr std::string_view kKeyword = "password=";
  for (size_t found = out.find(kKeyword); found != std::string::npos;
       found = out.find(kKeyword, found + kKeyword.size())) {
    const size_t from = found + kKeyword.size();
    out.erase(from, std::min(out.find_first_of("& ", from), out.size()) - from);
  }
  return out;
}

}  // namespace sql
