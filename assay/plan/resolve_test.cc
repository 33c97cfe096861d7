#include "assay/plan/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cel/text.h"
#include "assay/scenario/loader.h"
#include "assay/scenario/tables/sample_actions.h"

namespace assay::plan {
namespace {

using scenario::MemoryFiles;
using scenario::Problems;
using testing::ElementsAre;

using Files = std::map<std::string, std::string>;

constexpr const char* kProject = R"~(
vars: { base: 10 }
environments:
  local: { endpoints: { api: "http://x" }, vars: { base: 20, where: here } }
  far: { type: remote, endpoints: { api: "http://y" }, vars: { where: there } }
environment: local
)~";

class ResolveTest : public testing::Test {
 protected:
  RunPlan Plan(Files files, ResolveOptions options = {}) {
    files.emplace("assay.yaml", kProject);
    files_.emplace(std::move(files));
    auto project = std::make_shared<const scenario::Project>(
        scenario::Loader(*files_, registry_).LoadProject(problems_));
    RunPlan plan = Resolve(project, registry_, *files_, options, problems_);
    for (const base::Error& error : problems_.errors()) ADD_FAILURE() << error.ToString();
    return plan;
  }
  static std::vector<std::string> Paths(const RunPlan& plan) {
    std::vector<std::string> paths;
    for (const PlannedScenario& one : plan.scenarios) paths.push_back(one.path);
    return paths;
  }
  scenario::SchemaRegistry registry_ = scenario::SampleRegistry();
  std::optional<MemoryFiles> files_;
  Problems problems_;
};

std::string Minimal(const std::string& id, const std::string& more = "") {
  return "id: " + id + "\n" + more + "steps: [ { note: x } ]\n";
}

TEST_F(ResolveTest, OrdersInstancesBehindWhatTheyComeAfter) {
  const RunPlan plan =
      Plan({{"suites/a/1.yaml", Minimal("A", "after: [B]\npriority: critical\n")},
            {"suites/a/2.yaml", Minimal("B", "for_each: { row: \"${{ csv('r.csv') }}\" }\n")},
            {"suites/a/r.csv", "n\n5\n6\n"}});
  EXPECT_THAT(Paths(plan), ElementsAre("B/1", "B/2", "A/1"));
  EXPECT_EQ(plan.scenarios[1].loop_value.map().Find("n")->string(), "6");
  EXPECT_THAT(plan.scenarios[2].after, ElementsAre(0U, 1U));
  EXPECT_EQ(plan.read_files.at(0).first, "suites/a/r.csv");
}

TEST_F(ResolveTest, FindsSchemasBesideTheScenario) {
  const RunPlan plan = Plan(
      {{"suites/a/1.yaml",
        Minimal("A",
                "for_each: { fits: \"${{ [5, 'x'].map(v, matches_schema(v, 's.json')) }}\" }\n")},
       {"suites/a/s.json", R"({"type": "integer"})"}});
  ASSERT_EQ(plan.scenarios.size(), 2U);
  EXPECT_TRUE(plan.scenarios[0].loop_value.map().Find("fits")->is_true());
  EXPECT_TRUE(plan.scenarios[1].loop_value.map().Find("fits")->is_false());
  EXPECT_EQ(plan.read_files.at(0).first, "suites/a/s.json");
}

TEST_F(ResolveTest, SelectsByEveryMeans) {
  const Files files = {
      {"suites/a/1.yaml", Minimal("NS-1", "tags: [load]\nsystem: neuro\n")},
      {"suites/a/2.yaml", Minimal("NS-2", "category: edge\npriority: high\n")},
      {"suites/a/3.yaml", "id: BB-1\nsteps: [ { group: [ { note: x, verifies: R-A-1 } ] } ]\n"},
      {"suites/a/requirements.yaml",
       "system: a\nprefix: R\nrequirements: [ { id: R-A-1, text: t, kind: process, risk: low } "
       "]\n"}};
  const auto chosen = [&](scenario::Selection select) {
    return Paths(Plan(files, {.select = std::move(select)}));
  };
  EXPECT_THAT(chosen({.ids = {{"NS-*", {}}}}), ElementsAre("NS-2/1", "NS-1/1"));
  EXPECT_THAT(chosen({.tags = {{"load", {}}}}), ElementsAre("NS-1/1"));
  EXPECT_THAT(chosen({.categories = {{"edge", {}}}}), ElementsAre("NS-2/1"));
  EXPECT_THAT(chosen({.systems = {{"neuro", {}}}}), ElementsAre("NS-1/1"));
  EXPECT_THAT(chosen({.priorities = {{"high", {}}}}), ElementsAre("NS-2/1"));
  EXPECT_THAT(chosen({.verifies = {{"R-*", {}}}}), ElementsAre("BB-1/1"));
  EXPECT_THAT(chosen({.exclude = {{"NS-?", {}}}}), ElementsAre("BB-1/1"));
}

TEST_F(ResolveTest, MarksScenariosThatAreNotForTheEnvironment) {
  const RunPlan plan = Plan({{"suites/a/1.yaml", Minimal("A", "environments: [far]\n")}});
  EXPECT_EQ(plan.scenarios.at(0).skip_reason, "not meant for the environment local");
}

TEST_F(ResolveTest, GathersVariablesOfAllLevelsInnerOnesWin) {
  const RunPlan plan = Plan(
      {{"suites/a/1.yaml", Minimal("A", "vars: { twice: \"${{ vars.base * 2 }}\", base: 30 }\n")}},
      {.overrides = {{"twice", "7"}}});
  std::vector<std::string> vars;
  for (const NamedValue& one : plan.scenarios.at(0).compiled->vars) {
    vars.push_back(one.name +
                   (one.value.is_constant() ? "=" + cel::ToText(one.value.constant()) : ""));
  }
  EXPECT_THAT(vars, ElementsAre("where=here", "base=30", "twice=7"));
}

constexpr const char* kRich = R"~(
id: RICH
vars: { limit: 5 }
fixtures: { rec: { edf: { channels: 2 } } }
steps:
  - id: upload
    http: POST /upload
    json: { name: "${{ fake.name() }}", size: "${{ vars.limit + 1 }}", path: "${{ fixtures.rec.path }}" }
    expect: [ status == 200, "duration < duration('1s')" ]
    save: { file: body.file_id }
  - id: wait_done
    http: GET /jobs/${{ steps.upload.file }}
    poll: { every: 100ms, for: 5s, until: body.status == 'done' }
  - for_each: { row: "${{ [1, 2] }}" }
    steps: [ { note: "${{ row + index }}" } ]
  - id: signup
    use: login
    with: { who: "${{ vars.file }}" }
    expect: token != ''
  - id: live
    background: true
    websocket: /ws
    until: message.done
    timeout: 10s
  - join: live
    expect: size(messages) > 0
  - wait: "${{ duration('2s') }}"
  - workload:
      executor: constant-vus
      duration: 1m
      tasks: [ { name: browse, steps: [ { id: page, http: GET /, expect: status == 200 } ] } ]
      thresholds: [ latency.p99 < 0.5 ]
success: [ steps.upload.duration < duration('1s') ]
)~";

