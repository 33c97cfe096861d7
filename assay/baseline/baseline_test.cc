// Conditions, tolerances, whole comparisons and baseline files.

#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/baseline/baseline_file.h"
#include "assay/baseline/comparison.h"
#include "assay/baseline/configuration.h"
#include "assay/baseline/tolerance.h"
#include "lib/testing/temp_dir.h"

namespace assay::baseline {
namespace {

using history::Verdict;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

history::RunModel Model(std::string_view seed = "7") {
  history::RunModel model;
  model.manifest = {
      {"environment", "local"},
      {"profile", "development"},
      {"seed", seed},
      {"jobs", 4},
      {"host",
       boost::json::object{{"name", "lab-1"}, {"architecture", "x86_64"}, {"processors", 2}}},
      {"inputs", boost::json::array{{{"file", "assay.yaml"}, {"sha256", "a1"}},
                                    {{"file", "suites/x/requirements.yaml"}, {"sha256", "b1"}},
                                    {{"file", "suites/x/one.yaml"}, {"sha256", "c1"}}}},
      {"planned", boost::json::array{{{"instance", "ONE/1"}, {"scenario", "ONE"}}}},
      {"overrides", boost::json::array{{{"name", "size"}, {"value", "big"}}}}};
  return model;
}

MeasuredRun Made(std::string id, double p99, double rate) {
  MeasuredRun run;
  run.id = std::move(id);
  run.head = "0f";
  run.started = base::WallTime(std::chrono::seconds(1'764'000'000)) + std::chrono::nanoseconds(42);
  run.verdict = Verdict::kPassed;
  run.complete = true;
  run.configuration = ConfigurationOf(Model());
  run.metrics = {{"ONE/1/load:latency.p99", "s", Better::kLower, p99, 0.0001, 50e-6},
                 {"ONE/1/load:rate", "1/s", Better::kHigher, rate, {}, 0}};
  return run;
}

std::vector<MeasuredRun> FiveRuns() {
  return {Made("a", 0.0200, 500), Made("b", 0.0202, 498), Made("c", 0.0199, 501),
          Made("d", 0.0201, 500), Made("e", 0.0200, 499)};
}

TEST(ConfigurationTest, EveryConditionThatDiffersIsNamed) {
  const Configuration before = ConfigurationOf(Model());
  EXPECT_THAT(Differences(before, before), IsEmpty());
  history::RunModel other = Model("8");
  other.manifest["environment"] = "production";
  other.manifest["host"].as_object()["processors"] = 4;
  other.manifest["inputs"].as_array()[2].as_object()["sha256"] = "c2";
  other.manifest["planned"].as_array().push_back({{"instance", "TWO/1"}, {"scenario", "TWO"}});
  other.manifest["overrides"] = boost::json::array();
  std::vector<std::string> texts;
  for (const Difference& one : Differences(before, ConfigurationOf(other))) {
    texts.push_back(ToText(one));
  }
  EXPECT_THAT(texts, ElementsAre("environment: local before, production now",
                                 "file suites/x/one.yaml: c1 before, c2 now",
                                 "machine processors: 2 before, 4 now",
                                 "scenario TWO/1: absent before, planned now",
                                 "seed: 7 before, 8 now", "variable size: big before, absent now"));
  EXPECT_NE(DigestOf(before), DigestOf(ConfigurationOf(other)));
}

TEST(ConfigurationTest, WhatDoesNothingIsNoCondition) {
  history::RunModel other = Model();
  other.manifest["inputs"].as_array()[1].as_object()["sha256"] = "b2";
  EXPECT_THAT(Differences(ConfigurationOf(Model()), ConfigurationOf(other)), IsEmpty());
  history::RunModel tolerant = Model();
  history::RunModel strict = Model();
  tolerant.manifest["inputs"].as_array()[0].as_object()["plan_sha256"] = "a0";
  strict.manifest["inputs"].as_array()[0].as_object() = {
      {"file", "assay.yaml"}, {"sha256", "a2"}, {"plan_sha256", "a0"}};
  EXPECT_THAT(Differences(ConfigurationOf(tolerant), ConfigurationOf(strict)), IsEmpty());
}

TEST(ToleranceTest, WildcardsCoverWholeNames) {
  EXPECT_TRUE(MatchesWildcard("A/1/load:latency.p99", "*:latency.p99"));
  EXPECT_TRUE(MatchesWildcard("A/1/load:latency.p99", "A/*/load:*.p??"));
  EXPECT_TRUE(MatchesWildcard("", "*"));
  EXPECT_FALSE(MatchesWildcard("A/1/load:latency.p999", "*:latency.p99"));
  EXPECT_FALSE(MatchesWildcard("A", ""));
  EXPECT_TRUE(MatchesWildcard(std::string(5000, 'a') + "b", "*a*a*a*b")) << "in good time";
}

TEST(ToleranceTest, LaterRulesWin) {
  const Tolerances tolerances{.tolerance = 0.1,
                              .rules = {{.metrics = "*:latency.*", .tolerance = 0.2},
                                        {.metrics = "B/*", .ignore = true},
                                        {.metrics = "B/1:latency.p50", .floor = 0.5}}};
  const auto rule = [&](const char* name) {
    return tolerances.RuleFor({.name = name, .unit = "s", .floor = 0.01});
  };
  EXPECT_DOUBLE_EQ(rule("A/1:rate")->tolerance, 0.1);
  EXPECT_DOUBLE_EQ(rule("A/1:latency.p50")->tolerance, 0.2);
  EXPECT_DOUBLE_EQ(rule("A/1:latency.p50")->floor, 0.01);
  EXPECT_FALSE(rule("B/1:rate").has_value());
  EXPECT_DOUBLE_EQ(rule("B/1:latency.p50")->floor, 0.5);
}

TEST(ToleranceTest, AreReadWithTheMetricsTheyAreFor) {
  EXPECT_EQ(ParseMetricTolerance("a=b:x=5%")->metrics, "a=b:x");
  EXPECT_DOUBLE_EQ(*ParseMetricTolerance("*=5%")->tolerance, 0.05);
  for (const char* wrong : {"p99", "=5%", "p99=", "p99=x"}) {
    EXPECT_FALSE(ParseMetricTolerance(wrong)) << wrong;
  }
}

TEST(ComparisonTest, ARunAgainstItselfPasses) {
  const std::vector<MeasuredRun> runs = FiveRuns();
  const Comparison comparison = Compare(runs, runs, {}, false);
  EXPECT_EQ(comparison.verdict(), Verdict::kPassed);
  EXPECT_EQ(comparison.Count(Change::kUnchanged), 2U);
}

TEST(ComparisonTest, ARegressionFails) {
  const std::vector<MeasuredRun> after = {Made("x", 0.0230, 500)};
  const Comparison comparison = Compare(FiveRuns(), after, {}, false);
  EXPECT_EQ(comparison.verdict(), Verdict::kFailed);
  EXPECT_EQ(comparison.metrics[0].judgement.change, Change::kRegressed);
  EXPECT_EQ(comparison.metrics[1].judgement.change, Change::kUnchanged);
  const Tolerances generous{.tolerance = 0.1, .rules = {{.metrics = "*.p99", .tolerance = 0.2}}};
  EXPECT_EQ(Compare(FiveRuns(), after, generous, false).verdict(), Verdict::kPassed);
}

TEST(ComparisonTest, OtherConditionsAreRefusedUnlessForced) {
  std::vector<MeasuredRun> after = {Made("x", 0.0230, 500)};
  after[0].configuration = ConfigurationOf(Model("8"));
  const Comparison refused = Compare(FiveRuns(), after, {}, false);
  EXPECT_TRUE(refused.refused());
  EXPECT_EQ(refused.verdict(), Verdict::kInconclusive);
  EXPECT_THAT(refused.metrics, IsEmpty());
  EXPECT_THAT(refused.differences, ElementsAre(Difference{"seed", "7", "8"}));
  const Comparison forced = Compare(FiveRuns(), after, {}, true);
  EXPECT_EQ(forced.verdict(), Verdict::kFailed);
  EXPECT_THAT(forced.differences, ElementsAre(Difference{"seed", "7", "8"}));
}

TEST(ComparisonTest, WhatIsNotMeasuredAnyMoreDoesNotPass) {
  std::vector<MeasuredRun> after = {Made("x", 0.0200, 500)};
  after[0].metrics.clear();
  after[0].not_passed = {{"ONE/1", "failed"}};
  const Comparison comparison = Compare(FiveRuns(), after, {}, false);
  EXPECT_EQ(comparison.verdict(), Verdict::kInconclusive);
  ASSERT_EQ(comparison.missing.size(), 2U);
  EXPECT_EQ(comparison.missing[0].reason, "ONE/1: failed");
  after[0].not_passed = {{"ONE/12", "failed"}};
  EXPECT_EQ(Compare(FiveRuns(), after, {}, false).missing[0].reason, "not measured any more");
}

TEST(ComparisonTest, NewMetricsAreNotedAndIgnoredOnesLeftOut) {
  std::vector<MeasuredRun> after = {Made("x", 0.5, 500)};
  after[0].metrics.push_back({"TWO/1:duration", "s", Better::kLower, 1, {}, 0});
  const Tolerances blind{.tolerance = 0.1, .rules = {{.metrics = "*:latency.*", .ignore = true}}};
  const Comparison comparison = Compare(FiveRuns(), after, blind, false);
  EXPECT_THAT(comparison.added, ElementsAre("TWO/1:duration"));
  EXPECT_EQ(comparison.ignored, 1U);
  EXPECT_EQ(comparison.verdict(), Verdict::kPassed);
}

TEST(BaselineFileTest, ComesBackAsItWasWritten) {
  const testing_support::TempDir folder;
  std::vector<MeasuredRun> runs = FiveRuns();
  runs[0].not_passed = {{"TWO/1", "skipped"}};
  ASSERT_TRUE(WriteBaseline(folder / "base/local.json", runs));
  const auto read = ReadBaseline(folder / "base/local.json");
  ASSERT_TRUE(read.has_value()) << read.error().ToString();
  ASSERT_EQ(read->size(), 5U);
  for (size_t i = 0; i < runs.size(); ++i) {
    EXPECT_EQ((*read)[i].metrics, runs[i].metrics);
    EXPECT_EQ((*read)[i].configuration, runs[i].configuration);
    EXPECT_EQ((*read)[i].not_passed, runs[i].not_passed);
    EXPECT_EQ((*read)[i].started, runs[i].started);
    EXPECT_EQ((*read)[i].id, runs[i].id);
  }
}

TEST(BaselineFileTest, DamageIsNamed) {
  const testing_support::TempDir folder;
  const auto error_of = [&](const std::string& text) {
    folder.Write("x.json", text);
    const auto read = ReadBaseline(folder / "x.json");
    return read ? std::string("read") : read.error().message;
  };
  EXPECT_THAT(error_of("{"), HasSubstr("no baseline"));
  EXPECT_THAT(error_of("[]"), HasSubstr("\"format\""));
  EXPECT_THAT(error_of(R"({"format":"assay baseline 2"})"), HasSubstr("assay baseline 2"));
  EXPECT_THAT(error_of(R"({"format":"assay baseline 1"})"), HasSubstr("\"configuration\""));
  EXPECT_THAT(error_of(R"({"format":"assay baseline 1","configuration":{},"runs":[]})"),
              HasSubstr("at least one run"));
  const std::string head =
      R"({"format":"assay baseline 1","configuration":{},"runs":[{"run":"r","head":"h","verdict":"passed",)";
  EXPECT_THAT(error_of(head + R"("started":"yesterday","metrics":{}}]})"), HasSubstr("no instant"));
  const std::string dated = head + R"("started":"2026-11-21T03:12:51.000000042Z","metrics":)";
  EXPECT_EQ(error_of(dated + R"({}}]})"), "read");
  EXPECT_THAT(error_of(dated + R"({"m":{"value":"fast"}}}]})"), HasSubstr("number \"value\""));
  EXPECT_THAT(error_of(dated + R"({"m":{"value":1,"unit":"s","better":"slower"}}}]})"),
              HasSubstr("\"slower\", expected lower, higher or neither"));
  EXPECT_EQ(ReadBaseline(folder / "none.json").error().code, base::ErrorCode::kNotFound);
}

TEST(BaselineFileTest, OnlyPassedRunsAreWorthy) {
  MeasuredRun run = Made("x", 0.02, 500);
  EXPECT_TRUE(CheckWorthy(run));
  run.verdict = Verdict::kInconclusive;
  EXPECT_THAT(CheckWorthy(run).error().message, HasSubstr("inconclusive"));
  run.verdict = Verdict::kPassed;
  run.complete = false;
  EXPECT_THAT(CheckWorthy(run).error().message, HasSubstr("cut off"));
  run.complete = true;
  run.metrics.clear();
  EXPECT_THAT(CheckWorthy(run).error().message, HasSubstr("measured nothing"));
}

}  // namespace
}  // namespace assay::baseline
