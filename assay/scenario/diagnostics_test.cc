// Every diagnostic of loading, as a person sees it: the exact text.

#include <ostream>

#include <gtest/gtest.h>

#include "assay/scenario/loader.h"
#include "assay/scenario/tables/sample_actions.h"
#include "lib/base/diagnostic.h"

namespace assay::scenario {
namespace {

struct Case {
  const char* name;
  FileKind kind;
  const char* text;
  const char* expected;
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

std::string Diagnose(const Case& one) {
  const SchemaRegistry registry = SampleRegistry();
  const MemoryFiles files({{"x.yaml", one.text}});
  const Loader loader(files, registry);
  Problems problems;
  bool loaded = false;
  switch (one.kind) {
    case FileKind::kScenario:
      loaded = loader.LoadScenario("x.yaml", problems).has_value();
      break;
    case FileKind::kFragment:
      loaded = loader.LoadFragment("x.yaml", problems).has_value();
      break;
    case FileKind::kPlan:
      loaded = loader.LoadPlan("x.yaml", problems).has_value();
      break;
    case FileKind::kRequirements:
      loaded = loader.LoadRequirements("x.yaml", problems).has_value();
      break;
    case FileKind::kEnvironment:
      loaded = loader.LoadEnvironment("x.yaml", problems).has_value();
      break;
    case FileKind::kProject:
      break;
  }
  EXPECT_FALSE(loaded);
  std::string text = "\n";
  for (const base::Error& error : problems.errors()) text += base::RenderDiagnostic(error);
  return text;
}

class LoadDiagnostics : public testing::TestWithParam<Case> {};

TEST_P(LoadDiagnostics, AreAsWritten) { EXPECT_EQ(Diagnose(GetParam()), GetParam().expected); }

// clang-format off
constexpr Case kCases[] = {
    {"UnknownKeyOfAScenario", FileKind::kScenario,
     R"~(id: X
priorty: high
steps: [ { note: x } ]
)~",
     R"~(
error: unknown key "priorty" in scenario
 --> x.yaml:2:1
  |
2 | priorty: high
  | ^^^^^^^
  = hint: did you mean "priority"?
)~"},
    {"UnknownKeyWithoutLikeness", FileKind::kScenario,
     R"~(id: X
wibbleflop: 1
steps: [ { note: x } ]
)~",
     R"~(
error: unknown key "wibbleflop" in scenario
 --> x.yaml:2:1
  |
2 | wibbleflop: 1
  | ^^^^^^^^^^
  = hint: expected one of id, title, description, system, category, tags, priority, verifies, environments, needs, after, exclusive, optional, timeout, estimated, retries, vars, fixtures, for_each, steps, cleanup, success, scale
)~"},
    {"MissingKeys", FileKind::kScenario,
     R"~(title: nothing else
)~",
     R"~(
error: missing key "id" in scenario, expected a string
 --> x.yaml:1:1
  |
1 | title: nothing else
  | ^
  = hint: id: Unique name in the project.
error: missing key "steps" in scenario, expected a list of steps
 --> x.yaml:1:1
  |
1 | title: nothing else
  | ^
  = hint: steps: What is done.
)~"},
    {"WrongTypeOfANumber", FileKind::kScenario,
     R"~(id: X
retries: "2"
steps: [ { note: x } ]
)~",
     R"~(
error: expected an integer for "retries", found the string "2"
 --> x.yaml:2:10
  |
2 | retries: "2"
  |          ^^^
  = hint: leave the quotes out
)~"},
    {"WrongWordOfAnEnum", FileKind::kScenario,
     R"~(id: X
priority: hihg
steps: [ { note: x } ]
)~",
     R"~(
error: expected one of critical, high, normal, low for "priority", found the string "hihg"
 --> x.yaml:2:11
  |
2 | priority: hihg
  |           ^^^^
  = hint: did you mean "high"?
)~"},
    {"DurationWithoutUnit", FileKind::kScenario,
     R"~(id: X
timeout: 5
steps: [ { note: x } ]
)~",
     R"~(
error: expected a duration such as 30s for "timeout", found the number 5
 --> x.yaml:2:10
  |
2 | timeout: 5
  |          ^
  = hint: add a unit, such as 5s
)~"},
    {"DurationWithWrongUnit", FileKind::kScenario,
     R"~(id: X
timeout: 5 minutes
steps: [ { note: x } ]
)~",
     R"~(
error: expected a duration such as 30s for "timeout", found the string "5 minutes"
 --> x.yaml:2:10
  |
