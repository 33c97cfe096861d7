#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cli/cli.h"
#include "assay/cli/up/up_commands.h"
#include "assay/cli/up/up_state.h"
#include "lib/process/spawn.h"
#include "lib/process/table.h"
#include "lib/testing/temp_dir.h"

namespace assay::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kProject = R"(name: demo
suites: [suites]
environments:
  local:
    credentials: { token: { variable: DEMO_TOKEN } }
    services:
      page:
        command: [python3, -m, http.server, "${{ port }}", --bind, 127.0.0.1]
        ports: [http]
        probes: [{ http: /, every: 50ms }]
      talker: { command: [/bin/sh, -c, "echo first; echo second; exec sleep 1000"] }
    endpoints:
      page: "http://user:${{ environment.credentials.token }}@127.0.0.1:${{ services.page.port }}"
)";

class Up : public testing::Test {
 protected:
  Up() {
    temp_.Write(
        "suites/demo/get.yaml",
        "id: GET\ntitle: The page\nsteps:\n  - http: GET page:/\n    expect: [status == 200]\n");
    temp_.Write("assay.yaml", kProject);
    host_.out = [this](std::string_view text) { out_ += text; };
    host_.err = [this](std::string_view text) { err_ += text; };
    host_.environment = process::InheritedEnvironment();
    process::SetVariable(host_.environment, "DEMO_TOKEN", "canary-4711-hush");
    host_.directory = temp_.path();
    host_.program = ASSAY_PROGRAM;
    host_.clock = &clock_;
    host_.interrupt = &interrupt_;
  }
  ~Up() override { Call({"down"}); }

  int Call(const std::vector<std::string>& arguments) {
    out_.clear();
    err_.clear();
    return Main(arguments, host_);
  }
  UpState State() { return ReadUpState(UpFile(temp_ / "results", "local")).value(); }

  testing_support::TempDir temp_;
  base::SystemClock clock_;
  net::Cancellation interrupt_;
  Host host_;
  std::string out_;
  std::string err_;
};

TEST_F(Up, AnEnvironmentStaysUpIsUsedByRunsAndGoesDown) {
  ASSERT_EQ(Call({"up", "local"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("page             ready"));
  const UpState state = State();
  EXPECT_TRUE(state.is_alive());
  EXPECT_EQ(Call({"status"}), 0) << out_;
  EXPECT_THAT(out_, HasSubstr("talker           ready"));
  EXPECT_EQ(Call({"run", "--up"}), 0) << out_ << err_;
  EXPECT_EQ(Call({"run", "--up"}), 0) << "the first run must not take it down";
  EXPECT_EQ(Call({"up", "local"}), 3);
  EXPECT_THAT(err_, HasSubstr("is up already"));
  EXPECT_EQ(Call({"down"}), 0) << err_;
  EXPECT_FALSE(state.is_alive());
  EXPECT_FALSE(std::filesystem::exists(UpFolder(temp_ / "results") / state.run));
  EXPECT_EQ(Call({"status"}), 3);
  EXPECT_EQ(out_, "no environment is up\n");
  EXPECT_EQ(Call({"run", "--up"}), 3);
  EXPECT_THAT(err_, HasSubstr("is not up"));
}

TEST_F(Up, LogsAreShownAsAWholeOrTheLastLines) {
  ASSERT_EQ(Call({"up"}), 0) << out_ << err_;
  EXPECT_EQ(Call({"logs", "talker"}), 0) << err_;
  EXPECT_EQ(out_, "first\nsecond\n");
  EXPECT_EQ(Call({"logs", "talker", "--tail", "1"}), 0);
  EXPECT_EQ(out_, "second\n");
  EXPECT_EQ(Call({"logs", "walker"}), 1);
  EXPECT_THAT(err_, HasSubstr("there are page, talker"));
}

TEST_F(Up, ShowsNoSecret) {
  ASSERT_EQ(Call({"up"}), 0) << out_ << err_;
  EXPECT_THAT(out_ + err_, Not(HasSubstr("canary-4711-hush")));
  EXPECT_EQ(Call({"status", "--json"}), 0);
  EXPECT_THAT(out_, Not(HasSubstr("canary-4711-hush")));
  EXPECT_THAT(testing_support::ReadFile(UpFile(temp_ / "results", "local")),
              Not(HasSubstr("canary-4711-hush")));
}

TEST_F(Up, AKeeperThatWasKilledLeavesNothing) {
  ASSERT_EQ(Call({"up"}), 0) << out_ << err_;
  const UpState state = State();
  process::Signal(state.keeper, SIGKILL);
  EXPECT_EQ(Call({"down"}), 0) << err_;
  EXPECT_EQ(Call({"status"}), 3);
  EXPECT_FALSE(std::filesystem::exists(UpFolder(temp_ / "results") / state.run));
}

TEST_F(Up, AnEnvironmentThatDoesNotStartSaysWhyAndIsNotUp) {
  temp_.Write("assay.yaml",
              "name: demo\nenvironments:\n  local:\n    services:\n"
              "      api: { command: [no-such-program-anywhere] }\n");
  EXPECT_EQ(Call({"up"}), 3);
  EXPECT_THAT(err_, HasSubstr("no-such-program-anywhere"));
  EXPECT_EQ(Call({"status"}), 3);
  EXPECT_EQ(Call({"up", "loca"}), 1);
  EXPECT_THAT(err_, HasSubstr("there is no environment \"loca\""));
}

TEST_F(Up, DoctorSaysWhatTheProjectNeedsAndHowToGetIt) {
  process::SetVariable(host_.environment, "PATH", temp_.path().string());
  EXPECT_EQ(Call({"doctor"}), 0) << out_;
  EXPECT_THAT(out_, HasSubstr("apt-get install podman podman-compose runc"));
  temp_.Write("assay.yaml",
              "name: demo\nenvironments:\n  local: { type: compose, compose: compose.yaml }\n");
  EXPECT_EQ(Call({"doctor"}), 3);
  EXPECT_THAT(out_, HasSubstr("missing: the environment \"local\" has type compose"));
}

}  // namespace
}  // namespace assay::cli