constexpr const char* kLogin = R"~(
inputs: { who: string, times: { type: int, default: 2 } }
steps: [ { id: call, http: "POST /login/${{ inputs.who }}", expect: status == 201 } ]
outputs: { token: string(steps.call.body.token) }
)~";

class RichTest : public ResolveTest {
 protected:
  void SetUp() override {
    plan_ = Plan({{"suites/a/rich.yaml", kRich}, {"suites/a/fragments/login.yaml", kLogin}});
    ASSERT_EQ(plan_.scenarios.size(), 1U);
  }
  const PlannedStep& Step(size_t i) const { return plan_.scenarios[0].compiled->steps.at(i); }
  static EvaluationScope At(const cel::Activation& variables, std::string_view path) {
    return {.variables = variables, .seed = 7, .path = path};
  }
  RunPlan plan_;
};

TEST_F(RichTest, NamesStepsByIdOrActionAndPlace) {
  std::vector<std::string> segments;
  for (const PlannedStep& step : plan_.scenarios[0].compiled->steps)
    segments.push_back(step.segment);
  EXPECT_THAT(segments, ElementsAre("upload", "wait_done", "for_each-3", "signup", "live", "join-6",
                                    "wait-7", "workload-8"));
  EXPECT_EQ(Step(0).title, "http POST /upload");
}