2 | timeout: 5 minutes
  |          ^^^^^^^^^
)~"},
    {"BooleanThatIsAString", FileKind::kScenario,
     R"~(id: X
exclusive: yes
steps: [ { note: x } ]
)~",
     R"~(
error: expected true or false for "exclusive", found the string "yes"
 --> x.yaml:2:12
  |
2 | exclusive: yes
  |            ^^^
)~"},
    {"ListWhereAMapBelongs", FileKind::kScenario,
     R"~(id: X
vars: [a, b]
steps: [ { note: x } ]
)~",
     R"~(
error: expected a map for "vars", found a list
 --> x.yaml:2:7
  |
2 | vars: [a, b]
  |       ^
)~"},
    {"NothingAfterAKey", FileKind::kScenario,
     R"~(id: X
steps: [ { note: x } ]
cleanup:
)~",
     R"~(
error: expected a list of steps for "cleanup", found nothing
 --> x.yaml:3:1
  |
3 | cleanup:
  | ^^^^^^^
  = hint: leave the key out when there is nothing to say
)~"},
    {"StepsThatAreNoList", FileKind::kScenario,
     R"~(id: X
steps: { http: GET / }
)~",
     R"~(
error: expected a list of steps for "steps", found a map
 --> x.yaml:2:8
  |
2 | steps: { http: GET / }
  |        ^
)~"},
    {"StepThatIsText", FileKind::kScenario,
     R"~(id: X
steps:
  - GET /health
)~",
     R"~(
error: expected a step (a map with an action), found the string "GET /health"
 --> x.yaml:3:5
  |
3 |   - GET /health
  |     ^^^^^^^^^^^
)~"},
    {"StepWithoutAction", FileKind::kScenario,
     R"~(id: X
steps:
  - name: lonely
    expect: true
)~",
     R"~(
error: found no action in the step, expected exactly one
 --> x.yaml:3:5
  |
3 |   - name: lonely
  |     ^
  = hint: the actions are check, file, for_each, generate, group, http, join, note, parallel, repeat, set, use, wait, websocket, workload
)~"},
    {"StepWithTwoActions", FileKind::kScenario,
     R"~(id: X
steps:
  - wait: 1s
    note: x
)~",
     R"~(
error: found the actions "wait" and "note", expected one action in a step
 --> x.yaml:4:5
  |
4 |     note: x
  |     ^^^^
  = hint: make two steps of it
)~"},
    {"UnknownAction", FileKind::kScenario,
     R"~(id: X
steps:
  - ftp: get x
)~",
     R"~(
error: unknown action "ftp"
 --> x.yaml:3:5
  |
3 |   - ftp: get x
  |     ^^^
  = hint: the actions are check, file, for_each, generate, group, http, join, note, parallel, repeat, set, use, wait, websocket, workload
)~"},
    {"MisspeltAction", FileKind::kScenario,
     R"~(id: X
steps:
  - htpp: GET /
)~",
     R"~(
error: unknown key "htpp" in step
 --> x.yaml:3:5
  |
3 |   - htpp: GET /
  |     ^^^^
  = hint: did you mean "http"?
)~"},
    {"MisspeltStepField", FileKind::kScenario,
     R"~(id: X
steps:
  - http: GET /
    expct: status == 200
)~",
     R"~(
error: unknown key "expct" in http step
 --> x.yaml:4:5
  |
4 |     expct: status == 200
  |     ^^^^^
  = hint: did you mean "expect"?
)~"},
    {"UnknownParameter", FileKind::kScenario,
     R"~(id: X
steps:
  - http: GET /
    colour: red
)~",
     R"~(
error: unknown key "colour" in http step
 --> x.yaml:4:5
  |
4 |     colour: red
  |     ^^^^^^
  = hint: the parameters of http are request, headers, json, body, file, follow, version
)~"},
    {"ParameterOfWrongType", FileKind::kScenario,
     R"~(id: X
steps:
  - http: GET /
    follow: maybe
)~",
     R"~(
error: expected true or false for "follow", found the string "maybe"
 --> x.yaml:4:13
  |
4 |     follow: maybe
  |             ^^^^^
)~"},
    {"ParameterTwice", FileKind::kScenario,
     R"~(id: X
steps:
  - http: { request: GET /, follow: true }
    follow: false
)~",
     R"~(
error: found the parameter "follow" twice in the step
 --> x.yaml:4:5
  |
4 |     follow: false
  |     ^^^^^^
  = hint: keep it either in the action or beside it
)~"},
    {"ParametersThatExcludeEachOther", FileKind::kScenario,
     R"~(id: X
steps:
  - http: POST /
    json: {}
    body: x
)~",
     R"~(
