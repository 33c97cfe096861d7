// Whole runs: scheduling, interruption, what is left on the disk, and replaying it.

#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/history/verify.h"
#include "assay/run/test_support.h"
#include "lib/base/random.h"

namespace assay::run {
namespace {

using history::Verdict;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class RunTest : public ::testing::Test {
 public:
  // A scenario with one step that asks for its own id.
  RunTest& Add(const std::string& id, const std::string& head = "", const std::string& delay = "") {
    const std::string wait = delay.empty() ? "" : ", delay: " + delay;
    bench_.Scenario(id, fmt::format("id: {0}\n{1}\nsteps: [ {{ ask: {0}{2}, expect: [ status == "
                                    "200 ] }} ]\n",
                                    id, head, wait));
    return *this;
  }
  std::string Said(const history::RunModel& model, const std::string& id) {
    return assay::run::Said(Find(model, id + "/1"));
  }

  Bench bench_;
};

// --- scheduling ---------------------------------------------------------------------------------

TEST_F(RunTest, AScenarioWaitsForThoseItComesAfter) {
  Add("A", "after: [B]").Add("B", "", "10ms").Add("C", "after: [A]");
  const auto model = bench_.Run({.jobs = 4});
  EXPECT_EQ(model.verdict, Verdict::kPassed);
  EXPECT_THAT(bench_.script.order, ElementsAre("B", "A", "C"));
}

TEST_F(RunTest, WhatComesAfterAFailureIsSkippedWithTheReason) {
  bench_.script.answers["B"] = {Status(500)};
  Add("A", "after: [B]").Add("B").Add("C", "after: [A]").Add("D");
  const auto model = bench_.Run();
  EXPECT_EQ(Said(model, "A"), "skipped: not evaluated: it comes after B/1, which ended as failed");
  EXPECT_THAT(Said(model, "C"), HasSubstr("it comes after A/1, which ended as skipped"));
  EXPECT_THAT(Said(model, "D"), StartsWith("passed"));
  EXPECT_EQ(model.verdict, Verdict::kFailed);
  EXPECT_EQ(model.counts.at(Verdict::kSkipped), 2);
}

TEST_F(RunTest, CriticalScenariosComeFirst) {
  Add("A", "priority: low").Add("B", "priority: critical").Add("C");
  bench_.Run();
  EXPECT_THAT(bench_.script.order, ElementsAre("B", "C", "A"));
}

TEST_F(RunTest, JobsBoundHowManyRunAtATime) {
  for (const std::string id : {"A", "B", "C", "D"}) Add(id, "", "10ms");
  const auto most_at_once = [&](size_t jobs) {
    bench_.Run({.jobs = jobs});
    int open = 0;
    int most = 0;
    for (const auto& event : bench_.Events()) {
      if (event.kind == history::kind::kScenarioStarted) most = std::max(most, ++open);
      if (event.kind == history::kind::kScenarioFinished) --open;
    }
    return most;
  };
  EXPECT_EQ(most_at_once(1), 1);
  EXPECT_EQ(most_at_once(3), 3);
}

TEST_F(RunTest, AnExclusiveScenarioRunsAlone) {
  Add("A", "", "10ms").Add("B", "exclusive: true", "5ms").Add("C", "", "5ms");
  bench_.Run({.jobs = 3});
  std::set<std::string> open;
  for (const auto& event : bench_.Events()) {
    if (event.kind == history::kind::kScenarioStarted) {
      EXPECT_FALSE(open.contains("B/1"));
      if (event.path == "B/1") EXPECT_THAT(open, IsEmpty());
      open.insert(event.path);
    }
    if (event.kind == history::kind::kScenarioFinished) open.erase(event.path);
  }
}

TEST_F(RunTest, FailFastSkipsTheRest) {
  bench_.script.answers["A"] = {Status(500)};
  Add("A").Add("B").Add("C");
  const auto model = bench_.Run({.fail_fast = true});
  EXPECT_EQ(Said(model, "B"), "skipped: not evaluated: an earlier scenario failed");
  EXPECT_EQ(bench_.script.order.size(), 1U);
}

class FakeEnvironment final : public EnvironmentDriver {
 public:
  net::Task<base::Result<EnvironmentState>> Start(history::EventWriter& events,
                                                  history::BlobSink&) override {
    events.Write("environment.ready", "local", {});
    if (broken) co_return base::Fail(base::ErrorCode::kUnavailable, "montage did not get ready");
    EnvironmentState state;
    state.endpoints = {{"api", "http://127.0.0.1:1"}};
    state.services = {"montage"};
    state.credentials = cel::Value::Object({{"token", cel::Value::String("canary-token-1")}});
    co_return state;
  }
  net::Task<void> Stop() override {
    ++stopped;
    co_return;
  }
  bool broken = false;
  int stopped = 0;
};

TEST_F(RunTest, AMissingServiceSkipsWithTheReason) {
  FakeEnvironment environment;
  bench_.environment = &environment;
  Add("A", "needs: [montage]").Add("B", "needs: [redis]");
  const auto model = bench_.Run();
  EXPECT_THAT(Said(model, "A"), StartsWith("passed"));
  EXPECT_EQ(Said(model, "B"), "skipped: needs redis, which this environment does not have");
  EXPECT_EQ(environment.stopped, 1);
}

TEST_F(RunTest, AnEnvironmentThatDoesNotStartIsAnError) {
  FakeEnvironment environment;
  environment.broken = true;
  bench_.environment = &environment;
  Add("A");
  const auto model = bench_.Run();
  EXPECT_EQ(model.verdict, Verdict::kError);
  EXPECT_THAT(Said(model, "A"), HasSubstr("the environment did not start"));
  EXPECT_THAT(model.warnings.at(0), HasSubstr("montage did not get ready"));
  EXPECT_EQ(environment.stopped, 1);
}

TEST_F(RunTest, CtrlCEndsStepsRunsCleanupsAndSkipsTheRest) {
  net::Cancellation interrupt;
  bench_.script.on_ask = [&](std::string_view key) {
    if (key == "hang") interrupt.Request();
  };
  bench_.Scenario("a",
                  "id: A\nsteps: [ { ask: hang, id: h, timeout: 1h }, { ask: b } ]\n"
                  "cleanup: [ { ask: tidy } ]");
  Add("Z");
  const auto model = bench_.RunInterrupted(interrupt);
  EXPECT_TRUE(model.interrupted);
  EXPECT_TRUE(model.complete);
  EXPECT_EQ(model.verdict, Verdict::kInconclusive);
  EXPECT_THAT(StepAt(model, "A/1/h").reason, HasSubstr("the run was interrupted"));
  EXPECT_EQ(bench_.script.asked["tidy"], 1U);
  EXPECT_EQ(Said(model, "Z"), "skipped: not evaluated: the run was interrupted");
  const auto replay = bench_.Replay();
  ASSERT_TRUE(replay) << replay.error().ToString();
  EXPECT_TRUE(replay->ok()) << replay->differences.at(0).what;
}

TEST_F(RunTest, ASecondCtrlCEndsCleanupsToo) {
  net::Cancellation interrupt;
  bench_.script.on_ask = [&](std::string_view) { interrupt.Request(); };
  bench_.Scenario("a",
                  "id: A\nsteps: [ { ask: hang, timeout: 1h } ]\n"
                  "cleanup: [ { ask: hang, timeout: 1h }, { ask: never } ]");
  const auto model = bench_.RunInterrupted(interrupt);
  EXPECT_EQ(bench_.script.asked["never"], 0U);
  EXPECT_THAT(Find(model, "A/1").cleanup.at(0).reason, HasSubstr("interrupted twice"));
}

// --- what is left on the disk -------------------------------------------------------------------

TEST_F(RunTest, ARunLeavesAVerifiedLogASummaryAndALatestLink) {
  Add("A");
  const auto key = crypto::GenerateSigningKey();
  RunOptions options;
  options.signing_key = key;
  const auto model = bench_.Run(std::move(options));
  const auto report =
      history::Verify(bench_.dir(), {.public_key = key.public_key, .project_dir = {}});
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->ok()) << report->problems.at(0).what;
  EXPECT_EQ(report->signature, history::SignatureState::kValid);
  EXPECT_TRUE(std::filesystem::exists(bench_.dir() / "run.json"));
  EXPECT_FALSE(std::filesystem::exists(bench_.dir() / "work"));
  EXPECT_EQ(std::filesystem::read_symlink(bench_.results() / "latest"), "run-1");
  bench_.Run();
  EXPECT_EQ(std::filesystem::read_symlink(bench_.results() / "latest"), "run-2");
  EXPECT_EQ(model.manifest.at("planned").as_array().size(), 1U);
  EXPECT_FALSE(model.manifest.at("inputs").as_array().empty());
}

TEST_F(RunTest, InputsAreKeptForReportsWithoutTheirSecrets) {
  Add("A", "description: the word is hunter22").Add("B");
  RunOptions options;
  options.secrets = {"hunter22"};
  const auto model = bench_.Run(std::move(options));
  const history::DirectoryBlobs blobs(bench_.dir() / "blobs", nullptr);
  int changed = 0;
  for (const auto& entry : model.manifest.at("inputs").as_array()) {
    const auto& input = entry.as_object();
    changed += input.contains("blob") ? 1 : 0;
    const auto& name = input.at(input.contains("blob") ? "blob" : "sha256").as_string();
    const auto text = blobs.Get(std::string_view(name.data(), name.size()));
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_THAT(*text, Not(HasSubstr("hunter22")));
  }
  EXPECT_EQ(changed, 1);
  EXPECT_THAT(model.manifest.at("inputs").as_array(), SizeIs(3));
}

TEST_F(RunTest, AChangedSummaryIsNoticed) {
  Add("A");
  bench_.script.answers["A"] = {Status(500)};
  bench_.Run();
  std::string text = testing_support::ReadFile(bench_.dir() / "run.json");
  text.replace(text.find("\"failed\""), 8, "\"passed\"");
  std::ofstream(bench_.dir() / "run.json") << text;
  EXPECT_THAT(history::Verify(bench_.dir())->problems.at(0).what, HasSubstr("run.json"));
}

TEST_F(RunTest, NoSecretIsWrittenAnywhere) {
  FakeEnvironment environment;
  bench_.environment = &environment;
  bench_.script.answers["A"] = {
      Answer({{"status", cel::Value::Int(200)},
              {"body", cel::Value::String("token canary-token-1 and canary-secret-2 " +
                                          std::string(10'000, 'x'))}})};
  Add("A");
  RunOptions options;
  options.secrets = {"canary-secret-2", "abc"};
  const auto model = bench_.Run(std::move(options));
  EXPECT_EQ(model.verdict, Verdict::kPassed);
  EXPECT_THAT(model.warnings, SizeIs(1)) << "a secret of three bytes cannot be hidden";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(bench_.results())) {
    if (!entry.is_regular_file()) continue;
    EXPECT_THAT(testing_support::ReadFile(entry.path()), Not(HasSubstr("canary"))) << entry.path();
  }
}

// --- replay -------------------------------------------------------------------------------------

TEST_F(RunTest, ReplayRefusesChangedFilesUnlessTold) {
  Add("A");
  bench_.Run();
  bench_.Scenario("A", "id: A\nsteps: [ { ask: A, expect: [ status == 201 ] } ]\n");
  const auto refused = bench_.Replay();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr("A.yaml changed"));
  const auto replay = bench_.Replay({.allow_changed_inputs = true});
  ASSERT_TRUE(replay);
  EXPECT_FALSE(replay->ok());
  EXPECT_EQ(replay->replayed.scenarios.at(0).verdict, Verdict::kFailed);
}

TEST_F(RunTest, ReplayAsksNothingOfTheSystem) {
  Add("A");
  bench_.Run();
  bench_.script.order.clear();
  ASSERT_TRUE(bench_.Replay()->ok());
  EXPECT_THAT(bench_.script.order, IsEmpty());
}

TEST_F(RunTest, AnExpectationAboutASecretKeepsItsVerdictInAReplay) {
  bench_.script.answers["A"] = {
      Answer({{"status", cel::Value::Int(200)}, {"body", cel::Value::String("canary-secret-2")}})};
  bench_.Scenario("a",
                  "id: A\nsteps: [ { ask: A, expect: [ \"size(body) == 15\", status == 200 ] } ]");
  RunOptions options;
  options.secrets = {"canary-secret-2"};
  EXPECT_EQ(bench_.Run(std::move(options)).verdict, Verdict::kPassed);
  const auto replay = bench_.Replay();
  ASSERT_TRUE(replay);
  EXPECT_TRUE(replay->ok());
  EXPECT_THAT(replay->kept, ElementsAre("A/1/ask-1#1: expect size(body) == 15"));
}

TEST_F(RunTest, FakeDataIsTheSameForTheSameSeed) {
  bench_.Scenario("a",
                  "id: A\nvars: { who: \"${{ fake.mrn() }}\" }\n"
                  "steps: [ { ask: \"${{ vars.who }}\" }, { ask: \"${{ fake.uuid() }}\" } ]");
  bench_.Run({.seed = 7});
  const auto first = bench_.script.order;
  ASSERT_TRUE(bench_.Replay()->ok());
  bench_.script.order.clear();
  bench_.Run({.seed = 7});
  EXPECT_EQ(bench_.script.order, first);
  bench_.script.order.clear();
  bench_.Run({.seed = 8});
  EXPECT_NE(bench_.script.order, first);
}

TEST_F(RunTest, ALogCutOffByACrashIsReadAndNamed) {
  Add("A").Add("B");
  bench_.Run();
  const std::string whole = testing_support::ReadFile(bench_.dir() / "events.jsonl");
  for (size_t size = whole.size() / 3; size + 1 < whole.size(); size += whole.size() / 11) {
    std::ofstream(bench_.dir() / "events.jsonl", std::ios::binary) << whole.substr(0, size);
    const auto report = history::Verify(bench_.dir());
    ASSERT_TRUE(report);
    ASSERT_FALSE(report->ok());
    EXPECT_GT(report->problems[0].seq, 0U);
    const auto replay = bench_.Replay();
    ASSERT_TRUE(replay) << replay.error().ToString();
    EXPECT_FALSE(replay->recorded.complete);
    EXPECT_GE(replay->recorded.verdict, Verdict::kError);
    for (const auto& one : replay->differences) {
      ADD_FAILURE() << one.what << ": " << one.recorded << " / " << one.replayed;
    }
  }
}

// Random scenarios with random answers: whatever happened, the log alone says the same.
class RandomPlan {
 public:
  explicit RandomPlan(uint64_t seed) : random_(seed) {}

  std::string Scenario(const std::string& id) {
    std::string text = "id: " + id + "\n";
    if (random_.Below(3) == 0) text += "retries: 1\n";
    if (random_.Below(4) == 0) text += "timeout: 40ms\n";
    text += "steps:\n" + Steps(2, 3);
    if (random_.Below(2) == 0) text += "cleanup:\n" + Steps(2, 0);
    return text;
  }
  history::Outcome Outcome() {
    switch (random_.Below(6)) {
      case 0:
        return Status(500);
      case 1:
        return Broken("refused");
      case 2:
        return Unproved("no effect");
      default:
        return Status(200);
    }
  }

 private:
  std::string Steps(size_t indent, int depth) {
    std::string text;
    const uint64_t count = 1 + random_.Below(3);
    for (uint64_t i = 0; i < count; ++i) text += Step(indent, depth);
    return text;
  }
  std::string Step(size_t indent, int depth) {
    const std::string pad(indent, ' ');
    const uint64_t kind = depth == 0 ? 0 : random_.Below(7);
    std::string text;
    switch (kind) {
      case 1:
        text = pad + "- group:\n" + Steps(indent + 4, depth - 1);
        break;
      case 2:
        text = pad + "- parallel:\n" + Steps(indent + 4, depth - 1);
        break;
      case 3:
        text = pad +
               fmt::format("- for_each: {{ k: [1, 2, 3] }}\n{}  concurrency: {}\n{}  steps:\n", pad,
                           1 + random_.Below(3), pad) +
               Steps(indent + 4, depth - 1);
        break;
      case 4:
        text = pad + "- repeat: 2\n" + pad + "  steps:\n" + Steps(indent + 4, depth - 1);
        break;
      default:
        text = Ask(pad);
    }
    if (random_.Below(4) == 0) text += pad + "  on_failure: continue\n";
    if (random_.Below(5) == 0) text += pad + "  retry: { times: 1, every: 1ms }\n";
    if (random_.Below(6) == 0) text += pad + "  optional: true\n" + pad + "  when: vars.x == 1\n";
    return text;
  }
  std::string Ask(const std::string& pad) {
    std::string text = pad + fmt::format("- ask: k{}\n", random_.Below(6));
    if (random_.Below(3) == 0) text += pad + fmt::format("  delay: {}ms\n", random_.Below(4));
    if (random_.Below(4) == 0) text += pad + "  background: true\n";
    if (random_.Below(2) == 0) text += pad + "  expect: [ status == 200 ]\n";
    if (random_.Below(5) == 0) {
      text += pad + "  poll: { every: 1ms, for: 5ms, until: status == 200 }\n";
    }
    if (random_.Below(4) == 0) text += pad + "  save: { x: status / 200 }\n";
    return text;
  }
  base::Random random_;
};

class RandomRunTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(RandomRunTest, ReplaysToTheSameVerdicts) {
  RandomPlan random(GetParam());
  Bench bench;
  bench.File("assay.yaml", "name: bench\nsuites: [suites]\nvars: { x: 1 }\n");
  for (int i = 0; i < 3; ++i) {
    const std::string id = fmt::format("R{}", i);
    bench.Scenario(id, random.Scenario(id));
  }
  for (int key = 0; key < 6; ++key) {
    auto& answers = bench.script.answers[fmt::format("k{}", key)];
    for (int i = 0; i < 8; ++i) answers.push_back(random.Outcome());
  }
  bench.Run({.seed = GetParam(), .jobs = 1 + GetParam() % 3});
  const auto replay = bench.Replay();
  ASSERT_TRUE(replay) << replay.error().ToString();
  EXPECT_THAT(replay->missing, IsEmpty());
  for (const auto& one : replay->differences) {
    ADD_FAILURE() << one.what << ": " << one.recorded << " was replayed as " << one.replayed;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRunTest, ::testing::Range<uint64_t>(1, 41));

}  // namespace
}  // namespace assay::run
