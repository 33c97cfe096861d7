#include "assay/scenario/loader.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/scenario/baseline_settings.h"
#include "assay/scenario/tables/sample_actions.h"

namespace assay::scenario {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

class LoaderTest : public testing::Test {
 protected:
  std::optional<Scenario> Load(const std::string& text) {
    const MemoryFiles files({{"s.yaml", text}});
    auto scenario = Loader(files, registry_).LoadScenario("s.yaml", problems_);
    for (const base::Error& error : problems_.errors()) ADD_FAILURE() << error.ToString();
    return scenario;
  }
  Scenario WithStep(const std::string& step) {
    auto scenario = Load("id: X\nsteps:\n" + step);
    return scenario.value_or(Scenario{});
  }

  SchemaRegistry registry_ = SampleRegistry();
  Problems problems_;
};

TEST_F(LoaderTest, ReadsTheHeadOfAScenario) {
  const auto scenario = Load(R"~(
id: NS-CLIN-LIFECYCLE
title: Patient session from registration to delivered report
system: neurascale
category: clinical-workflows
priority: critical
verifies: [NS-CLIN-001, NS-CLIN-002]
environments: [local, staging]
needs: [montage]
after: [NS-SMOKE]
exclusive: true
timeout: 5m
estimated: 90s
retries: 2
vars: { mrn: "ITG${{ run.started.getSeconds() }}", count: 3 }
fixtures:
  recording: { edf: { channels: 19, duration: 20m } }
for_each: { row: "${{ csv('cohort.csv') }}" }
steps: [ { http: GET /health } ]
cleanup: [ { http: DELETE /all } ]
success: [ "steps.analysis.duration < duration('5m')" ]
)~");
  ASSERT_TRUE(scenario);
  EXPECT_EQ(scenario->id.text, "NS-CLIN-LIFECYCLE");
  EXPECT_EQ(scenario->priority, Priority::kCritical);
  EXPECT_EQ(scenario->category.at(0).text, "clinical-workflows");
  EXPECT_EQ(scenario->verifies.at(1).text, "NS-CLIN-002");
  EXPECT_EQ(scenario->verifies.at(1).span.ToString(), "s.yaml:7:25");
  EXPECT_EQ(scenario->environments.size(), 2U);
  EXPECT_EQ(scenario->after.at(0).text, "NS-SMOKE");
  EXPECT_TRUE(scenario->exclusive);
  EXPECT_EQ(scenario->timeout, minutes(5));
  EXPECT_EQ(scenario->estimated, seconds(90));
  EXPECT_EQ(scenario->retries, 2);
  EXPECT_EQ(scenario->vars.at(0).value.kind, TemplateKind::kText);
  EXPECT_EQ(scenario->vars.at(1).value.literal->as_int(), 3);
  EXPECT_EQ(scenario->fixtures.at(0).name.text, "recording");
  EXPECT_EQ(scenario->for_each->variable.text, "row");
  EXPECT_EQ(scenario->for_each->items.expression.text, "csv('cohort.csv')");
  EXPECT_EQ(scenario->cleanup.size(), 1U);
  EXPECT_EQ(scenario->success.at(0).text, "steps.analysis.duration < duration('5m')");
}

TEST_F(LoaderTest, ReadsEveryFieldOfAStep) {
  const Scenario scenario = WithStep(R"~(
  - name: upload
    id: upload
    when: vars.on
    at: region_b
    timeout: 10s
    retry: { times: 3, every: 2s, backoff: exponential }
    poll: { every: 500ms, for: 1m, until: status == 200 }
    http: POST /upload
    headers: { X-Trace: "${{ run.id }}" }
    expect: [ status == 200, "body.id != ''" ]
    save: { file: body.id }
    verifies: BB-FLOW-001
    on_failure: continue
    optional: true
    record: { ledger: uploads, op: add, key: "${{ body.id }}" }
)~");
  const Step& step = scenario.steps.at(0);
  EXPECT_EQ(step.action.text, "http");
  EXPECT_EQ(step.params.Find("request")->literal->text(), "POST /upload");
  EXPECT_EQ(step.params.Find("headers")->Find("X-Trace")->expression.text, "run.id");
  EXPECT_EQ(step.retry->times, 3);
  EXPECT_EQ(step.retry->backoff, Backoff::kExponential);
  EXPECT_EQ(step.poll->limit, minutes(1));
  EXPECT_EQ(step.poll->until.text, "status == 200");
  EXPECT_EQ(step.expect.at(1).text, "body.id != ''");
  EXPECT_EQ(step.expect.at(1).span.ToString(), "s.yaml:13:31");
  EXPECT_EQ(step.save.at(0).name.text, "file");
  EXPECT_EQ(step.on_failure, OnFailure::kContinue);
  EXPECT_TRUE(step.optional);
  EXPECT_EQ(step.record->key->expression.text, "body.id");
}

TEST_F(LoaderTest, TakesParametersBesideOrInsideTheAction) {
  const Scenario scenario = WithStep(R"~(
  - http: { request: GET /a, headers: { A: b } }
    follow: false
)~");
  const Template& params = scenario.steps.at(0).params;
  EXPECT_EQ(params.Find("request")->literal->text(), "GET /a");
  EXPECT_FALSE(params.Find("follow")->literal->as_bool());
}

TEST_F(LoaderTest, PrefersTheActionThatHasTheOtherAsParameter) {
  const Scenario scenario = WithStep("  - http: POST /a\n    file: a.edf\n  - file: b.edf\n");
  EXPECT_EQ(scenario.steps.at(0).action.text, "http");
  EXPECT_EQ(scenario.steps.at(0).params.Find("file")->literal->text(), "a.edf");
  EXPECT_EQ(scenario.steps.at(1).action.text, "file");
}

TEST_F(LoaderTest, KeepsStepListsOfStructuresAndTasksApart) {
  const Scenario scenario = WithStep(R"~(
  - parallel: [ { http: GET /a }, { group: [ { http: GET /b } ] } ]
  - for_each: { row: "${{ vars.rows }}" }
    concurrency: 2
    steps: [ { http: GET /c } ]
  - workload:
      executor: constant-vus
      tasks:
        - { name: browse, steps: [ { http: GET /d } ] }
        - { name: upload, weight: 3, steps: [ { http: GET /e }, { wait: 1s } ] }
      thresholds: [ latency.p99 < 1 ]
)~");
  EXPECT_EQ(scenario.steps.at(0).blocks.at(0).steps.at(1).blocks.at(0).steps.size(), 1U);
  EXPECT_EQ(scenario.steps.at(1).params.Find("each")->entries.at(0).key, "row");
  EXPECT_EQ(scenario.steps.at(1).FindBlock("steps")->steps.size(), 1U);
  const Step& load = scenario.steps.at(2);
  ASSERT_EQ(load.blocks.size(), 2U);
  EXPECT_EQ(load.blocks[1].path, "tasks[1].steps");
  EXPECT_EQ(load.blocks[1].name.text, "upload");
  EXPECT_EQ(load.params.Find("thresholds")->items.at(0).kind, TemplateKind::kCondition);
  EXPECT_EQ(load.params.Find("tasks")->items.at(1).Find("steps"), nullptr);
}

TEST_F(LoaderTest, KnowsTheThreeFormsOfAText) {
  const Scenario scenario = WithStep(R"~(
  - note: "${{ a + '}}' }}"
  - note: "x ${{ {'a': 1}['a'] }} y ${{b}}"
  - note: "costs $${{ 5 }}"
  - note: |
      line
      ${{ c }}
)~");
  const auto text = [&](size_t i) { return *scenario.steps.at(i).params.Find("text"); };
  EXPECT_EQ(text(0).kind, TemplateKind::kExpression);
  EXPECT_EQ(text(0).expression.text, "a + '}}'");
  ASSERT_EQ(text(1).parts.size(), 4U);
  EXPECT_EQ(text(1).parts[1].expression->text, "{'a': 1}['a']");
  EXPECT_EQ(text(1).parts[3].expression->span.ToString(), "s.yaml:5:40");
  EXPECT_EQ(text(2).kind, TemplateKind::kLiteral);
  EXPECT_EQ(text(2).literal->text(), "costs ${{ 5 }}");
  EXPECT_EQ(text(3).parts.at(1).expression->span.ToString(), "s.yaml:9:11");
}

class ProjectTest : public testing::Test {
 protected:
  Project Load(std::map<std::string, std::string> files) {
    const MemoryFiles memory(std::move(files));
    return Loader(memory, registry_).LoadProject(problems_);
  }
  std::vector<std::string> Errors() const {
    std::vector<std::string> lines;
    for (const base::Error& error : problems_.errors()) lines.push_back(error.ToString());
    return lines;
  }
  SchemaRegistry registry_ = SampleRegistry();
  Problems problems_;
};

constexpr const char* kEnvironment = R"~(
type: process
profile: staging
services:
  db: { command: postgres, ports: [sql] }
  montage:
    command: [montage, serve]
    args: ["--port", "${{ port }}"]
    env: { MONTAGE_DB: "${{ services.db.port }}" }
    ports: { http: free, admin: 9000 }
    probes: [ { http: /health/ready, within: 20s, every: 100ms, status: 200 } ]
    depends_on: { db: started }
    limits: { memory: 512MiB, cpu: 1.5, files: 1024 }
    restart: on-failure
    stop: { signal: INT, grace: 3s }
endpoints: { api: "http://127.0.0.1:${{ port }}", s3: { url: "http://x", region: eu } }
credentials: { token: { variable: API_TOKEN } }
env: [HOME]
)~";

