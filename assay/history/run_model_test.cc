// From events to the model that reports read, and from models to the requirements matrix.

#include "assay/history/run_model.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/history/trace.h"
#include "lib/json/parse.h"

namespace assay::history {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// A log by hand: {kind, path, data}; sequence numbers and times count up by one (millisecond).
struct Line {
  std::string_view kind;
  std::string_view path;
  std::string_view data;
};

std::vector<Event> Events(std::span<const Line> lines) {
  std::vector<Event> events;
  for (const Line& line : lines) {
    Event event;
    event.seq = events.size() + 1;
    event.elapsed = std::chrono::milliseconds(event.seq);
    event.kind = line.kind;
    event.path = line.path;
    const auto json = json::Parse(line.data);
    EXPECT_TRUE(json && json->is_object()) << line.data;
    if (json) event.data = json->get_object();
    events.push_back(std::move(event));
  }
  return events;
}

RunModel Model(std::vector<Line> lines, std::string id = "run-1") {
  auto model = BuildRunModel(std::move(id), Events(lines));
  EXPECT_TRUE(model);
  return model.value_or(RunModel{});
}

constexpr Line kStart = {"run.started", "", R"({"manifest":{"profile":"development"}})"};

std::vector<Line> SmallRun() {
  return {
      {"run.started", "",
       R"({"manifest":{"planned":[{"instance":"NS-B/1","scenario":"NS-B"},
           {"instance":"NS-A/1","scenario":"NS-A"}]}})"},
      {"environment.starting", "local", R"({"type":"process","profile":"development"})"},
      {"environment.service.started", "montage", R"({"command":"montage serve","pid":7})"},
      {"environment.service.ready", "montage", R"({"ports":{"http":8080}})"},
      {"environment.ready", "local", "{}"},
      {"scenario.started", "NS-A/1",
       R"({"id":"NS-A","title":"Upload","verifies":["R-1"],"file":"a.yaml","line":1,"attempt":1})"},
      {"step.started", "NS-A/1/upload",
       R"({"id":"upload","action":"http","head":"POST /x","verifies":["R-2"],"line":4})"},
      {"outcome", "NS-A/1/upload#1",
       R"({"disposition":"answered","value":{"status":503},"duration_ns":10})"},
      {"expectation", "NS-A/1/upload",
       R"({"expression":"status == 200","role":"expect","verdict":"failed","attempt":1})"},
      {"outcome", "NS-A/1/upload#2",
       R"({"disposition":"answered","value":{"status":200},"duration_ns":10})"},
      {"expectation", "NS-A/1/upload",
       R"({"expression":"status == 200","role":"expect","verdict":"passed","attempt":2})"},
      {"saved", "NS-A/1/upload", R"({"values":{"file_id":"x1"}})"},
      {"step.finished", "NS-A/1/upload", R"({"verdict":"passed","attempts":2,"duration_ns":99})"},
      {"step.started", "NS-A/1/rounds", R"({"id":"rounds","action":"for_each"})"},
      {"step.started", "NS-A/1/rounds[0]/1-http", R"({"action":"http","unasserted":true})"},
      {"step.finished", "NS-A/1/rounds[0]/1-http", R"({"verdict":"passed"})"},
      {"step.skipped", "NS-A/1/rounds[1]/1-http", R"({"action":"http","reason":"when"})"},
      {"step.finished", "NS-A/1/rounds", R"({"verdict":"passed"})"},
      {"expectation", "NS-A/1", R"({"expression":"true","role":"success","verdict":"passed"})"},
      {"cleanup.started", "NS-A/1", "{}"},
      {"step.started", "NS-A/1/cleanup/1-http", R"({"action":"http","cleanup":true})"},
      {"step.finished", "NS-A/1/cleanup/1-http", R"({"verdict":"passed"})"},
      {"cleanup.finished", "NS-A/1", R"({"verdict":"passed"})"},
      {"scenario.finished", "NS-A/1", R"({"verdict":"passed","flaky":false})"},
      {"scenario.skipped", "NS-B/1", R"({"id":"NS-B","reason":"needs montage"})"},
      {"run.finished", "", R"({"verdict":"passed","duration_ns":1234})"},
  };
}

