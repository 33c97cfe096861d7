#include "assay/action/sql/sql_action.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/sql/outcome.h"
#include "assay/action/testing_context.h"
#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/json/parse.h"
#include "lib/net/task_group.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kCreate = R"json({"endpoint": "shop", "query":
    "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, price REAL, sold BOOLEAN, made TIMESTAMP, tags JSON, raw BLOB)"})json";

class SqlActionTest : public testing::Test {
 protected:
  void SetUp() override {
    context_.endpoints["shop"] = "sqlite:shop.db?mode=rwc";
    context_.endpoints[""] = "sqlite:shop.db?mode=rwc";
    context_.endpoints["api"] = "http://user:secret@127.0.0.1:1";
  }

  Outcome Run(Value params) { return context_.Run(action_, std::move(params)); }
  Outcome Run(std::string_view json) { return Run(cel::ParseJson(json).value()); }
  /// `sql: shop` with a query.
  Outcome Ask(std::string_view query) {
    return Run(
        Value::Object({{"endpoint", Value::String("shop")}, {"query", Value::String(query)}}));
  }
  static std::string Text(const Outcome& outcome, std::string_view variable) {
    const Value* value = outcome.value.Find(variable);
    return value == nullptr ? "(absent)" : cel::DebugString(*value);
  }

  TestContext context_;
  SqlAction action_;
};

