// Counting, collecting, rows of data, figures.

#include <map>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "assay/workload/figures/collector.h"
#include "assay/workload/figures/metrics.h"
#include "assay/workload/load.h"
#include "assay/workload/rows.h"
#include "lib/stats/histogram_codec.h"
#include "lib/testing/temp_dir.h"

namespace assay::workload {
namespace {

using cel::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

const Value& At(const Value& value, std::initializer_list<std::string_view> path) {
  static const Value kNothing;
  const Value* at = &value;
  for (const std::string_view key : path) {
    at = at->Find(key);
    if (at == nullptr) {
      ADD_FAILURE() << "no " << key;
      return kNothing;
    }
  }
  return *at;
}

// --- flow --------------------------------------------------------------------------------------

Load OpenLoad(double rate, base::Duration span) {
  Load load;
  load.executor.kind = ExecutorKind::kConstantArrivalRate;
  load.executor.rate = rate;
  load.executor.duration = span;
  load.executor.max_vus = 1;
  return load;
}

TEST(FlowTest, ArrivalsAreHandedOutOnceWithTheirDueTimes) {
  Flow flow(OpenLoad(10, seconds(1)), base::SteadyTime{} + seconds(5));
  std::vector<base::Duration> due;
  while (const auto ticket = flow.Arrive()) due.push_back(ticket->due - flow.start());
  ASSERT_EQ(due.size(), 10);
  EXPECT_EQ(due[0], seconds(0));
  EXPECT_EQ(due[9], milliseconds(900));
  EXPECT_EQ(flow.ScheduledUntil(flow.start() + milliseconds(450)), 5);
}

TEST(FlowTest, AfterStopNothingBegins) {
  Flow flow(OpenLoad(10, seconds(1)), base::SteadyTime{});
  EXPECT_TRUE(flow.Arrive());
  flow.Stop();
  EXPECT_FALSE(flow.Arrive());
}

TEST(FlowTest, SharedIterationsAreSoManyWhoeverTakesThem) {
  Load load;
  load.executor.kind = ExecutorKind::kSharedIterations;
  load.executor.iterations = 1000;
  Flow flow(load, base::SteadyTime{});
  std::array<int, 4> taken{};
  {
    std::vector<std::jthread> threads;
    for (int& mine : taken) {
      threads.emplace_back([&flow, &mine] {
        while (flow.Begin()) ++mine;
      });
    }
  }
  EXPECT_EQ(taken[0] + taken[1] + taken[2] + taken[3], 1000);
  EXPECT_EQ(flow.begun(), 1000);
}

// Whatever the number of shards: together they are the whole load, no arrival twice, each when it
// is due.
TEST(FlowTest, SharesAreTogetherTheWholeLoad) {
  Load whole;
  whole.executor.kind = ExecutorKind::kRampingArrivalRate;
  whole.executor.start_rate = 10;
  whole.executor.stages = {{std::chrono::seconds(3), 57}, {std::chrono::seconds(1), 0}};
  whole.executor.max_vus = 7;
  const base::SteadyTime start{};
  Flow all(whole, start);
  std::map<uint64_t, base::SteadyTime> expected;
  while (const auto ticket = all.Arrive()) expected[ticket->index] = ticket->due;
  for (const uint64_t count : {2U, 3U, 7U}) {
    std::map<uint64_t, base::SteadyTime> seen;
    uint64_t scheduled = 0;
    for (uint64_t index = 0; index < count; ++index) {
      Load part = whole;
      part.share = {index, count};
      part.executor = PartOf(whole.executor, part.share).value();
      Flow flow(part, start);
      while (const auto ticket = flow.Arrive()) {
        EXPECT_TRUE(seen.emplace(ticket->index, ticket->due).second) << "twice";
      }
      scheduled += flow.ScheduledUntil(start + std::chrono::seconds(10));
    }
    EXPECT_EQ(seen, expected) << count;
    EXPECT_EQ(scheduled, expected.size());
  }
}

TEST(ShareTest, UsersAndIterationsAreDividedWithoutRest) {
  for (const uint64_t count : {1U, 2U, 3U, 5U}) {
    int64_t users = 0;
    int64_t iterations = 0;
    std::set<int64_t> numbers;
    for (uint64_t index = 0; index < count; ++index) {
      Load load;
      load.share = {index, count};
      load.executor.kind = ExecutorKind::kSharedIterations;
      load.executor.vus = 11;
      load.executor.iterations = 100;
      load.executor = PartOf(load.executor, load.share).value();
      users += load.executor.vus;
      iterations += load.executor.iterations;
      for (int64_t own = 1; own <= load.executor.vus; ++own) {
        numbers.insert(load.UserNumber(own));
      }
    }
    EXPECT_EQ(users, 11);
    EXPECT_EQ(iterations, 100);
    EXPECT_EQ(numbers.size(), 11U);
    EXPECT_EQ(*numbers.begin(), 1);
    EXPECT_EQ(*numbers.rbegin(), 11);
  }
}

TEST(ShareTest, AShareWithoutUsersIsRefused) {
  Executor executor;
  executor.kind = ExecutorKind::kConstantVus;
  executor.vus = 2;
  EXPECT_TRUE(PartOf(executor, {1, 2}));
  const auto refused = PartOf(executor, {2, 3});
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, testing::HasSubstr("2 users cannot be divided among 3"));
}

TEST(FlowTest, RemembersTheMostUsers) {
  Flow flow(OpenLoad(1, seconds(1)), base::SteadyTime{});
  flow.Enter();
  flow.Enter();
  flow.Leave();
  flow.Enter();
  EXPECT_EQ(flow.users(), 2);
  EXPECT_EQ(flow.most_users(), 2);
}

// --- collector ---------------------------------------------------------------------------------

TEST(CollectorTest, IntervalsAddUpToTheTotal) {
  Collector collector(2);
  Tally mine(2);
  Tally interval(2);
  uint64_t seen = 0;
  for (int second = 0; second < 5; ++second) {
    for (int i = 0; i <= second; ++i)
      mine.Finished({1, milliseconds(i + 1), milliseconds(1), i == 0});
    mine.Status(1, 404);
    collector.Deliver(mine);
    EXPECT_EQ(mine.tasks[1].finished(), 0);
    collector.TakeInterval(interval);
    EXPECT_EQ(interval.tasks[1].finished(), static_cast<uint64_t>(second) + 1);
    seen += interval.tasks[1].finished();
  }
  const Tally total = collector.Total();
  EXPECT_EQ(total.tasks[1].finished(), seen);
  EXPECT_EQ(total.tasks[1].failed, 5);
  EXPECT_EQ(total.tasks[1].status[404 - 100], 5);
  EXPECT_EQ(total.tasks[0].finished(), 0);
}

TEST(CollectorTest, CountsEveryFailureAndKeepsFewDetails) {
  Collector collector(1);
  for (int i = 0; i < 1000; ++i) collector.Fail({.what = {0, "get", "status == 200"}});
  EXPECT_EQ(collector.TakeFailures().size(), Collector::kDetailsOfOne);
  EXPECT_TRUE(collector.TakeFailures().empty());
  EXPECT_EQ(collector.Failures().begin()->second, 1000);
}

TEST(CollectorTest, ReasonsThatAlwaysDifferStayBounded) {
  Collector collector(1);
  for (int i = 0; i < 10'000; ++i) {
    collector.Fail({.what = {0, "get", "no answer from port " + std::to_string(i)}});
  }
  EXPECT_LE(collector.Failures().size(), Collector::kMostClasses + 1);
  EXPECT_LE(collector.TakeFailures().size(), Collector::kMostDetails);
  uint64_t all = 0;
  for (const auto& [what, count] : collector.Failures()) all += count;
  EXPECT_EQ(all, 10'000);
}

// --- rows --------------------------------------------------------------------------------------

class RowsTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    dir_.Write(name, text);
    return (dir_.path() / name).string();
  }
  testing_support::TempDir dir_;
};