TEST_F(ProjectTest, GathersEveryFileThatItNames) {
  const Project project = Load({
      {"assay.yaml",
       "name: demo\nenvironment: local\nenvironments: { local: env/local.yaml, far: { "
       "type: remote, endpoints: { api: 'https://x' } } }\ndefaults: { jobs: 2, "
       "step_timeout: 5s, redact: { keys: [password] }, reports: [json, html] }\n"},
      {"env/local.yaml", kEnvironment},
      {"suites/demo/b.yaml", "id: B\nsteps: [ { note: b } ]\n"},
      {"suites/demo/deep/a.yaml", "id: A\nsteps: [ { note: a } ]\n"},
      {"suites/demo/fragments/login.yaml", "inputs: { who: string }\nsteps: [ { note: x } ]\n"},
      {"suites/demo/fixtures/any.yaml", "no scenario: at all\n"},
      {"suites/demo/requirements.yaml", "system: demo\nprefix: D\nrequirements: []\n"},
      {"plans/all.yaml", "id: all\nstages: [ { id: one, gate: failed == 0 } ]\n"},
  });
  EXPECT_THAT(Errors(), ElementsAre());
  ASSERT_EQ(project.scenarios.size(), 2U);
  EXPECT_EQ(project.scenarios[0].id.text, "B");
  EXPECT_EQ(project.fragments.at(0).name.text, "login");
  EXPECT_EQ(project.fragments.at(0).inputs.at(0).type, InputType::kString);
  EXPECT_EQ(project.catalogues.size(), 1U);
  EXPECT_EQ(project.plans.at(0).stages.at(0).gate.at(0).text, "failed == 0");
  EXPECT_EQ(project.defaults.jobs, 2);
  EXPECT_EQ(project.defaults.step_timeout, seconds(5));
  EXPECT_THAT(project.defaults.report_formats, ElementsAre("json", "html"));
  EXPECT_EQ(project.inputs.size(), 7U);
}