TEST_F(RichTest, EvaluatesParametersWithTheTypesOfTheirExpressions) {
  cel::MapActivation variables;
  variables.Set("vars", cel::Value::Object({{"limit", cel::Value::Int(5)}}))
      .Set("fixtures", cel::Value::Object(
                           {{"rec", cel::Value::Object({{"path", cel::Value::String("p.edf")}})}}));
  const auto params = Step(0).params.Evaluate(At(variables, "RICH/1/upload#1"));
  ASSERT_TRUE(params) << params.error().ToString();
  const cel::Value& json = *params->map().Find("json");
  EXPECT_EQ(json.map().Find("size")->int_value(), 6);
  EXPECT_EQ(json.map().Find("path")->string(), "p.edf");
  EXPECT_EQ(params->map().Find("request")->string(), "POST /upload");
}

TEST_F(RichTest, DrawsTheSameFakeDataAtTheSamePlace) {
  cel::MapActivation variables;
  variables.Set("vars", cel::Value::Object({{"limit", cel::Value::Int(5)}}))
      .Set("fixtures",
           cel::Value::Object({{"rec", cel::Value::Object({{"path", cel::Value::String("")}})}}));
  const auto name = [&](std::string_view path, uint64_t seed) {
    const auto params =
        Step(0).params.Evaluate({.variables = variables, .seed = seed, .path = path});
    return std::string(params->map().Find("json")->map().Find("name")->string());
  };
  EXPECT_EQ(name("RICH/1/upload#1", 7), name("RICH/1/upload#1", 7));
  EXPECT_NE(name("RICH/1/upload#1", 7), name("RICH/2/upload#1", 7));
  EXPECT_NE(name("RICH/1/upload#1", 7), name("RICH/1/upload#1", 8));
}

TEST_F(RichTest, CompilesExpectationsAgainstTheOutcome) {
  cel::MapActivation outcome;
  outcome.Set("status", cel::Value::Int(404));
  EXPECT_TRUE(Step(0).expect.at(0).Evaluate(At(outcome, "p")).is_false());
  EXPECT_EQ(Step(1).poll->limit, std::chrono::seconds(5));
  EXPECT_EQ(Step(0).save.at(0).name, "file");
}

TEST_F(RichTest, ExpandsFragmentsWithTheirInputs) {
  const PlannedStep& use = Step(3);
  ASSERT_EQ(use.inputs.size(), 2U);
  EXPECT_EQ(use.inputs[1].value.constant().int_value(), 2);
  EXPECT_EQ(use.blocks.at(0).steps.at(0).segment, "call");
  EXPECT_EQ(use.outputs.at(0).name, "token");
}

TEST_F(RichTest, KeepsConditionsOutOfTheParameters) {
  EXPECT_NE(Step(4).FindCondition("until"), nullptr);
  EXPECT_EQ(Step(4).params.Find("until"), nullptr);
  EXPECT_NE(Step(7).FindCondition("thresholds[0]"), nullptr);
  EXPECT_EQ(Step(7).FindBlock("tasks[0].steps")->name, "browse");
}