error: found "json" and "body" in http, expected only one of json, body, file
 --> x.yaml:5:5
  |
5 |     body: x
  |     ^^^^
)~"},
    {"MissingParameter", FileKind::kScenario,
     R"~(id: X
steps:
  - http:
    follow: true
)~",
     R"~(
error: missing key "request" in http, expected a string
 --> x.yaml:3:5
  |
3 |   - http:
  |     ^^^^
  = hint: request: Method and target.
)~"},
    {"ActionThatNeedsAMap", FileKind::kScenario,
     R"~(id: X
steps:
  - workload: fast
)~",
     R"~(
error: expected a map for "workload", found the string "fast"
 --> x.yaml:3:15
  |
3 |   - workload: fast
  |               ^^^^
)~"},
    {"NestedTableWithErrors", FileKind::kScenario,
     R"~(id: X
steps:
  - workload:
      executor: constant-vu
      tasks:
        - { name: a, wieght: 2, steps: [ { http: GET / } ] }
)~",
     R"~(
error: expected one of constant-vus, ramping-vus for "executor", found the string "constant-vu"
 --> x.yaml:4:17
  |
4 |       executor: constant-vu
  |                 ^^^^^^^^^^^
  = hint: did you mean "constant-vus"?
error: unknown key "wieght" in task
 --> x.yaml:6:22
  |
6 |         - { name: a, wieght: 2, steps: [ { http: GET / } ] }
  |                      ^^^^^^
  = hint: did you mean "weight"?
)~"},
    {"RetryWithoutTimes", FileKind::kScenario,
     R"~(id: X
steps:
  - http: GET /
    retry: { every: 1s }
)~",
     R"~(
error: missing key "times" in retry, expected an integer
 --> x.yaml:4:12
  |
4 |     retry: { every: 1s }
  |            ^
  = hint: times: Further attempts after the first.
)~"},
    {"PollWithUnknownKey", FileKind::kScenario,
     R"~(id: X
steps:
  - http: GET /
    poll: { until: status == 200, evry: 1s }
)~",
     R"~(
error: unknown key "evry" in poll
 --> x.yaml:4:35
  |
4 |     poll: { until: status == 200, evry: 1s }
  |                                   ^^^^
  = hint: did you mean "every"?
)~"},
    {"BracesInABareExpression", FileKind::kScenario,
     R"~(id: X
steps:
  - http: GET /
    expect: ${{ status == 200 }}
)~",
     R"~(
error: found "${{" where a bare expression is expected
 --> x.yaml:4:13
  |
4 |     expect: ${{ status == 200 }}
  |             ^^^^^^^^^^^^^^^^^^^^
  = hint: leave ${{ and }} out here
)~"},
    {"TemplateWithoutEnd", FileKind::kScenario,
     R"~(id: X
steps:
  - note: "a ${{ vars.x } b"
)~",
     R"~(
error: found "${{" without "}}" after it
 --> x.yaml:3:14
  |
3 |   - note: "a ${{ vars.x } b"
  |              ^^^
  = hint: write $${{ for a literal ${{
)~"},
    {"EmptyExpression", FileKind::kScenario,
     R"~(id: X
steps:
  - note: "a ${{ }}"
)~",
     R"~(
error: found an empty expression
 --> x.yaml:3:14
  |
3 |   - note: "a ${{ }}"
  |              ^^^^^^
  = hint: write $${{ for a literal ${{
)~"},
    {"ExpressionInAKey", FileKind::kScenario,
     R"~(id: X
steps:
  - http: GET /
    headers: { "X-${{ vars.a }}": b }
)~",
     R"~(
error: found an expression in the key "X-${{ vars.a }}", expected a fixed key
 --> x.yaml:4:16
  |
4 |     headers: { "X-${{ vars.a }}": b }
  |                ^^^^^^^^^^^^^^^^^
  = hint: give the whole map as one ${{ }} expression
)~"},
    {"ForEachWithTwoVariables", FileKind::kScenario,
     R"~(id: X
for_each: { a: [1], b: [2] }
steps: [ { note: x } ]
)~",
     R"~(
error: expected one variable in "for_each", found 2
 --> x.yaml:2:1
  |
2 | for_each: { a: [1], b: [2] }
  | ^^^^^^^^
  = hint: for_each: { row: "${{ csv('rows.csv') }}" }
)~"},
    {"FixtureWithUnknownKey", FileKind::kScenario,
     R"~(id: X
fixtures: { rec: { edf: { chanels: 3 } } }
steps: [ { note: x } ]
)~",
     R"~(
error: unknown key "chanels" in edf
 --> x.yaml:2:27
  |
2 | fixtures: { rec: { edf: { chanels: 3 } } }
  |                           ^^^^^^^
  = hint: did you mean "channels"?
)~"},
    {"UnquotedTemplateInAFlowMap", FileKind::kScenario,
     R"~(id: X
steps:
  - { note: ${{ vars.x }} }
)~",
     R"~(
error: found the end of a {...} map missing
 --> x.yaml:3:14
  |
3 |   - { note: ${{ vars.x }} }
  |              ^
  = hint: put values that contain ${{ }} in quotes
)~"},
    {"DuplicateKey", FileKind::kScenario,
     R"~(id: X
id: Y
steps: [ { note: x } ]
)~",
     R"~(
error: found the key "id" twice
 --> x.yaml:2:1
  |
2 | id: Y
  | ^^
  = hint: it stands on line 1 already; keep one of them
)~"},
    {"TabInIndentation", FileKind::kScenario,
     R"~(id: X
steps:
	- note: x
)~",
     R"~(
error: found a tab in the indentation, expected spaces
 --> x.yaml:3:1
  |
3 |  - note: x
  | ^
)~"},
    {"BrokenIndentation", FileKind::kScenario,
     R"~(id: X
  title: y
steps: []
)~",
     R"~(
