// Faults against services that really run: what a scenario breaks, proves and undoes.

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "assay/cli/cli.h"
#include "lib/process/spawn.h"
#include "lib/testing/temp_dir.h"

namespace assay::cli {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

/// A page that `client` leads to; `data` is a file of its data directory.
constexpr auto kProject = R"yaml(name: demo
suites: [suites]
defaults: { step_timeout: 10s, scenario_timeout: 60s }
environments:
  local:
    services:
      page:
        command: [sh, -c, "echo whole > data && exec python3 -m http.server $0 --bind 127.0.0.1", "${{ port }}"]
        ports: [http]
        probes: [{ http: /data, every: 50ms }]
        limits: { disk: 1MiB }
    links:
      client: { to: page, port: http }
    endpoints:
      page: "http://127.0.0.1:${{ links.client.port }}"
      direct: "http://127.0.0.1:${{ services.page.port }}"
)yaml";

class Faults : public testing::Test {
 protected:
  Faults() {
    temp_.Write("assay.yaml", kProject);
    host_.out = [this](std::string_view text) { out_ += text; };
    host_.err = [this](std::string_view text) { err_ += text; };
    host_.environment = process::InheritedEnvironment();
    host_.directory = temp_.path();
    host_.program = ASSAY_PROGRAM;
    host_.clock = &clock_;
    host_.interrupt = &interrupt_;
  }

  int Run(const std::string& steps) {
    temp_.Write("suites/demo/one.yaml", "id: ONE\ntitle: One\n" + steps);
    return Call({"run", "--seed", "7", "--verbose"});
  }
  int Call(const std::vector<std::string>& arguments) {
    out_.clear();
    err_.clear();
    return Main(arguments, host_);
  }
  std::string Log() const {
    return testing_support::ReadFile(temp_ / "results/latest/events.jsonl");
  }

  testing_support::TempDir temp_;
  base::SystemClock clock_;
  net::Cancellation interrupt_;
  Host host_;
  std::string out_;
  std::string err_;
};

TEST_F(Faults, LatencyOnALinkIsProvenByItsConnections) {
  EXPECT_EQ(Run(R"yaml(steps:
  - http: GET page:/data
    expect: [status == 200, "duration < duration('150ms')"]
  - fault: { network: { link: client, latency: { latency: 200 } }, as: slow }
    expect: active
  - http: GET page:/data
    expect: [status == 200, "duration >= duration('200ms')"]
  - fault: { heal: slow }
    expect: [effect.shown, healing.shown, "!active"]
  - http: GET page:/data
    expect: [status == 200, "duration < duration('150ms')"]
)yaml"),
            0)
      << out_ << err_;
  EXPECT_THAT(Log(), HasSubstr("fault.injected"));
  EXPECT_THAT(Log(), HasSubstr("fault.effect"));
  EXPECT_THAT(Log(), HasSubstr("fault.healed"));
  EXPECT_EQ(Call({"replay"}), 0) << out_;
}

TEST_F(Faults, AFaultThatTouchedNothingIsInconclusive) {
  EXPECT_EQ(Run(R"yaml(steps:
  - fault: { network: { link: client, latency: { latency: 200 } }, as: slow }
    expect: active
  - http: GET direct:/data
    expect: status == 200
)yaml"),
            5)
      << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("no connection through the link was touched"));
  EXPECT_EQ(Call({"replay"}), 0) << out_;
}

TEST_F(Faults, AFaultInTheBackgroundIsThereForTheStepsBesideIt) {
  EXPECT_EQ(Run(R"yaml(steps:
  - fault: { network: { link: client, down: true }, for: 600ms }
    background: true
    expect: [effect.refused, healing.accepts]
  - http: GET page:/data
    expect: error.code == 'unavailable'
  - http: GET direct:/data
    expect: status == 200
  - http: GET page:/data
    poll: { every: 50ms, for: 5s, until: "error == null && status == 200" }
    expect: status == 200
)yaml"),
            0)
      << out_ << err_;
}

TEST_F(Faults, AKilledServiceIsStartedAgain) {
  EXPECT_EQ(Run(R"yaml(steps:
  - fault: { process: { service: page, kill: true }, as: gone }
    expect: active
  - http: GET direct:/data
    expect: error.code == 'unavailable'
  - fault: { heal: gone }
    expect: [effect.gone, healing.ready]
  - http: GET page:/data
    expect: status == 200
)yaml"),
            0)
      << out_ << err_;
}

