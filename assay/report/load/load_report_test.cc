// Loads in reports, from events written by hand.

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/report/load/load_charts.h"
#include "assay/report/load/load_series.h"
#include "assay/report/load/load_text.h"
#include "lib/stats/histogram_codec.h"

namespace assay::report {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Encoded(std::initializer_list<uint64_t> micros) {
  stats::Histogram histogram;
  for (const uint64_t value : micros) histogram.Record(value);
  return stats::EncodeHistogram(histogram);
}

history::Event Of(std::string_view kind, boost::json::object content) {
  history::Event event;
  event.kind = kind;
  event.path = "L/1/load";
  event.data = std::move(content);
  return event;
}

history::Event Interval(int64_t second, std::initializer_list<uint64_t> quick,
                        std::initializer_list<uint64_t> slow) {
  const auto task = [](std::string_view name, std::initializer_list<uint64_t> micros, int failed) {
    return boost::json::object{{"name", name},
                               {"finished", static_cast<int64_t>(micros.size())},
                               {"failed", failed},
                               {"latency", Encoded(micros)},
                               {"service", Encoded(micros)},
                               {"status", boost::json::object{{"200", 1}}}};
  };
  return Of(history::kind::kWorkloadInterval,
            {{"second", second},
             {"tasks", boost::json::array{task("quick", quick, 0), task("<slow>", slow, 1)}},
             {"late", 2},
             {"vus", 5},
             {"delay", Encoded({40})}});
}

history::StepResult LoadStep() {
  history::StepResult step;
  step.path = "L/1/load";
  step.records.push_back(
      Of(history::kind::kWorkloadStarted, {{"executor", "constant-vus"},
                                           {"engine", "steps"},
                                           {"engine_reason", "task quick: it has several steps"}}));
  step.records.push_back(Interval(0, {1000, 2000}, {90'000}));
  step.records.push_back(Interval(1, {3000}, {}));
  step.records.push_back(Of(history::kind::kWorkloadFailure, {{"task", "<slow>"},
                                                              {"step", "get"},
                                                              {"reason", "status == 200 && x < 3"},
                                                              {"status", 503},
                                                              {"at_ns", 1'500'000'000},
                                                              {"transcript", ""}}));
  return step;
}

TEST(LoadSeriesTest, SecondsAddUpToTheWholeLoad) {
  const auto series = ReadLoad(LoadStep());
  ASSERT_TRUE(series);
  EXPECT_EQ(series->executor, "constant-vus");
  ASSERT_EQ(series->seconds.size(), 2);
  EXPECT_EQ(series->seconds[0].finished, 3);
  // Encoded, a value is known to three digits.
  EXPECT_NEAR(static_cast<double>(series->seconds[0].max), 90'000, 64);
  EXPECT_NEAR(static_cast<double>(series->seconds[1].p99), 3000, 2);
  ASSERT_EQ(series->tasks.size(), 2);
  EXPECT_EQ(series->tasks[0].finished, 3);
  EXPECT_EQ(series->whole.latency.count(), 4);
  EXPECT_EQ(series->whole.failed, 2);
  EXPECT_EQ(series->whole.status.at("200"), 4);
  EXPECT_EQ(series->late, 4);
  EXPECT_EQ(series->delay.count(), 2);
  EXPECT_EQ(series->failures.at(0).status, 503);
}

TEST(LoadSeriesTest, ASecondAttemptBeginsAnew) {
  history::StepResult step = LoadStep();
  step.records.push_back(Of(history::kind::kWorkloadStarted, {{"executor", "constant-vus"}}));
  step.records.push_back(Interval(0, {7}, {}));
  const auto series = ReadLoad(step);
  ASSERT_TRUE(series);
  EXPECT_EQ(series->whole.finished, 1);
}

TEST(LoadSeriesTest, WhatIsNoLoadOrIsDamagedGivesNothing) {
  EXPECT_FALSE(ReadLoad(history::StepResult{}));
  history::StepResult step = LoadStep();
  step.records[1].data["delay"] = "damaged";
  EXPECT_FALSE(ReadLoad(step));
  EXPECT_FALSE(ReadInterval({{"tasks", 5}}));
}

TEST(LoadTextTest, NumbersAreGrouped) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
}

TEST(LoadTextTest, TheTableHasALineATaskAndTheirSum) {
  const std::string text = LoadTable(*ReadLoad(LoadStep()), std::chrono::seconds(2));
  EXPECT_THAT(text, HasSubstr("quick"));
  EXPECT_THAT(text, HasSubstr("all"));
  EXPECT_THAT(text, HasSubstr("50.00 %"));
  EXPECT_THAT(text, HasSubstr("status  200: 4"));
  EXPECT_THAT(text, HasSubstr("engine steps (task quick: it has several steps)"));
}

TEST(LoadTextTest, ALineTellsOfOneSecond) {
  const auto series = ReadLoad(LoadStep());
  EXPECT_EQ(LoadLine(series->seconds[1]),
            "2 s  1/s  p50 3 ms  p99 3 ms  max 3 ms  1 failed  5 users");
}

TEST(LoadChartsTest, ThePageShowsEveryChartAndEscapesNames) {
  const std::string html = html::Load(*ReadLoad(LoadStep()), std::chrono::seconds(2));
  EXPECT_THAT(html, HasSubstr("Latency over time"));
  EXPECT_THAT(html, HasSubstr("Iterations, failures and users"));
  EXPECT_THAT(html, HasSubstr("Latency by percentile"));
  EXPECT_THAT(html, HasSubstr("&lt;slow&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("<slow>")));
  EXPECT_THAT(html, HasSubstr("status == 200 &amp;&amp; x &lt; 3"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(LoadChartsTest, ALoadInWhichNothingEndedIsStillDrawn) {
  history::StepResult step;
  step.records.push_back(Of(history::kind::kWorkloadStarted, {{"executor", "constant-vus"}}));
  step.records.push_back(Interval(0, {}, {}));
  const std::string html = html::Load(*ReadLoad(step), std::chrono::seconds(1));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("inf")));
}

}  // namespace
}  // namespace assay::report
