#include "lib/sql/postgres/login.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "lib/sql/sqlstate.h"
#include "lib/sql/url.h"

namespace sql {

using base::Error;
using base::ErrorCode;
using base::Fail;

namespace {

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  if (from.empty()) return;
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == '\n' || c == '\t' || c == ' ';
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

bool IsSqlState(std::string_view word) {
  return word.size() == 5 && std::ranges::all_of(word, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

/// `FATAL:  28P01: text`: where the last SQLSTATE of a verbose message begins, or npos.
size_t FindSqlState(std::string_view message) {
  constexpr std::string_view kBefore = ":  ";
  for (size_t at = message.rfind(kBefore); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : message.rfind(kBefore, at - 1)) {
    const std::string_view rest = message.substr(at + kBefore.size());
    if (rest.size() > 6 && rest.substr(5, 2) == ": " && IsSqlState(rest.substr(0, 5))) {
      return at + kBefore.size();
    }
  }
  return std::string_view::npos;
}

}  // namespace

base::Result<PostgresLogin> PostgresLogin::Parse(const std::string& url,
                                                 const std::string& application_name) {
  if (!url.starts_with("postgresql://") && !url.starts_with("postgres://")) {
    return Fail(Error{ErrorCode::kInvalid,
                      fmt::format("\"{}\" is no URL of a PostgreSQL database", RedactedUrl(url))}
                    .Hint("expected postgresql://user:password@host:port/database"));
  }
  char* problem = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parsed(
      PQconninfoParse(url.c_str(), &problem), &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> owned(problem, &PQfreemem);
  if (!parsed) {
    std::string why = OneLine(problem == nullptr ? "no memory" : problem);
    ReplaceAll(why, url, RedactedUrl(url));
    return Fail(ErrorCode::kInvalid, fmt::format("\"{}\" is no URL of a PostgreSQL database: {}",
                                                 RedactedUrl(url), why));
  }
  PostgresLogin login;
  if (!application_name.empty()) {
    login.settings_.emplace_back("application_name", application_name);
  }
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) login.settings_.emplace_back(option->keyword, option->val);
  }
  login.settings_.emplace_back("client_encoding", "UTF8");
  login.Point();
  return login;
}

void PostgresLogin::Point() {
  for (const auto& [keyword, value] : settings_) {
    keyword_pointers_.push_back(keyword.c_str());
    value_pointers_.push_back(value.c_str());
  }
  keyword_pointers_.push_back(nullptr);
  value_pointers_.push_back(nullptr);
}

Error LoginError(std::string_view message) {
  const size_t at = FindSqlState(message);
  if (at == std::string_view::npos) return {ErrorCode::kUnavailable, OneLine(message)};
  const std::string_view state = message.substr(at, 5);
  const std::string_view rest = message.substr(at + 7);
  return {CodeOfSqlState(state),
          fmt::format("{} (SQLSTATE {})", OneLine(rest.substr(0, rest.find('\n'))), state)};
}

}  // namespace sql
