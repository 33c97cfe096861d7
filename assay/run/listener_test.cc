// Background steps that listen: what comes after them waits until they do, live and replayed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/run/test_support.h"

namespace assay::run {
namespace {

using history::Verdict;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ListenerTest : public ::testing::Test {
 protected:
  // Runs one scenario `X` with these steps, then replays it: the same verdicts of the same steps.
  history::RunModel Steps(const std::string& rest) {
    bench_.Scenario("x", "id: X\n" + rest);
    history::RunModel model = bench_.Run();
    const auto replay = bench_.Replay();
    EXPECT_TRUE(replay) << replay.error().ToString();
    if (replay) {
      EXPECT_THAT(replay->missing, IsEmpty());
      for (const auto& difference : replay->differences) {
        ADD_FAILURE() << difference.what << ": " << difference.recorded << " was replayed as "
                      << difference.replayed;
      }
    }
    return model;
  }

  Bench bench_;
};

TEST_F(ListenerTest, StepsAfterAListenerWaitUntilItListens) {
  const auto model = Steps(R"yaml(
steps:
  - { listen: l, id: l, background: true, after: 20ms, delay: 5ms, timeout: 10s }
  - { ask: trigger }
  - { join: l, expect: [ status == 200 ] }
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
  EXPECT_THAT(bench_.script.order, ElementsAre("l", "l listens", "trigger"));
}

TEST_F(ListenerTest, OtherBackgroundStepsAreNotWaitedFor) {
  Steps(R"yaml(
steps:
  - { ask: slow, id: slow, background: true, delay: 20ms }
  - { ask: next }
  - { join: slow }
)yaml");
  bool joined = false;
  for (const auto& event : bench_.Events()) {
    if (event.kind != history::kind::kStepFinished) continue;
    if (event.path == "X/1/slow") joined = true;
    if (event.path == "X/1/ask-2") EXPECT_FALSE(joined);
  }
  EXPECT_TRUE(joined);
}

TEST_F(ListenerTest, AListenerThatFailsBeforeItListensStopsTheScenario) {
  bench_.script.answers["l"] = {Broken("connection refused")};
  const auto model = Steps(R"yaml(
steps:
  - { listen: l, id: l, background: true, timeout: 10s }
  - { ask: trigger, id: t }
  - { join: l }
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kError);
  EXPECT_THAT(Said(StepAt(model, "X/1/l")), StartsWith("error: connection refused"));
  EXPECT_THAT(Said(StepAt(model, "X/1/t")),
              StartsWith("skipped: not evaluated: \"listen l\" ended as error"));
  EXPECT_EQ(bench_.script.asked["trigger"], 0U);
}

TEST_F(ListenerTest, OnFailureContinueGoesOnWithoutTheListener) {
  bench_.script.answers["l"] = {Broken("connection refused")};
  const auto model = Steps(R"yaml(
steps:
  - { listen: l, background: true, timeout: 10s, on_failure: continue }
  - { ask: trigger }
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kError);
  EXPECT_EQ(bench_.script.asked["trigger"], 1U);
}

TEST_F(ListenerTest, AnErrorThatIsExpectedIsNoFailure) {
  bench_.script.answers["l"] = {Broken("connection refused")};
  const auto model = Steps(R"yaml(
steps:
  - { listen: l, background: true, timeout: 10s, expect: [ "error.message == 'connection refused'" ] }
  - { ask: trigger }
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
  EXPECT_EQ(bench_.script.asked["trigger"], 1U);
}

TEST_F(ListenerTest, AListenerThatNeverListensEndsWithItsTime) {
  const auto model = Steps(R"yaml(
steps:
  - { listen: deaf, id: l, background: true, timeout: 30ms }
  - { ask: trigger }
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kError);
  EXPECT_THAT(Said(StepAt(model, "X/1/l")), HasSubstr("no result within 30ms"));
  EXPECT_EQ(bench_.script.asked["trigger"], 0U);
}

TEST_F(ListenerTest, TheScenariosTimeEndsTheWait) {
  const auto model = Steps(R"yaml(
timeout: 40ms
steps:
  - { listen: deaf, id: l, background: true, timeout: 1h }
  - { ask: trigger }
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kError) << Said(model.scenarios[0]);
  EXPECT_EQ(bench_.script.asked["trigger"], 0U);
}

TEST_F(ListenerTest, AListenerThatFailsLaterFailsWhereItIsJoined) {
  const auto model = Steps(R"yaml(
steps:
  - { listen: l, id: l, background: true, timeout: 10s, until: "[true][heard + 5]" }
  - { ask: trigger, id: t }
  - { join: l, id: j }
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kError);
  EXPECT_EQ(StepAt(model, "X/1/t").verdict, Verdict::kPassed) << "it had listened";
  EXPECT_EQ(StepAt(model, "X/1/j").verdict, Verdict::kError);
}

TEST_F(ListenerTest, ARetriedListenerIsWaitedForUntilOneAttemptListens) {
  bench_.script.answers["l"] = {Broken("refused"), Status(200)};
  const auto model = Steps(R"yaml(
steps:
  - { listen: l, background: true, timeout: 10s, retry: { times: 2, every: 1ms } }
  - { ask: trigger }
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
  EXPECT_THAT(bench_.script.order, ElementsAre("l", "l", "l listens", "trigger"));
}

TEST_F(ListenerTest, AListenerThatIsDeclinedIsNotWaitedFor) {
  const auto model = Steps(R"yaml(
steps:
  - { listen: deaf, background: true, timeout: 1h, when: "false", optional: true }
  - { ask: trigger }
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
}

TEST_F(ListenerTest, ConditionsSeeTheActionsVariablesAndTheScenarios) {
  const auto model = Steps(R"yaml(
vars: { wanted: 7 }
steps:
  - { listen: l, timeout: 10s, until: heard == vars.wanted, expect: [ heard == 7 ] }
)yaml");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
}

TEST_F(ListenerTest, AConditionThatGivesNoBoolIsAnErrorOfTheAction) {
  const auto model = Steps(R"yaml(
vars: { wanted: 7 }
steps:
  - { listen: l, timeout: 10s, until: "dyn(vars.wanted)" }
)yaml");
  EXPECT_THAT(Said(Find(model, "X/1")), HasSubstr("gives no bool: 7"));
}

}  // namespace
}  // namespace assay::run
