// `assay compare` and `assay history` on runs of a small project.

#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cli/cli.h"
#include "lib/process/spawn.h"
#include "lib/testing/temp_dir.h"

namespace assay::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CompareTest : public testing::Test {
 protected:
  CompareTest() {
    host_.out = [this](std::string_view text) { out_ += text; };
    host_.err = [this](std::string_view text) { err_ += text; };
    host_.environment = process::InheritedEnvironment();
    host_.directory = temp_.path();
    host_.program = ASSAY_PROGRAM;
    host_.clock = &clock_;
    host_.interrupt = &interrupt_;
    temp_.Write("assay.yaml", "name: demo\nsuites: [suites]\n");
    // What the system does is no input of the run: the files stay as they are.
    temp_.Write("suites/demo/work.yaml",
                "id: WORK\ntitle: All the work\nsteps:\n  - id: think\n    name: Think hard\n"
                "    exec: [sh, -c, \"sleep $(cat " +
                    (temp_ / "delay").string() + "); test ! -e " + (temp_ / "broken").string() +
                    "\"]\n    expect: exit_code == 0\n");
    Delay("0.02");
  }

  void Delay(const std::string& seconds) { std::ofstream(temp_ / "delay") << seconds; }
  int Call(const std::vector<std::string>& arguments) {
    out_.clear();
    err_.clear();
    return Main(arguments, host_);
  }
  void Run(int times, const std::string& seed = "7") {
    for (int i = 0; i < times; ++i) {
      ASSERT_EQ(Call({"run", "--seed", seed}), 0) << out_ << err_;
      ASSERT_EQ(err_, "");
    }
  }

  testing_support::TempDir temp_;
  base::SystemClock clock_;
  net::Cancellation interrupt_;
  Host host_;
  std::string out_;
  std::string err_;
};

