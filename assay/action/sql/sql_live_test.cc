// The `sql` action against a real PostgreSQL server.

#include <cstdlib>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/sql/sql_action.h"
#include "assay/action/testing_context.h"
#include "assay/cel/json.h"
#include "assay/cel/text.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;
using testing::HasSubstr;

class SqlLiveTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* url = std::getenv("ASSAY_LIVE_POSTGRES");
    if (url == nullptr) GTEST_SKIP() << "ASSAY_LIVE_POSTGRES names no server";
    context_.endpoints["server"] = url;
    schema_ = fmt::format("a{:08x}{:08x}", std::random_device()(), std::random_device()());
    context_.endpoints["db"] = fmt::format("{}?options=-csearch_path%3D{}", url, schema_);
    ASSERT_EQ(Ask("CREATE SCHEMA " + schema_, "server").disposition, Disposition::kAnswered);
  }
  void TearDown() override {
    if (!schema_.empty()) Ask("DROP SCHEMA " + schema_ + " CASCADE", "server");
  }

  Outcome Run(std::string_view json) { return context_.Run(action_, cel::ParseJson(json).value()); }
  Outcome Ask(std::string_view query, std::string_view endpoint = "db") {
    return context_.Run(action_, Value::Object({{"endpoint", Value::String(endpoint)},
                                                {"query", Value::String(query)}}));
  }
  static std::string Text(const Outcome& outcome, std::string_view variable) {
    const Value* value = outcome.value.Find(variable);
    return value == nullptr ? "(absent)" : cel::DebugString(*value, cel::TextLimits::None());
  }

  TestContext context_;
  SqlAction action_;
  std::string schema_;
};

TEST_F(SqlLiveTest, GivesEveryKindOfValue) {
  const Outcome outcome =
      Ask("SELECT NULL AS a, 7 AS b, 2.5::float8 AS c, 12.50::numeric AS d, true AS e, 'x' AS f, "
          "'\\x00ff'::bytea AS g, '2026-01-02 03:04:05+01'::timestamptz AS h, "
          "'{\"k\": [1, null]}'::jsonb AS i, 'infinity'::timestamptz AS j");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->ToString();
  EXPECT_EQ(Text(outcome, "row"),
            R"({"a": null, "b": 7, "c": 2.5, "d": 12.5, "e": true, "f": "x", "g": b"\x00\xff", )"
            R"("h": timestamp("2026-01-02T02:04:05Z"), "i": {"k": [1, null]}, "j": "infinity"})");
}

TEST_F(SqlLiveTest, ParametersTakeTheTypesOfTheirColumns) {
  ASSERT_EQ(Ask("CREATE TABLE t (i int, b boolean, d numeric, at timestamptz, j jsonb, raw bytea)")
                .disposition,
            Disposition::kAnswered);
  const Outcome stored = context_.Run(
      action_,
      Value::Object(
          {{"endpoint", Value::String("db")},
           {"query", Value::String("INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6) "
                                   "RETURNING *")},
           {"params", Value::List({Value::Int(1), Value::Bool(false), Value::Double(0.25),
                                   Value::Timestamp(cel::TimePoint{1'700'000'000, 500'000'000}),
                                   Value::Object({{"k", Value::Bool(true)}}),
                                   Value::Bytes(std::string_view("\x00\x01", 2))})}}));
  ASSERT_EQ(stored.disposition, Disposition::kAnswered) << stored.error->ToString();
  EXPECT_EQ(Text(stored, "affected"), "1");
  EXPECT_EQ(Text(stored, "row"),
            R"({"i": 1, "b": false, "d": 0.25, "at": timestamp("2023-11-14T22:13:20.5Z"), )"
            R"("j": {"k": true}, "raw": b"\x00\x01"})");
}

TEST_F(SqlLiveTest, ARefusalGivesSqlStateAndConstraint) {
  ASSERT_EQ(Ask("CREATE TABLE t (name text CONSTRAINT one_name UNIQUE)").disposition,
            Disposition::kAnswered);
  const Outcome twice = Ask("INSERT INTO t VALUES ('a'), ('a')");
  EXPECT_EQ(twice.disposition, Disposition::kError);
  EXPECT_EQ(Text(twice, "sqlstate"), "\"23505\"");
  EXPECT_EQ(cel::ToText(*twice.value.Find("refusal")->Find("constraint")), "one_name");
  EXPECT_THAT(twice.error->message, HasSubstr("Key (name)=(a)"));
  EXPECT_EQ(Text(Ask("SELECT 1/0"), "sqlstate"), "\"22012\"");
}

TEST_F(SqlLiveTest, IsolationIsWhatWasAskedFor) {
  for (const char* level : {"read-committed", "repeatable-read", "serializable"}) {
    const Outcome outcome = Run(fmt::format(
        R"({{"endpoint": "db", "isolation": "{}", "query": "SHOW transaction_isolation"}})",
        level));
    std::string shown = Text(outcome, "value");
    std::ranges::replace(shown, ' ', '-');
    EXPECT_EQ(shown, fmt::format("\"{}\"", level));
  }
}

TEST_F(SqlLiveTest, CopyAndRollbackWorkInsideATransaction) {
  ASSERT_EQ(Ask("CREATE TABLE t (i int PRIMARY KEY, s text)").disposition, Disposition::kAnswered);
  const Outcome undone = Run(R"({"endpoint": "db", "rollback": true, "transaction": [
      {"copy": {"table": "t", "columns": ["i", "s"], "rows": [[1, "a\tb"], [2, null]]}},
      {"query": "SELECT i, s FROM t ORDER BY i"}]})");
  ASSERT_EQ(undone.disposition, Disposition::kAnswered) << undone.error->ToString();
  EXPECT_EQ(Text(undone, "rows"), R"([{"i": 1, "s": "a\tb"}, {"i": 2, "s": null}])");
  EXPECT_EQ(Text(Ask("SELECT count(*) FROM t"), "value"), "0");
}

TEST_F(SqlLiveTest, AStatementEndsAtTheDeadlineOfItsStep) {
  context_.timeout = std::chrono::milliseconds(200);
  const Outcome late = Ask("SELECT pg_sleep(30)");
  context_.timeout = std::chrono::seconds(10);
  EXPECT_EQ(late.disposition, Disposition::kError);
  EXPECT_EQ(late.error->code, base::ErrorCode::kTimeout);
  EXPECT_EQ(late.value.Find("sqlstate"), nullptr);
}

}  // namespace
}  // namespace assay::action