TEST_F(RowsTest, ATableGivesMapsOfTexts) {
  const auto rows = Rows::Open(Write("users.csv", "name,age\nAnna,31\n\"O,\"\"x\",7\r\n\n"),
                               RowOrder::kSequential, 1);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ((*rows)->size(), 2);
  EXPECT_EQ(At(*(*rows)->RowOf(0), {"name"}).string(), "Anna");
  EXPECT_EQ(At(*(*rows)->RowOf(1), {"name"}).string(), "O,\"x");
  EXPECT_EQ(At(*(*rows)->RowOf(2), {"age"}).string(), "31");
}

TEST_F(RowsTest, AQuotedFieldMayHoldALineEnd) {
  const auto rows = Rows::Open(Write("x.csv", "a,b\n\"1\n2\",3\n4,5\n"), RowOrder::kSequential, 1);
  ASSERT_TRUE(rows);
  EXPECT_EQ((*rows)->size(), 2);
  EXPECT_EQ(At(*(*rows)->RowOf(0), {"a"}).string(), "1\n2");
}

TEST_F(RowsTest, LinesOfJsonGiveValues) {
  const auto rows =
      Rows::Open(Write("x.jsonl", "{\"id\": 1}\n{\"id\": 2}\n"), RowOrder::kSequential, 1);
  ASSERT_TRUE(rows);
  EXPECT_EQ(At(*(*rows)->RowOf(3), {"id"}).int_value(), 2);
}