TEST_F(CompareTest, ASlowStepIsNamedWithItsPlace) {
  Run(5);
  ASSERT_EQ(Call({"compare", "--last", "5", "--update-baseline"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("baseline baselines/default.json: 5 runs, 2 metrics"));
  EXPECT_EQ(Call({"compare"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("passed: "));
  Delay("0.6");
  Run(1);
  EXPECT_EQ(Call({"compare", "--report", "html,junit,json"}), 4) << out_ << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("WORK/1/think:duration"), HasSubstr("tolerance"),
                          HasSubstr("5 runs against 1"),
                          HasSubstr("Think hard (suites/demo/work.yaml:4)")));
  for (const char* file : {"comparison.html", "comparison.xml", "comparison.json"}) {
    EXPECT_TRUE(std::filesystem::exists(temp_ / "results/latest" / file)) << file;
  }
  const std::string page = testing_support::ReadFile(temp_ / "results/latest/comparison.html");
  EXPECT_THAT(page, HasSubstr("WORK/1/think:duration over 6 runs")) << "the history and this run";
  EXPECT_EQ(Call({"compare", "--json"}), 4);
  EXPECT_EQ(boost::json::parse(out_).at("verdict").as_string(), "failed");
  EXPECT_EQ(Call({"compare", "--metric", "*:duration=100000%"}), 0) << out_;
  EXPECT_EQ(Call({"compare", "--tolerance", "100000%"}), 0) << out_;
}

TEST_F(CompareTest, TolerancesOfTheProjectHoldAndAreNoConditionOfTheRun) {
  Run(4);
  ASSERT_EQ(Call({"compare", "--last", "4", "--update-baseline"}), 0) << out_ << err_;
  Delay("0.5");
  temp_.Write("assay.yaml",
              "name: demo\nsuites: [suites]\nbaseline:\n  metrics:\n"
              "    - { metric: '*:duration', tolerance: 100000% }\n");
  Run(1);
  EXPECT_EQ(Call({"compare"}), 0) << out_ << err_;
  temp_.Write("assay.yaml", "name: demo\nsuites: [suites]\nbaseline: { tolerance: much }\n");
  EXPECT_EQ(Call({"compare"}), 2);
  EXPECT_THAT(err_, HasSubstr("expected a share such as 10% or 0.1"));
}

TEST_F(CompareTest, OtherConditionsAreRefusedByName) {
  Run(1);
  ASSERT_EQ(Call({"compare", "--update-baseline"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("note: a baseline of 4 runs or more"));
  Run(1, "8");
  EXPECT_EQ(Call({"compare"}), 5) << out_;
  EXPECT_THAT(out_, AllOf(HasSubstr("not compared"), HasSubstr("seed: 7 before, 8 now"),
                          HasSubstr("--force")));
  // Two runs of a few milliseconds may come out either way; what matters is that they are judged.
  Call({"compare", "--force", "--verbose"});
  EXPECT_THAT(out_, AllOf(HasSubstr("compared by force"), HasSubstr("seed: 7 before, 8 now"),
                          HasSubstr("WORK/1/think:duration")));
}

TEST_F(CompareTest, TwoRunsCanBeCompared) {
  Run(1);
  const std::string before =
      std::filesystem::canonical(temp_ / "results/latest").filename().string();
  Delay("0.4");
  Run(1);
  EXPECT_EQ(Call({"compare", "--against", before}), 4) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("unknown (1 run)"));
  EXPECT_EQ(Call({"compare", before, "--against", before}), 0) << out_ << err_;
}

TEST_F(CompareTest, OnlyWholePassedRunsBecomeABaseline) {
  std::ofstream(temp_ / "broken") << "yes";
  ASSERT_EQ(Call({"run", "--seed", "7"}), 4);
  EXPECT_EQ(Call({"compare", "--update-baseline"}), 1);
  EXPECT_THAT(err_, HasSubstr("has the verdict failed"));
  std::filesystem::remove(temp_ / "broken");
  Run(1);
  std::string log = testing_support::ReadFile(temp_ / "results/latest/events.jsonl");
  const size_t at = log.find("\"duration_ns\":") + 14;
  log[at] = log[at] == '9' ? '8' : '9';
  std::ofstream(temp_ / "results/latest/events.jsonl", std::ios::binary) << log;
  EXPECT_EQ(Call({"compare", "--update-baseline"}), 1);
  EXPECT_THAT(err_, HasSubstr("is not intact"));
  EXPECT_FALSE(std::filesystem::exists(temp_ / "baselines/default.json"));
}

TEST_F(CompareTest, AScenarioThatFailsIsNoPass) {
  Run(1);
  ASSERT_EQ(Call({"compare", "--update-baseline"}), 0) << out_ << err_;
  std::ofstream(temp_ / "broken") << "yes";
  ASSERT_EQ(Call({"run", "--seed", "7"}), 4);
  EXPECT_EQ(Call({"compare"}), 5) << out_;
  EXPECT_THAT(out_, HasSubstr("WORK/1:duration (WORK/1: failed)"));
}

TEST_F(CompareTest, WrongUseIsToldApart) {
  EXPECT_EQ(Call({"compare"}), 1);
  EXPECT_THAT(err_, HasSubstr("there is no run yet"));
  EXPECT_EQ(Call({"history"}), 1);
  EXPECT_THAT(err_, HasSubstr("there is no history"));
  Run(1);
  EXPECT_EQ(Call({"compare"}), 1);
  EXPECT_THAT(err_, HasSubstr("--update-baseline"));
  EXPECT_EQ(Call({"compare", "--tolerance", "much"}), 1);
  EXPECT_EQ(Call({"compare", "--metric", "p99"}), 1);
  EXPECT_EQ(Call({"compare", "--last", "3"}), 1);
  EXPECT_THAT(err_, HasSubstr("the history has 1 runs under the conditions"));
  EXPECT_EQ(Call({"compare", "latest", "results/latest", "--against", "latest"}), 1);
  EXPECT_THAT(err_, HasSubstr("named twice"));
  EXPECT_EQ(Call({"compare", "none", "--against", "latest"}), 1);
  EXPECT_THAT(err_, HasSubstr("there is no run \"none\""));
  EXPECT_EQ(Call({"history", "forget"}), 1);
}

TEST_F(CompareTest, TheHistoryKeepsEveryRun) {
  Run(2);
  std::ofstream(temp_ / "broken") << "yes";
  ASSERT_EQ(Call({"run", "--seed", "7"}), 4);
  EXPECT_EQ(Call({"history"}), 0) << err_;
  EXPECT_THAT(out_, AllOf(HasSubstr("passed"), HasSubstr("failed")));
  EXPECT_EQ(Call({"history", "--metric", "*think:duration"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("WORK/1/think:duration     2"));
  EXPECT_EQ(Call({"history", "--html", "trend.html"}), 0) << err_;
  EXPECT_THAT(testing_support::ReadFile(temp_ / "trend.html"), HasSubstr("over 2 runs"));
  EXPECT_EQ(Call({"history", "--json", "--limit", "2"}), 0);
  EXPECT_EQ(boost::json::parse(out_).at("runs").as_array().size(), 2U);
  std::filesystem::remove(temp_ / "results/history.db");
  EXPECT_EQ(Call({"history", "add"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("entered 3 runs"));
  EXPECT_EQ(Call({"history", "add"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("entered 0 runs"));
  EXPECT_EQ(Call({"history", "add", "latest"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("entered 1 run\n"));
}

}  // namespace
}  // namespace assay::cli