TEST_F(SqlActionTest, GivesRowsWithTheTypesThatTheTableDeclares) {
  ASSERT_EQ(Run(kCreate).disposition, Disposition::kAnswered);
  const Outcome stored = Run(Value::Object(
      {{"endpoint", Value::String("shop")},
       {"query", Value::String("INSERT INTO item VALUES ($1, $2, $3, $4, $5, $6, $7)")},
       {"params",
        Value::List({Value::Int(1), Value::String("gr\xC3\xBCn"), Value::Double(2.5),
                     Value::Bool(true), Value::Timestamp(cel::TimePoint{1'700'000'000, 0}),
                     Value::Object({{"a", Value::List({Value::Int(1), Value::Null()})}}),
                     Value::Bytes(std::string_view("\x00\xff", 2))})}}));
  ASSERT_EQ(stored.disposition, Disposition::kAnswered) << stored.error->ToString();
  EXPECT_EQ(Text(stored, "affected"), "1");
  EXPECT_EQ(Text(stored, "rows"), "[]");
  EXPECT_EQ(Text(stored, "sqlstate"), "\"00000\"");
  EXPECT_EQ(Text(stored, "committed"), "true");

  const Outcome read = Ask("SELECT * FROM item");
  EXPECT_EQ(Text(read, "columns"), R"(["id", "name", "price", "sold", "made", "tags", "raw"])");
  EXPECT_TRUE(cel::Identical(
      *read.value.Find("row"),
      Value::Object({{"id", Value::Int(1)},
                     {"name", Value::String("gr\xC3\xBCn")},
                     {"price", Value::Double(2.5)},
                     {"sold", Value::Bool(true)},
                     {"made", Value::Timestamp(cel::TimePoint{1'700'000'000, 0})},
                     {"tags", Value::Object({{"a", Value::List({Value::Int(1), Value::Null()})}})},
                     {"raw", Value::Bytes(std::string_view("\x00\xff", 2))}})))
      << Text(read, "row");
  EXPECT_EQ(Text(read, "value"), "1");
  EXPECT_GT(read.value.Find("duration")->duration().count(), 0);
}

TEST_F(SqlActionTest, AnEmptyAnswerHasColumnsAndNoRow) {
  ASSERT_EQ(Run(kCreate).disposition, Disposition::kAnswered);
  const Outcome none = Ask("SELECT id, name FROM item");
  EXPECT_EQ(Text(none, "rows"), "[]");
  EXPECT_EQ(Text(none, "columns"), R"(["id", "name"])");
  EXPECT_EQ(Text(none, "row"), "null");
  EXPECT_EQ(Text(none, "value"), "null");
}

TEST_F(SqlActionTest, ARefusalIsAnErrorThatKnowsItsSqlState) {
  ASSERT_EQ(Run(kCreate).disposition, Disposition::kAnswered);
  ASSERT_EQ(Ask("INSERT INTO item (name) VALUES ('a')").disposition, Disposition::kAnswered);
  const Outcome twice = Ask("INSERT INTO item (name) VALUES ('a')");
  EXPECT_EQ(twice.disposition, Disposition::kError);
  EXPECT_EQ(twice.error->code, base::ErrorCode::kConflict);
  EXPECT_THAT(twice.error->message, HasSubstr("SQLSTATE 23505"));
  EXPECT_EQ(Text(twice, "sqlstate"), "\"23505\"");
  EXPECT_THAT(Text(twice, "refusal"), HasSubstr("item.name"));
  EXPECT_EQ(Text(twice, "committed"), "false");
  EXPECT_EQ(Text(Ask("SELEC 1"), "sqlstate"), "\"42601\"");
  EXPECT_EQ(Text(Ask("SELECT * FROM nowhere"), "sqlstate"), "\"42P01\"");
}

TEST_F(SqlActionTest, WithoutAnAnswerThereIsNoSqlState) {
  const Outcome refused =
      Run(R"json({"endpoint": "postgresql://u:secret@127.0.0.1:1/d", "query": "SELECT 1"})json");
  EXPECT_EQ(refused.disposition, Disposition::kError);
  EXPECT_EQ(refused.error->code, base::ErrorCode::kUnavailable);
  EXPECT_EQ(refused.value.Find("sqlstate"), nullptr);
  EXPECT_THAT(refused.error->ToString(), Not(HasSubstr("secret")));
  EXPECT_THAT(context_.blobs().Get(refused.transcript).value(), Not(HasSubstr("secret")));
}

TEST_F(SqlActionTest, ATransactionIsAllOrNothing) {
  ASSERT_EQ(Run(kCreate).disposition, Disposition::kAnswered);
  const Outcome failed = Run(R"json({"endpoint": "shop", "transaction": [
      {"query": "INSERT INTO item (name) VALUES ($1)", "params": ["a"]},
      {"query": "INSERT INTO item (name) VALUES ($1)", "params": ["a"]},
      {"query": "INSERT INTO item (name) VALUES ($1)", "params": ["never"]}]})json");
  EXPECT_EQ(Text(failed, "sqlstate"), "\"23505\"");
  EXPECT_EQ(failed.value.Find("results")->list().size(), 1U);
  EXPECT_EQ(Text(Ask("SELECT count(*) FROM item"), "value"), "0");

  const Outcome whole = Run(R"json({"endpoint": "shop", "transaction": [
      {"query": "INSERT INTO item (name) VALUES ('a'), ('b')"},
      {"query": "SELECT count(*) AS n FROM item"}]})json");
  EXPECT_EQ(Text(whole, "row"), R"({"n": 2})");
  EXPECT_EQ(Text(whole, "committed"), "true");
  EXPECT_EQ(Text(whole, "results"), R"([{"rows": [], "columns": [], "affected": 2}, )"
                                    R"({"rows": [{"n": 2}], "columns": ["n"], "affected": 0}])");
  EXPECT_EQ(Text(Ask("SELECT count(*) FROM item"), "value"), "2");
}

TEST_F(SqlActionTest, RollbackUndoesAndStillShowsWhatWasSeenInside) {
  ASSERT_EQ(Run(kCreate).disposition, Disposition::kAnswered);
  const Outcome undone = Run(R"json({"endpoint": "shop", "rollback": true, "transaction": [
      {"query": "INSERT INTO item (name) VALUES ('a')"},
      {"query": "SELECT count(*) FROM item"}]})json");
  EXPECT_EQ(undone.disposition, Disposition::kAnswered);
  EXPECT_EQ(Text(undone, "value"), "1");
  EXPECT_EQ(Text(undone, "committed"), "false");
  EXPECT_EQ(Text(Ask("SELECT count(*) FROM item"), "value"), "0");
}

