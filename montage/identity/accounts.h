#pragma once
// User accounts: passwords, lockout after wrong ones, roles and sites.

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/crypto/secret.h"
#include "lib/sql/database.h"
#include "montage/identity/roles.h"

namespace montage::identity {

struct User {
  std::string user_id;
  std::string username;
  Role role = Role::kViewer;
  std::string site;
  bool active = true;
  base::WallTime created{};
};

struct AccountOptions {
  int max_failures = 5;  ///< wrong passwords in a row before the lockout
  base::Duration lockout = std::chrono::minutes(15);
  crypto::PasswordCost cost = crypto::PasswordCost::kInteractive;
};

/// How an attempt to log in ended; the answer to the client is the same for the first three.
enum class LoginOutcome { kUnknownUser, kWrongPassword, kInactive, kLocked, kAccepted };

struct Login {
  LoginOutcome outcome = LoginOutcome::kUnknownUser;
  std::optional<User> user;      ///< with kAccepted
  base::Duration retry_after{};  ///< with kLocked
};

/// Thread-safe; all references outlive it.
class Accounts {
 public:
  Accounts(sql::Database& database, const base::Clock& clock, AccountOptions options);

  /// kInvalid: name or password against the rules below; kConflict: the name is taken.
  /// Names: 3 to 64 of a-z, A-Z, 0-9, `_ . @ -`. Passwords: 10 to 1024 bytes, not the user's name,
  /// not one of the most common ones (NIST SP 800-63B 5.1.1.2: length and a list, no rules of
  /// composition).
  base::Result<User> Create(std::string_view username, std::string_view password, Role role,
                            std::string_view site, base::Deadline deadline);
  /// Costs the same time whether the user exists or not.
  base::Result<Login> LogIn(std::string_view username, std::string_view password,
                            base::Deadline deadline);
  base::Result<void> SetPassword(std::string_view username, std::string_view password,
                                 base::Deadline deadline);
  base::Result<void> SetActive(std::string_view username, bool active, base::Deadline deadline);
  base::Result<void> SetRole(std::string_view username, Role role, base::Deadline deadline);
  base::Result<std::vector<User>> List(base::Deadline deadline);
  /// kNotFound when there is none.
  base::Result<User> FindById(std::string_view user_id, base::Deadline deadline);
  base::Result<User> FindByName(std::string_view username, base::Deadline deadline);

 private:
  base::Result<User> FindBy(std::string_view column, std::string_view value,
                            base::Deadline deadline);
  base::Result<void> Update(std::string_view username, std::string_view column, sql::Value value,
                            base::Deadline deadline);
  base::Result<Login> RecordFailure(const std::string& user_id, base::Deadline deadline);

  sql::Database& database_;
  const base::Clock& clock_;
  const AccountOptions options_;
  const std::string decoy_hash_;  // verified when the user is unknown, so that time tells nothing
};

}  // namespace montage::identity
