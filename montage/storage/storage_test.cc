#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sql/sqlite_database.h"
#include "lib/testing/temp_dir.h"
#include "montage/storage/ids.h"
#include "montage/storage/schema.h"
#include "montage/storage/sealed.h"

namespace montage::storage {
namespace {

const base::Deadline kNever = base::Deadline::Never();

class MigratorTest : public testing::Test {
 protected:
  base::ErrorCode UpCode(std::span<const Migration> migrations) {
    const auto done = Migrator(*database_, migrations, clock_).Up(kNever);
    return done ? base::ErrorCode::kInternal : done.error().code;
  }
  testing_support::TempDir folder_;
  base::ManualClock clock_;
  std::unique_ptr<sql::SqliteDatabase> database_ =
      sql::SqliteDatabase::Open({.path = folder_ / "m.db"}, kNever).value();
};

TEST_F(MigratorTest, GoesUpAndDownAndUpAgain) {
  Migrator migrator(*database_, Migrations(), clock_);
  EXPECT_EQ(migrator.Up(kNever).value(), std::ssize(Migrations()));
  EXPECT_EQ(migrator.Up(kNever).value(), 0);
  for (const char* table :
       {"users", "roles", "api_keys", "refresh_tokens", "files", "analysis_jobs",
        "analysis_results", "analysis_metrics", "system_metrics", "batches", "audit_log",
        "idempotency_keys", "schema_migrations"}) {
    EXPECT_TRUE(sql::Query(*database_, std::string("SELECT * FROM ") + table, {}, kNever)) << table;
  }
  EXPECT_EQ(migrator.Down(0, kNever).value(), std::ssize(Migrations()));
  EXPECT_FALSE(migrator.Status(kNever)->at(0).applied_at_ns.has_value());
  EXPECT_EQ(migrator.Up(kNever).value(), std::ssize(Migrations()));
  EXPECT_TRUE(migrator.Status(kNever)->at(0).applied_at_ns.has_value());
}

TEST_F(MigratorTest, RefusesChangedAndUnknownMigrations) {
  std::vector<Migration> migrations = {{1, "a", {"CREATE TABLE a (x {int})"}, {"DROP TABLE a"}},
                                       {2, "b", {"CREATE TABLE b (x {int})"}, {"DROP TABLE b"}}};
  EXPECT_EQ(UpCode(migrations), base::ErrorCode::kInternal);
  EXPECT_EQ(UpCode(std::span(migrations).first(1)), base::ErrorCode::kConflict);
  migrations[0].up[0] += " ";
  EXPECT_EQ(UpCode(migrations), base::ErrorCode::kConflict);
}

TEST_F(MigratorTest, AFailingMigrationLeavesNothing) {
  const std::vector<Migration> migrations = {
      {1, "a", {"CREATE TABLE a (x {int})", "CREATE TABEL b"}, {}}};
  EXPECT_FALSE(Migrator(*database_, migrations, clock_).Up(kNever).has_value());
  EXPECT_FALSE(sql::Query(*database_, "SELECT * FROM a", {}, kNever).has_value());
}

TEST(KeyRing, OpensWhatItSealedAndNothingElse) {
  const testing_support::TempDir folder;
  const auto ring = KeyRing::LoadOrCreate(folder / "keys").value();
  const std::string record = R"({"patient_id":"12345","diagnosis":"epilepsy"})";
  const std::string sealed = ring.Seal(record, "patient:12345:medical");
  EXPECT_EQ(ring.Open(sealed, "patient:12345:medical").value(), record);
  EXPECT_NE(ring.Seal(record, "patient:12345:medical"), sealed);
  EXPECT_THAT(sealed, testing::Not(testing::HasSubstr("epilepsy")));
  EXPECT_FALSE(ring.Open(sealed, "patient:12346:medical").has_value());
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string wrong = sealed;
    wrong[i] = static_cast<char>(wrong[i] ^ 1);
    EXPECT_FALSE(ring.Open(wrong, "patient:12345:medical").has_value()) << i;
    EXPECT_FALSE(ring.Open(sealed.substr(0, i), "patient:12345:medical").has_value()) << i;
  }
  const auto other = KeyRing::LoadOrCreate(folder / "other").value();
  EXPECT_FALSE(other.Open(sealed, "patient:12345:medical").has_value());
}

TEST(KeyRing, AfterRotationOldPayloadsStillOpen) {
  const testing_support::TempDir folder;
  const auto first = KeyRing::LoadOrCreate(folder / "keys").value();
  const std::string sealed = first.Seal("old", "c");
  const auto second = KeyRing::Rotate(folder / "keys").value();
  EXPECT_NE(second.newest(), first.newest());
  EXPECT_EQ(second.Open(sealed, "c").value(), "old");
  EXPECT_FALSE(first.Open(second.Seal("new", "c"), "c").has_value());
}

TEST(KeyRing, RefusesFilesThatAreOpenToOthersOrNoKeyFiles) {
  const testing_support::TempDir folder;
  ASSERT_TRUE(KeyRing::LoadOrCreate(folder / "keys").has_value());
  namespace fs = std::filesystem;
  EXPECT_EQ(fs::status(folder / "keys").permissions(), fs::perms(0600));
  fs::permissions(folder / "keys", fs::perms(0640));
  EXPECT_EQ(KeyRing::LoadOrCreate(folder / "keys").error().code, base::ErrorCode::kForbidden);
  fs::permissions(folder / "keys", fs::perms(0600));
  std::ofstream(folder / "keys") << "montage-keys 1\nshort\n";
  EXPECT_EQ(KeyRing::LoadOrCreate(folder / "keys").error().code, base::ErrorCode::kCorrupt);
}

TEST(Ids, AreDistinctVersion4Uuids) {
  EXPECT_THAT(NewId(),
              testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}"
                                    "-[0-9a-f]{12}"));
  EXPECT_NE(NewId(), NewId());
}

}  // namespace
}  // namespace montage::storage