TEST_F(ProjectTest, ReadsHowComparisonsJudge) {
  const Project project =
      Load({{"assay.yaml",
             "baseline:\n  folder: figures\n  tolerance: 5%\n  metrics:\n"
             "    - { metric: '*:latency.p999', tolerance: 0.25, floor: 2ms, better: lower }\n"
             "    - { metric: '*:queue.*', floor: 3, ignore: true }\n"}});
  EXPECT_THAT(Errors(), ElementsAre());
  EXPECT_EQ(BaselineOf(project).folder, "figures");
  EXPECT_DOUBLE_EQ(*BaselineOf(project).tolerance, 0.05);
  ASSERT_EQ(BaselineOf(project).rules.size(), 2U);
  EXPECT_DOUBLE_EQ(*BaselineOf(project).rules[0].tolerance, 0.25);
  EXPECT_DOUBLE_EQ(*BaselineOf(project).rules[0].floor, 0.002);
  EXPECT_EQ(BaselineOf(project).rules[0].better, "lower");
  EXPECT_DOUBLE_EQ(*BaselineOf(project).rules[1].floor, 3);
  EXPECT_TRUE(BaselineOf(project).rules[1].ignore);
}

TEST_F(ProjectTest, RefusesTolerancesThatAreNone) {
  Load({{"assay.yaml", "baseline: { tolerance: much }\n"}});
  EXPECT_THAT(Errors(), ElementsAre(HasSubstr("expected a share such as 10% or 0.1")));
}

