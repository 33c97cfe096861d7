#include "assay/run/test_support.h"

#include <gtest/gtest.h>

#include "assay/scenario/loader.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace assay::run {

history::Outcome Script::Next(std::string_view key) {
  order.emplace_back(key);
  const size_t number = asked[std::string(key)]++;
  if (on_ask) on_ask(key);
  const auto found = answers.find(key);
  if (found == answers.end() || found->second.empty()) return Status(200);
  return found->second[std::min(number, found->second.size() - 1)];
}

history::Outcome Answer(std::initializer_list<std::pair<std::string_view, cel::Value>> fields) {
  history::Outcome outcome;
  outcome.value = cel::Value::Object(fields);
  return outcome;
}

history::Outcome Status(int64_t status) {
  return Answer({{"status", cel::Value::Int(status)}, {"body", cel::Value::Object({})}});
}

history::Outcome Broken(std::string message) {
  history::Outcome outcome;
  outcome.disposition = history::Disposition::kError;
  outcome.value = cel::Value::Object({});
  outcome.error = base::Error{base::ErrorCode::kUnavailable, std::move(message)};
  return outcome;
}

history::Outcome Refused(std::string_view reason) {
  history::Outcome outcome = Broken("refused");
  outcome.value = cel::Value::Object({{"reason", cel::Value::String(reason)}});
  return outcome;
}

history::Outcome Unproved(std::string message) {
  history::Outcome outcome = Broken(std::move(message));
  outcome.disposition = history::Disposition::kInconclusive;
  return outcome;
}

const scenario::ActionSchema& AskAction::schema() const {
  static const scenario::ActionSchema kSchema = [] {
    scenario::ActionSchema schema;
    schema.name = "ask";
    schema.doc = "Asks the script.";
    schema.shorthand = "key";
    schema.shorthand_doc = "a key of the script";
    schema.params.fields = {
        {.name = "key", .type = scenario::Type::String(), .required = true, .doc = "The key."},
        {.name = "delay", .type = scenario::Type::Duration(), .doc = "How long it takes."}};
    schema.outcome = {{.name = "status", .type = scenario::Type::Int(), .doc = "Status."},
                      {.name = "body", .type = scenario::Type::Any(), .doc = "Body."},
                      {.name = "reason",
                       .type = scenario::Type::String(),
                       .doc = "Why the system refused.",
                       .tells_refusal = true}};
    schema.outcome_open = true;
    return schema;
  }();
  return kSchema;
}

std::string AskAction::Head(const cel::Value& params) const {
  return "ask " + std::string(params.Find("key")->string());
}

net::Task<history::Outcome> AskAction::Run(cel::Value params, const action::ActionContext&) const {
  const std::string key(params.Find("key")->string());
  history::Outcome outcome = script_.Next(key);
  const cel::Value* delay = params.Find("delay");
  base::Duration span{};
  if (key == "hang") span = std::chrono::hours(1);
  if (delay != nullptr) span = delay->duration();
  if (span == base::Duration::zero()) co_return outcome;
  if (const auto slept = co_await net::Sleep(span); !slept) {
    outcome = {};
    outcome.disposition = history::Disposition::kInterrupted;
    outcome.error = slept.error();
  }
  co_return outcome;
}

const scenario::ActionSchema& ListenAction::schema() const {
  static const scenario::ActionSchema kSchema = [] {
    using scenario::Type;
    scenario::ActionSchema schema;
    schema.name = "listen";
    schema.doc = "Listens to the script.";
    schema.shorthand = "key";
    schema.params.fields = {
        {.name = "key", .type = Type::String(), .required = true, .doc = "The key."},
        {.name = "after", .type = Type::Duration(), .doc = "How long until it listens."},
        {.name = "delay", .type = Type::Duration(), .doc = "How long it takes then."},
        {.name = "until",
         .type = Type::Expression(),
         .doc = "Ends it.",
         .sees = {{.name = "heard", .type = Type::Int(), .doc = "A number."}}}};
    schema.outcome = {{.name = "status", .type = Type::Int(), .doc = "Status."},
                      {.name = "heard", .type = Type::Int(), .doc = "A number."}};
    schema.outcome_open = true;
    schema.listens = true;
    return schema;
  }();
  return kSchema;
}

std::string ListenAction::Head(const cel::Value& params) const {
  return "listen " + std::string(params.Find("key")->string());
}

net::Task<history::Outcome> ListenAction::Run(cel::Value params,
                                              const action::ActionContext& context) const {
  const std::string key(params.Find("key")->string());
  const auto pause = [&](std::string_view name) {
    const cel::Value* span = params.Find(name);
    return net::Sleep(key == "deaf"     ? base::Duration(std::chrono::hours(1))
                      : span == nullptr ? base::Duration{}
                                        : base::Duration(span->duration()));
  };
  history::Outcome interrupted;
  interrupted.disposition = history::Disposition::kInterrupted;
  interrupted.error = base::Error{base::ErrorCode::kCancelled, "interrupted"};
  if (!co_await pause("after")) co_return interrupted;
  history::Outcome outcome = script_.Next(key);
  if (outcome.disposition != history::Disposition::kAnswered) co_return outcome;
  script_.order.push_back(key + " listens");
  context.armed();
  if (!co_await pause("delay")) co_return interrupted;
  for (int64_t heard = 1; context.holds && heard <= 100; ++heard) {
    const auto holds =
        context.holds("until", cel::Value::Object({{"heard", cel::Value::Int(heard)}}));
    if (!holds) break;
    if (!*holds) co_return Broken(holds->error().ToString());
    if (**holds) co_return Answer({{"heard", cel::Value::Int(heard)}});
  }
  co_return outcome;
}