TEST(RunModelTest, HoldsWhatTheLogSays) {
  const RunModel model = Model(SmallRun());
  EXPECT_TRUE(model.complete);
  EXPECT_EQ(model.verdict, Verdict::kPassed);
  EXPECT_EQ(model.duration, base::Duration(1234));
  EXPECT_EQ(model.counts.at(Verdict::kPassed), 1);
  EXPECT_EQ(model.counts.at(Verdict::kSkipped), 1);
  EXPECT_EQ(model.counts.at(Verdict::kFailed), 0);
  ASSERT_THAT(model.scenarios, SizeIs(2));
  EXPECT_EQ(model.scenarios[0].instance, "NS-B/1") << "planned order";
  EXPECT_EQ(model.scenarios[0].reason, "needs montage");

  const ScenarioResult& a = model.scenarios[1];
  EXPECT_EQ(a.id, "NS-A");
  EXPECT_EQ(a.title, "Upload");
  EXPECT_THAT(a.AllVerifies(), ElementsAre("R-1", "R-2"));
  ASSERT_THAT(a.steps, SizeIs(2));
  const StepResult& upload = a.steps[0];
  EXPECT_EQ(upload.head, "POST /x");
  ASSERT_THAT(upload.attempts, SizeIs(2));
  EXPECT_EQ(upload.attempts[1].attempt, 2);
  EXPECT_EQ(upload.attempts[1].value.at("status").as_int64(), 200);
  ASSERT_THAT(upload.expectations, SizeIs(2));
  EXPECT_EQ(upload.expectations[0].verdict, Verdict::kFailed);
  EXPECT_EQ(upload.expectations[1].seq, 11U);
  EXPECT_EQ(upload.saved.at("file_id").as_string(), "x1");
  EXPECT_EQ(upload.first_seq, 7U);
  EXPECT_EQ(upload.last_seq, 13U);
  ASSERT_THAT(a.steps[1].children, SizeIs(2)) << "rounds of a loop are its children";
  EXPECT_TRUE(a.steps[1].children[0].unasserted);
  EXPECT_EQ(a.steps[1].children[1].verdict, Verdict::kSkipped);
  EXPECT_THAT(a.cleanup, SizeIs(1));
  EXPECT_THAT(a.success, SizeIs(1));

  ASSERT_THAT(model.environments, SizeIs(1));
  EXPECT_TRUE(model.environments[0].ready);
  ASSERT_THAT(model.environments[0].services, SizeIs(1));
  EXPECT_EQ(model.environments[0].services[0].facts.at("pid").as_int64(), 7);
  EXPECT_EQ(model.environments[0].services[0].command, "montage serve");
}

TEST(RunModelTest, ALogCutOffAnywhereGivesWhatIsThereAndNeverPasses) {
  const std::vector<Line> whole = SmallRun();
  for (size_t size = 1; size < whole.size(); ++size) {
    const RunModel model = Model({whole.begin(), whole.begin() + static_cast<long>(size)});
    EXPECT_FALSE(model.complete);
    EXPECT_GE(model.verdict, Verdict::kError) << size;
    EXPECT_THAT(model.scenarios, SizeIs(2)) << "what was planned is listed";
  }
  const RunModel model = Model({whole.begin(), whole.begin() + 8});
  const ScenarioResult& a = model.scenarios[1];
  EXPECT_FALSE(a.finished);
  EXPECT_EQ(a.verdict, Verdict::kError);
  EXPECT_FALSE(a.steps.at(0).finished);
  EXPECT_THAT(a.steps.at(0).attempts, SizeIs(1));
  EXPECT_EQ(model.scenarios[0].reason, "not evaluated: the run ended before it");
}

TEST(RunModelTest, ARepeatedScenarioShowsItsLastAttempt) {
  const RunModel model = Model({
      kStart,
      {"scenario.started", "NS-A/1", R"({"id":"NS-A","attempt":1})"},
      {"step.started", "NS-A/1/get", R"({"action":"http"})"},
      {"step.finished", "NS-A/1/get", R"({"verdict":"failed"})"},
      {"scenario.finished", "NS-A/1", R"({"verdict":"failed","attempt":1})"},
      {"scenario.started", "NS-A/1", R"({"id":"NS-A","attempt":2})"},
      {"step.started", "NS-A/1@2/get", R"({"action":"http"})"},
      {"outcome", "NS-A/1@2/get#1", R"({"disposition":"answered"})"},
      {"step.finished", "NS-A/1@2/get", R"({"verdict":"passed"})"},
      {"scenario.finished", "NS-A/1", R"({"verdict":"passed","attempt":2,"flaky":true})"},
      {"run.finished", "", R"({"verdict":"passed"})"},
  });
  ASSERT_THAT(model.scenarios, SizeIs(1));
  EXPECT_EQ(model.scenarios[0].verdict, Verdict::kPassed);
  EXPECT_TRUE(model.scenarios[0].flaky);
  EXPECT_EQ(model.scenarios[0].attempts, 2);
  ASSERT_THAT(model.scenarios[0].steps, SizeIs(1));
  EXPECT_EQ(model.scenarios[0].steps[0].path, "NS-A/1@2/get");
  EXPECT_THAT(model.scenarios[0].steps[0].attempts, SizeIs(1));
}