error: found a ":" where no value can begin
 --> x.yaml:2:8
  |
2 |   title: y
  |        ^
  = hint: check the indentation of the line, and put a text that contains ": " in quotes
)~"},
    {"ColonInPlainText", FileKind::kScenario,
     R"~(id: X
steps:
  - note: a: b
)~",
     R"~(
error: found a ":" where no value can begin
 --> x.yaml:3:12
  |
3 |   - note: a: b
  |            ^
  = hint: check the indentation of the line, and put a text that contains ": " in quotes
)~"},
    {"UnclosedQuote", FileKind::kScenario,
     R"~(id: "X
steps: []
)~",
     R"~(
error: found a quote that is never closed
 --> x.yaml:1:5
  |
1 | id: "X
  |     ^
)~"},
    {"UnclosedBracket", FileKind::kScenario,
     R"~(id: X
steps: [ { note: x }
)~",
     R"~(
error: found the end of a [...] list missing
 --> x.yaml:3:1
  |
3 | 
  | ^
  = hint: close it with "]", and quote values that contain commas or brackets
)~"},
    {"AmpersandBeforeNothing", FileKind::kScenario,
     R"~(id: X
steps:
  - note: *nowhere
)~",
     R"~(
error: found an alias (*name) whose anchor (&name) is not defined before it
 --> x.yaml:3:11
  |
3 |   - note: *nowhere
  |           ^
)~"},
    {"ListInsteadOfAFile", FileKind::kScenario,
     R"~(- a
- b
)~",
     R"~(
error: expected a scenario file (a map), found a list
 --> x.yaml:1:1
  |
1 | - a
  | ^
)~"},
    {"EmptyFile", FileKind::kScenario,
     R"~(# nothing yet
)~",
     R"~(
error: expected a scenario file (a map), found nothing
 --> x.yaml:1:1
  |
1 | # nothing yet
  | ^
)~"},
    {"IntegerTooLarge", FileKind::kScenario,
     R"~(id: X
retries: 99999999999999999999
steps: [ { note: x } ]
)~",
     R"~(
error: the integer 99999999999999999999 does not fit into 64 bits
 --> x.yaml:2:10
  |
2 | retries: 99999999999999999999
  |          ^^^^^^^^^^^^^^^^^^^^
  = hint: write it in quotes to make it a string
)~"},
    {"UnknownEnvironmentType", FileKind::kEnvironment,
     R"~(type: vmware
profile: staging
)~",
     R"~(
error: expected one of process, compose, kubernetes, remote for "type", found the string "vmware"
 --> x.yaml:1:7
  |
1 | type: vmware
  |       ^^^^^^
)~"},
    {"ProbeWithTwoKinds", FileKind::kEnvironment,
     R"~(services:
  a:
    probes: [ { http: /, tcp: 80 } ]
)~",
     R"~(
error: found "http" and "tcp" in probe, expected only one of http, tcp, sql, redis, s3, amqp, websocket, log, exec, file
 --> x.yaml:3:26
  |
