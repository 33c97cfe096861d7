#include "montage/backup/table_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sql/sqlite_database.h"
#include "lib/testing/temp_dir.h"
#include "montage/storage/schema.h"

namespace montage::backup {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;

const base::Deadline kNever = base::Deadline::Never();

class TableRowsTest : public testing::Test {
 protected:
  TableRowsTest() {
    Execute(
        "CREATE TABLE kinds (a INTEGER, b TEXT, i INTEGER, r REAL, t TEXT, x BLOB, "
        "PRIMARY KEY (a, b)) STRICT");
  }
  void Execute(const std::string& statement, std::initializer_list<sql::Value> values = {}) {
    const auto done = sql::Change(*database_, statement, values, kNever);
    EXPECT_TRUE(done.has_value()) << done.error().ToString();
  }
  sql::Rows All() {
    return sql::Query(*database_, "SELECT * FROM kinds ORDER BY a, b", {}, kNever).value();
  }
  std::string Dump() {
    auto lease = database_->Acquire(sql::Access::kRead, kNever).value();
    auto source = TableSource::Open(*lease, "kinds", [](const auto&, const auto&) {}, kNever);
    return objects::ReadAll(*source, 1 << 26, kNever).value();
  }
  base::Result<uint64_t> Insert(std::string text) {
    objects::TextSource source(std::move(text));
    auto lease = database_->Acquire(sql::Access::kWrite, kNever).value();
    return InsertRows(*lease, "kinds", source, kNever);
  }

  const testing_support::TempDir folder_;
  std::unique_ptr<sql::SqliteDatabase> database_ =
      sql::SqliteDatabase::Open({.path = folder_ / "t.db"}, kNever).value();
};

TEST_F(TableRowsTest, EveryKindOfValueComesBack) {
  const std::string odd = "line\nfeed \"quoted\" \\ \xc3\xa4 \xf0\x9f\xa7\xa0";
  const std::string statement = "INSERT INTO kinds VALUES ($1, $2, $3, $4, $5, $6)";
  Execute(statement, {1, "a", std::numeric_limits<int64_t>::max(), 0.1, odd,
                      sql::Blob{std::string("\0\xff\n", 3)}});
  Execute(statement, {1, "b", std::numeric_limits<int64_t>::min(), 12.0, "", sql::Blob{""}});
  Execute(statement, {2, "a", nullptr, nullptr, nullptr, nullptr});
  Execute(statement, {3, "a", 0, 5e-324, "x", nullptr});
  const sql::Rows before = All();
  const std::string text = Dump();
  Execute("DELETE FROM kinds");
  EXPECT_EQ(Insert(text).value(), 4U);
  EXPECT_EQ(All().rows, before.rows);
}

TEST_F(TableRowsTest, ReadsPageByPageByACompositeKey) {
  {
    auto lease = database_->Acquire(sql::Access::kWrite, kNever).value();
    std::vector<sql::Row> rows;
    for (int i = 0; i < 2500; ++i) rows.push_back({i / 7, "k" + std::to_string(i), i});
    const std::vector<std::string> columns = {"a", "b", "i"};
    ASSERT_TRUE(lease->InsertMany("kinds", columns, rows, kNever).has_value());
  }
  const sql::Rows before = All();
  const std::string text = Dump();
  EXPECT_EQ(std::ranges::count(text, '\n'), 2501);
  Execute("DELETE FROM kinds");
  EXPECT_EQ(Insert(text).value(), 2500U);
  EXPECT_EQ(All().rows, before.rows);
}

TEST_F(TableRowsTest, AnEmptyTableHasItsColumns) {
  EXPECT_EQ(Dump(), "[\"a\",\"b\",\"i\",\"r\",\"t\",\"x\"]\n");
  EXPECT_EQ(Insert(Dump()).value(), 0U);
}

TEST_F(TableRowsTest, RefusesWhatItDidNotWrite) {
  for (const char* text :
       {"", "[\"a\"", "{}\n", "[7]\n", "[\"a\",\"b\"]\n[1]\n", "[\"a\",\"b\"]\n[1,\"x\"]",
        "[\"a\",\"b\"]\nrubbish\n", "[\"a\",\"b\"]\n[1,true]\n", "[\"a\",\"b\"]\n[1,0.5]\n",
        "[\"a\",\"r\"]\n[1,{\"real\":\"much\"}]\n", "[\"a\",\"b\"]\n[1,{\"x\":1}]\n"}) {
    const auto refused = Insert(text);
    ASSERT_FALSE(refused.has_value()) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::kCorrupt) << text;
  }
}

TEST_F(TableRowsTest, ATableWithoutAPrimaryKeyIsRefused) {
  Execute("CREATE TABLE loose (x INTEGER) STRICT");
  auto lease = database_->Acquire(sql::Access::kRead, kNever).value();
  const auto source = TableSource::Open(*lease, "loose", [](const auto&, const auto&) {}, kNever);
  ASSERT_FALSE(source.has_value());
  EXPECT_THAT(source.error().message, HasSubstr("loose has no primary key"));
}

TEST(TablesOf, AreInTheOrderInWhichTheyAreMade) {
  const std::vector<storage::Migration> migrations = {
      {1, "a", {"CREATE TABLE one (x {int})", "CREATE INDEX i ON one(x)"}, {}},
      {2, "b", {"ALTER TABLE one ADD COLUMN y {int}", "CREATE TABLE two(x {int})"}, {}}};
  EXPECT_THAT(TablesOf(migrations), ElementsAre("one", "two"));
}

/// A table of Montage that could not be backed up would only be noticed when it is needed.
TEST(TablesOf, EveryTableOfMontageCanBeRead) {
  const testing_support::TempDir folder;
  const base::ManualClock clock;
  const auto database = sql::SqliteDatabase::Open({.path = folder / "m.db"}, kNever).value();
  ASSERT_TRUE(storage::Migrator(*database, storage::Migrations(), clock).Up(kNever).has_value());
  auto lease = database->Acquire(sql::Access::kRead, kNever).value();
  const auto tables = TablesOf(storage::Migrations());
  const auto there = lease->Execute(
      "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND "
      "name <> 'schema_migrations'",
      {}, kNever);
  EXPECT_EQ(there->rows[0][0], sql::Value(tables.size()));
  for (const std::string& table : tables) {
    const auto source = TableSource::Open(*lease, table, [](const auto&, const auto&) {}, kNever);
    EXPECT_TRUE(source.has_value()) << table;
  }
}

}  // namespace
}  // namespace montage::backup