TEST_F(Faults, APausedServiceDoesNotAnswerUntilItIsResumed) {
  EXPECT_EQ(Run(R"yaml(steps:
  - fault: { process: { service: page, pause: true }, for: 800ms }
    background: true
    expect: [effect.stopped, healing.running]
  - http: GET page:/data
    timeout: 300ms
    expect: error.code == 'timeout'
  - http: GET page:/data
    expect: status == 200
)yaml"),
            0)
      << out_ << err_;
}

TEST_F(Faults, SlowAndLimitedProcessesGoBackToWhatTheyWere) {
  EXPECT_EQ(Run(R"yaml(steps:
  - fault: { process: { service: page, slow: 0.2 }, for: 1s }
    expect: [effect.stops >= 1, healing.running]
  - fault: { process: { service: page, files: 0 }, for: 10ms }
    expect: effect.limit == effect.used
  - fault: { process: { service: page, memory: 16MiB }, for: 10ms }
    expect: effect.limit > effect.used
  - http: GET page:/data
    expect: status == 200
)yaml"),
            0)
      << out_ << err_;
}

TEST_F(Faults, AFlippedBitIsFlippedBack) {
  EXPECT_EQ(Run(R"yaml(steps:
  - fault: { disk: { service: page, flip: data }, as: bit }
  - http: GET page:/data
    expect: "text != 'whole\\n' && size(text) > 0"
  - fault: { heal: bit }
    expect: effect.file == 'data'
  - fault: { disk: { service: page, truncate: "d*a", bytes: 3 }, as: cut }
  - http: GET page:/data
    expect: text == 'who'
  - fault: { heal: all }
    expect: effect.offset == 3
  - http: GET page:/data
    expect: "text == 'whole\\n'"
)yaml"),
            0)
      << out_ << err_;
}

TEST_F(Faults, AFullDiskRefusesAWrite) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting a disk of limited size needs root";
  EXPECT_EQ(Run(R"yaml(steps:
  - fault: { disk: { service: page, full: true }, as: full }
  - exec: [sh, -c, "echo more > \"$0\"/more", "${{ environment.services.page.dir }}"]
    expect: exit_code != 0
  - fault: { heal: full }
    expect: [effect.write_refused, healing.free_bytes > 0]
  - exec: [sh, -c, "echo more > \"$0\"/more", "${{ environment.services.page.dir }}"]
    expect: exit_code == 0
)yaml"),
            0)
      << out_ << err_;
  const std::string mounts = testing_support::ReadFile("/proc/self/mounts");
  EXPECT_THAT(mounts, Not(HasSubstr(temp_.path().string()))) << "nothing stays mounted";
}

TEST_F(Faults, AFailedScenarioLeavesNothingBroken) {
  EXPECT_EQ(Run(R"yaml(steps:
  - fault: { process: { service: page, pause: true } }
  - exec: ["false"]
    expect: exit_code == 0
cleanup:
  - http: GET page:/data
    expect: status == 200
)yaml"),
            4)
      << out_ << err_;
  EXPECT_THAT(out_, Not(HasSubstr("cleanup:")));
  EXPECT_THAT(Log(), HasSubstr("fault.healed"));
}

TEST_F(Faults, MistakesAreFoundBeforeAnythingRuns) {
  std::string project = kProject;
  project.replace(project.find("to: page"), 8, "to: pgae");
  temp_.Write("assay.yaml", project);
  EXPECT_EQ(Run("steps:\n  - fault: { network: { link: client, latenzy: {} } }\n"), 2);
  EXPECT_THAT(err_, HasSubstr("unknown service \"pgae\""));
  EXPECT_THAT(err_, HasSubstr("did you mean \"page\"?"));
  EXPECT_THAT(err_, HasSubstr("latenzy"));
  EXPECT_THAT(err_, HasSubstr("did you mean \"latency\"?"));
}

constexpr auto kRandom = R"yaml(steps:
  - fault:
      random:
        among:
          - { network: { link: client, latency: { latency: 60 } }, weight: 3, shortest: 50ms, longest: 150ms }
          - { process: { service: page, pause: true }, shortest: 50ms, longest: 150ms }
        faults: 5
        for: 1500ms
        calm: 50ms
      as: chaos
    id: chaos
    background: true
    expect: [effect.shown, healing.shown, size(plan) == size(faults), size(plan) >= 2]
  - repeat: 20
    steps:
      - http: GET page:/data
        timeout: 5s
        expect: [ status == 200, "duration < duration('%s')" ]
      - wait: 70ms
)yaml";