TEST_F(ProjectTest, ReadsEnvironmentsInFull) {
  const Project project =
      Load({{"assay.yaml", "environments: { local: local.yaml }\n"}, {"local.yaml", kEnvironment}});
  EXPECT_THAT(Errors(), ElementsAre());
  const Environment& local = project.environments.at(0);
  EXPECT_EQ(local.name.text, "local");
  EXPECT_EQ(local.profile, "staging");
  const Service& montage = local.services.at(1);
  EXPECT_EQ(montage.command.items.at(1).literal->text(), "serve");
  EXPECT_EQ(montage.args.at(1).expression.text, "port");
  EXPECT_EQ(montage.ports.at(1).fixed, 9000);
  EXPECT_FALSE(montage.ports.at(0).fixed);
  EXPECT_EQ(montage.probes.at(0).kind.text, "http");
  EXPECT_EQ(montage.probes.at(0).within, seconds(20));
  EXPECT_EQ(montage.probes.at(0).params.Find("status")->literal->as_int(), 200);
  EXPECT_EQ(montage.depends_on.at(0).condition, DependsCondition::kStarted);
  EXPECT_EQ(montage.limits.memory_bytes, 512U << 20);
  EXPECT_EQ(montage.limits.cpus, 1.5);
  EXPECT_EQ(montage.restart, RestartPolicy::kOnFailure);
  EXPECT_EQ(montage.stop_signal, "INT");
  EXPECT_EQ(local.endpoints.at(1).options.Find("region")->literal->text(), "eu");
  EXPECT_EQ(local.credentials.at(0).variable.text, "API_TOKEN");
}

TEST_F(ProjectTest, ReportsTheProblemsOfAllFilesAndKeepsTheGoodOnes) {
  const Project project = Load({{"assay.yaml", "suites: [suites/*, nowhere]\n"},
                                {"suites/a/bad.yaml", "id: BAD\nstep: []\n"},
                                {"suites/a/good.yaml", "id: GOOD\nsteps: [ { note: x } ]\n"},
                                {"suites/a/twin.yaml", "id: GOOD\nsteps: [ { note: x } ]\n"}});
  EXPECT_EQ(project.scenarios.size(), 2U);
  EXPECT_THAT(
      Errors(),
      ElementsAre("assay.yaml:1:20: found no suite for \"nowhere\"",
                  "suites/a/bad.yaml:2:1: unknown key \"step\" in scenario",
                  "suites/a/bad.yaml:1:1: missing key \"steps\" in scenario, expected a list "
                  "of steps",
                  "suites/a/twin.yaml:1:5: found the scenario \"GOOD\" twice"));
}

TEST_F(ProjectTest, WithoutItsFileIsOneProblem) {
  Load({{"other.yaml", "x: 1\n"}});
  EXPECT_THAT(Errors(), ElementsAre("no file \"assay.yaml\""));
}

TEST(Suites, HaveRequirementFilesThatLoad) {
  const DiskFiles files(ASSAY_SOURCE_DIR);
  const SchemaRegistry registry = SampleRegistry();
  const std::map<std::string, std::pair<std::string, size_t>> suites = {
      {"neurascale", {"NS", 151}},
      {"brain-go-brrr", {"BB", 74}},
      {"etl-narrative", {"ET", 80}},
      {"patients", {"PT", 80}},
      {"prismmind", {"PM", 140}}};
  for (const auto& [system, expected] : suites) {
    Problems problems;
    const auto catalogue =
        Loader(files, registry)
            .LoadRequirements("suites/" + system + "/requirements.yaml", problems);
    for (const base::Error& error : problems.errors()) ADD_FAILURE() << error.ToString();
    ASSERT_TRUE(catalogue) << system;
    EXPECT_EQ(catalogue->system.text, system);
    EXPECT_EQ(catalogue->prefix.text, expected.first);
    EXPECT_EQ(catalogue->requirements.size(), expected.second) << system;
  }
}

