// The whole program on small projects: programs are started for real, nothing is sent anywhere.

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "assay/cli/cli.h"
#include "lib/process/descriptor.h"
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

TEST_F(Program, ASignedRunIsVerifiedByItsPublicKey) {
  Scenario("GOOD", kPassing);
  ASSERT_EQ(Call({"keygen", "site.key"}), 0) << err_;
  EXPECT_EQ(Call({"keygen", "site.key"}), 3);
  EXPECT_THAT(err_, HasSubstr("exists already"));
  ASSERT_EQ(Call({"keygen", "other.key"}), 0);
  EXPECT_EQ(Call({"run", "--sign", "site.key"}), 0) << out_ << err_;
  EXPECT_EQ(Call({"verify", "--key", "site.key.pub"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("signed by "));
  EXPECT_EQ(Call({"verify", "--key", "other.key.pub"}), 4) << out_;
  std::filesystem::permissions(temp_ / "site.key", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_EQ(Call({"run", "--sign", "site.key"}), 1);
  EXPECT_THAT(err_, HasSubstr("chmod 600"));
}

TEST_F(Program, AnOperatorDecidesManualStepsAndTheReplayRemembers) {
  Scenario("LAMP", "steps:\n  - manual: Is the lamp on?\n    expect: [approved, who != '']\n");
  EXPECT_EQ(Call({"run"}), 5) << out_;  // nobody is there: skipped, nothing passed
  auto pipe = process::MakePipe().value();
  ASSERT_EQ(write(pipe.writer.get(), "perhaps\ny, bright\n", 18), 18);
  host_.input = pipe.reader.get();
  EXPECT_EQ(Call({"run", "--interactive"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("Is the lamp on?"));
  EXPECT_THAT(out_, HasSubstr("\"perhaps\" is no decision"));
  EXPECT_EQ(Call({"replay"}), 0) << out_ << err_;
  pipe.writer.Reset();
  EXPECT_EQ(Call({"run", "--interactive"}), 5) << out_;  // the operator has left
}

TEST_F(Program, AStepThatTakesTooLongIsAlwaysTheSameError) {
  Scenario("SLOW",
           "steps:\n  - exec: [sleep, '10']\n    timeout: 150ms\n    expect: [exit_code == 0]\n");
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(Call({"run"}), 3) << out_;
    EXPECT_THAT(out_, HasSubstr("no result within 150ms"));
  }
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
