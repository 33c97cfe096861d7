#include "lib/sql/replicated_database.h"

#include <gtest/gtest.h>

#include "lib/sql/sqlite_database.h"
#include "lib/testing/temp_dir.h"

namespace sql {
namespace {

using base::Deadline;
using base::ErrorCode;

Deadline Soon() { return Deadline::After(std::chrono::seconds(20)); }

/// A database that can be lost, as a server whose machine is off.
class Losable final : public Database {
 public:
  Losable(const std::filesystem::path& file, const std::string& name)
      : database_(SqliteDatabase::Open({.path = file}, Soon()).value()) {
    EXPECT_TRUE(Change(*database_, "CREATE TABLE server (name TEXT)", {}, Soon()));
    EXPECT_TRUE(Change(*database_, "INSERT INTO server VALUES ($1)", {name}, Soon()));
  }
  Dialect dialect() const override { return Dialect::kSqlite; }
  base::Result<Lease> Acquire(Access access, Deadline deadline) override {
    ++asked;
    if (failure) return base::Fail(*failure, "it is not there");
    return database_->Acquire(access, deadline);
  }

  std::optional<ErrorCode> failure;
  int asked = 0;

 private:
  std::unique_ptr<SqliteDatabase> database_;
};

class ReplicatedDatabaseTest : public testing::Test {
 protected:
  std::string Answer(Access access) {
    const auto rows = Query(database_, "SELECT name FROM server", {}, Soon(), access);
    return rows ? std::get<std::string>(rows->rows.at(0).at(0).storage()) : "nobody";
  }

  testing_support::TempDir folder_;
  base::ManualClock clock_;
  Losable* primary_ = new Losable(folder_ / "p.db", "primary");
  Losable* copy_ = new Losable(folder_ / "c.db", "copy");
  ReplicatedDatabase database_{std::unique_ptr<Database>(primary_),
                               std::unique_ptr<Database>(copy_), clock_};
};

TEST_F(ReplicatedDatabaseTest, OnlyReadsThatMayBeStaleGoToTheCopy) {
  EXPECT_EQ(Answer(Access::kRead), "primary");
  EXPECT_EQ(Answer(Access::kReadStale), "copy");
  EXPECT_EQ(Answer(Access::kWrite), "primary");
}

TEST_F(ReplicatedDatabaseTest, WithoutThePrimaryReadsGoOnAndChangesAreUnavailable) {
  primary_->failure = ErrorCode::kUnavailable;
  EXPECT_EQ(Answer(Access::kRead), "copy");
  EXPECT_EQ(Answer(Access::kReadStale), "copy");
  const auto changed = Change(database_, "DELETE FROM server", {}, Soon());
  ASSERT_FALSE(changed.has_value());
  EXPECT_EQ(changed.error().code, ErrorCode::kUnavailable);
}

TEST_F(ReplicatedDatabaseTest, ALostPrimaryIsNotAskedByEveryReadAndFoundAgain) {
  primary_->failure = ErrorCode::kUnavailable;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Answer(Access::kRead), "copy");
  EXPECT_EQ(primary_->asked, 1);
  primary_->failure.reset();
  EXPECT_EQ(Answer(Access::kRead), "copy");
  clock_.Advance(ReplicatedDatabase::kLostFor);
  EXPECT_EQ(Answer(Access::kRead), "primary");
}

TEST_F(ReplicatedDatabaseTest, AChangeThatSucceedsEndsTheAbsence) {
  primary_->failure = ErrorCode::kUnavailable;
  EXPECT_EQ(Answer(Access::kRead), "copy");
  primary_->failure.reset();
  EXPECT_EQ(Answer(Access::kWrite), "primary");
  EXPECT_EQ(Answer(Access::kRead), "primary");
}

TEST_F(ReplicatedDatabaseTest, WithoutTheCopyEverythingIsAtThePrimary) {
  copy_->failure = ErrorCode::kUnavailable;
  EXPECT_EQ(Answer(Access::kReadStale), "primary");
  EXPECT_EQ(Answer(Access::kRead), "primary");
}

TEST_F(ReplicatedDatabaseTest, WithoutBothReadsAreUnavailable) {
  primary_->failure = ErrorCode::kUnavailable;
  copy_->failure = ErrorCode::kUnavailable;
  EXPECT_EQ(Answer(Access::kRead), "nobody");
  EXPECT_EQ(Answer(Access::kReadStale), "nobody");
}

TEST_F(ReplicatedDatabaseTest, AWrongPasswordIsNoAbsence) {
  primary_->failure = ErrorCode::kUnauthorized;
  EXPECT_EQ(Answer(Access::kRead), "nobody");
}

}  // namespace
}  // namespace sql
