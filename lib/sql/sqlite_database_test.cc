#include "lib/sql/sqlite_database.h"

#include <fstream>

#include "lib/sql/database_contract.h"
#include "lib/testing/temp_dir.h"

namespace sql {
namespace {

base::Deadline Soon() { return base::Deadline::After(std::chrono::seconds(20)); }

std::shared_ptr<Database> NewDatabase() {
  struct Whole {
    testing_support::TempDir folder;
    std::unique_ptr<SqliteDatabase> database;
  };
  auto whole = std::make_shared<Whole>();
  whole->database =
      SqliteDatabase::Open({.path = whole->folder / "test.db", .readers = 2}, Soon()).value();
  return {whole, whole->database.get()};
}

INSTANTIATE_TEST_SUITE_P(Sqlite, DatabaseContract, testing::Values(NewDatabase));

TEST(SqliteDatabase, ASecondProcessWaitsForTheFirstOnesTransaction) {
  const testing_support::TempDir folder;
  const SqliteOptions options{.path = folder / "shared.db"};
  auto first = SqliteDatabase::Open(options, Soon());
  auto second = SqliteDatabase::Open(options, Soon());
  ASSERT_TRUE(first.has_value() && second.has_value());
  ASSERT_TRUE(Change(**first, "CREATE TABLE t (a INTEGER) STRICT", {}, Soon()));
  {
    auto transaction = Transaction::Begin(**first, Soon());
    ASSERT_TRUE(transaction.has_value());
    const auto refused =
        Transaction::Begin(**second, base::Deadline::After(std::chrono::milliseconds(30)));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, base::ErrorCode::kUnavailable);
    EXPECT_TRUE(Query(**second, "SELECT * FROM t", {}, Soon())) << "reading goes on";
  }
  EXPECT_TRUE(Change(**second, "INSERT INTO t VALUES (1)", {}, Soon()));
}

TEST(SqliteDatabase, AFileThatIsNoDatabaseIsCorrupt) {
  const testing_support::TempDir folder;
  std::ofstream(folder / "bad.db") << std::string(8192, 'x');
  const auto opened = SqliteDatabase::Open({.path = folder / "bad.db"}, Soon());
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, base::ErrorCode::kCorrupt);
}

TEST(SqliteDatabase, AMissingFolderIsAnIoErrorThatNamesThePath) {
  const testing_support::TempDir folder;
  const auto opened = SqliteDatabase::Open({.path = folder / "no" / "such.db"}, Soon());
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, base::ErrorCode::kIo);
  EXPECT_THAT(opened.error().ToString(), testing::HasSubstr("such.db"));
}

TEST(SqliteDatabase, DamageInsideTheFileIsFound) {
  const testing_support::TempDir folder;
  {
    auto database = SqliteDatabase::Open({.path = folder / "d.db"}, Soon());
    ASSERT_TRUE(database.has_value());
    ASSERT_TRUE(Change(**database, "CREATE TABLE t (a TEXT)", {}, Soon()));
    std::vector<Row> rows(2000, Row{std::string(40, 'a')});
    auto writer = (*database)->Acquire(Access::kWrite, Soon());
    const std::vector<std::string> columns = {"a"};
    ASSERT_TRUE((*writer)->InsertMany("t", columns, rows, Soon()).has_value());
    writer->reset();
    EXPECT_TRUE((*database)->CheckIntegrity(Soon()).has_value());
  }
  std::fstream file(folder / "d.db", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 * 3);
  file << std::string(4096, '\x7f');
  file.close();
  auto database = SqliteDatabase::Open({.path = folder / "d.db"}, Soon());
  ASSERT_TRUE(database.has_value());
  const auto check = (*database)->CheckIntegrity(Soon());
  ASSERT_FALSE(check.has_value());
  EXPECT_EQ(check.error().code, base::ErrorCode::kCorrupt);
}

TEST(SqliteDatabase, ACopyHoldsTheStateAndNeverReplacesAFile) {
  const testing_support::TempDir folder;
  auto database = SqliteDatabase::Open({.path = folder / "a.db"}, Soon());
  ASSERT_TRUE(database.has_value());
  ASSERT_TRUE(Change(**database, "CREATE TABLE t (a INTEGER)", {}, Soon()));
  ASSERT_TRUE(Change(**database, "INSERT INTO t VALUES (7)", {}, Soon()));
  ASSERT_TRUE((*database)->CopyTo(folder / "copy.db", Soon()).has_value());
  EXPECT_EQ((*database)->CopyTo(folder / "copy.db", Soon()).error().code,
            base::ErrorCode::kConflict);
  auto copy = SqliteDatabase::Open({.path = folder / "copy.db"}, Soon());
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(Query(**copy, "SELECT a FROM t", {}, Soon())->rows, std::vector<Row>{Row{Value(7)}});
}

TEST(SqliteDatabase, MoreStatementsThanAreKeptPreparedStillWork) {
  const auto database = NewDatabase();
  for (int i = 0; i < 400; ++i) {
    const auto rows = Query(*database, "SELECT " + std::to_string(i % 200), {}, Soon());
    ASSERT_TRUE(rows.has_value());
    EXPECT_EQ(rows->rows.at(0).at(0), Value(i % 200));
  }
}

}  // namespace
}  // namespace sql