TEST_F(RowsTest, ARandomOrderFollowsTheSeedAndReachesEveryRow) {
  const std::string path = Write("x.jsonl", "1\n2\n3\n4\n");
  const auto one = Rows::Open(path, RowOrder::kRandom, 5);
  const auto same = Rows::Open(path, RowOrder::kRandom, 5);
  std::set<int64_t> seen;
  for (uint64_t i = 0; i < 100; ++i) {
    const int64_t drawn = (*one)->RowOf(i)->int_value();
    EXPECT_EQ(drawn, (*same)->RowOf(i)->int_value());
    seen.insert(drawn);
  }
  EXPECT_EQ(seen.size(), 4);
}

TEST_F(RowsTest, RefusesWhatHasNoRows) {
  const auto open = [](const std::string& path) {
    const auto rows = Rows::Open(path, RowOrder::kSequential, 1);
    return rows ? "accepted" : rows.error().message;
  };
  EXPECT_THAT(open(Write("x.csv", "a,b\n")), HasSubstr("no rows"));
  EXPECT_THAT(open(Write("x.csv", "")), HasSubstr("no rows"));
  EXPECT_THAT(open(Write("x.txt", "1\n")), HasSubstr("expected a .csv or .jsonl"));
  EXPECT_THAT(open(Write("x.jsonl", "{\n")), HasSubstr("row 1"));
  EXPECT_THAT(open((dir_.path() / "gone.csv").string()), HasSubstr("cannot open"));
}

// --- figures -----------------------------------------------------------------------------------

