// Ledgers from scenario files to verdicts, live and replayed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/checker.h"
#include "assay/run/step_machine.h"
#include "assay/run/test_support.h"

namespace assay::run {
namespace {

using checker::Ending;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class LedgerTest : public testing::Test {
 protected:
  /// Runs the steps as scenario X and replays them: the replay must say the same.
  history::RunModel Run(const std::string& yaml) {
    bench_.Scenario("x", "id: X\n" + yaml);
    history::RunModel model = bench_.Run();
    const auto replay = bench_.Replay();
    EXPECT_TRUE(replay) << replay.error().ToString();
    if (replay) {
      for (const ReplayDifference& difference : replay->differences) {
        ADD_FAILURE() << difference.what << ": recorded " << difference.recorded << ", replayed "
                      << difference.replayed;
      }
    }
    return model;
  }

  std::vector<std::string> Phases() const {
    std::vector<std::string> phases;
    for (const auto& op : history::ExtractLedger(bench_.Events())) {
      if (op.phase != "invoke") phases.push_back(op.phase);
    }
    return phases;
  }

  Bench bench_;
};

constexpr std::string_view kUploads = R"yaml(
steps:
  - for_each: { name: [a, b, c] }
    concurrency: 3
    on_failure: continue
    steps:
      - ask: "${{ name }}"
        record: { ledger: uploads, op: add, key: "${{ name }}" }
        expect: [ status == 200 ]
  - ask: list
    record: { ledger: uploads, op: read, value: "${{ body }}" }
)yaml";

cel::Value Names(std::initializer_list<std::string_view> names) {
  std::vector<cel::Value> items;
  for (const std::string_view name : names) items.push_back(cel::Value::String(name));
  return cel::Value::List(std::move(items));
}

TEST_F(LedgerTest, ACheckHoldsWhenNothingAcknowledgedIsMissing) {
  for (const char* name : {"a", "b", "c"}) bench_.script.answers[name] = {Status(200)};
  bench_.script.answers["list"] = {Answer({{"body", Names({"c", "a", "b"})}})};
  const auto model = Run(std::string(kUploads) + R"yaml(
  - check: set
    ledger: uploads
    expect: [ lost == 0, acknowledged == 3, size(witnesses) == 0 ]
)yaml");
  EXPECT_EQ(Said(Find(model, "X/1")), "passed: ");
}

TEST_F(LedgerTest, ACheckFailsAndNamesWhatIsLost) {
  for (const char* name : {"a", "b", "c"}) bench_.script.answers[name] = {Status(200)};
  bench_.script.answers["list"] = {Answer({{"body", Names({"c", "a"})}})};
  const auto model = Run(std::string(kUploads) + "  - check: { checker: set, ledger: uploads }\n");
  EXPECT_THAT(Said(StepAt(model, "X/1/check-3")),
              AllOf(StartsWith("failed: 1 lost"), HasSubstr("\"b\"")));
  EXPECT_THAT(Said(Find(model, "X/1")), StartsWith("failed"));
}

TEST_F(LedgerTest, AnExpectationMayAskForTheFailure) {
  for (const char* name : {"a", "b", "c"}) bench_.script.answers[name] = {Status(200)};
  bench_.script.answers["list"] = {Answer({{"body", Names({"a", "b"})}})};
  const auto model = Run(std::string(kUploads) + R"yaml(
  - id: kept
    check: set
    ledger: uploads
    expect:
      - unmet.contains('acknowledged')
      - lost == 1
      - witnesses[0].subject == '"c"'
      - witnesses[0].operations[0].ending == 'acknowledged'
  - set: { missing: "${{ steps.kept.counts.lost }}" }
    expect: [ missing == 1 ]
)yaml");
  EXPECT_EQ(Said(StepAt(model, "X/1/kept")), "passed: ");
}

TEST_F(LedgerTest, AnAnswerThatNeverCameIsNotHeldAgainstTheSystem) {
  bench_.script.answers["a"] = {Status(200)};
  bench_.script.answers["b"] = {Broken("the connection broke")};
  bench_.script.answers["c"] = {Status(503)};
  bench_.script.answers["list"] = {Answer({{"body", Names({"a", "c"})}})};
  const auto model = Run(std::string(kUploads) + R"yaml(
  - check: set
    ledger: uploads
    expect: [ recovered == 1, acknowledged == 1, lost == 0 ]
)yaml");
  EXPECT_EQ(Said(StepAt(model, "X/1/check-3")), "passed: ");
}

TEST_F(LedgerTest, AnEmptyLedgerProvesNothing) {
  const auto model = Run(R"yaml(
steps:
  - ask: a
    when: "false"
    record: { ledger: uploads, op: add, key: a }
  - check: set
    ledger: uploads
)yaml");
  EXPECT_EQ(Said(StepAt(model, "X/1/check-2")),
            "inconclusive: no operation was recorded in the ledger \"uploads\"");
}

TEST_F(LedgerTest, AnAcknowledgedOperationMustBeKnown) {
  bench_.script.answers["a"] = {Answer({{"body", cel::Value::Object({})}})};
  bench_.script.answers["list"] = {Answer({{"body", Names({})}})};
  const auto model = Run(R"yaml(
steps:
  - ask: a
    record: { ledger: uploads, op: add, key: "${{ body.file_id }}" }
  - ask: list
    record: { ledger: uploads, op: read, value: "${{ body }}" }
  - check: set
    ledger: uploads
)yaml");
  EXPECT_THAT(Said(StepAt(model, "X/1/check-3")),
              AllOf(StartsWith("inconclusive"), HasSubstr("X/1/ask-1#1"), HasSubstr("file_id")));
}

TEST_F(LedgerTest, EveryAttemptOfARetryIsAnOperationOfItsOwn) {
  bench_.script.answers["a"] = {Broken("reset"), Status(503), Status(200)};
  bench_.script.answers["take"] = {Answer({{"body", Names({"a", "a"})}})};
  const auto model = Run(R"yaml(
steps:
  - ask: a
    record: { ledger: jobs, op: enqueue, key: a }
    retry: { times: 2, every: 1ms }
    expect: [ status == 200 ]
  - ask: take
    record: { ledger: jobs, op: drain, value: "${{ body }}" }
  - check: total-queue
    ledger: jobs
    duplicates: forbidden
    expect: [ enqueued == 1, recovered == 1, dequeued == 2 ]
)yaml");
  EXPECT_THAT(Phases(), ElementsAre("info", "info", "ok", "ok"));
  EXPECT_EQ(Said(StepAt(model, "X/1/check-3")), "passed: ")
      << "the job may have been put in three times";
}

TEST_F(LedgerTest, EveryAttemptOfAPollEnds) {
  bench_.script.answers["a"] = {Status(202), Status(202), Status(200)};
  Run(R"yaml(
steps:
  - ask: a
    record: { ledger: l, op: read, value: "${{ status }}" }
    poll: { every: 1ms, for: 10s, until: status == 200 }
)yaml");
  EXPECT_THAT(Phases(), ElementsAre("info", "info", "ok"));
}

TEST_F(LedgerTest, BackgroundStepsAndStructuresRecordAsWell) {
  bench_.script.answers["a"] = {Status(200)};
  bench_.script.answers["b"] = {Status(200)};
  const auto model = Run(R"yaml(
steps:
  - id: slow
    ask: a
    delay: 20ms
    background: true
    record: { ledger: l, op: generate, value: 1 }
  - parallel:
      - ask: b
        record: { ledger: l, op: generate, value: 2 }
      - group:
          - ask: b
        record: { ledger: l, op: generate, value: 3 }
  - check: unique-ids
    ledger: l
    expect: [ acknowledged == 2, operations == 3 ]
  - join: slow
  - check: unique-ids
    ledger: l
    expect: [ acknowledged == 3 ]
)yaml");
  EXPECT_EQ(Said(Find(model, "X/1")), "passed: ");
}

TEST_F(LedgerTest, LedgersOfInstancesAndTriesAreApart) {
  bench_.script.answers["a"] = {Status(500), Status(200), Status(200)};
  const auto model = Run(R"yaml(
for_each: { n: [1, 2] }
retries: 1
steps:
  - ask: a
    record: { ledger: l, op: generate, value: 7 }
    expect: [ status == 200 ]
    on_failure: continue
  - check: unique-ids
    ledger: l
    expect: [ acknowledged == 1 ]
)yaml");
  EXPECT_EQ(model.verdict, history::Verdict::kPassed);
}

TEST_F(LedgerTest, TheLogAloneGivesTheSameOperations) {
  for (const char* name : {"a", "b", "c"}) bench_.script.answers[name] = {Status(200)};
  bench_.script.answers["list"] = {Answer({{"body", Names({"c", "a"})}})};
  Run(std::string(kUploads) + "  - check: { checker: set, ledger: uploads }\n");
  const history::DirectoryBlobs blobs(bench_.dir() / "blobs", nullptr);
  const auto operations = checker::ReadOperations(bench_.Events(), blobs);
  ASSERT_TRUE(operations) << operations.error().ToString();
  const auto result = checker::Check("set", *operations, {});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->Count("lost"), 1);
}

