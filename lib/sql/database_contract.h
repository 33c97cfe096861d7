#pragma once
// For tests only: what every Database must do. Each implementation instantiates the suite:
//   INSTANTIATE_TEST_SUITE_P(Sqlite, DatabaseContract, testing::Values(factory));

#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/sql/database.h"

namespace sql {

/// Makes a new, empty database; whatever it lives in goes away with the pointer. Null skips the
/// test: the server that it would live in is not there.
using DatabaseFactory = std::function<std::shared_ptr<Database>()>;

class DatabaseContract : public testing::TestWithParam<DatabaseFactory> {
 protected:
  void SetUp() override {
    database_ = GetParam()();
    if (!database_) GTEST_SKIP() << "no server is given for this database";
    Must(
        RenderSchema("CREATE TABLE item (id {identity}, name TEXT NOT NULL UNIQUE, "
                     "amount {real}, raw {blob}, CHECK (name <> '')) {strict}",
                     database_->dialect()));
    Must(
        RenderSchema("CREATE TABLE part (item TEXT NOT NULL REFERENCES item(name) ON DELETE "
                     "CASCADE, number {int} NOT NULL) {strict}",
                     database_->dialect()));
  }

  static base::Deadline Soon() { return base::Deadline::After(std::chrono::seconds(20)); }
  void Must(const std::string& statement, std::initializer_list<Value> parameters = {}) {
    const auto done = Change(*database_, statement, parameters, Soon());
    ASSERT_TRUE(done.has_value()) << done.error().ToString();
  }
  base::ErrorCode Refusal(const std::string& statement,
                          std::initializer_list<Value> parameters = {}) {
    const auto done = Change(*database_, statement, parameters, Soon());
    EXPECT_FALSE(done.has_value()) << statement;
    return done ? base::ErrorCode::kInternal : done.error().code;
  }
  int64_t Count(const std::string& table) {
    const auto rows = Query(*database_, "SELECT count(*) FROM " + table, {}, Soon());
    return rows ? std::get<int64_t>(rows->rows.at(0).at(0).storage()) : -1;
  }