3 |     probes: [ { http: /, tcp: 80 } ]
  |                          ^^^
)~"},
    {"ProbeWithoutKind", FileKind::kEnvironment,
     R"~(services:
  a:
    probes: [ { within: 3s } ]
)~",
     R"~(
error: missing key in probe, expected one of http, tcp, sql, redis, s3, amqp, websocket, log, exec, file
 --> x.yaml:3:15
  |
3 |     probes: [ { within: 3s } ]
  |               ^
)~"},
    {"UnknownDependency", FileKind::kEnvironment,
     R"~(services:
  db: { command: x }
  web: { command: y, depends_on: [bd] }
)~",
     R"~(
error: unknown service "bd"
 --> x.yaml:3:35
  |
3 |   web: { command: y, depends_on: [bd] }
  |                                   ^^
  = hint: did you mean "db"?
)~"},
    {"CredentialInTheFile", FileKind::kEnvironment,
     R"~(credentials: { token: { value: secret } }
)~",
     R"~(
error: unknown key "value" in credential
 --> x.yaml:1:25
  |
1 | credentials: { token: { value: secret } }
  |                         ^^^^^
  = hint: expected one of file, variable
error: missing key in credential, expected one of file, variable
 --> x.yaml:1:23
  |
1 | credentials: { token: { value: secret } }
  |                       ^
)~"},
    {"MemoryLimitWithoutSense", FileKind::kEnvironment,
     R"~(services: { a: { command: x, limits: { memory: much } } }
)~",
     R"~(
error: expected a size such as 64KiB for "memory", found the string "much"
 --> x.yaml:1:48
  |
1 | services: { a: { command: x, limits: { memory: much } } }
  |                                                ^^^^
)~"},
    {"RequirementTwice", FileKind::kRequirements,
     R"~(system: s
prefix: S
requirements:
  - { id: S-A-1, text: t, kind: security, risk: low }
  - { id: S-A-1, text: u, kind: security, risk: low }
)~",
     R"~(
error: found the requirement S-A-1 twice
 --> x.yaml:5:11
  |
5 |   - { id: S-A-1, text: u, kind: security, risk: low }
  |           ^^^^^
  = hint: the first one stands on line 4
)~"},
    {"RequirementOfAnotherPrefix", FileKind::kRequirements,
     R"~(system: s
prefix: S
requirements:
  - { id: T-A-1, text: t, kind: secrity, risk: low }
)~",
     R"~(
error: expected one of functional, interface, performance, reliability, security, compliance, process for "kind", found the string "secrity"
 --> x.yaml:4:33
  |
4 |   - { id: T-A-1, text: t, kind: secrity, risk: low }
  |                                 ^^^^^^^
  = hint: did you mean "security"?
error: expected an id that begins with "S-", found "T-A-1"
 --> x.yaml:4:11
  |
4 |   - { id: T-A-1, text: t, kind: secrity, risk: low }
  |           ^^^^^
)~"},
    {"PlanWithMisspeltWords", FileKind::kPlan,
     R"~(id: p
levels: [component, intergration]
setting: stagin
scopes: [migraton]
stages: []
)~",
     R"~(
error: expected one of unit, component, integration, end_to_end, performance, security for "levels", found the string "intergration"
 --> x.yaml:2:21
  |
2 | levels: [component, intergration]
  |                     ^^^^^^^^^^^^
  = hint: did you mean "integration"?
error: expected one of development, staging, production_like, performance for "setting", found the string "stagin"
 --> x.yaml:3:10
  |
3 | setting: stagin
  |          ^^^^^^
  = hint: did you mean "staging"?
error: expected one of functionality, performance, security, compatibility, migration for "scopes", found the string "migraton"
 --> x.yaml:4:10
  |
4 | scopes: [migraton]
  |          ^^^^^^^^
  = hint: did you mean "migration"?
)~"},
    {"CriterionWithoutDecision", FileKind::kPlan,
     R"~(id: p
stages: []
criteria: [ { name: documented } ]
)~",
     R"~(
error: missing key in criterion, expected one of scenarios, holds, manual
 --> x.yaml:3:13
  |
3 | criteria: [ { name: documented } ]
  |             ^
)~"},
    {"InputOfUnknownType", FileKind::kFragment,
     R"~(inputs: { a: { type: number } }
steps: [ { note: x } ]
)~",
     R"~(
error: expected one of any, string, int, double, bool, duration, list, map for "type", found the string "number"
 --> x.yaml:1:22
  |
1 | inputs: { a: { type: number } }
  |                      ^^^^^^
)~"},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(All, LoadDiagnostics, testing::ValuesIn(kCases),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace assay::scenario
