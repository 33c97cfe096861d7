// The whole program on small projects: programs are started for real, nothing is sent anywhere.

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cli/cli.h"
#include "lib/process/spawn.h"
#include "lib/testing/temp_dir.h"

namespace assay::cli {
namespace {

using testing::HasSubstr;

class Program : public testing::Test {
 protected:
  Program() {
    temp_.Write("assay.yaml", "name: demo\nsuites: [suites]\n");
    host_.out = [this](std::string_view text) { out_ += text; };
    host_.err = [this](std::string_view text) { err_ += text; };
    host_.environment = process::InheritedEnvironment();
    host_.directory = temp_.path();
    host_.program = ASSAY_PROGRAM;
    host_.clock = &clock_;
    host_.interrupt = &interrupt_;
  }

  void Scenario(const std::string& id, const std::string& rest) {
    temp_.Write("suites/demo/" + id + ".yaml", "id: " + id + "\ntitle: " + id + "\n" + rest);
  }
  int Call(const std::vector<std::string>& arguments) {
    out_.clear();
    err_.clear();
    return Main(arguments, host_);
  }

  testing_support::TempDir temp_;
  base::SystemClock clock_;
  net::Cancellation interrupt_;
  Host host_;
  std::string out_;
  std::string err_;
};

constexpr auto kPassing =
    "steps:\n  - exec: [echo, hello]\n    expect: [\"stdout.contains('hello')\"]\n";

TEST_F(Program, APassedRunCanBeReplayedAndVerified) {
  Scenario("GOOD", kPassing);
  EXPECT_EQ(Call({"run", "--report", "terminal,json,junit,html"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("1 passed"));
  for (const char* file : {"report.json", "junit.xml", "report.html", "run.json"}) {
    EXPECT_TRUE(std::filesystem::exists(temp_ / "results/latest" / file)) << file;
  }
  EXPECT_EQ(Call({"replay", "results/latest"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("identical"));
  EXPECT_EQ(Call({"verify"}), 0) << out_ << err_;
  EXPECT_EQ(Call({"report"}), 0) << err_;
}

TEST_F(Program, AlteredEvidenceIsNoticed) {
  Scenario("GOOD", kPassing);
  ASSERT_EQ(Call({"run"}), 0) << out_ << err_;
  std::string log = testing_support::ReadFile(temp_ / "results/latest/events.jsonl");
  log.replace(log.find("hello"), 5, "jello");
  std::ofstream(temp_ / "results/latest/events.jsonl", std::ios::binary) << log;
  EXPECT_EQ(Call({"verify"}), 4);
  EXPECT_THAT(out_, HasSubstr("not intact"));
}

TEST_F(Program, AFailedExpectationIsShown) {
  Scenario("BAD", "steps:\n  - exec: [echo, hello]\n    expect: [exit_code == 3]\n");
  EXPECT_EQ(Call({"run"}), 4) << err_;
  EXPECT_THAT(out_, HasSubstr("exit_code == 3"));
}

TEST_F(Program, FilesThatDoNotLoadAreNotRun) {
  Scenario("BROKEN", "stepz: []\n");
  EXPECT_EQ(Call({"run"}), 2);
  EXPECT_THAT(err_, HasSubstr("stepz"));
  EXPECT_EQ(Call({"check"}), 2);
  EXPECT_FALSE(std::filesystem::exists(temp_ / "results"));
}

TEST_F(Program, WrongUseIsToldApart) {
  Scenario("GOOD", kPassing);
  EXPECT_EQ(Call({"run", "--frobnicate"}), 1);
  EXPECT_THAT(err_, HasSubstr("--frobnicate"));
  EXPECT_EQ(Call({"run", "--filter", "NONE*"}), 1);
  EXPECT_THAT(err_, HasSubstr("no scenario"));
}

TEST_F(Program, AnEnvironmentThatDoesNotStartIsAnError) {
  temp_.Write("assay.yaml",
              "name: demo\nsuites: [suites]\nenvironments:\n  local:\n    services:\n"
              "      api:\n        command: [no-such-program-anywhere]\n");
  Scenario("GOOD", kPassing);
  EXPECT_EQ(Call({"run"}), 3) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("no-such-program-anywhere"));
}

TEST_F(Program, AnInterruptedRunSaysSo) {
  Scenario("GOOD", kPassing);
  interrupt_.Request();
  EXPECT_EQ(Call({"run"}), 130) << out_ << err_;
}

}  // namespace
}  // namespace assay::cli
