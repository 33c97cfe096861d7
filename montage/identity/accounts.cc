#include "montage/identity/accounts.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "montage/identity/ids.h"

namespace montage::identity {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

constexpr std::string_view kColumns = "user_id, username, role, site, active, created_ns";

// The most frequent ones of public breach lists that are long enough to pass the length rule.
constexpr std::array<std::string_view, 12> kCommonPasswords = {
    "1234567890", "qwertyuiop", "password12", "password123", "1q2w3e4r5t",  "1qaz2wsx3edc",
    "q1w2e3r4t5", "0987654321", "1111111111", "letmein1234", "iloveyou123", "administrator"};

Result<User> ReadUser(const sql::Row& row) {
  sql::RowReader reader(row);
  User user;
  user.user_id = reader.Text();
  user.username = reader.Text();
  const std::string role = reader.Text();
  user.site = reader.Text();
  user.active = reader.Bool();
  user.created = base::WallTime(base::Duration(reader.Int()));
  TRY(reader.Finish());
  const auto parsed = ParseRole(role);
  if (!parsed)
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("user {} has the unknown role \"{}\"", user.user_id, role));
  user.role = *parsed;
  return user;
}

Result<void> CheckUsername(std::string_view name) {
  const bool good = name.size() >= 3 && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
                      return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                             std::string_view("_.@-").contains(c);
                    });
  if (good) return {};
  return base::Fail(
      ErrorCode::kInvalid,
      fmt::format("\"{}\" is no user name; expected 3 to 64 letters, digits, _ . @ or -", name));
}

Result<void> CheckPassword(std::string_view username, std::string_view password) {
  if (password.size() < 10 || password.size() > 1024) {
    return base::Fail(
        ErrorCode::kInvalid,
        fmt::format("the password has {} bytes; expected 10 to 1024", password.size()));
  }
  if (password == username ||
      std::ranges::find(kCommonPasswords, password) != kCommonPasswords.end()) {
    return base::Fail(
        base::Error{ErrorCode::kInvalid, "the password is among the first that are guessed"}.Hint(
            "several words in a row are easy to keep in mind and hard to guess"));
  }
  return {};
}