TEST_F(LedgerTest, TheLogHoldsWhatTheCheckerSaid) {
  bench_.script.answers["a"] = {Status(200)};
  Run(R"yaml(
steps:
  - repeat: 2
    steps:
      - ask: a
        record: { ledger: l, op: generate, value: 1 }
  - check: unique-ids
    ledger: l
)yaml");
  const auto events = bench_.Events();
  const auto found = std::ranges::find(events, history::kind::kChecker, &history::Event::kind);
  ASSERT_NE(found, events.end());
  EXPECT_EQ(found->path, "X/1/check-2#1");
  EXPECT_EQ(found->data.at("verdict").as_string(), "failed");
  EXPECT_EQ(found->data.at("counts").as_object().at("duplicated").as_int64(), 1);
  EXPECT_EQ(found->data.at("operations").as_int64(), 2);
}

history::Outcome Answered(int64_t status) { return Status(status); }

TEST(EndingOf, FollowsTheStatus) {
  const scenario::ActionSchema http{.name = "http"};
  EXPECT_EQ(EndingOf(http, Answered(201), true), Ending::kAcknowledged);
  for (const int64_t status : {400, 401, 404, 409, 422, 429, 499}) {
    EXPECT_EQ(EndingOf(http, Answered(status), false), Ending::kFailed) << status;
  }
  for (const int64_t status : {200, 302, 408, 500, 502, 503, 504}) {
    EXPECT_EQ(EndingOf(http, Answered(status), false), Ending::kIndeterminate) << status;
  }
  EXPECT_EQ(EndingOf(http, Answered(404), true), Ending::kAcknowledged)
      << "the step expected to be refused";
}

