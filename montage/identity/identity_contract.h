#pragma once
// For tests only: what accounts, tokens and API keys must do on every database.

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <boost/json.hpp>

#include "lib/crypto/base64.h"
#include "lib/json/parse.h"
#include "montage/identity/accounts.h"
#include "montage/identity/api_keys.h"
#include "montage/identity/sessions.h"
#include "montage/storage/database_fixture.h"

namespace montage::identity {

using base::Deadline;
using base::ErrorCode;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class IdentityContract : public storage::DatabaseTest {
 protected:
  IdentityContract() {
    signer_.emplace(TokenSigner::Load(*database_, clock_, std::string(32, 'k'), never_).value());
  }

  User Make(std::string_view name, Role role = Role::kTechnician) {
    return accounts_.Create(name, "correct horse battery", role, "site-a", never_).value();
  }

  const Deadline never_ = Deadline::After(seconds(60));
  base::ManualClock clock_{base::WallTime(std::chrono::seconds(1'700'000'000))};
  Accounts accounts_{
      *database_, clock_, {.max_failures = 3, .cost = crypto::PasswordCost::kMinimal}};
  std::optional<TokenSigner> signer_;
};

TEST_P(IdentityContract, LogInAcceptsOnlyTheRightPassword) {
  Make("test_user");
  EXPECT_EQ(accounts_.LogIn("test_user", "correct horse battery", never_)->outcome,
            LoginOutcome::kAccepted);
  EXPECT_EQ(accounts_.LogIn("test_user", "correct horse batterz", never_)->outcome,
            LoginOutcome::kWrongPassword);
  EXPECT_EQ(accounts_.LogIn("nobody", "correct horse battery", never_)->outcome,
            LoginOutcome::kUnknownUser);
}

TEST_P(IdentityContract, RefusesBadNamesAndPasswordsAndTakenNames) {
  EXPECT_EQ(
      accounts_.Create("ab", "correct horse battery", Role::kViewer, "s", never_).error().code,
      ErrorCode::kInvalid);
  EXPECT_EQ(
      accounts_.Create("a b c", "correct horse battery", Role::kViewer, "s", never_).error().code,
      ErrorCode::kInvalid);
  EXPECT_EQ(accounts_.Create("someone", "short", Role::kViewer, "s", never_).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(
      accounts_.Create("password1234", "password1234", Role::kViewer, "s", never_).error().code,
      ErrorCode::kInvalid);
  EXPECT_EQ(accounts_.Create("someone", "password123", Role::kViewer, "s", never_).error().code,
            ErrorCode::kInvalid);
  Make("someone");
  EXPECT_EQ(
      accounts_.Create("someone", "correct horse battery", Role::kViewer, "s", never_).error().code,
      ErrorCode::kConflict);
}

TEST_P(IdentityContract, LocksAfterWrongPasswordsEvenForTheRightOneUntilTheTimeIsOver) {
  Make("test_user");
  for (int i = 0; i < 3; ++i) accounts_.LogIn("test_user", "wrong password", never_).value();
  const Login locked = accounts_.LogIn("test_user", "correct horse battery", never_).value();
  EXPECT_EQ(locked.outcome, LoginOutcome::kLocked);
  EXPECT_EQ(locked.retry_after, minutes(15));
  clock_.Advance(minutes(15));
  EXPECT_EQ(accounts_.LogIn("test_user", "correct horse battery", never_)->outcome,
            LoginOutcome::kAccepted);
}

TEST_P(IdentityContract, ARightPasswordForgetsTheWrongOnesBefore) {
  Make("test_user");
  for (int round = 0; round < 3; ++round) {
    accounts_.LogIn("test_user", "wrong password", never_).value();
    accounts_.LogIn("test_user", "wrong password", never_).value();
    EXPECT_EQ(accounts_.LogIn("test_user", "correct horse battery", never_)->outcome,
              LoginOutcome::kAccepted);
  }
}

TEST_P(IdentityContract, AnInactiveUserCannotLogInNorUseTokens) {
  const User user = Make("test_user");
  Sessions sessions(*database_, clock_, accounts_, *signer_, {});
  const TokenPair pair = sessions.Open(user, never_).value();
  ASSERT_TRUE(sessions.Authenticate(pair.access_token, never_).has_value());
  ASSERT_TRUE(accounts_.SetActive("test_user", false, never_).has_value());
  EXPECT_EQ(accounts_.LogIn("test_user", "correct horse battery", never_)->outcome,
            LoginOutcome::kInactive);
  EXPECT_EQ(sessions.Authenticate(pair.access_token, never_).error().code,
            ErrorCode::kUnauthorized);
  EXPECT_FALSE(sessions.Refresh(pair.refresh_token, never_).has_value());
}

TEST_P(IdentityContract, AccessTokensLastThirtyMinutesExactly) {
  const User user = Make("test_user");
  Sessions sessions(*database_, clock_, accounts_, *signer_, {});
  const TokenPair pair = sessions.Open(user, never_).value();
  const size_t dot = pair.access_token.find('.');
  const std::string body =
      pair.access_token.substr(dot + 1, pair.access_token.rfind('.') - dot - 1);
  const auto claims = json::Parse(crypto::ParseBase64Url(body).value()).value();
  EXPECT_EQ(claims.at("exp").as_int64() - claims.at("iat").as_int64(), 1800);
  clock_.Advance(minutes(30) - seconds(1));
  EXPECT_EQ(sessions.Authenticate(pair.access_token, never_)->username, "test_user");
  clock_.Advance(seconds(1));
  EXPECT_THAT(sessions.Authenticate(pair.access_token, never_).error().message,
              testing::HasSubstr("expired"));
}

// RFC 8725 (JWT best current practices): algorithm confusion, altered content, foreign keys.
TEST_P(IdentityContract, RefusesTokensThatAreNotOursUnaltered) {
  const User user = Make("test_user");
  Sessions sessions(*database_, clock_, accounts_, *signer_, {});
  const std::string good = sessions.Open(user, never_)->access_token;
  const size_t first = good.find('.');
  const size_t last = good.rfind('.');
  const std::string none = crypto::Base64Url(R"({"alg":"none","typ":"JWT"})");
  const auto elsewhere = storage::NewSqliteFile();
  const auto other_database = elsewhere->Connect();
  storage::MigrateUp(*other_database);
  const TokenSigner foreign =
      TokenSigner::Load(*other_database, clock_, std::string(32, 'x'), never_).value();
  const std::string foreign_token = foreign.Sign({.subject = user.user_id,
                                                  .family = "ses_1",
                                                  .issued = clock_.Now(),
                                                  .expires = clock_.Now() + hours(1)});
  std::string altered = good;
  altered[first + 5] = altered[first + 5] == 'A' ? 'B' : 'A';
  for (const std::string& token :
       {std::string(), std::string("invalid_token"), std::string("a.b.c"), std::string(".."),
        none + good.substr(first), none + good.substr(first, last - first) + ".",
        good.substr(0, last), good + "x", altered, foreign_token, std::string(100'000, 'a')}) {
    const auto principal = sessions.Authenticate(token, never_);
    ASSERT_FALSE(principal.has_value()) << token.substr(0, 80);
    EXPECT_EQ(principal.error().code, ErrorCode::kUnauthorized);
  }
}

TEST_P(IdentityContract, ARotatedKeyKeepsOldTokensGoodAndARestartKeepsThemToo) {
  const User user = Make("test_user");
  Sessions sessions(*database_, clock_, accounts_, *signer_, {});
  const std::string before = sessions.Open(user, never_)->access_token;
  ASSERT_TRUE(signer_->Rotate(*database_, never_).has_value());
  clock_.Advance(seconds(1));
  const std::string after = sessions.Open(user, never_)->access_token;
  TokenSigner reloaded =
      TokenSigner::Load(*database_, clock_, std::string(32, 'k'), never_).value();
  EXPECT_TRUE(reloaded.Verify(before).has_value());
  EXPECT_TRUE(reloaded.Verify(after).has_value());
  EXPECT_FALSE(TokenSigner::Load(*database_, clock_, std::string(32, 'w'), never_).has_value());
}

TEST_P(IdentityContract, ServersThatStartTogetherSignWithOneKey) {
  storage::Must(*database_, "DELETE FROM signing_keys");
  std::mutex mutex;
  std::vector<TokenSigner> signers;
  {
    std::vector<std::jthread> servers;
    for (int i = 0; i < 4; ++i) {
      servers.emplace_back([&] {
        const auto own = home_->Connect();
        auto signer = TokenSigner::Load(*own, clock_, std::string(32, 'k'), never_);
        const std::scoped_lock lock(mutex);
        if (signer) signers.push_back(*std::move(signer));
      });
    }
  }
  ASSERT_EQ(signers.size(), 4U);
  const std::string token = signers.front().Sign({.subject = "usr_1",
                                                  .family = "ses_1",
                                                  .issued = clock_.Now(),
                                                  .expires = clock_.Now() + hours(1)});
  for (const TokenSigner& signer : signers) EXPECT_TRUE(signer.Verify(token).has_value());
}

TEST_P(IdentityContract, ARefreshTokenWorksOnceAndItsReuseEndsTheLogin) {
  const User user = Make("test_user");
  Sessions sessions(*database_, clock_, accounts_, *signer_, {});
  const TokenPair first = sessions.Open(user, never_).value();
  const TokenPair second = sessions.Refresh(first.refresh_token, never_).value();
  EXPECT_TRUE(sessions.Authenticate(second.access_token, never_).has_value());
  EXPECT_EQ(sessions.Refresh(first.refresh_token, never_).error().code, ErrorCode::kUnauthorized);
  EXPECT_FALSE(sessions.Authenticate(second.access_token, never_).has_value());
  EXPECT_FALSE(sessions.Refresh(second.refresh_token, never_).has_value());
}

TEST_P(IdentityContract, RefreshTokensExpireAndRevocationEndsBoth) {
  const User user = Make("test_user");
  Sessions sessions(*database_, clock_, accounts_, *signer_, {});
  const TokenPair old = sessions.Open(user, never_).value();
  clock_.Advance(hours(24 * 7));
  EXPECT_FALSE(sessions.Refresh(old.refresh_token, never_).has_value());
  const TokenPair pair = sessions.Open(user, never_).value();
  ASSERT_TRUE(
      sessions.Revoke(sessions.Authenticate(pair.access_token, never_)->token_family, never_)
          .has_value());
  EXPECT_FALSE(sessions.Authenticate(pair.access_token, never_).has_value());
  EXPECT_FALSE(sessions.Refresh(pair.refresh_token, never_).has_value());
  clock_.Advance(hours(24 * 8));
  EXPECT_GT(sessions.Sweep(never_).value(), 0);
}

TEST_P(IdentityContract, TwoRefreshesAtTheSameTimeGiveAtMostOnePair) {
  const User user = Make("test_user");
  Sessions sessions(*database_, clock_, accounts_, *signer_, {});
  const TokenPair pair = sessions.Open(user, never_).value();
  std::atomic<int> granted = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back(
        [&] { granted += sessions.Refresh(pair.refresh_token, never_).has_value() ? 1 : 0; });
  }
  threads.clear();
  EXPECT_LE(granted, 1);
}

TEST_P(IdentityContract, ApiKeysActForTheirOwnerWithinTheirScopes) {
  ApiKeys keys(*database_, clock_, accounts_);
  const User owner = Make("robot", Role::kResearcher);
  const NewApiKey made =
      keys.Create(owner, "ingest", {Permission::kUploadRecording}, hours(1), {}, never_).value();
  const KeyUse use = keys.Use(made.secret, never_).value();
  EXPECT_TRUE(use.allowed);
  EXPECT_EQ(use.principal.username, "robot");
  EXPECT_TRUE(use.principal.May(Permission::kUploadRecording));
  EXPECT_FALSE(use.principal.May(Permission::kAnalyze));
  const auto rows = sql::Query(*database_, "SELECT key_hash FROM api_keys", {}, never_).value();
  EXPECT_EQ(std::get<std::string>(rows.rows[0][0].storage()).find(made.secret), std::string::npos);
}

TEST_P(IdentityContract, ApiKeysEndByTimeDeactivationAndRotation) {
  ApiKeys keys(*database_, clock_, accounts_);
  const User owner = Make("robot", Role::kResearcher);
  const NewApiKey made =
      keys.Create(owner, "ingest", {Permission::kUploadRecording}, hours(1), {}, never_).value();
  const std::string id = made.key.key_id;
  ASSERT_TRUE(keys.SetActive(id, false, never_).has_value());
  EXPECT_EQ(keys.Use(made.secret, never_).error().code, ErrorCode::kUnauthorized);
  ASSERT_TRUE(keys.SetActive(id, true, never_).has_value());
  const NewApiKey rotated = keys.Rotate(id, never_).value();
  EXPECT_FALSE(keys.Use(made.secret, never_).has_value());
  EXPECT_TRUE(keys.Use(rotated.secret, never_).has_value());
  clock_.Advance(hours(1));
  EXPECT_FALSE(keys.Use(rotated.secret, never_).has_value());
  ASSERT_TRUE(keys.Extend(id, hours(1), never_).has_value());
  EXPECT_TRUE(keys.Use(rotated.secret, never_).has_value());
  clock_.Advance(hours(72));
  EXPECT_GT(keys.CleanUp(never_).value(), 0);
  EXPECT_EQ(keys.Show(id, never_).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(keys.Use("mk_unknown", never_).has_value());
}

TEST_P(IdentityContract, ApiKeyLimitsAreCountedAndEnforcedPerPeriod) {
  ApiKeys keys(*database_, clock_, accounts_);
  const User owner = Make("robot", Role::kResearcher);
  const NewApiKey made = keys.Create(owner, "ingest", {Permission::kAnalyze}, std::nullopt,
                                     {.per_minute = 3, .per_hour = 5}, never_)
                             .value();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(keys.Use(made.secret, never_)->allowed) << i;
  const KeyUse fourth = keys.Use(made.secret, never_).value();
  EXPECT_FALSE(fourth.allowed);
  EXPECT_EQ(fourth.rate.period, "minute");
  EXPECT_LE(fourth.rate.reset, minutes(1));
  clock_.Advance(minutes(1));
  EXPECT_TRUE(keys.Use(made.secret, never_)->allowed);
  EXPECT_FALSE(keys.Use(made.secret, never_)->allowed);  // the hour's limit of 5
  EXPECT_EQ(keys.Usage(made.key.key_id, never_)->size(), 4u);
}

TEST_P(IdentityContract, ConcurrentUsesOfAKeyAreAllCounted) {
  ApiKeys keys(*database_, clock_, accounts_);
  const User owner = Make("robot", Role::kResearcher);
  const NewApiKey made =
      keys.Create(owner, "x", {Permission::kAnalyze}, std::nullopt, {.per_day = 50}, never_)
          .value();
  std::atomic<int> allowed = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10; ++i) allowed += keys.Use(made.secret, never_)->allowed ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(allowed, 50);
}

TEST_P(IdentityContract, AKeyCannotHaveMoreThanItsOwner) {
  ApiKeys keys(*database_, clock_, accounts_);
  const User owner = Make("patient", Role::kPatient);
  EXPECT_EQ(
      keys.Create(owner, "x", {Permission::kManageUsers}, std::nullopt, {}, never_).error().code,
      ErrorCode::kInvalid);
  EXPECT_FALSE(keys.Create(owner, "x", {}, std::nullopt, {}, never_).has_value());
  EXPECT_FALSE(
      keys.Create(owner, "", {Permission::kReadOwn}, std::nullopt, {}, never_).has_value());
  EXPECT_FALSE(
      keys.Create(owner, "x", {Permission::kReadOwn}, std::nullopt, {.per_minute = 0}, never_)
          .has_value());
}

}  // namespace montage::identity