Bench::Bench() {
  EXPECT_TRUE(scenario::RegisterStructureActions(schemas_));
  auto ask = std::make_unique<AskAction>(script);
  EXPECT_TRUE(schemas_.AddAction(ask->schema()));
  actions_.Add(std::move(ask));
  auto listen = std::make_unique<ListenAction>(script);
  EXPECT_TRUE(schemas_.AddAction(listen->schema()));
  actions_.Add(std::move(listen));
  files_["assay.yaml"] = "name: bench\nsuites: [suites]\n";
}

Bench& Bench::Add(std::unique_ptr<action::Action> action) {
  EXPECT_TRUE(schemas_.AddAction(action->schema()));
  actions_.Add(std::move(action));
  return *this;
}

Bench& Bench::BuiltinActions() {
  action::RegisterBuiltinActions(actions_);
  for (const action::Action* action : actions_.All()) {
    if (schemas_.FindAction(action->schema().name) != nullptr) continue;
    EXPECT_TRUE(schemas_.AddAction(action->schema()));
  }
  return *this;
}

Bench& Bench::Scenario(const std::string& name, const std::string& text) {
  return File("suites/bench/" + name + ".yaml", text);
}

Bench& Bench::File(const std::string& path, const std::string& text) {
  files_[path] = text;
  return *this;
}

std::shared_ptr<const scenario::Project> Bench::Load(scenario::Problems& problems) const {
  for (const auto& [path, text] : files_) temp_.Write("project/" + path, text);
  const scenario::DiskFiles files(temp_ / "project");
  scenario::Project project = scenario::Loader(files, schemas_).LoadProject(problems);
  project.root = (temp_ / "project").string();
  return std::make_shared<const scenario::Project>(std::move(project));
}

history::RunModel Bench::Run(RunOptions options) {
  const net::Cancellation never;
  return RunInterrupted(never, std::move(options));
}

history::RunModel Bench::RunInterrupted(const net::Cancellation& interrupt, RunOptions options) {
  scenario::Problems problems;
  auto project = Load(problems);
  options.run_id = "run-" + std::to_string(++runs_);
  options.results_dir = results();
  const base::SystemClock clock;
  const scenario::DiskFiles files(temp_ / "project");
  const plan::RunPlan plan = plan::Resolve(
      std::move(project), schemas_, files,
      {.seed = options.seed, .run_id = options.run_id, .started = clock.Now()}, problems);
  for (const base::Error& error : problems.errors()) ADD_FAILURE() << error.ToString();
  last_dir_ = options.results_dir / options.run_id;
  net::Runtime runtime;
  http::Client client(runtime.executor());
  const auto summary = runtime.Run(
      RunPlan(plan, std::move(options),
              RunContext{.clock = clock,
                         .actions = actions_,
                         .http = client,
                         .make_cookies = [] { return std::make_shared<http::CookieJar>(); },
                         .environment = environment,
                         .interrupt = &interrupt}));
  EXPECT_TRUE(summary) << summary.error().ToString();
  return summary ? summary->model : history::RunModel{};
}

base::Result<ReplayReport> Bench::Replay(ReplayOptions options) const {
  scenario::Problems problems;
  auto project = Load(problems);
  const scenario::DiskFiles files(temp_ / "project");
  return ReplayProject(last_dir_, std::move(project), schemas_, files, options);
}

std::vector<history::Event> Bench::Events() const {
  auto log = history::ReadEvents(last_dir_ / "events.jsonl");
  EXPECT_TRUE(log);
  return log ? std::move(log->events) : std::vector<history::Event>{};
}

const history::ScenarioResult& Find(const history::RunModel& model, std::string_view instance) {
  static const history::ScenarioResult kNone;
  for (const auto& scenario : model.scenarios) {
    if (scenario.instance == instance) return scenario;
  }
  ADD_FAILURE() << "no scenario " << instance;
  return kNone;
}

history::StepResult StepAt(const history::RunModel& model, std::string_view path) {
  history::StepResult found;
  for (const auto& scenario : model.scenarios) {
    const auto look = [&](const history::StepResult& step) {
      if (step.path == path) found = step;
    };
    history::ForEachStep(scenario.steps, look);
    history::ForEachStep(scenario.cleanup, look);
  }
  if (found.path.empty()) ADD_FAILURE() << "no step " << path;
  return found;
}

std::string Said(const history::ScenarioResult& scenario) {
  return std::string(history::ToString(scenario.verdict)) + ": " + scenario.reason;
}

std::string Said(const history::StepResult& step) {
  return std::string(history::ToString(step.verdict)) + ": " + step.reason;
}

}  // namespace assay::run