TEST(EndingOf, FollowsTheError) {
  const scenario::ActionSchema action{.name = "x",
                                      .outcome = {{.name = "sqlstate", .tells_refusal = true}}};
  EXPECT_EQ(EndingOf(action, Broken("no answer in time"), false), Ending::kIndeterminate);
  history::Outcome refused = Broken("duplicate key");
  refused.value = cel::Value::Object({{"sqlstate", cel::Value::String("23505")}});
  EXPECT_EQ(EndingOf(action, refused, false), Ending::kFailed);
  history::Outcome unsent = Broken("connection refused");
  unsent.value = cel::Value::Object({{"sent", cel::Value::Bool(false)}});
  EXPECT_EQ(EndingOf(action, unsent, false), Ending::kFailed);
  history::Outcome lost = Broken("the connection broke");
  lost.value = cel::Value::Object({{"sent", cel::Value::Bool(true)}});
  EXPECT_EQ(EndingOf(action, lost, false), Ending::kIndeterminate);
  history::Outcome cut = Broken("the run ended");
  cut.disposition = history::Disposition::kInterrupted;
  EXPECT_EQ(EndingOf(action, cut, false), Ending::kIndeterminate);
  history::Outcome skipped = Broken("nobody is there");
  skipped.disposition = history::Disposition::kSkipped;
  EXPECT_EQ(EndingOf(action, skipped, false), Ending::kFailed);
}

}  // namespace
}  // namespace assay::run