TEST(RunModelTest, KindsOfNewerVersionsArePassedOver) {
  const RunModel model = Model({
      kStart,
      {"scenario.started", "NS-A/1", R"({"id":"NS-A"})"},
      {"hologram", "NS-A/1", R"({"colour":"blue"})"},
      {"step.levitated", "NS-A/1/x", "{}"},
      {"scenario.finished", "NS-A/1", R"({"verdict":"passed"})"},
      {"run.finished", "", R"({"verdict":"passed"})"},
  });
  EXPECT_EQ(model.scenarios.at(0).verdict, Verdict::kPassed);
  EXPECT_EQ(model.event_count, 6U);
}

TEST(RunModelTest, RefusesWhatIsNoLogOfARun) {
  EXPECT_FALSE(BuildRunModel("x", {}));
  const std::vector<Line> lines = {{"note", "", "{}"}};
  const auto model = BuildRunModel("x", Events(lines));
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, base::ErrorCode::kCorrupt);
}

TEST(RunModelTest, AnEmptyRunIsSkippedAndAnUnknownVerdictIsAnError) {
  EXPECT_EQ(RunVerdict({}), Verdict::kSkipped);
  const RunModel model = Model({kStart,
                                {"scenario.started", "NS-A/1", R"({"id":"NS-A"})"},
                                {"scenario.finished", "NS-A/1", R"({"verdict":"splendid"})"}});
  EXPECT_EQ(model.scenarios.at(0).verdict, Verdict::kError);
}

TEST(RunModelTest, TheWorstVerdictWins) {
  using enum Verdict;
  EXPECT_EQ(Worst(std::vector{kPassed, kSkipped, kInconclusive}), kInconclusive);
  EXPECT_EQ(Worst(std::vector{kError, kFailed, kPassed}), kFailed);
  EXPECT_EQ(Worst(std::vector{kSkipped, kPassed}), kSkipped);
  EXPECT_EQ(Worst({}), kSkipped) << "an empty set passes nothing";
  for (const Verdict v : {kPassed, kSkipped, kInconclusive, kError, kFailed}) {
    EXPECT_EQ(ParseVerdict(ToString(v)), v);
  }
  EXPECT_FALSE(ParseVerdict("ok"));
}

TEST(RunModelTest, TheSummaryNamesProblems) {
  const RunModel model = Model({
      kStart,
      {"scenario.started", "NS-A/1", R"({"id":"NS-A"})"},
      {"step.started", "NS-A/1/get", R"({"action":"http","file":"a.yaml","line":3})"},
      {"step.finished", "NS-A/1/get", R"({"verdict":"failed","reason":"status == 200"})"},
      {"scenario.finished", "NS-A/1", R"({"verdict":"failed"})"},
      {"run.finished", "", R"({"verdict":"failed"})"},
  });
  const auto summary = SummaryJson(model);
  EXPECT_EQ(summary.at("verdict").as_string(), "failed");
  EXPECT_EQ(summary.at("counts").at("failed").as_int64(), 1);
  const auto& problem = summary.at("scenarios").at(0).at("problems").at(0);
  EXPECT_EQ(problem.at("path").as_string(), "NS-A/1/get");
  EXPECT_EQ(problem.at("reason").as_string(), "status == 200");
}

TEST(LedgerTest, ListsOperationsInOrder) {
  const std::vector<Line> lines = {
      kStart,
      {"ledger", "NS-A/1/x", R"({"ledger":"uploads","op":"add","phase":"invoke","key":"k"})"},
      {"ledger", "NS-A/1/x", R"({"ledger":"uploads","op":"add","phase":"ok","key":"k"})"},
  };
  const auto ops = ExtractLedger(Events(lines));
  ASSERT_THAT(ops, SizeIs(2));
  EXPECT_EQ(ops[1].phase, "ok");
  EXPECT_EQ(ops[1].seq, 3U);
  EXPECT_EQ(ops[0].key.as_string(), "k");
}

// --- requirements -------------------------------------------------------------------------------