  std::shared_ptr<Database> database_;
};

TEST_P(DatabaseContract, ValuesComeBackAsTheyWereStored) {
  const std::string bytes("\x00\xff\x80 x\x00", 6);
  Must("INSERT INTO item (name, amount, raw) VALUES ($1, $2, $3)",
       {"gr\xC3\xBC\xC3\x9F dich", 0.1, Blob{bytes}});
  Must("INSERT INTO item (name, amount, raw) VALUES ($1, $2, $3)", {"empty", nullptr, Blob{}});
  const auto rows = Query(*database_, "SELECT name, amount, raw FROM item ORDER BY id", {}, Soon());
  ASSERT_TRUE(rows.has_value());
  EXPECT_THAT(rows->columns, testing::ElementsAre("name", "amount", "raw"));
  ASSERT_EQ(rows->rows.size(), 2U);
  EXPECT_EQ(rows->rows[0], (Row{Value("gr\xC3\xBC\xC3\x9F dich"), Value(0.1), Value(Blob{bytes})}));
  EXPECT_EQ(rows->rows[1], (Row{Value("empty"), Value(nullptr), Value(Blob{})}));
}

TEST_P(DatabaseContract, IntegersKeepAll64Bits) {
  Must("INSERT INTO item (name) VALUES ($1)", {"a"});
  for (const int64_t number :
       {std::numeric_limits<int64_t>::min(), int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    Must("INSERT INTO part (item, number) VALUES ($1, $2)", {"a", number});
    const auto rows =
        Query(*database_, "SELECT number FROM part WHERE number = $1", {number}, Soon());
    ASSERT_TRUE(rows.has_value());
    EXPECT_EQ(rows->rows, std::vector<Row>{Row{Value(number)}});
  }
}

TEST_P(DatabaseContract, ParametersMayRepeatAndComeInAnyOrder) {
  Must("INSERT INTO item (name, amount) VALUES ($2, $1)", {1.5, "swapped"});
  const auto rows =
      Query(*database_, "SELECT amount FROM item WHERE name = $1 AND (name = $1 OR amount = $2)",
            {"swapped", 7.0}, Soon());
  ASSERT_TRUE(rows.has_value()) << rows.error().ToString();
  EXPECT_EQ(rows->rows, std::vector<Row>{Row{Value(1.5)}});
}

TEST_P(DatabaseContract, ADollarInALiteralIsNoParameter) {
  Must("INSERT INTO item (name) VALUES ('it''s $1')");
  EXPECT_EQ(Count("item WHERE name = 'it''s $1'"), 1);
}

TEST_P(DatabaseContract, WhatAnotherDatabaseWouldChangeIsRefused) {
  const std::string insert = "INSERT INTO item (name, amount) VALUES ($1, $2)";
  EXPECT_EQ(Refusal(insert, {"nan", std::numeric_limits<double>::quiet_NaN()}),
            base::ErrorCode::kInvalid);
  EXPECT_EQ(Refusal(insert, {"inf", std::numeric_limits<double>::infinity()}),
            base::ErrorCode::kInvalid);
  EXPECT_EQ(Refusal(insert, {std::string("a\0b", 3), 1.0}), base::ErrorCode::kInvalid);
  EXPECT_EQ(Refusal(insert, {"\xC0\xAF", 1.0}), base::ErrorCode::kInvalid);
  EXPECT_EQ(Refusal(insert, {"text for a number", "many"}), base::ErrorCode::kInvalid);
  EXPECT_EQ(Count("item"), 0);
}

TEST_P(DatabaseContract, ViolatedConstraintsAreConflicts) {
  Must("INSERT INTO item (name) VALUES ($1)", {"a"});
  EXPECT_EQ(Refusal("INSERT INTO item (name) VALUES ($1)", {"a"}), base::ErrorCode::kConflict);
  EXPECT_EQ(Refusal("INSERT INTO item (name) VALUES ($1)", {nullptr}), base::ErrorCode::kConflict);
  EXPECT_EQ(Refusal("INSERT INTO item (name) VALUES ($1)", {""}), base::ErrorCode::kConflict);
  EXPECT_EQ(Refusal("INSERT INTO part (item, number) VALUES ($1, 1)", {"none"}),
            base::ErrorCode::kConflict);
}

TEST_P(DatabaseContract, ErrorsNameTheStatementAndNeverAValue) {
  const auto wrong = Change(*database_, "INSERT INTO nowhere VALUES ($1)", {"epilepsy"}, Soon());
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, base::ErrorCode::kInternal);
  EXPECT_THAT(wrong.error().ToString(), testing::HasSubstr("INSERT INTO nowhere"));
  EXPECT_THAT(wrong.error().ToString(), testing::Not(testing::HasSubstr("epilepsy")));

  Must("INSERT INTO item (name) VALUES ($1)", {"epilepsy"});
  const auto twice =
      Change(*database_, "INSERT INTO item (name) VALUES ($1)", {"epilepsy"}, Soon());
  ASSERT_FALSE(twice.has_value());
  EXPECT_THAT(twice.error().ToString(), testing::Not(testing::HasSubstr("epilepsy")));
}

TEST_P(DatabaseContract, OneCallIsOneStatementWithAllItsParameters) {
  EXPECT_EQ(Refusal("DELETE FROM item; DELETE FROM part"), base::ErrorCode::kInternal);
  EXPECT_EQ(Refusal(""), base::ErrorCode::kInternal);
  EXPECT_EQ(Refusal("DELETE FROM item WHERE name = $1"), base::ErrorCode::kInternal);
  EXPECT_EQ(Refusal("DELETE FROM item WHERE name = $1", {"a", "b"}), base::ErrorCode::kInternal);
}

TEST_P(DatabaseContract, ChangedCountsTheRowsOfTheStatement) {
  Must("INSERT INTO item (name) VALUES ('a'), ('b'), ('c')");
  Must("INSERT INTO part (item, number) VALUES ('a', 1), ('a', 2)");
  const auto updated =
      Change(*database_, "UPDATE item SET amount = 1 WHERE name <> $1", {"a"}, Soon());
  ASSERT_TRUE(updated.has_value());
  EXPECT_EQ(updated->changed, 2);
  const auto none = Change(*database_, "UPDATE item SET amount = 1 WHERE name = 'z'", {}, Soon());
  EXPECT_EQ(none->changed, 0);
  const auto deleted = Change(*database_, "DELETE FROM item WHERE name = 'a'", {}, Soon());
  EXPECT_EQ(deleted->changed, 1);
  EXPECT_EQ(Count("part"), 0) << "the deletion reaches the parts";
}

TEST_P(DatabaseContract, ReturningGivesTheNewRow) {
  const auto rows =
      Change(*database_, "INSERT INTO item (name) VALUES ($1) RETURNING id, name", {"new"}, Soon());
  ASSERT_TRUE(rows.has_value());
  ASSERT_EQ(rows->rows.size(), 1U);
  EXPECT_EQ(rows->rows[0][1], Value("new"));
}

TEST_P(DatabaseContract, ATransactionThatIsNotCommittedLeavesNothing) {
  {
    auto transaction = Transaction::Begin(*database_, Soon());
    ASSERT_TRUE(transaction.has_value());
    ASSERT_TRUE((*transaction)->Execute("INSERT INTO item (name) VALUES ('a')", {}, Soon()));
  }
  EXPECT_EQ(Count("item"), 0);
  auto transaction = Transaction::Begin(*database_, Soon());
  ASSERT_TRUE(transaction.has_value()) << "the connection is usable again";
  ASSERT_TRUE((*transaction)->Execute("INSERT INTO item (name) VALUES ('a')", {}, Soon()));
  ASSERT_TRUE(transaction->Commit(Soon()).has_value());
  EXPECT_FALSE(transaction->Commit(Soon()).has_value()) << "a second commit is an error";
  EXPECT_EQ(Count("item"), 1);
}

TEST_P(DatabaseContract, AReaderSeesOneStateDuringItsTransaction) {
  Must("INSERT INTO item (name) VALUES ('a')");
  auto reading = Transaction::Begin(*database_, Soon(), Access::kRead);
  ASSERT_TRUE(reading.has_value());
  const auto count = [&] {
    return (*reading)->Execute("SELECT count(*) FROM item", {}, Soon())->rows.at(0).at(0);
  };
  EXPECT_EQ(count(), Value(1));
  Must("INSERT INTO item (name) VALUES ('b')");
  EXPECT_EQ(count(), Value(1));
  EXPECT_EQ(Count("item"), 2);
}

TEST_P(DatabaseContract, AReaderCannotWrite) {
  auto reader = database_->Acquire(Access::kRead, Soon());
  ASSERT_TRUE(reader.has_value());
  EXPECT_FALSE((*reader)->Execute("DELETE FROM item", {}, Soon()).has_value());
}

TEST_P(DatabaseContract, InsertManyStoresAllRowsOrNone) {
  const std::vector<std::string> columns = {"name", "amount"};
  std::vector<Row> rows;
  for (int i = 0; i < 1000; ++i) rows.push_back({"row " + std::to_string(i), i * 0.5});
  auto writer = database_->Acquire(Access::kWrite, Soon());
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE((*writer)->InsertMany("item", columns, rows, Soon()).has_value());
  const auto again = (*writer)->InsertMany(
      "item", columns, std::vector<Row>{{"fresh", 1.0}, {"row 5", 1.0}}, Soon());
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, base::ErrorCode::kConflict);
  writer->reset();
  EXPECT_EQ(Count("item"), 1000);
}

