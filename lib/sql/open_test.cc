#include "lib/sql/open.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sql/sqlite_database.h"
#include "lib/testing/temp_dir.h"

namespace sql {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing::Not;

base::Deadline Soon() { return base::Deadline::After(std::chrono::seconds(20)); }

ErrorCode Refusal(const std::string& url, OpenOptions options = {}) {
  const auto opened = Open(url, std::move(options), Soon());
  EXPECT_FALSE(opened.has_value()) << url;
  return opened ? ErrorCode::kInternal : opened.error().code;
}

TEST(Open, CreatesAnSqliteFileOnlyWhenAsked) {
  const testing_support::TempDir folder;
  const OpenOptions here{.folder = folder.path()};
  EXPECT_EQ(Refusal("sqlite:new.db", here), ErrorCode::kNotFound);
  EXPECT_EQ(Refusal("sqlite:new.db?mode=ro", here), ErrorCode::kNotFound);
  auto made = Open("sqlite:new.db?mode=rwc", here, Soon());
  ASSERT_TRUE(made.has_value()) << made.error().ToString();
  ASSERT_TRUE(Change(**made, "CREATE TABLE t (a INTEGER)", {}, Soon()));
  EXPECT_TRUE(Open("sqlite:new.db", here, Soon()).has_value());
  EXPECT_TRUE(Open("sqlite://" + (folder / "new.db").string(), {}, Soon()).has_value());
}

TEST(Open, LeavesAFilesJournalModeAlone) {
  const testing_support::TempDir folder;
  const OpenOptions here{.folder = folder.path()};
  auto made = Open("sqlite:a.db?mode=rwc", here, Soon());
  ASSERT_TRUE(made.has_value());
  ASSERT_TRUE(Change(**made, "CREATE TABLE t (a INTEGER)", {}, Soon()));
  EXPECT_EQ(Query(**made, "PRAGMA journal_mode", {}, Soon())->rows,
            std::vector<Row>{Row{Value("delete")}});
}

TEST(Open, ReadOnlyNeverWrites) {
  const testing_support::TempDir folder;
  const OpenOptions here{.folder = folder.path()};
  ASSERT_TRUE(Change(**Open("sqlite:a.db?mode=rwc", here, Soon()), "CREATE TABLE t (a INTEGER)", {},
                     Soon()));
  auto opened = Open("sqlite:a.db?mode=ro", here, Soon());
  ASSERT_TRUE(opened.has_value());
  const auto written = Change(**opened, "INSERT INTO t VALUES (1)", {}, Soon());
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, ErrorCode::kForbidden);
}

TEST(Open, RefusesWhatIsNoDatabase) {
  EXPECT_EQ(Refusal("mysql://u:secret@h/d"), ErrorCode::kInvalid);
  EXPECT_EQ(Refusal("sqlite:"), ErrorCode::kInvalid);
  EXPECT_EQ(Refusal("sqlite::memory:"), ErrorCode::kInvalid);
  EXPECT_EQ(Refusal("sqlite:a.db?cache=shared"), ErrorCode::kInvalid);
  const auto opened = Open("mysql://u:secret@h/d", {}, Soon());
  EXPECT_THAT(opened.error().ToString(), Not(HasSubstr("secret")));
}

TEST(Open, AClosedPortIsUnavailableAndThePasswordStaysSecret) {
  const auto opened = Open("postgresql://u:secret@127.0.0.1:1/d", {}, Soon());
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(opened.error().ToString(), HasSubstr("127.0.0.1"));
  EXPECT_THAT(opened.error().ToString(), Not(HasSubstr("secret")));
}

TEST(Interrupt, EndsARunningStatement) {
  const testing_support::TempDir folder;
  const auto interrupt = std::make_shared<Interrupt>();
  auto opened =
      Open("sqlite:a.db?mode=rwc", {.folder = folder.path(), .interrupt = interrupt}, Soon());
  ASSERT_TRUE(opened.has_value());
  const std::jthread other([&] { interrupt->Raise(); });
  const auto endless = Query(**opened,
                             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                             "SELECT max(i) FROM n",
                             {}, Soon());
  ASSERT_FALSE(endless.has_value());
  EXPECT_EQ(endless.error().code, ErrorCode::kCancelled);
}