// One scenario that names R-1; `expectation` is the verdict of its only expectation, or "".
RunModel Proof(std::string_view instance, std::string_view verdict, std::string_view expectation,
               bool flaky = false, std::string_view fingerprint = "f1", std::string id = "run-1") {
  const std::string manifest = std::string(R"({"manifest":{"requirements":[{"id":"R-1",)") +
                               R"("system":"ns","fingerprint":")" + std::string(fingerprint) +
                               R"("}]}})";
  const std::string step = std::string(instance) + "/s";
  const std::string held = R"({"role":"expect","verdict":")" + std::string(expectation) + R"("})";
  const std::string done = R"({"verdict":")" + std::string(verdict) + R"("})";
  const std::string end =
      R"({"verdict":")" + std::string(verdict) + R"(","flaky":)" + (flaky ? "true" : "false") + "}";
  std::vector<Line> lines = {{"run.started", "", manifest},
                             {"scenario.started", instance, R"({"id":"X","verifies":["R-1"]})"},
                             {"step.started", step, R"({"action":"http"})"}};
  if (!expectation.empty()) lines.push_back({"expectation", step, held});
  lines.push_back({"step.finished", step, done});
  lines.push_back({"scenario.finished", instance, end});
  lines.push_back({"run.finished", "", done});
  return Model(lines, std::move(id));
}

TraceVerdict Judged(std::vector<RunModel> runs) {
  const std::vector<CatalogueEntry> catalogue = {{"R-1", "ns", "f1"}};
  const auto matrix = Trace(catalogue, runs);
  EXPECT_THAT(matrix, SizeIs(1));
  return matrix.at(0).verdict;
}

TEST(TraceTest, ARequirementIsVerifiedWhenEveryScenarioThatNamesItPassed) {
  EXPECT_EQ(Judged({}), TraceVerdict::kUncovered);
  EXPECT_EQ(Judged({Proof("A/1", "passed", "passed")}), TraceVerdict::kVerified);
  EXPECT_EQ(Judged({Proof("A/1", "passed", "passed"), Proof("B/1", "failed", "failed")}),
            TraceVerdict::kFailed);
  for (const std::string_view verdict : {"skipped", "inconclusive", "error"}) {
    EXPECT_EQ(Judged({Proof("A/1", "passed", "passed"), Proof("B/1", verdict, "passed")}),
              TraceVerdict::kNotVerified)
        << verdict;
  }
}

TEST(TraceTest, PassingWithoutAnyExpectationProvesNothing) {
  EXPECT_EQ(Judged({Proof("A/1", "passed", "")}), TraceVerdict::kNotVerified);
}

TEST(TraceTest, AChangedRequirementMakesOldEvidenceStale) {
  EXPECT_EQ(Judged({Proof("A/1", "passed", "passed", false, "older")}), TraceVerdict::kStale);
  EXPECT_EQ(Judged({Proof("A/1", "failed", "failed", false, "older")}), TraceVerdict::kStale);
}

TEST(TraceTest, OnlyTheLatestRunOfAnInstanceCounts) {
  EXPECT_EQ(Judged({Proof("A/1", "failed", "failed", false, "f1", "run-1"),
                    Proof("A/1", "passed", "passed", false, "f1", "run-2")}),
            TraceVerdict::kVerified);
}

TEST(TraceTest, ShowsFlakinessAndTheEventsThatProve) {
  const std::vector<CatalogueEntry> catalogue = {{"R-1", "ns", "f1"}};
  const std::vector<RunModel> runs = {Proof("A/1", "passed", "passed", true)};
  const auto matrix = Trace(catalogue, runs);
  EXPECT_TRUE(matrix[0].flaky);
  EXPECT_THAT(matrix[0].evidence.at(0).events, ElementsAre(4U, 6U));
  const auto json = ToJson(matrix);
  EXPECT_EQ(json.at("counts").at("verified").as_int64(), 1);
}

TEST(TraceTest, AStepThatWasSkippedInAPassedScenarioDoesNotVerify) {
  const std::vector<RunModel> runs = {Model({
      {"run.started", "", R"({"manifest":{"requirements":[{"id":"R-1","fingerprint":"f1"}]}})"},
      {"scenario.started", "A/1", R"({"id":"A"})"},
      {"step.skipped", "A/1/s", R"({"action":"http","verifies":["R-1"],"reason":"when"})"},
      {"scenario.finished", "A/1", R"({"verdict":"passed"})"},
      {"run.finished", "", R"({"verdict":"passed"})"},
  })};
  const std::vector<CatalogueEntry> catalogue = {{"R-1", "ns", "f1"}};
  EXPECT_EQ(Trace(catalogue, runs)[0].verdict, TraceVerdict::kNotVerified);
}

TEST(TraceTest, IdsOutsideTheCatalogueAreListed) {
  const std::vector<RunModel> runs = {Proof("A/1", "passed", "passed")};
  const auto matrix = Trace({}, runs);
  ASSERT_THAT(matrix, SizeIs(1));
  EXPECT_EQ(matrix[0].id, "R-1");
  EXPECT_EQ(matrix[0].system, "");
}

}  // namespace
}  // namespace assay::history
