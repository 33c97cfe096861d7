// What a comparison looks like.

#include "assay/baseline/report/comparison_report.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pugixml.hpp>

namespace assay::baseline {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

MeasuredRun Made(std::string id, double p99, double duration, double get) {
  MeasuredRun run;
  run.id = std::move(id);
  run.verdict = history::Verdict::kPassed;
  run.configuration = {{"seed", "7"}};
  run.metrics = {{"A/1/get:duration", "s", Better::kLower, get, {}, 0.01},
                 {"A/1/load:latency.p99", "s", Better::kLower, p99, 0.0001, 50e-6},
                 {"A/1/load:queue.mean", "", Better::kNeither, 3, {}, 0},
                 {"A/1:duration", "s", Better::kLower, duration, {}, 0.05}};
  return run;
}

std::vector<MeasuredRun> Before() {
  return {Made("b1", 0.020, 10, 0.3), Made("b2", 0.0201, 10.1, 0.31), Made("b3", 0.0199, 9.9, 0.3),
          Made("b4", 0.020, 10, 0.3)};
}

const Places kPlaces = {{"A/1", "All <day> (s/a.yaml:1)"},
                        {"A/1/get", "get it (s/a.yaml:9)"},
                        {"A/1/load", "the load (s/a.yaml:12)"}};

Comparison Regressed() {
  const std::vector<MeasuredRun> after = {Made("x", 0.0236, 13, 3.2)};
  Comparison comparison = Compare(Before(), after, {}, false);
  comparison.baseline = "baselines/local.json";
  return comparison;
}

TEST(ComparisonReportTest, TheTextNamesAllThatIsKnownOfARegression) {
  const std::string text = ComparisonText(Regressed(), kPlaces, {}, false);
  EXPECT_THAT(text, HasSubstr("x against baselines/local.json: 4 runs"));
  EXPECT_THAT(text, AllOf(HasSubstr("A/1/load:latency.p99\n      before    20 ms (4 runs)"),
                          HasSubstr("after     23.6 ms (1 run)"), HasSubstr("change    +18.0 %"),
                          HasSubstr("tolerance 10 %"), HasSubstr("(4 runs against 1)"),
                          HasSubstr("where     the load (s/a.yaml:12)")));
  EXPECT_THAT(text, HasSubstr("of it     +966.7 % 2.9 s: get it (s/a.yaml:9)"))
      << "which step of the scenario lost the time";
  EXPECT_THAT(text, HasSubstr("failed: 3 regressed, 1 not judged"));
  EXPECT_THAT(text, Not(HasSubstr("queue"))) << "not judged: only with verbose";
  EXPECT_THAT(ComparisonText(Regressed(), kPlaces, {}, true), HasSubstr("queue.mean"));
}

TEST(ComparisonReportTest, UnknownNoiseIsSaid) {
  const std::vector<MeasuredRun> one = {Made("b", 0.02, 10, 0.3)};
  const std::vector<MeasuredRun> after = {Made("x", 0.02, 11.5, 0.3)};
  const std::string text = ComparisonText(Compare(one, after, {}, false), kPlaces, {}, false);
  EXPECT_THAT(text, HasSubstr("unknown (1 run)"));
  EXPECT_THAT(text, HasSubstr("note: how much equal runs differ is not known from 1 run"));
  EXPECT_THAT(text, HasSubstr("inconclusive: 1 inconclusive"));
}

TEST(ComparisonReportTest, ARefusalNamesEachDifferenceAndTheWayOut) {
  std::vector<MeasuredRun> after = Before();
  for (MeasuredRun& run : after) run.configuration = {{"machine name", "other"}, {"seed", "8"}};
  const Comparison refused = Compare(Before(), after, {}, false);
  const std::string text = ComparisonText(refused, kPlaces, {}, false);
  EXPECT_THAT(text, AllOf(HasSubstr("not compared"), HasSubstr("seed: 7 before, 8 now"),
                          HasSubstr("machine name: absent before, other now"), HasSubstr("--force"),
                          HasSubstr("--seed N")));
  const Comparison forced = Compare(Before(), after, {}, true);
  EXPECT_THAT(ComparisonText(forced, kPlaces, {}, false), HasSubstr("compared by force"));
  EXPECT_THAT(ComparisonPage(forced, kPlaces, {}), HasSubstr("Compared by force"));
  EXPECT_THAT(ComparisonJunit(refused, kPlaces), HasSubstr("seed: 7 before, 8 now"));
}

TEST(ComparisonReportTest, JsonHoldsEveryNumber) {
  const boost::json::object json = ComparisonJson(Regressed(), kPlaces);
  EXPECT_EQ(json.at("verdict").as_string(), "failed");
  EXPECT_EQ(json.at("counts").at("regressed").to_number<int>(), 3);
  const auto& load = json.at("metrics").at(1).as_object();
  EXPECT_EQ(load.at("name").as_string(), "A/1/load:latency.p99");
  EXPECT_NEAR(load.at("relative").as_double(), 0.18, 1e-9);
  EXPECT_NEAR(load.at("tolerated").as_double(), 0.002, 1e-12);
  EXPECT_EQ(load.at("noise_source").as_string(), "repeats");
  EXPECT_GT(load.at("noise").as_double(), 0);
  EXPECT_EQ(load.at("place").as_string(), "the load (s/a.yaml:12)");
}

TEST(ComparisonReportTest, JunitHasACaseAMetric) {
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(ComparisonJunit(Regressed(), kPlaces).c_str()));
  const pugi::xml_node suite = document.child("testsuites").child("testsuite");
  EXPECT_EQ(suite.attribute("tests").as_int(), 4);
  EXPECT_EQ(suite.attribute("failures").as_int(), 3);
  EXPECT_EQ(suite.attribute("skipped").as_int(), 1);
  const pugi::xml_node load = suite.find_child_by_attribute("classname", "A/1/load");
  EXPECT_THAT(load.child("failure").attribute("message").value(), HasSubstr("tolerance 10 %"));
}

TEST(ComparisonReportTest, ThePageDrawsTheTrend) {
  std::vector<MeasuredRun> trend = Before();
  trend.push_back(Made("x", 0.0236, 13, 3.2));
  const std::string page = ComparisonPage(Regressed(), kPlaces, trend);
  EXPECT_THAT(page, HasSubstr("A/1/load:latency.p99 over 5 runs"));
  EXPECT_THAT(page, HasSubstr("<title>b3: 19.9 ms</title>"));
  EXPECT_THAT(page, HasSubstr("All &lt;day&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("All <day>")));
  EXPECT_THAT(ComparisonPage(Regressed(), kPlaces, {}), HasSubstr("over 5 runs"))
      << "without a history the baseline itself is drawn";
}

TEST(ComparisonReportTest, ATrendPageHoldsTheChosenMetrics) {
  const std::string page = TrendPage("History", Before(), "*.p99");
  EXPECT_THAT(page, HasSubstr("4 runs, 1 metrics"));
  EXPECT_THAT(page, HasSubstr("A/1/load:latency.p99 over 4 runs"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace assay::baseline
