#include "montage/storage/idempotency.h"

#include <gtest/gtest.h>

#include "lib/sql/sqlite_database.h"
#include "lib/testing/temp_dir.h"
#include "montage/storage/schema.h"

namespace montage::storage {
namespace {

using Outcome = IdempotentStart::Outcome;

class IdempotencyTest : public testing::Test {
 protected:
  IdempotencyTest() {
    EXPECT_TRUE(Migrator(*database_, Migrations(), clock_).Up(never_).has_value());
  }
  IdempotentStart Begin(std::string_view owner, std::string_view key, std::string_view hash) {
    const auto start = store_.Begin(owner, key, hash, never_);
    EXPECT_TRUE(start.has_value()) << start.error().ToString();
    return start.value_or(IdempotentStart{});
  }

  testing_support::TempDir dir_;
  const base::Deadline never_ = base::Deadline::Never();
  base::ManualClock clock_{base::WallTime(std::chrono::seconds(1'700'000'000))};
  std::unique_ptr<sql::SqliteDatabase> database_ =
      sql::SqliteDatabase::Open({.path = dir_ / "keys.db"}, never_).value();
  IdempotencyStore store_{*database_, clock_};
};

TEST_F(IdempotencyTest, TheFirstRequestRunsAndTheNextOneGetsItsAnswer) {
  EXPECT_EQ(Begin("ann", "k", "h").outcome, Outcome::kNew);
  EXPECT_EQ(Begin("ann", "k", "h").outcome, Outcome::kRunning);
  ASSERT_TRUE(store_.Finish("ann", "k", 202, "{\"job_id\":1}", never_).has_value());
  const IdempotentStart again = Begin("ann", "k", "h");
  EXPECT_EQ(again.outcome, Outcome::kAnswered);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.response, "{\"job_id\":1}");
}

TEST_F(IdempotencyTest, AnotherRequestUnderTheSameKeyIsToldApartAndOwnersDoNotMeet) {
  Begin("ann", "k", "h");
  EXPECT_EQ(Begin("ann", "k", "other").outcome, Outcome::kOther);
  EXPECT_EQ(Begin("bob", "k", "other").outcome, Outcome::kNew);
}

TEST_F(IdempotencyTest, ARefusedRequestFreesItsKeyAndAnAnsweredOneDoesNot) {
  Begin("ann", "k", "h");
  ASSERT_TRUE(store_.Abandon("ann", "k", never_).has_value());
  EXPECT_EQ(Begin("ann", "k", "other").outcome, Outcome::kNew);
  ASSERT_TRUE(store_.Finish("ann", "k", 202, "{}", never_).has_value());
  ASSERT_TRUE(store_.Abandon("ann", "k", never_).has_value());
  EXPECT_EQ(Begin("ann", "k", "other").outcome, Outcome::kAnswered);
}

TEST_F(IdempotencyTest, LostRequestsAndOldAnswersEnd) {
  Begin("ann", "lost", "h");
  Begin("ann", "answered", "h");
  ASSERT_TRUE(store_.Finish("ann", "answered", 202, "{}", never_).has_value());
  clock_.Advance(IdempotencyStore::kLost);
  EXPECT_EQ(Begin("ann", "answered", "h").outcome, Outcome::kAnswered);
  EXPECT_EQ(store_.Sweep(never_).value(), 1);
  EXPECT_EQ(Begin("ann", "lost", "h").outcome, Outcome::kNew);
  clock_.Advance(IdempotencyStore::kKept);
  EXPECT_EQ(Begin("ann", "answered", "other").outcome, Outcome::kNew);
}

}  // namespace
}  // namespace montage::storage