int64_t Nanoseconds(base::WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

Accounts::Accounts(sql::Database& database, const base::Clock& clock, AccountOptions options)
    : database_(database),
      clock_(clock),
      options_(options),
      decoy_hash_(crypto::HashPassword(crypto::RandomBytes(16), options.cost)) {}

Result<User> Accounts::Create(std::string_view username, std::string_view password, Role role,
                              std::string_view site, Deadline deadline) {
  TRY(CheckUsername(username));
  TRY(CheckPassword(username, password));
  User user{.user_id = NewId("usr"),
            .username = std::string(username),
            .role = role,
            .site = std::string(site),
            .created = clock_.Now()};
  const auto inserted =
      sql::Change(database_,
                  "INSERT INTO users (user_id, username, password_hash, role, site, active, "
                  "failures, locked_until_ns,"
                  " created_ns) VALUES ($1, $2, $3, $4, $5, 1, 0, 0, $6)",
                  {user.user_id, user.username, crypto::HashPassword(password, options_.cost),
                   ToString(role), user.site, Nanoseconds(user.created)},
                  deadline);
  if (!inserted && inserted.error().code == ErrorCode::kConflict) {
    return base::Fail(ErrorCode::kConflict,
                      fmt::format("a user named \"{}\" exists already", username));
  }
  TRY(inserted);
  return user;
}

Result<Login> Accounts::LogIn(std::string_view username, std::string_view password,
                              Deadline deadline) {
  TRY(const auto found,
      sql::Query(
          database_,
          fmt::format("SELECT {}, password_hash, locked_until_ns FROM users WHERE username = $1",
                      kColumns),
          {username}, deadline));
  if (found.empty()) {
    crypto::VerifyPassword(decoy_hash_, password);
    return Login{.outcome = LoginOutcome::kUnknownUser};
  }
  const sql::Row& row = found.rows.front();
  TRY(User user, ReadUser(sql::Row(row.begin(), row.end() - 2)));
  const sql::Row rest(row.end() - 2, row.end());
  sql::RowReader reader(rest);
  const std::string hash = reader.Text();
  const base::WallTime locked_until(base::Duration(reader.Int()));
  TRY(reader.Finish());
  const bool right = crypto::VerifyPassword(hash, password);
  const base::WallTime now = clock_.Now();
  if (now < locked_until)
    return Login{.outcome = LoginOutcome::kLocked, .retry_after = locked_until - now};
  if (!right) return RecordFailure(user.user_id, deadline);
  if (!user.active) return Login{.outcome = LoginOutcome::kInactive};
  TRY(sql::Change(database_, "UPDATE users SET failures = 0 WHERE user_id = $1 AND failures > 0",
                  {user.user_id}, deadline));
  return Login{.outcome = LoginOutcome::kAccepted, .user = std::move(user)};
}

Result<Login> Accounts::RecordFailure(const std::string& user_id, Deadline deadline) {
  TRY(auto transaction, sql::Transaction::Begin(database_, deadline));
  TRY(transaction->Execute("UPDATE users SET failures = failures + 1 WHERE user_id = $1", {user_id},
                           deadline));
  TRY(transaction->Execute(
      "UPDATE users SET failures = 0, locked_until_ns = $2 WHERE user_id = $1 AND failures >= $3",
      {user_id, Nanoseconds(clock_.Now() + options_.lockout), options_.max_failures}, deadline));
  TRY(transaction.Commit(deadline));
  return Login{.outcome = LoginOutcome::kWrongPassword};
}

Result<void> Accounts::Update(std::string_view username, std::string_view column, sql::Value value,
                              Deadline deadline) {
  TRY(const auto rows,
      sql::Change(database_, fmt::format("UPDATE users SET {} = $2 WHERE username = $1", column),
                  {username, std::move(value)}, deadline));
  if (rows.changed == 0)
    return base::Fail(ErrorCode::kNotFound, fmt::format("there is no user named \"{}\"", username));
  return {};
}

Result<void> Accounts::SetPassword(std::string_view username, std::string_view password,
                                   Deadline deadline) {
  TRY(CheckPassword(username, password));
  return Update(username, "password_hash", crypto::HashPassword(password, options_.cost), deadline);
}

Result<void> Accounts::SetActive(std::string_view username, bool active, Deadline deadline) {
  return Update(username, "active", active ? 1 : 0, deadline);
}

Result<void> Accounts::SetRole(std::string_view username, Role role, Deadline deadline) {
  return Update(username, "role", ToString(role), deadline);
}

Result<std::vector<User>> Accounts::List(Deadline deadline) {
  TRY(const auto rows,
      sql::Query(database_, fmt::format("SELECT {} FROM users ORDER BY username", kColumns), {},
                 deadline));
  std::vector<User> users;
  for (const sql::Row& row : rows.rows) {
    TRY(User user, ReadUser(row));
    users.push_back(std::move(user));
  }
  return users;
}

Result<User> Accounts::FindBy(std::string_view column, std::string_view value, Deadline deadline) {
  TRY(const auto rows,
      sql::Query(database_, fmt::format("SELECT {} FROM users WHERE {} = $1", kColumns, column),
                 {value}, deadline));
  if (rows.empty())
    return base::Fail(ErrorCode::kNotFound, fmt::format("there is no user \"{}\"", value));
  return ReadUser(rows.rows.front());
}

Result<User> Accounts::FindById(std::string_view user_id, Deadline deadline) {
  return FindBy("user_id", user_id, deadline);
}

Result<User> Accounts::FindByName(std::string_view username, Deadline deadline) {
  return FindBy("username", username, deadline);
}

}  // namespace montage::identity