TEST_F(SqlActionTest, CopyStoresListsAndMapsOfRows) {
  ASSERT_EQ(Run(kCreate).disposition, Disposition::kAnswered);
  const Outcome lists = Run(R"json({"endpoint": "shop", "copy": {"table": "item",
      "columns": ["name", "price"], "rows": [["a", 1.5], ["b", null]]}})json");
  EXPECT_EQ(lists.disposition, Disposition::kAnswered) << lists.error->ToString();
  EXPECT_EQ(Text(lists, "affected"), "2");
  const Outcome maps = Run(R"json({"endpoint": "shop", "copy": {"table": "item",
      "rows": [{"name": "c", "price": 2}, {"name": "d"}]}})json");
  EXPECT_EQ(Text(maps, "affected"), "2");
  EXPECT_EQ(Text(Ask("SELECT name, price FROM item WHERE price IS NOT NULL ORDER BY name"), "rows"),
            R"([{"name": "a", "price": 1.5}, {"name": "c", "price": 2.0}])");
  const Outcome twice =
      Run(R"json({"endpoint": "shop", "copy": {"table": "item", "columns": ["name"],
      "rows": [["e"], ["a"]]}})json");
  EXPECT_EQ(Text(twice, "sqlstate"), "\"23505\"");
  EXPECT_EQ(Text(Ask("SELECT count(*) FROM item"), "value"), "4");
}

TEST_F(SqlActionTest, ReadOnlyStepsChangeNothing) {
  ASSERT_EQ(Run(kCreate).disposition, Disposition::kAnswered);
  const Outcome written = Run(
      R"json({"endpoint": "shop", "read_only": true, "query": "INSERT INTO item (name) VALUES ('a')"})json");
  EXPECT_EQ(Text(written, "sqlstate"), "\"25006\"");
  EXPECT_EQ(Text(Ask("SELECT count(*) FROM item"), "value"), "0");
}

TEST_F(SqlActionTest, TheDefaultEndpointMayBeADatabase) {
  EXPECT_EQ(Text(Run(R"json({"endpoint": "", "query": "SELECT 7"})json"), "value"), "7");
}

TEST_F(SqlActionTest, MoreRowsThanAllowedAreAnError) {
  const Outcome many = Run(R"json({"endpoint": "shop", "max_rows": 2, "query":
      "SELECT 1 UNION SELECT 2 UNION SELECT 3"})json");
  EXPECT_EQ(many.disposition, Disposition::kError);
  EXPECT_EQ(many.error->code, base::ErrorCode::kTooLarge);
  EXPECT_THAT(many.error->message, HasSubstr("3 rows"));
}

TEST_F(SqlActionTest, NamesTheParameterThatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {R"json({"endpoint": "nowhere", "query": "SELECT 1"})json", "nowhere"},
      {R"json({"endpoint": "api", "query": "SELECT 1"})json", "\"api\" is no database"},
      {R"json({"endpoint": "shop", "query": 7})json", "\"query\""},
      {R"json({"endpoint": "shop", "query": "SELECT 1", "params": "x"})json", "\"params\""},
      {R"json({"endpoint": "shop", "transaction": [{"query": "SELECT 1"}, {"params": []}]})json",
       "transaction[1].query"},
      {R"json({"endpoint": "shop", "copy": {"table": "t", "rows": [[1]]}})json", "copy.columns"},
      {R"json({"endpoint": "shop", "copy": {"table": "t", "columns": ["a"], "rows": [[1], [1, 2]]}})json",
       "copy.rows[1]"},
      {R"json({"endpoint": "shop", "copy": {"table": "t", "rows": [{"a": 1}, {"b": 2}]}})json",
       "\"b\""},
      {R"json({"endpoint": "shop", "query": "SELECT 1", "isolation": "perfect"})json",
       "\"isolation\""},
      {R"json({"endpoint": "shop", "query": "SELECT 1", "max_rows": 0})json", "\"max_rows\""}};
  for (const auto& [params, named] : wrong) {
    const Outcome outcome = Run(params);
    EXPECT_EQ(outcome.disposition, Disposition::kError) << params;
    EXPECT_THAT(outcome.error->message, HasSubstr(named)) << params;
    EXPECT_THAT(outcome.error->ToString(), Not(HasSubstr("secret"))) << params;
  }
}