/// Remembers which folders were walked.
class WatchedFiles final : public FileSource {
 public:
  explicit WatchedFiles(const FileSource& inner) : inner_(inner) {}
  base::Result<std::string> Read(const std::string& path, size_t max_bytes) const override {
    return inner_.Read(path, max_bytes);
  }
  base::Result<std::vector<std::string>> List(const std::string& folder) const override {
    walked.push_back(folder);
    return inner_.List(folder);
  }
  mutable std::vector<std::string> walked;

 private:
  const FileSource& inner_;
};

// A project may hold build trees, packages and old results beside its suites.
TEST(Project, WalksOnlyTheFoldersThatItsGlobsReach) {
  const MemoryFiles memory({{"assay.yaml", "suites: [ 'suites/*', more/deep ]\n"},
                            {"suites/a/x.yaml", "id: X\nsteps: [ { note: x } ]\n"},
                            {"more/deep/y.yaml", "id: Y\nsteps: [ { note: y } ]\n"},
                            {"build/z.yaml", "id: Z\nsteps: [ { note: z } ]\n"}});
  const WatchedFiles files(memory);
  SchemaRegistry registry;
  ASSERT_TRUE(RegisterStructureActions(registry));
  Problems problems;
  const Project project = Loader(files, registry).LoadProject(problems);
  EXPECT_EQ(project.scenarios.size(), 2U);
  EXPECT_THAT(files.walked, ElementsAre("more/deep", "plans", "suites"));
}

TEST(DiskFiles, ReadBelowTheirRootOnly) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("assay_scenario_files_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder / "in" / "sub");
  std::filesystem::create_directories(folder / "in" / ".hidden");
  const auto write = [&](const char* path, const char* text) {
    FILE* file = std::fopen((folder / path).c_str(), "w");
    std::fputs(text, file);
    std::fclose(file);
  };
  write("in/sub/a.yaml",
        "\xEF\xBB\xBF"
        "a: 1\n");
  write("in/.hidden/b.yaml", "b");
  write("secret", "s");
  std::filesystem::create_symlink(folder / "secret", folder / "in" / "link");
  const DiskFiles files(folder / "in");
  EXPECT_EQ(files.Read("sub/a.yaml", 100).value_or(""), "a: 1\n");
  EXPECT_EQ(files.Read("sub/a.yaml", 3).error().code, base::ErrorCode::kTooLarge);
  EXPECT_EQ(files.Read("../secret", 100).error().code, base::ErrorCode::kForbidden);
  EXPECT_EQ(files.Read("link", 100).error().code, base::ErrorCode::kForbidden);
  EXPECT_EQ(files.Read("sub", 100).error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(files.Read("/etc/hostname", 100).error().code, base::ErrorCode::kForbidden);
  EXPECT_THAT(files.List("").value(), ElementsAre("link", "sub/a.yaml"));
  EXPECT_FALSE(files.List("absent"));
  std::filesystem::remove_all(folder);
}

TEST(Paths, AreNormalizedAndStayInside) {
  EXPECT_EQ(NormalizePath("a/./b//../c").value(), "a/c");
  EXPECT_FALSE(NormalizePath("a/../../b"));
  EXPECT_EQ(RelativeTo("suites/a/x.yaml", "data/c.csv").value(), "suites/a/data/c.csv");
  EXPECT_EQ(RelativeTo("suites/a/x.yaml", "../c.csv").value(), "suites/c.csv");
  EXPECT_FALSE(RelativeTo("x.yaml", "../c.csv"));
}

TEST(Globs, MatchSegmentsAndFolders) {
  EXPECT_TRUE(MatchesGlob("suites/a/b.yaml", "suites/**"));
  EXPECT_TRUE(MatchesGlob("suites/a/b/c.yaml", "suites/**/*.yaml"));
  EXPECT_TRUE(MatchesGlob("suites/c.yaml", "suites/**/*.yaml"));
  EXPECT_FALSE(MatchesGlob("suites/a/b.yaml", "suites/*"));
  EXPECT_TRUE(MatchesGlob("NS-CLIN-1", "NS-*-?"));
  EXPECT_FALSE(MatchesGlob("NS-CLIN-12", "NS-*-?"));
}

}  // namespace
}  // namespace assay::scenario
