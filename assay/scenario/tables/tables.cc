#include "assay/scenario/tables/tables.h"

namespace assay::scenario {
namespace {

Type Texts() { return Type::OneOrMore(Type::String()); }
Type Expressions() { return Type::OneOrMore(Type::Expression()); }
Type Values() { return Type::Map(Type::Any()); }
Type PriorityType() { return Type::Enum({"critical", "high", "normal", "low"}); }

ObjectSchema MakeStepTable() {
  const ObjectSchema retry{
      .name = "retry",
      .doc = "Runs the action again when it fails or an expectation does not hold.",
      .fields = {{.name = "times",
                  .type = Type::Int(),
                  .required = true,
                  .doc = "Further attempts after the first."},
                 {.name = "every",
                  .type = Type::Duration(),
                  .default_text = "1s",
                  .doc = "Pause before the next attempt."},
                 {.name = "backoff",
                  .type = Type::Enum({"constant", "exponential"}),
                  .default_text = "constant",
                  .doc = "Whether the pause doubles each time."}}};
  const ObjectSchema poll{
      .name = "poll",
      .doc = "Repeats the action until a condition holds on its outcome.",
      .fields = {{.name = "every",
                  .type = Type::Duration(),
                  .default_text = "1s",
                  .doc = "Pause between two polls."},
                 {.name = "for", .type = Type::Duration(), .doc = "Gives up after this time."},
                 {.name = "until",
                  .type = Type::Expression(),
                  .required = true,
                  .doc = "Condition on the outcome that ends the polling."}}};
  const ObjectSchema record{
      .name = "record",
      .doc = "Notes the operation in a ledger for the checkers.",
      .fields = {{.name = "ledger",
                  .type = Type::String(),
                  .required = true,
                  .doc = "Name of the ledger."},
                 {.name = "op",
                  .type = Type::String(),
                  .required = true,
                  .doc = "Kind of operation, as the checker knows it: add, read, enqueue, ..."},
                 {.name = "key", .type = Type::Any(), .doc = "What the operation is about."},
                 {.name = "value", .type = Type::Any(), .doc = "What was written or read."}}};
  return {
      .name = "step",
      .doc = "One step: these keys and exactly one action.",
      .fields = {
          {.name = "name", .type = Type::String(), .doc = "Shown in reports."},
          {.name = "id",
           .type = Type::String(),
           .doc = "Name under which `steps.<id>` gives the outcome to later steps."},
          {.name = "when", .type = Type::Expression(), .doc = "The step is skipped when false."},
          {.name = "at", .type = Type::String(), .doc = "Named environment that it addresses."},
          {.name = "timeout", .type = Type::Duration(), .doc = "Limit of one attempt."},
          {.name = "retry",
           .type = Type::AnyOf({Type::Object(retry), Type::Int()}),
           .doc = "Further attempts."},
          {.name = "poll",
           .type = Type::Object(poll),
           .doc = "Repetition until a condition holds."},
          {.name = "background",
           .type = Type::Bool(),
           .default_text = "false",
           .doc = "Runs beside the later steps until `join` or the end."},
          {.name = "expect",
           .type = Expressions(),
           .doc = "Conditions on the outcome that must hold."},
          {.name = "save",
           .type = Type::Map(Type::Expression()),
           .doc = "Values to keep, as fields of `steps.<id>` and of `vars`."},
          {.name = "verifies", .type = Texts(), .doc = "Requirements that it verifies."},
          {.name = "on_failure",
           .type = Type::Enum({"stop", "continue"}),
           .default_text = "stop",
           .doc = "Whether the scenario goes on after a failure."},
          {.name = "optional",
           .type = Type::Bool(),
           .default_text = "false",
           .doc = "Being skipped does not spoil the scenario."},
          {.name = "record", .type = Type::Object(record), .doc = "Entry of a ledger."}}};
}

ObjectSchema MakeScenarioTable() {
  return {
      .name = "scenario",
      .doc = "One scenario: suites/<system>/**/*.yaml.",
      .fields = {
          {.name = "id",
           .type = Type::String(),
           .required = true,
           .doc = "Unique name in the project."},
          {.name = "title", .type = Type::String(), .doc = "What it shows, in one line."},
          {.name = "description", .type = Type::String(), .doc = "More about it."},
          {.name = "system", .type = Type::String(), .doc = "The system that it qualifies."},
          {.name = "category", .type = Texts(), .doc = "What kind of scenario it is."},
          {.name = "tags", .type = Texts(), .doc = "Free words to select by."},
          {.name = "priority",
           .type = PriorityType(),
           .default_text = "normal",
           .doc = "Order among scenarios that may run."},
          {.name = "verifies", .type = Texts(), .doc = "Requirements that it verifies."},
          {.name = "environments", .type = Texts(), .doc = "Where it may run; absent: everywhere."},
          {.name = "needs",
           .type = Texts(),
           .doc = "Services that must be there; otherwise it is skipped with the reason."},
          {.name = "after", .type = Texts(), .doc = "Scenarios that must have passed before."},
          {.name = "exclusive",
           .type = Type::Bool(),
           .default_text = "false",
           .doc = "Nothing else runs beside it."},
          {.name = "optional",
           .type = Type::Bool(),
           .default_text = "false",
           .doc = "Skipped steps do not spoil its verdict."},
          {.name = "timeout", .type = Type::Duration(), .doc = "Limit of the whole scenario."},
          {.name = "estimated",
           .type = Type::Duration(),
           .doc = "Expected duration; longer is marked late."},
          {.name = "retries",
           .type = Type::Int(),
           .default_text = "0",
           .doc = "Further attempts of the whole scenario; passing on one is flaky."},
          {.name = "vars", .type = Values(), .doc = "Variables, as `vars.<name>`."},
          {.name = "fixtures",
           .type = Type::Map(Values()),
           .doc = "Generated before the first step, as `fixtures.<name>`."},
          {.name = "for_each",
           .type = Values(),
           .doc = "One variable and a list: an instance of the scenario for each element."},
          {.name = "steps", .type = Type::Steps(), .required = true, .doc = "What is done."},
          {.name = "cleanup", .type = Type::Steps(), .doc = "Always done at the end."},
          {.name = "success",
           .type = Expressions(),
           .doc = "Conditions over the whole scenario that must hold."},
          {.name = "scale", .type = Values(), .doc = "Factors when it runs scaled down."}}};
}

ObjectSchema MakeFragmentTable() {
  const ObjectSchema input{
      .name = "input",
      .doc = "An input of a fragment.",
      .fields = {{.name = "type",
                  .type = Type::Enum(
                      {"any", "string", "int", "double", "bool", "duration", "list", "map"}),
                  .default_text = "any",
                  .doc = "Type of its value."},
                 {.name = "default", .type = Type::Any(), .doc = "Value when none is given."},
                 {.name = "doc", .type = Type::String(), .doc = "What it is."}}};
  return {.name = "fragment",
          .doc = "Steps to be used in scenarios: suites/<system>/fragments/*.yaml.",
          .fields = {{.name = "name",
                      .type = Type::String(),
                      .doc = "Name for `use`; absent: the file's name."},
                     {.name = "description", .type = Type::String(), .doc = "What it does."},
                     {.name = "inputs",
                      .type = Type::Map(Type::AnyOf({Type::Object(input), Type::String()})),
                      .doc = "Inputs; a plain type name is short for { type: ... }."},
                     {.name = "steps",
                      .type = Type::Steps(),
                      .required = true,
                      .doc = "What is done; sees `inputs.<name>`."},
                     {.name = "outputs",
                      .type = Type::Map(Type::Expression()),
                      .doc = "Fields of the outcome of the `use` step."}}};
}

ObjectSchema MakeRequirementsTable() {
  const ObjectSchema requirement{
      .name = "requirement",
      .doc = "One requirement.",
      .fields = {
          {.name = "id", .type = Type::String(), .required = true, .doc = "PREFIX-AREA-NNN."},
          {.name = "text", .type = Type::String(), .required = true, .doc = "The requirement."},
          {.name = "section", .type = Type::String(), .doc = "Where it comes from."},
          {.name = "kind",
           .type = Type::Enum({"functional", "interface", "performance", "reliability", "security",
                               "compliance", "process"}),
           .required = true,
           .doc = "Kind of requirement."},
          {.name = "risk",
           .type = Type::Enum({"high", "medium", "low"}),
           .required = true,
           .doc = "Risk when it is not met."},
          {.name = "side",
           .type = Type::Enum({"assay", "montage", "both"}),
           .doc = "Who has to meet it."},
          {.name = "accept", .type = Type::String(), .doc = "When it is met."},
          {.name = "note", .type = Type::String(), .doc = "Decisions about it."}}};
  return {
      .name = "requirements",
      .doc = "The requirements of a system: suites/<system>/requirements.yaml.",
      .fields = {{.name = "system", .type = Type::String(), .required = true, .doc = "The system."},
                 {.name = "prefix",
                  .type = Type::String(),
                  .required = true,
                  .doc = "What every id begins with."},
                 {.name = "source", .type = Type::String(), .doc = "The document behind it."},
                 {.name = "requirements",
                  .type = Type::List(Type::Object(requirement)),
                  .required = true,
                  .doc = "The requirements."}}};
}

ObjectSchema MakePlanTable() {
  const ObjectSchema select{
      .name = "select",
      .doc = "Which scenarios; what is absent does not restrict.",
      .fields = {{.name = "ids", .type = Texts(), .doc = "Globs of ids."},
                 {.name = "tags", .type = Texts(), .doc = "Any of these tags."},
                 {.name = "categories", .type = Texts(), .doc = "Any of these categories."},
                 {.name = "systems", .type = Texts(), .doc = "Any of these systems."},
                 {.name = "priorities",
                  .type = Type::OneOrMore(PriorityType()),
                  .doc = "Any of these priorities."},
                 {.name = "verifies", .type = Texts(), .doc = "Globs of requirement ids."},
                 {.name = "exclude", .type = Texts(), .doc = "Globs of ids to leave out."}}};
  const ObjectSchema stage{
      .name = "stage",
      .doc = "A part of the plan with a gate.",
      .fields = {
          {.name = "id", .type = Type::String(), .required = true, .doc = "Its name."},
          {.name = "title", .type = Type::String(), .doc = "Shown in reports."},
          {.name = "select", .type = Type::Object(select), .doc = "Its scenarios."},
          {.name = "environment", .type = Type::String(), .doc = "Where it runs."},
          {.name = "after", .type = Texts(), .doc = "Stages before it; absent: the one above."},
          {.name = "jobs", .type = Type::Int(), .doc = "Scenarios at a time."},
          {.name = "fresh_environment",
           .type = Type::Bool(),
           .default_text = "false",
           .doc = "Brings up an environment of its own."},
          {.name = "planned", .type = Type::Duration(), .doc = "Planned duration."},
          {.name = "timeout", .type = Type::Duration(), .doc = "Limit of the stage."},
          {.name = "gate",
           .type = Expressions(),
           .doc = "Conditions for going on; absent: nothing failed."}}};
  const ObjectSchema criterion{
      .name = "criterion",
      .doc = "A line of the readiness report.",
      .fields =
          {{.name = "name", .type = Type::String(), .required = true, .doc = "The criterion."},
           {.name = "scenarios", .type = Texts(), .doc = "Globs of deciding scenarios."},
           {.name = "holds", .type = Type::Expression(), .doc = "Condition over the run."},
           {.name = "manual", .type = Type::String(), .doc = "What is to be signed off."}},
      .one_of = {{.names = {"scenarios", "holds", "manual"}}}};
  return {
      .name = "plan",
      .doc = "Stages with gates: plans/*.yaml.",
      .fields = {{.name = "id", .type = Type::String(), .required = true, .doc = "Unique name."},
                 {.name = "title", .type = Type::String(), .doc = "Shown in reports."},
                 {.name = "environment", .type = Type::String(), .doc = "Where it runs."},
                 {.name = "levels",
                  .type = Type::OneOrMore(Type::Enum({"unit", "component", "integration",
                                                      "end_to_end", "performance", "security"})),
                  .doc = "Levels of test that it holds."},
                 {.name = "setting",
                  .type = Type::Enum({"development", "staging", "production_like", "performance"}),
                  .doc = "Kind of environment that it claims to run in."},
                 {.name = "scopes",
                  .type = Type::OneOrMore(Type::Enum(
                      {"functionality", "performance", "security", "compatibility", "migration"})),
                  .doc = "What it validates."},
                 {.name = "stop_on_first_failure",
                  .type = Type::Bool(),
                  .default_text = "false",
                  .doc = "Starts nothing after a failure."},
                 {.name = "jobs", .type = Type::Int(), .doc = "Scenarios at a time."},
                 {.name = "vars", .type = Values(), .doc = "Variables of all its scenarios."},
                 {.name = "stages",
                  .type = Type::List(Type::Object(stage)),
                  .required = true,
                  .doc = "In order."},
                 {.name = "criteria",
                  .type = Type::List(Type::Object(criterion)),
                  .doc = "Success criteria of the readiness report."}}};
}

ObjectSchema BaselineTable() {
  const Type share = Type::AnyOf({Type::Number(), Type::String()});
  const ObjectSchema rule{
      .name = "metric_rule",
      .doc = "How some metrics are compared; a later rule wins.",
      .fields = {
          {.name = "metric",
           .type = Type::String(),
           .required = true,
           .doc = "Names of metrics with wildcards: `*:latency.p99`."},
          {.name = "tolerance", .type = share, .doc = "How much worse they may be: `25%` or 0.25."},
          {.name = "floor",
           .type = Type::AnyOf({Type::Number(), Type::Duration()}),
           .doc = "A change of at most so much never counts: in the unit of the metric."},
          {.name = "better",
           .type = Type::Enum({"lower", "higher", "neither"}),
           .doc = "Which direction is the good one; neither: not judged."},
          {.name = "ignore",
           .type = Type::Bool(),
           .default_text = "false",
           .doc = "Leaves them out."}}};
  return {.name = "baseline",
          .doc = "How `assay compare` judges; it changes nothing that a run does.",
          .fields = {{.name = "folder",
                      .type = Type::String(),
                      .default_text = "baselines",
                      .doc = "Where baselines are, a file an environment."},
                     {.name = "tolerance",
                      .type = share,
                      .default_text = "10%",
                      .doc = "How much worse a metric may be."},
                     {.name = "metrics",
                      .type = Type::List(Type::Object(rule)),
                      .doc = "What holds for some metrics."}}};
}

ObjectSchema MakeProjectTable() {
  const ObjectSchema redact{
      .name = "redact",
      .doc = "What never appears in logs and reports.",
      .fields = {{.name = "keys", .type = Texts(), .doc = "Names of fields and headers."},
                 {.name = "patterns", .type = Texts(), .doc = "Regular expressions (RE2)."}}};
  const ObjectSchema defaults{
      .name = "defaults",
      .doc = "What holds where scenarios say nothing.",
      .fields = {
          {.name = "step_timeout",
           .type = Type::Duration(),
           .default_text = "30s",
           .doc = "Limit of a step."},
          {.name = "scenario_timeout",
           .type = Type::Duration(),
           .default_text = "5m",
           .doc = "Limit of a scenario."},
          {.name = "jobs", .type = Type::Int(), .default_text = "5", .doc = "Scenarios at a time."},
          {.name = "retries",
           .type = Type::Int(),
           .default_text = "0",
           .doc = "Further attempts of a scenario."},
          {.name = "redact", .type = Type::Object(redact), .doc = "Redaction."},
          {.name = "reports",
           .type = Type::OneOrMore(
               Type::Enum({"terminal", "json", "junit", "html", "pdf", "allure", "github"})),
           .default_text = "terminal",
           .doc = "Formats to write."},
          {.name = "results",
           .type = Type::String(),
           .default_text = "results",
           .doc = "Folder of the runs."}}};
  return {.name = "project",
          .doc = "assay.yaml at the root of a project.",
          .fields = {
              {.name = "name", .type = Type::String(), .doc = "Shown in reports."},
              {.name = "suites",
               .type = Texts(),
               .default_text = "suites/*",
               .doc = "Folders of scenarios (globs)."},
              {.name = "requirements",
               .type = Texts(),
               .default_text = "suites/*/requirements.yaml",
               .doc = "Requirement files (globs)."},
              {.name = "plans",
               .type = Texts(),
               .default_text = "plans/*.yaml",
               .doc = "Plan files (globs)."},
              {.name = "environments",
               .type = Type::Map(Type::AnyOf({Type::Object(std::shared_ptr<const ObjectSchema>(
                                                  &EnvironmentTable(), [](const ObjectSchema*) {})),
                                              Type::String()})),
               .doc = "Environments by name: in place, or the path of a file."},
              {.name = "environment", .type = Type::String(), .doc = "The one to use by default."},
              {.name = "vars", .type = Values(), .doc = "Variables of all scenarios."},
              {.name = "defaults", .type = Type::Object(defaults), .doc = "Defaults."},
              {.name = "baseline",
               .type = Type::Object(BaselineTable()),
               .doc = "Comparison with earlier runs."}}};
}

}  // namespace

const ObjectSchema& StepTable() {
  static const ObjectSchema table = MakeStepTable();
  return table;
}

const ObjectSchema& TableOf(FileKind kind) {
  static const ObjectSchema scenario = MakeScenarioTable();
  static const ObjectSchema fragment = MakeFragmentTable();
  static const ObjectSchema requirements = MakeRequirementsTable();
  static const ObjectSchema plan = MakePlanTable();
  static const ObjectSchema project = MakeProjectTable();
  switch (kind) {
    case FileKind::kProject:
      return project;
    case FileKind::kScenario:
      return scenario;
    case FileKind::kFragment:
      return fragment;
    case FileKind::kRequirements:
      return requirements;
    case FileKind::kPlan:
      return plan;
    case FileKind::kEnvironment:
      break;
  }
  return EnvironmentTable();
}

}  // namespace assay::scenario