TEST_F(SqlActionTest, TheTranscriptShowsStatementsParametersAndTheFirstRows) {
  const Outcome outcome = Run(R"json({"endpoint": "shop", "query":
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT i FROM n",
      "params": [250]})json");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered);
  const auto parsed = json::Parse(context_.blobs().Get(outcome.transcript).value()).value();
  const auto& transcript = parsed.as_object();
  EXPECT_EQ(transcript.at("kind"), "sql");
  EXPECT_EQ(transcript.at("endpoint"), "shop");
  const auto& statement = transcript.at("statements").as_array().at(0).as_object();
  EXPECT_THAT(std::string(statement.at("query").as_string()), HasSubstr("RECURSIVE"));
  EXPECT_EQ(statement.at("params"), boost::json::array{250});
  EXPECT_EQ(statement.at("row_count"), 250);
  EXPECT_EQ(statement.at("rows").as_array().size(), 100U);
}

TEST_F(SqlActionTest, AStatementEndsAtTheDeadlineOfItsStep) {
  context_.timeout = std::chrono::milliseconds(50);
  const Outcome late =
      Ask("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n");
  EXPECT_EQ(late.disposition, Disposition::kError);
  EXPECT_EQ(late.error->code, base::ErrorCode::kTimeout);
}

TEST_F(SqlActionTest, ACancelledStepInterruptsItsStatement) {
  net::Runtime runtime;
  std::optional<Outcome> outcome;
  const auto step = [&]() -> net::Task<void> {
    outcome = co_await context_.RunOn(
        runtime.executor(), action_,
        Value::Object({{"endpoint", Value::String("shop")},
                       {"query", Value::String("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
                                               "i + 1 FROM n) SELECT max(i) FROM n")}}));
  };
  const auto whole = [&]() -> net::Task<void> {
    net::TaskGroup group(runtime.executor(), [](const base::Error&) {});
    group.Spawn(step());
    (void)co_await group.Join(base::Deadline::After(std::chrono::milliseconds(20)));
    group.Cancel();
    (void)co_await group.Join(base::Deadline::After(std::chrono::seconds(5)));
  };
  runtime.Run(whole());
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->disposition, Disposition::kInterrupted);
}

TEST_F(SqlActionTest, TheHeadNamesDatabaseAndStatementWithoutThePassword) {
  const auto head = [&](std::string_view json) {
    return action_.Head(cel::ParseJson(json).value());
  };
  EXPECT_EQ(head(R"json({"endpoint": "shop", "query": "SELECT 1\nFROM t"})json"),
            "shop: SELECT 1 FROM t");
  EXPECT_EQ(head(R"json({"endpoint": "postgresql://u:secret@h/d", "transaction": []})json"),
            "postgresql://u@h/d: transaction");
}

TEST(CellValue, ReadsTimesAsDatabasesWriteThem) {
  const auto shown = [](const char* text) {
    return cel::DebugString(CellValue(sql::Value(text), sql::ColumnType::kTimestamp));
  };
  EXPECT_EQ(shown("2026-01-02 03:04:05.6+00"), "timestamp(\"2026-01-02T03:04:05.6Z\")");
  EXPECT_EQ(shown("2026-01-02 03:04:05"), "timestamp(\"2026-01-02T03:04:05Z\")");
  EXPECT_EQ(shown("2026-01-02T03:04:05+01:30"), "timestamp(\"2026-01-02T01:34:05Z\")");
  EXPECT_EQ(shown("2026-01-02"), "timestamp(\"2026-01-02T00:00:00Z\")");
  EXPECT_EQ(shown("infinity"), "\"infinity\"");
  EXPECT_EQ(shown(""), "\"\"");
}

TEST(CellValue, DecimalsAreDoublesAndBrokenJsonStaysText) {
  EXPECT_EQ(cel::DebugString(CellValue(sql::Value("12.50"), sql::ColumnType::kDecimal)), "12.5");
  EXPECT_EQ(cel::DebugString(CellValue(sql::Value("{"), sql::ColumnType::kJson)), "\"{\"");
}

}  // namespace
}  // namespace assay::action