TEST_F(RichTest, ConvertsParametersToTheirTypes) {
  const cel::MapActivation none;
  const auto wait = Step(6).params.Evaluate(At(none, "p"));
  ASSERT_TRUE(wait) << wait.error().ToString();
  EXPECT_EQ(wait->map().Find("duration")->duration(), std::chrono::seconds(2));
  const auto load = Step(7).params.Evaluate(At(none, "p"));
  ASSERT_TRUE(load) << load.error().ToString();
  EXPECT_EQ(load->map().Find("duration")->duration(), std::chrono::minutes(1));
}

TEST_F(RichTest, GivesTimeLimits) {
  EXPECT_EQ(Step(0).timeout, std::chrono::seconds(30));
  EXPECT_EQ(Step(4).timeout, std::chrono::seconds(10));
  EXPECT_EQ(Step(6).timeout, base::Duration::zero());
}

TEST(CheckReports, CountAndListWhatIsMissing) {
  const MemoryFiles files(
      {{"assay.yaml", ""},
       {"suites/a/1.yaml",
        "id: A\ntitle: t\nverifies: R-A-1\nsteps: [ { http: GET /, expect: status == 200 "
        "}, { http: GET /b } ]\n"},
       {"suites/a/requirements.yaml",
        "system: a\nprefix: R\nrequirements:\n  - { id: R-A-1, text: t, kind: process, risk: low "
        "}\n  - { "
        "id: R-A-2, text: t, kind: process, risk: low }\n"}});
  const CheckReport report = Check(files, scenario::SampleRegistry());
  for (const base::Error& error : report.problems.errors()) ADD_FAILURE() << error.ToString();
  EXPECT_EQ(report.scenarios, 1U);
  EXPECT_EQ(report.steps, 2U);
  EXPECT_EQ(report.requirements, 2U);
  EXPECT_THAT(report.unverified, ElementsAre("R-A-2"));
  EXPECT_THAT(report.unasserted, ElementsAre("suites/a/1.yaml:4:50: http GET /b"));
}

TEST(Listeners, NeedALimitOnlyWhenTheyListen) {
  scenario::ActionSchema broker{.name = "broker", .doc = "Sends or listens."};
  broker.params.fields = {
      {.name = "send", .type = scenario::Type::String()},
      {.name = "subscribe", .type = scenario::Type::Map(scenario::Type::Any())}};
  broker.listens = true;
  broker.listening_params = {"subscribe"};
  broker.limit_param = "for";
  scenario::SchemaRegistry registry = scenario::SampleRegistry();
  ASSERT_TRUE(registry.AddAction(std::move(broker)).has_value());
  const auto problems = [&](const std::string& step) {
    const MemoryFiles files(
        {{"assay.yaml", ""}, {"suites/a/1.yaml", "id: A\ntitle: t\nsteps:\n  - " + step + "\n"}});
    std::string text;
    for (const base::Error& error : Check(files, registry).problems.errors()) {
      text += error.message;
    }
    return text;
  };
  EXPECT_EQ(problems("broker: { send: x }"), "");
  EXPECT_EQ(problems("broker: { subscribe: { to: x } }"),
            "found the listener \"broker\" without limit");
  EXPECT_EQ(problems("broker: { subscribe: { to: x, for: 1s } }"), "");
  EXPECT_EQ(problems("{ broker: { subscribe: { to: x } }, timeout: 1s }"), "");
}

TEST(Listing, HasOneLinePerScenario) {
  const MemoryFiles files(
      {{"assay.yaml", "name: x\n"},
       {"suites/a/1.yaml", Minimal("A", "title: t\nfor_each: { i: [1, 2, 3] }\n")}});
  const auto registry = scenario::SampleRegistry();
  Problems problems;
  auto project = std::make_shared<const scenario::Project>(
      scenario::Loader(files, registry).LoadProject(problems));
  const auto listed = List(Resolve(project, registry, files, {}, problems));
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].instances, 3U);
  EXPECT_EQ(listed[0].file, "suites/a/1.yaml");
}

}  // namespace
}  // namespace assay::plan