std::string Random(std::string_view limit) {
  std::string steps = kRandom;
  return steps.replace(steps.find("%s"), 2, limit);
}

TEST_F(Faults, RandomOnesComeByThePlanThatTheSeedGives) {
  EXPECT_EQ(Run(Random("4s")), 0) << out_ << err_;
  EXPECT_EQ(Call({"replay"}), 0) << out_;
  const auto plan_of = [&] {
    const std::string log = Log();
    const size_t at = log.find(R"("plan":[)");
    return log.substr(at, log.find(']', at) - at);
  };
  const std::string plan = plan_of();
  EXPECT_THAT(plan, HasSubstr("pause page"));
  EXPECT_EQ(Run(Random("4s")), 0) << out_ << err_;
  EXPECT_EQ(plan_of(), plan);
}

TEST_F(Faults, ShrinkFindsTheFaultThatAFailureNeeds) {
  temp_.Write("suites/demo/one.yaml", "id: ONE\ntitle: One\n" + Random("50ms"));
  EXPECT_EQ(
      Call({"shrink", "--seed", "7", "--tries", "10", "--out", "found.json", "--filter", "O*"}), 4)
      << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("1 fault is enough to fail"));
  EXPECT_THAT(out_, HasSubstr("again    assay run --filter 'O*' --seed 7 --fault-plan"));
  EXPECT_THAT(testing_support::ReadFile(temp_ / "found.json"), HasSubstr("ONE/1/chaos"));
  // Whether a fault of some milliseconds meets a request is not up to us; that it is the one is.
  EXPECT_THAT(Call({"run", "--seed", "7", "--fault-plan", "found.json"}), AnyOf(4, 5))
      << out_ << err_;
  const std::string log = Log();
  const size_t at = log.find(R"("plan":[)");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(log.substr(at, log.find(']', at) - at).find("},{"), std::string::npos);
}

TEST_F(Faults, ShrinkLeavesAloneWhatDoesNotFail) {
  temp_.Write("suites/demo/one.yaml", "id: ONE\ntitle: One\n" + Random("4s"));
  EXPECT_EQ(Call({"shrink", "--seed", "7"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("there is nothing to shrink"));
}

TEST_F(Faults, APlanFileThatIsWrongIsRefusedBeforeAnythingRuns) {
  temp_.Write("suites/demo/one.yaml", "id: ONE\ntitle: One\n" + Random("4s"));
  temp_.Write("bad.json", R"({"ONE/1/chaos": [{"choice": -1}]})");
  EXPECT_EQ(Call({"run", "--fault-plan", "bad.json"}), 1);
  EXPECT_THAT(err_, HasSubstr("\"choice\" of fault 1 of the plan"));
  EXPECT_THAT(err_, HasSubstr("bad.json"));
  EXPECT_EQ(Call({"run", "--fault-plan", "absent.json"}), 1);
  EXPECT_THAT(err_, HasSubstr("absent.json"));
  temp_.Write("other.json",
              R"({"ONE/1/chaos": [{"choice": 5, "at_ns": 0, "lasts_ns": 1, "seed": 1}]})");
  EXPECT_EQ(Call({"run", "--fault-plan", "other.json"}), 3);
  EXPECT_THAT(out_, HasSubstr("names choice 5, the step has 0 to 1"));
}

TEST_F(Faults, WhatIsNotThereCannotBeBroken) {
  EXPECT_EQ(Run("steps:\n  - fault: { process: { service: pgae, kill: true } }\n"), 3);
  EXPECT_THAT(out_, HasSubstr("no service \"pgae\""));
  EXPECT_EQ(Run("steps:\n  - fault: { network: { link: clinet, down: true } }\n"), 3);
  EXPECT_THAT(out_, HasSubstr("no link \"clinet\""));
  EXPECT_EQ(Run("steps:\n  - fault: { heal: nothing }\n"), 3);
  EXPECT_THAT(out_, HasSubstr("no fault \"nothing\" is on"));
}

}  // namespace
}  // namespace assay::cli
