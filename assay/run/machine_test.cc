// What the step machine does with the answers of a system: every rule of the scenario language.
// Each scenario is also replayed: the log alone gives the same verdicts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/history/verify.h"
#include "assay/run/test_support.h"

namespace assay::run {
namespace {

using history::Verdict;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class MachineTest : public ::testing::Test {
 protected:
  // Runs one scenario `X` with these steps (YAML, two blanks in front), then replays it.
  history::RunModel Steps(const std::string& rest) {
    bench_.Scenario("x", "id: X\n" + rest);
    history::RunModel model = bench_.Run(options_);
    const auto verified = history::Verify(bench_.dir());
    EXPECT_TRUE(verified && verified->ok())
        << (verified && !verified->problems.empty() ? verified->problems[0].what : "no log");
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
  std::string Scenario(const std::string& rest) { return Said(Find(Steps(rest), "X/1")); }

  Bench bench_;
  RunOptions options_;
};

TEST_F(MachineTest, AStepPassesWhenItsExpectationsHold) {
  const auto model = Steps("steps: [ { ask: a, id: first, expect: [ status == 200 ] } ]");
  EXPECT_EQ(model.verdict, Verdict::kPassed);
  const auto step = StepAt(model, "X/1/first");
  EXPECT_EQ(step.head, "ask a");
  ASSERT_THAT(step.expectations, SizeIs(1));
  EXPECT_EQ(step.expectations[0].expression, "status == 200");
  EXPECT_FALSE(step.unasserted);
}

TEST_F(MachineTest, AFailedExpectationStopsTheScenarioAndIsExplained) {
  bench_.script.answers["a"] = {Status(503)};
  const auto model =
      Steps("steps: [ { ask: a, id: a, expect: [ status == 200 ] }, { ask: b, id: b } ]");
  EXPECT_EQ(model.verdict, Verdict::kFailed);
  EXPECT_EQ(StepAt(model, "X/1/a").verdict, Verdict::kFailed);
  EXPECT_FALSE(StepAt(model, "X/1/a").expectations.at(0).explanation.is_null());
  EXPECT_THAT(Said(StepAt(model, "X/1/b")), StartsWith("skipped: not evaluated"));
  EXPECT_EQ(bench_.script.asked["b"], 0U);
}

TEST_F(MachineTest, OnFailureContinueGoesOnAndStillFails) {
  bench_.script.answers["a"] = {Status(503)};
  const auto model =
      Steps("steps: [ { ask: a, expect: [ status == 200 ], on_failure: continue }, { ask: b } ]");
  EXPECT_EQ(model.verdict, Verdict::kFailed);
  EXPECT_EQ(bench_.script.asked["b"], 1U);
}

TEST_F(MachineTest, AMissingKeyIsAFailedExpectationNotAnError) {
  const auto model = Steps("steps: [ { ask: a, id: a, expect: [ body.nothing == 1 ] } ]");
  EXPECT_EQ(StepAt(model, "X/1/a").verdict, Verdict::kFailed);
  EXPECT_THAT(StepAt(model, "X/1/a").reason, HasSubstr("nothing"));
}

TEST_F(MachineTest, AnErrorIsAnErrorUnlessAnExpectationAsksForIt) {
  bench_.script.answers["a"] = {Broken("connection refused")};
  EXPECT_THAT(Scenario("steps: [ { ask: a, expect: [ status == 200 ] } ]"),
              HasSubstr("error: ask a: connection refused"));
  EXPECT_THAT(Scenario("steps: [ { ask: a, expect: [ \"error.code == 'unavailable'\" ] } ]"),
              StartsWith("passed"));
  EXPECT_THAT(Scenario("steps: [ { ask: a, expect: [ \"error == null\" ] } ]"),
              StartsWith("failed"));
}

TEST_F(MachineTest, ARefusalIsAnErrorUnlessAnExpectationAsksForItsReason) {
  bench_.script.answers["a"] = {Refused("full")};
  EXPECT_THAT(Scenario("steps: [ { ask: a } ]"), HasSubstr("error: ask a: refused"));
  EXPECT_THAT(Scenario("steps: [ { ask: a, expect: [ body == null ] } ]"), HasSubstr("error: "));
  EXPECT_THAT(Scenario("steps: [ { ask: a, expect: [ \"reason == 'full'\" ] } ]"),
              StartsWith("passed"));
  EXPECT_THAT(Scenario("steps: [ { ask: a, expect: [ \"reason == 'empty'\" ] } ]"),
              StartsWith("failed"));
  bench_.script.answers["a"] = {Broken("connection refused")};
  EXPECT_THAT(Scenario("steps: [ { ask: a, expect: [ \"reason == 'full'\" ] } ]"),
              HasSubstr("error: ask a: connection refused"))
      << "nobody answered, so there is no refusal to judge";
}

TEST_F(MachineTest, APollMayWaitForARefusal) {
  bench_.script.answers["a"] = {Broken("starting"), Answer({{"reason", cel::Value::String("")}}),
                                Refused("full")};
  EXPECT_THAT(
      Scenario("steps: [ { ask: a, poll: { every: 1ms, for: 5s, until: \"reason == 'full'\" } } ]"),
      StartsWith("passed"));
}

TEST_F(MachineTest, AMissingProofIsInconclusive) {
  bench_.script.answers["a"] = {Unproved("the fault had no effect")};
  EXPECT_THAT(Scenario("steps: [ { ask: a, expect: [ \"error != null\" ] } ]"),
              HasSubstr("inconclusive"));
}

TEST_F(MachineTest, WhenFalseSkipsAndSpoilsUnlessOptional) {
  EXPECT_THAT(Scenario("steps: [ { ask: a }, { ask: b, when: 1 == 2 } ]"),
              HasSubstr("skipped: ask b: when: 1 == 2 is false"));
  EXPECT_THAT(Scenario("steps: [ { ask: a }, { ask: b, when: 1 == 2, optional: true } ]"),
              StartsWith("passed"));
  EXPECT_THAT(Scenario("steps: [ { ask: b, when: 1 == 2, optional: true } ]"),
              StartsWith("skipped: no step was carried out"));
}

TEST_F(MachineTest, SavedValuesAreSeenByLaterSteps) {
  bench_.script.answers["a"] = {
      Answer({{"body", cel::Value::Object({{"id", cel::Value::String("f-1")}})}})};
  const auto model = Steps(R"(
vars: { prefix: "x" }
steps:
  - { ask: a, id: up, save: { file: body.id } }
  - { ask: "${{ vars.prefix }}-${{ vars.file }}", expect: [ "steps.up.file == 'f-1'" ] }
)");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
  EXPECT_THAT(bench_.script.order, ElementsAre("a", "x-f-1"));
  EXPECT_EQ(StepAt(model, "X/1/up").saved.at("file").as_string(), "f-1");
}

TEST_F(MachineTest, ASaveThatCannotBeEvaluatedIsAnError) {
  EXPECT_THAT(Scenario("steps: [ { ask: a, save: { x: body.missing } } ]"),
              HasSubstr("error: ask a: cannot save \"x\""));
}

TEST_F(MachineTest, RetryTriesAgainOnErrorAndOnFailure) {
  bench_.script.answers["a"] = {Broken("refused"), Status(503), Status(200)};
  const auto model = Steps(
      "steps: [ { ask: a, id: a, retry: { times: 3, every: 1ms }, expect: [ status == 200 ] } ]");
  EXPECT_EQ(model.verdict, Verdict::kPassed);
  EXPECT_THAT(StepAt(model, "X/1/a").attempts, SizeIs(3));
  EXPECT_THAT(StepAt(model, "X/1/a").expectations, SizeIs(2));
}

TEST_F(MachineTest, RetryGivesUpAfterItsTimes) {
  bench_.script.answers["a"] = {Status(503)};
  const auto model = Steps(
      "steps: [ { ask: a, id: a, retry: { times: 2, every: 1ms, backoff: exponential }, "
      "expect: [ status == 200 ] } ]");
  EXPECT_EQ(model.verdict, Verdict::kFailed);
  EXPECT_THAT(StepAt(model, "X/1/a").attempts, SizeIs(3));
}

TEST_F(MachineTest, PollWaitsUntilItsConditionHolds) {
  bench_.script.answers["job"] = {
      Broken("not up yet"), Answer({{"body", cel::Value::Object({})}}),
      Answer({{"body", cel::Value::Object({{"state", cel::Value::String("done")}})}})};
  const auto model = Steps(R"(
steps:
  - ask: job
    id: job
    poll: { every: 1ms, for: 10s, until: body.state == 'done' }
    expect: [ size(body.state) == 4 ]
)");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
  const auto step = StepAt(model, "X/1/job");
  EXPECT_THAT(step.attempts, SizeIs(3));
  EXPECT_THAT(step.expectations, SizeIs(2)) << "until and expect, on the last attempt only";
}

TEST_F(MachineTest, PollThatRunsOutIsFailedWithTheLastValues) {
  const auto model = Steps(R"(
steps: [ { ask: job, id: job, poll: { every: 1ms, for: 15ms, until: status == 1 } } ]
)");
  EXPECT_EQ(model.verdict, Verdict::kFailed);
  const auto step = StepAt(model, "X/1/job");
  EXPECT_THAT(step.reason, HasSubstr("did not come true"));
  ASSERT_THAT(step.expectations, SizeIs(1));
  EXPECT_EQ(step.expectations[0].role, "until");
  EXPECT_FALSE(step.expectations[0].explanation.is_null());
}

TEST_F(MachineTest, PollInsideRetryReplaysWhereItGaveUp) {
  EXPECT_THAT(Scenario(R"(
steps:
  - ask: job
    poll: { every: 1ms, for: 8ms, until: status == 1 }
    retry: { times: 2, every: 1ms }
)"),
              StartsWith("failed"));
}

TEST_F(MachineTest, AStepThatTakesTooLongIsAnErrorThatCanBeExpected) {
  EXPECT_THAT(Scenario("steps: [ { ask: hang, timeout: 10ms } ]"),
              HasSubstr("error: ask hang: no result within 10ms"));
  EXPECT_THAT(
      Scenario("steps: [ { ask: hang, timeout: 10ms, expect: [ \"error.code == 'timeout'\" ] } ]"),
      StartsWith("passed"));
}

TEST_F(MachineTest, TheScenarioTimeoutEndsStepsAndStillCleansUp) {
  const auto model = Steps(R"(
timeout: 20ms
steps: [ { ask: hang, id: h, timeout: 1h, on_failure: continue }, { ask: b, id: b } ]
cleanup: [ { ask: tidy } ]
)");
  EXPECT_EQ(model.verdict, Verdict::kError);
  EXPECT_THAT(StepAt(model, "X/1/h").reason, HasSubstr("the scenario's time (20ms) ran out"));
  EXPECT_EQ(StepAt(model, "X/1/b").verdict, Verdict::kSkipped);
  EXPECT_EQ(bench_.script.asked["tidy"], 1U);
}

TEST_F(MachineTest, CleanupGoesOnAfterFailuresAndSpoilsAPassedScenario) {
  bench_.script.answers["c1"] = {Broken("gone")};
  const auto model = Steps(
      "steps: [ { ask: a } ]\ncleanup: [ { ask: c1 }, { ask: c2, expect: [ status == 200 ] } ]");
  EXPECT_EQ(bench_.script.asked["c2"], 1U);
  EXPECT_THAT(Said(model.scenarios.at(0)), HasSubstr("error: cleanup: ask c1: gone"));
  EXPECT_THAT(model.scenarios[0].cleanup, SizeIs(2));
}

TEST_F(MachineTest, ACleanupThatHangsIsBounded) {
  options_.cleanup_timeout = std::chrono::milliseconds(20);
  EXPECT_THAT(Scenario("steps: [ { ask: a } ]\ncleanup: [ { ask: hang } ]"),
              HasSubstr("the cleanup's time (20ms) ran out"));
}

TEST_F(MachineTest, SuccessIsJudgedOverTheWholeScenario) {
  bench_.script.answers["a"] = {Status(201)};
  EXPECT_THAT(Scenario("steps: [ { ask: a, id: a } ]\nsuccess: [ steps.a.status == 201 ]"),
              StartsWith("passed"));
  const auto model = Steps("steps: [ { ask: a, id: a } ]\nsuccess: [ steps.a.status == 7 ]");
  EXPECT_THAT(Said(model.scenarios.at(0)), StartsWith("failed: steps.a.status == 7"));
  EXPECT_THAT(model.scenarios[0].success, SizeIs(1));
}

TEST_F(MachineTest, AScenarioThatPassesOnARetryIsFlaky) {
  bench_.script.answers["a"] = {Status(500), Status(200)};
  const auto model = Steps("retries: 2\nsteps: [ { ask: a, id: a, expect: [ status == 200 ] } ]");
  EXPECT_EQ(model.verdict, Verdict::kPassed);
  EXPECT_TRUE(model.scenarios.at(0).flaky);
  EXPECT_EQ(model.scenarios[0].attempts, 2);
  EXPECT_EQ(StepAt(model, "X/1@2/a").verdict, Verdict::kPassed);
}

TEST_F(MachineTest, GroupsNestAndShareVariables) {
  const auto model = Steps(R"(
steps:
  - group:
      - { set: { n: 1 } }
      - group: [ { ask: in, id: inner } ]
    id: outer
    expect: [ size(outcomes) == 2 ]
  - { ask: "n${{ vars.n }}", expect: [ steps.inner.status == 200 ] }
)");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
  EXPECT_THAT(bench_.script.order, ElementsAre("in", "n1"));
}

TEST_F(MachineTest, ParallelBranchesRunTogetherAndMergeInFileOrder) {
  const auto model = Steps(R"(
vars: { last: none }
steps:
  - parallel:
      - { ask: slow, delay: 20ms, save: { last: "'slow'" } }
      - { ask: fast, save: { last: "'fast'" } }
  - { ask: "${{ vars.last }}" }
)");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
  EXPECT_THAT(bench_.script.order, ElementsAre("slow", "fast", "fast"))
      << "the later branch of the file wins, although it was done first";
}

TEST_F(MachineTest, OneFailedBranchFailsTheParallelStep) {
  bench_.script.answers["b"] = {Status(500)};
  const auto model = Steps(R"(
steps: [ { id: p, parallel: [ { ask: a }, { ask: b, expect: [ status == 200 ] } ] } ]
)");
  EXPECT_THAT(Said(StepAt(model, "X/1/p")), HasSubstr("failed: ask b: status == 200"));
}

TEST_F(MachineTest, ForEachRunsOnceForEveryElement) {
  const auto model = Steps(R"(
steps:
  - for_each: { key: "${{ ['a', 'b', 'c'] }}" }
    id: each
    steps: [ { ask: "${{ key }}${{ index }}", expect: [ status == 200 ] } ]
    expect: [ size(outcomes) == 3 ]
)");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
  EXPECT_THAT(bench_.script.order, ElementsAre("a0", "b1", "c2"));
  EXPECT_EQ(StepAt(model, "X/1/each[2]/ask-1").verdict, Verdict::kPassed);
}

TEST_F(MachineTest, ForEachStopsAtAFailureUnlessItRunsSeveralAtATime) {
  bench_.script.answers["b"] = {Status(500)};
  const std::string body = "steps: [ { ask: \"${{ key }}\", expect: [ status == 200 ] } ] } ]";
  EXPECT_THAT(Scenario("steps: [ { for_each: { key: [a, b, c] }, " + body), StartsWith("failed"));
  EXPECT_EQ(bench_.script.asked["c"], 0U);
  EXPECT_THAT(Scenario("steps: [ { for_each: { key: [a, b, c] }, concurrency: 2, " + body),
              StartsWith("failed"));
  EXPECT_EQ(bench_.script.asked["c"], 1U);
}

TEST_F(MachineTest, AnEmptyListPassesNothing) {
  EXPECT_THAT(Scenario("steps: [ { for_each: { k: \"${{ [] }}\" }, steps: [ { ask: a } ] } ]"),
              HasSubstr("skipped: for_each: the list is empty"));
}

TEST_F(MachineTest, RepeatCountsAndEndsWhenItsConditionIsFalse) {
  const auto model = Steps(R"(
steps:
  - repeat: 5
    id: again
    while: index < 3
    steps: [ { ask: r } ]
    expect: [ iterations == 3 ]
)");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
  EXPECT_EQ(bench_.script.asked["r"], 3U);
}

TEST_F(MachineTest, AFragmentHasItsOwnStepsAndGivesOutputs) {
  bench_.File("suites/bench/fragments/login.yaml", R"(inputs: { user: { type: string } }
steps: [ { ask: "login-${{ inputs.user }}", id: call } ]
outputs: { code: steps.call.status }
)");
  const auto model = Steps(R"(
steps:
  - { use: login, with: { user: ada }, id: auth, expect: [ code == 200 ] }
  - { ask: "after-${{ steps.auth.code }}" }
)");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
  EXPECT_THAT(bench_.script.order, ElementsAre("login-ada", "after-200"));
}

TEST_F(MachineTest, BackgroundStepsAreSeenWhenTheyAreJoined) {
  const auto model = Steps(R"(
steps:
  - { ask: listen, id: l, background: true, delay: 20ms, save: { got: status } }
  - { ask: send }
  - { join: l, expect: [ status == 200 ] }
  - { ask: "got-${{ vars.got }}" }
)");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
  EXPECT_EQ(bench_.script.order.back(), "got-200");
  EXPECT_TRUE(StepAt(model, "X/1/l").background);
}

TEST_F(MachineTest, BackgroundStepsThatNobodyJoinsAreJoinedAtTheEnd) {
  bench_.script.answers["late"] = {Status(500)};
  EXPECT_THAT(Scenario(R"(
steps:
  - { ask: late, background: true, delay: 15ms, expect: [ status == 200 ] }
  - { ask: b }
)"),
              HasSubstr("failed: ask late: status == 200"));
}

TEST_F(MachineTest, BackgroundStepsEndWhenTheScenarioFailed) {
  bench_.script.answers["b"] = {Status(500)};
  const auto model = Steps(R"(
steps:
  - { ask: hang, id: bg, background: true, timeout: 1h }
  - { ask: b, expect: [ status == 200 ] }
)");
  EXPECT_EQ(model.verdict, Verdict::kFailed);
  EXPECT_THAT(Said(StepAt(model, "X/1/bg")), HasSubstr("inconclusive: stopped"));
}

TEST_F(MachineTest, ARepeatedGroupStartsItsBackgroundStepsAgain) {
  bench_.script.answers["g"] = {Status(500), Status(200)};
  const auto model = Steps(R"(
steps:
  - group:
      - { ask: bg, id: b, background: true, delay: 1ms }
      - { ask: g, expect: [ status == 200 ] }
    retry: { times: 1, every: 1ms }
  - { join: b, expect: [ status == 200 ] }
)");
  EXPECT_EQ(model.verdict, Verdict::kPassed) << Said(model.scenarios[0]);
  EXPECT_EQ(bench_.script.asked["bg"], 2U);
}

TEST_F(MachineTest, AStepAtAnEnvironmentThatIsNotUpIsAnError) {
  bench_.File("assay.yaml", R"(
name: bench
suites: [suites]
environment: near
environments:
  near: { endpoints: { api: "http://127.0.0.1:1" } }
  far: { endpoints: { api: "http://127.0.0.1:2" } }
)");
  EXPECT_THAT(Scenario("steps: [ { ask: a, at: near } ]"), StartsWith("passed"));
  EXPECT_THAT(Scenario("steps: [ { ask: a, at: far } ]"),
              HasSubstr("error: ask a: the environment \"far\" is not up in this run, only near"));
}

TEST_F(MachineTest, AnEmptyListUnderAllIsWarnedAbout) {
  bench_.script.answers["a"] = {
      Answer({{"body", cel::Value::Object({{"items", cel::Value::List({})}})}})};
  const auto model =
      Steps("steps: [ { ask: a, id: a, expect: [ \"body.items.all(i, i > 0)\" ] } ]");
  EXPECT_EQ(model.verdict, Verdict::kPassed);
  EXPECT_TRUE(StepAt(model, "X/1/a").expectations.at(0).vacuous);
  EXPECT_THAT(model.warnings, SizeIs(1));
}

TEST_F(MachineTest, AStepWithoutExpectationsIsUnasserted) {
  EXPECT_TRUE(StepAt(Steps("steps: [ { ask: a, id: a } ]"), "X/1/a").unasserted);
}

TEST_F(MachineTest, LedgersKnowWhatWasAcknowledged) {
  bench_.script.answers["u"] = {Status(200), Status(409), Status(503), Broken("reset"),
                                Refused("full")};
  Steps(R"(
steps:
  - repeat: 5
    steps:
      - ask: u
        record: { ledger: uploads, op: add, key: "${{ status }}" }
        expect: [ status == 200 ]
        on_failure: continue
)");
  std::vector<std::string> phases;
  for (const auto& op : history::ExtractLedger(bench_.Events())) {
    if (op.phase != "invoke") phases.push_back(op.phase);
  }
  EXPECT_THAT(phases, ElementsAre("ok", "fail", "info", "info", "fail"))
      << "after 503 and after no answer nobody knows";
}

TEST_F(MachineTest, LargeAnswersReplayFromBlobs) {
  bench_.script.answers["a"] = {Answer({{"body", cel::Value::String(std::string(100'000, 'x'))}})};
  EXPECT_THAT(Scenario("steps: [ { ask: a, expect: [ size(body) == 100000 ] } ]"),
              StartsWith("passed"));
}

}  // namespace
}  // namespace assay::run