TEST(MetricsTest, FiguresAreByTaskAndTogether) {
  Tally tally(2);
  for (int i = 1; i <= 100; ++i) tally.Finished({0, milliseconds(i), milliseconds(1), false});
  for (int i = 0; i < 4; ++i) tally.Finished({1, milliseconds(500), milliseconds(2), i == 0});
  tally.Status(0, 200);
  tally.begun = 104;
  LoadState state{.tasks = {"quick", "slow"},
                  .elapsed = seconds(2),
                  .scheduled = 110,
                  .dropped = 6,
                  .most_vus = 3,
                  .named_statuses = {404},
                  .engine = "steps"};
  state.failures[{1, "get", "status == 200"}] = 1;
  const Value figures = MetricsOf(tally, state);
  EXPECT_EQ(At(figures, {"iterations"}).int_value(), 104);
  EXPECT_EQ(At(figures, {"rate"}).double_value(), 52);
  // Three digits: the step that holds 50 ms is 16 us wide.
  EXPECT_EQ(At(figures, {"tasks", "quick", "latency", "p50"}).duration(),
            std::chrono::microseconds(50'015));
  EXPECT_EQ(At(figures, {"tasks", "slow", "errors", "rate"}).double_value(), 0.25);
  EXPECT_EQ(At(figures, {"latency", "max"}).duration(), milliseconds(500));
  EXPECT_EQ(At(figures, {"service_time", "max"}).duration(), milliseconds(2));
  EXPECT_EQ(At(figures, {"dropped"}).int_value(), 6);
  EXPECT_EQ(At(figures, {"unmet"}).string(), "");
  EXPECT_EQ(At(figures, {"failures"}).list().size(), 1);
}

TEST(MetricsTest, AStatusThatSomebodyAsksForIsThereAlsoWhenItNeverCame) {
  Tally tally(1);
  tally.Status(0, 200);
  const LoadState state{.tasks = {"a"}, .elapsed = seconds(1), .named_statuses = {404}};
  const Value figures = MetricsOf(tally, state);
  EXPECT_EQ(At(figures, {"status", "404", "count"}).int_value(), 0);
  EXPECT_EQ(At(figures, {"status", "200", "count"}).int_value(), 1);
  EXPECT_EQ(At(figures, {"status"}).Find("500"), nullptr);
  EXPECT_THAT(StatusesNamedIn({{"status", "404", "count"},
                               {"tasks", "x", "status", "503"},
                               {"rate"},
                               {"status", "all"}}),
              testing::ElementsAre(404, 503));
}

TEST(MetricsTest, EveryFigureIsInTheTableAndTheOtherWayRound) {
  const Value figures = MetricsOf(Tally(1), {.tasks = {"a"}, .elapsed = seconds(1)});
  std::set<std::string> made;
  for (const auto& [key, value] : figures.map().entries()) made.insert(std::string(key.string()));
  std::set<std::string> declared;
  for (const scenario::Field& field : MetricFields()) declared.insert(field.name);
  EXPECT_EQ(made, declared);
}

TEST(MetricsTest, AnIntervalIsReadBackWithoutLoss) {
  Tally tally(1);
  tally.Finished({0, std::chrono::milliseconds(7), std::chrono::milliseconds(5), true});
  tally.Status(0, 503);
  tally.tasks[0].interrupted = 2;
  tally.begun = 3;
  tally.late = 1;
  tally.start_failures = 4;
  tally.received_bytes = 99;
  tally.think.Record(1000);
  tally.busy = std::chrono::milliseconds(30);
  tally.present = std::chrono::milliseconds(1000);
  const auto read = ReadInterval(IntervalOf(tally, {"a"}, 0, 1), {"a"});
  ASSERT_TRUE(read.has_value()) << read.error().ToString();
  EXPECT_EQ(boost::json::serialize(IntervalOf(*read, {"a"}, 0, 1)),
            boost::json::serialize(IntervalOf(tally, {"a"}, 0, 1)));
  EXPECT_FALSE(ReadInterval(IntervalOf(tally, {"a"}, 0, 1), {"b"}));
  EXPECT_FALSE(ReadInterval({}, {"a"}));
}

TEST(MetricsTest, AnIntervalCarriesItsHistogramsInTheInterchangeForm) {
  Tally tally(1);
  tally.Finished({0, milliseconds(7), milliseconds(3), true});
  tally.Status(0, 503);
  const boost::json::object interval = IntervalOf(tally, {"get"}, 4, 2);
  const auto& task = interval.at("tasks").as_array()[0].as_object();
  const auto latency = stats::DecodeHistogram(std::string_view(task.at("latency").as_string()));
  ASSERT_TRUE(latency);
  EXPECT_EQ(latency->count(), 1);
  EXPECT_NEAR(static_cast<double>(latency->max()), 7000, 4);
  EXPECT_EQ(task.at("failed"), 1);
  EXPECT_EQ(task.at("status").as_object().at("503"), 1);
  EXPECT_EQ(interval.at("second"), 4);
}

}  // namespace
}  // namespace assay::workload