TEST_P(DatabaseContract, InsertManyTakesNamesOnlyWhereNamesBelong) {
  auto writer = database_->Acquire(Access::kWrite, Soon());
  const auto code = [&](const std::string& table, const std::vector<std::string>& columns) {
    const auto done = (*writer)->InsertMany(table, columns, std::vector<Row>{{"x"}}, Soon());
    return done ? std::optional<base::ErrorCode>() : done.error().code;
  };
  EXPECT_EQ(code("item; DROP TABLE item", {"name"}), base::ErrorCode::kInvalid);
  EXPECT_EQ(code("item", {"name) VALUES ('x'); --"}), base::ErrorCode::kInvalid);
  EXPECT_EQ(code("item", {}), base::ErrorCode::kInvalid);
  EXPECT_EQ(code("item", {"name", "amount"}), base::ErrorCode::kInternal);
}

TEST_P(DatabaseContract, ALeaseNotFreeInTimeIsUnavailable) {
  std::vector<Lease> held;
  base::Result<Lease> next = database_->Acquire(Access::kWrite, Soon());
  const auto at_once = base::Deadline::At(base::SteadyTime{});
  while (next) {
    held.push_back(std::move(*next));
    ASSERT_LT(held.size(), 1000U) << "a pool has an end";
    next = database_->Acquire(Access::kWrite, at_once);
  }
  EXPECT_EQ(next.error().code, base::ErrorCode::kUnavailable);
  held.clear();
  EXPECT_TRUE(database_->Acquire(Access::kWrite, at_once).has_value());
}

TEST_P(DatabaseContract, AStatementOverItsDeadlineEnds) {
  const auto endless = Query(*database_,
                             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                             "SELECT max(i) FROM n",
                             {}, base::Deadline::After(std::chrono::milliseconds(20)));
  ASSERT_FALSE(endless.has_value());
  EXPECT_EQ(endless.error().code, base::ErrorCode::kTimeout);
}

TEST_P(DatabaseContract, ConcurrentTransactionsLoseNoUpdate) {
  Must("INSERT INTO item (name, amount) VALUES ('counter', 0)");
  std::atomic<int> failures{0};
  const auto work = [&] {
    for (int i = 0; i < 25; ++i) {
      auto transaction = Transaction::Begin(*database_, Soon());
      if (!transaction) {
        ++failures;
        continue;
      }
      const auto read =
          (*transaction)->Execute("SELECT amount FROM item WHERE name = 'counter'", {}, Soon());
      const double amount = std::get<double>(read->rows.at(0).at(0).storage());
      const auto wrote =
          (*transaction)
              ->Execute("UPDATE item SET amount = $1 WHERE name = 'counter'", {amount + 1}, Soon());
      if (!wrote || !transaction->Commit(Soon())) ++failures;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  }
  EXPECT_EQ(failures.load(), 0);
  EXPECT_EQ(Count("item WHERE amount = 100"), 1);
}

}  // namespace sql
