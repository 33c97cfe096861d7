#pragma once
// For tests only: what the audit trail must do on every database.

#include <thread>
#include <vector>

#include "montage/audit/audit_log.h"
#include "montage/storage/database_fixture.h"

namespace montage::audit {

using base::Deadline;
using testing::HasSubstr;

class AuditLogContract : public storage::DatabaseTest {
 protected:
  void Run(std::string_view statement) {
    ASSERT_TRUE(sql::Change(*database_, statement, {}, deadline_).has_value()) << statement;
  }

  void AppendMany(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(
          log_.Append({.actor = "usr_1", .action = "eeg.upload", .object = "f" + std::to_string(i)},
                      deadline_));
    }
  }

  const Deadline deadline_ = Deadline::After(std::chrono::seconds(60));
  base::ManualClock clock_;
  AuditLog log_{*database_, clock_};
};

TEST_P(AuditLogContract, AnUntouchedChainVerifies) {
  AppendMany(20);
  const Verification result = log_.Verify("", deadline_).value();
  EXPECT_EQ(result.entries, 20);
  EXPECT_FALSE(result.first_broken.has_value()) << result.problem;
  EXPECT_FALSE(log_.Verify(result.head, deadline_)->first_broken.has_value());
}

TEST_P(AuditLogContract, AnEmptyChainVerifies) {
  EXPECT_EQ(log_.Verify("", deadline_)->entries, 0);
}

TEST_P(AuditLogContract, FindsTheFirstChangedEntry) {
  AppendMany(10);
  Run("UPDATE audit_log SET actor = 'usr_2' WHERE seq = 4");
  const Verification result = log_.Verify("", deadline_).value();
  EXPECT_EQ(result.first_broken, 4);
  EXPECT_THAT(result.problem, HasSubstr("changed"));
}

TEST_P(AuditLogContract, FindsARemovedEntry) {
  AppendMany(10);
  Run("DELETE FROM audit_log WHERE seq = 7");
  const Verification result = log_.Verify("", deadline_).value();
  EXPECT_EQ(result.first_broken, 7);
  EXPECT_THAT(result.problem, HasSubstr("missing"));
}

TEST_P(AuditLogContract, FindsARewrittenTailByTheKnownHead) {
  AppendMany(10);
  const std::string head = log_.Verify("", deadline_)->head;
  Run("DELETE FROM audit_log WHERE seq >= 9");
  EXPECT_FALSE(log_.Verify("", deadline_)->first_broken.has_value());
  const Verification result = log_.Verify(head, deadline_).value();
  EXPECT_EQ(result.first_broken, 9);
  AppendMany(2);  // a forger who continues the chain
  EXPECT_TRUE(log_.Verify(head, deadline_)->first_broken.has_value());
}

TEST_P(AuditLogContract, AnEntryGoesWithTheTransactionItBelongsTo) {
  {
    auto transaction = sql::Transaction::Begin(*database_, deadline_).value();
    ASSERT_TRUE(log_.AppendIn(*transaction, {.actor = "usr_1", .action = "jobs.cancel"}, deadline_)
                    .has_value());
  }
  EXPECT_EQ(log_.Verify("", deadline_)->entries, 0);
}

TEST_P(AuditLogContract, ConcurrentWritersKeepOneChain) {
  std::vector<std::jthread> writers;
  for (int i = 0; i < 6; ++i) writers.emplace_back([&] { AppendMany(15); });
  writers.clear();
  const Verification result = log_.Verify("", deadline_).value();
  EXPECT_EQ(result.entries, 90);
  EXPECT_FALSE(result.first_broken.has_value()) << result.problem;
}

TEST_P(AuditLogContract, ListsByActorAndAction) {
  AppendMany(3);
  ASSERT_TRUE(log_.Append(
      {.actor = "anonymous", .action = "auth.token", .decision = Decision::kDenied}, deadline_));
  EXPECT_EQ(log_.List({.actor = "usr_1"}, deadline_)->size(), 3u);
  const auto denied = log_.List({.action = "auth.token"}, deadline_).value();
  ASSERT_EQ(denied.size(), 1u);
  EXPECT_EQ(denied[0].decision, Decision::kDenied);
  EXPECT_EQ(log_.List({.after_seq = 1, .limit = 2}, deadline_)->size(), 2u);
}

}  // namespace montage::audit