TEST(Interrupt, EndsTheWaitForALock) {
  const testing_support::TempDir folder;
  const auto interrupt = std::make_shared<Interrupt>();
  auto holder = Open("sqlite:a.db?mode=rwc", {.folder = folder.path()}, Soon());
  auto waiter =
      Open("sqlite:a.db?mode=rwc", {.folder = folder.path(), .interrupt = interrupt}, Soon());
  ASSERT_TRUE(holder.has_value() && waiter.has_value());
  auto held = Transaction::Begin(**holder, Soon());
  ASSERT_TRUE(held.has_value());
  const std::jthread other([&] { interrupt->Raise(); });
  const auto refused = Transaction::Begin(**waiter, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kCancelled);
}

struct SqliteCase {
  const char* statement;
  const char* sqlstate;
};

TEST(Refusal, SqliteSpeaksInSqlStates) {
  const testing_support::TempDir folder;
  auto opened = Open("sqlite:a.db?mode=rwc", {.folder = folder.path()}, Soon());
  ASSERT_TRUE(opened.has_value());
  auto lease = (*opened)->Acquire(Access::kWrite, Soon());
  ASSERT_TRUE(lease.has_value());
  for (const char* statement :
       {"CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL UNIQUE CHECK (b <> '')) STRICT",
        "CREATE TABLE part (b TEXT REFERENCES t(b))", "INSERT INTO t VALUES (1, 'x')"}) {
    ASSERT_TRUE((*lease)->Execute(statement, {}, Soon()).has_value());
    EXPECT_EQ((*lease)->refusal(), nullptr);
  }
  const SqliteCase cases[] = {{"INSERT INTO t VALUES (2, 'x')", "23505"},
                              {"INSERT INTO t VALUES (1, 'y')", "23505"},
                              {"INSERT INTO t VALUES (2, NULL)", "23502"},
                              {"INSERT INTO t VALUES (2, '')", "23514"},
                              {"INSERT INTO part VALUES ('z')", "23503"},
                              {"INSERT INTO t VALUES ('text', 'y')", "22018"},
                              {"SELECT * FROM nowhere", "42P01"},
                              {"SELECT missing FROM t", "42703"},
                              {"SELECT missing(1)", "42883"},
                              {"CREATE TABLE t (a)", "42P07"},
                              {"SELEC 1", "42601"},
                              {"SELECT (", "42601"}};
  for (const auto& [statement, sqlstate] : cases) {
    EXPECT_FALSE((*lease)->Execute(statement, {}, Soon()).has_value()) << statement;
    ASSERT_NE((*lease)->refusal(), nullptr) << statement;
    EXPECT_EQ((*lease)->refusal()->sqlstate, sqlstate) << (*lease)->refusal()->message;
  }
}

TEST(ColumnType, SqliteGivesWhatTheTableDeclares) {
  const testing_support::TempDir folder;
  auto opened = Open("sqlite:a.db?mode=rwc", {.folder = folder.path()}, Soon());
  ASSERT_TRUE(opened.has_value());
  ASSERT_TRUE(
      Change(**opened, "CREATE TABLE t (a BOOLEAN, b TIMESTAMP, c JSON, d TEXT)", {}, Soon()));
  const auto rows = Query(**opened, "SELECT a, b, c, d, 1 FROM t", {}, Soon());
  ASSERT_TRUE(rows.has_value());
  EXPECT_THAT(rows->types,
              testing::ElementsAre(ColumnType::kBool, ColumnType::kTimestamp, ColumnType::kJson,
                                   ColumnType::kUnknown, ColumnType::kUnknown));
}

}  // namespace
}  // namespace sql
