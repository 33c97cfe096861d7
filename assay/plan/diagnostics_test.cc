// Every diagnostic of planning, as a person sees it: the exact text.

#include <ostream>

#include <gtest/gtest.h>

#include "assay/plan/resolve.h"
#include "assay/scenario/tables/sample_actions.h"
#include "lib/base/diagnostic.h"

namespace assay::plan {
namespace {

struct Case {
  const char* name;
  const char* text;
  const char* expected;
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

CheckReport CheckWith(const char* scenario) {
  const scenario::MemoryFiles files(
      {{"assay.yaml", "environments: { local: { endpoints: { api: 'http://x' } } }\n"},
       {"suites/a/x.yaml", scenario},
       {"suites/a/y.yaml", "id: Y\ntitle: t\nverifies: R-A-1\nsteps: [ { note: x } ]\n"},
       {"suites/a/z.yaml", "id: Z\ntitle: t\nafter: [X]\nsteps: [ { note: x } ]\n"},
       {"suites/a/fragments/login.yaml", "inputs: { who: string }\nsteps: [ { note: x } ]\n"},
       {"suites/a/fragments/round.yaml", "steps: [ { use: again } ]\n"},
       {"suites/a/fragments/again.yaml", "steps: [ { use: round } ]\n"},
       {"suites/a/requirements.yaml",
        "system: a\nprefix: R\nrequirements: [ { id: R-A-1, text: t, kind: process, risk: low } "
        "]\n"}});
  return Check(files, scenario::SampleRegistry());
}

class PlanDiagnostics : public testing::TestWithParam<Case> {};

TEST_P(PlanDiagnostics, AreAsWritten) {
  std::string text = "\n";
  for (const base::Error& error : CheckWith(GetParam().text).problems.errors()) {
    text += base::RenderDiagnostic(error);
  }
  EXPECT_EQ(text, GetParam().expected);
}

// clang-format off
constexpr Case kCases[] = {
    {"UnknownVariable",
     R"~(id: X
title: t
steps:
  - note: "${{ vars.a }}"
)~",
     R"~(
error: there is no "a" in "vars"
 --> suites/a/x.yaml:4:21
  |
4 |   - note: "${{ vars.a }}"
  |                     ^
  = hint: it has no fields
)~"},
    {"UnknownRootName",
     R"~(id: X
title: t
steps:
  - note: "${{ varz.a }}"
)~",
     R"~(
error: undeclared reference to "varz"
 --> suites/a/x.yaml:4:16
  |
4 |   - note: "${{ varz.a }}"
  |                ^^^^
  = hint: did you mean "vars"?
)~"},
    {"UnknownFunction",
     R"~(id: X
title: t
steps:
  - http: GET /
    expect: siz(text) > 0
)~",
     R"~(
error: undeclared function "siz"
 --> suites/a/x.yaml:5:13
  |
5 |     expect: siz(text) > 0
  |             ^^^
  = hint: did you mean "size"?
)~"},
    {"SyntaxError",
     R"~(id: X
title: t
steps:
  - http: GET /
    expect: status ==
)~",
     R"~(
error: found the end of the expression, expected an expression
 --> suites/a/x.yaml:5:22
  |
5 |     expect: status ==
  |                      ^
)~"},
    {"UnknownOutcomeVariable",
     R"~(id: X
title: t
steps:
  - http: GET /
    expect: stauts == 200
)~",
     R"~(
error: undeclared reference to "stauts"
 --> suites/a/x.yaml:5:13
  |
5 |     expect: stauts == 200
  |             ^^^^^^
  = hint: did you mean "status"?
)~"},
    {"ConditionThatIsNoCondition",
     R"~(id: X
title: t
steps:
  - http: GET /
    expect: status
)~",
     R"~(
error: expected a condition (bool), found an expression of type int
 --> suites/a/x.yaml:5:13
  |
5 |     expect: status
  |             ^^^^^^
  = hint: compare the value with something, such as `... == 200`
)~"},
    {"TypesThatDoNotMatch",
     R"~(id: X
title: t
steps:
  - http: GET /
    expect: status == "200"
)~",
     R"~(
error: "==" does not apply to int and string
 --> suites/a/x.yaml:5:13
  |
5 |     expect: status == "200"
  |             ^^^^^^^^^^^^^^^
  = hint: convert a side, for example with int(), double() or string()
)~"},
    {"UnknownStep",
     R"~(id: X
title: t
steps:
  - { id: upload, http: GET / }
  - note: "${{ steps.uplaod.status }}"
)~",
     R"~(
error: there is no "uplaod" in "steps"
 --> suites/a/x.yaml:5:22
  |
5 |   - note: "${{ steps.uplaod.status }}"
  |                      ^^^^^^
  = hint: did you mean "upload"?
)~"},
    {"StepUsedBeforeItRuns",
     R"~(id: X
title: t
steps:
  - note: "${{ steps.later.status }}"
  - { id: later, http: GET / }
)~",
     R"~(
error: there is no "later" in "steps"
 --> suites/a/x.yaml:4:22
  |
4 |   - note: "${{ steps.later.status }}"
  |                      ^^^^^
  = hint: it has no fields
)~"},
    {"UnknownFieldOfAStep",
     R"~(id: X
title: t
steps:
  - { id: a, http: GET / }
  - note: "${{ steps.a.sttus }}"
)~",
     R"~(
error: there is no "sttus" in "steps.a"
 --> suites/a/x.yaml:5:24
  |
5 |   - note: "${{ steps.a.sttus }}"
  |                        ^^^^^
  = hint: did you mean "status"?
)~"},
    {"IdsTwice",
     R"~(id: X
title: t
steps:
  - { id: a, http: GET / }
  - { id: a, http: GET / }
)~",
     R"~(
error: found the step id "a" twice
 --> suites/a/x.yaml:5:11
  |
5 |   - { id: a, http: GET / }
  |           ^
  = hint: ids are unique in a scenario
)~"},
    {"IdThatIsNoIdentifier",
     R"~(id: X
title: t
steps:
  - { id: my-step, http: GET / }
)~",
     R"~(
error: expected a name of letters, digits and _ for the id of a step, found "my-step"
 --> suites/a/x.yaml:4:11
  |
4 |   - { id: my-step, http: GET / }
  |           ^^^^^^^
  = hint: expressions use the name, so it has to be an identifier
)~"},
    {"SiblingOfAParallelBranch",
     R"~(id: X
title: t
steps:
  - parallel:
      - { id: a, http: GET / }
      - note: "${{ steps.a.status }}"
)~",
     R"~(
error: there is no "a" in "steps"
 --> suites/a/x.yaml:6:26
  |
6 |       - note: "${{ steps.a.status }}"
  |                          ^
  = hint: it has no fields
)~"},
    {"PollWithoutLimit",
     R"~(id: X
title: t
steps:
  - http: GET /
    poll: { until: status == 200 }
)~",
     R"~(
error: found a poll without limit
 --> suites/a/x.yaml:5:5
  |
5 |     poll: { until: status == 200 }
  |     ^^^^
  = hint: add `for: 30s` to it
)~"},
    {"ListenerWithoutLimit",
     R"~(id: X
title: t
steps:
  - websocket: /ws
    background: true
)~",
     R"~(
error: found the listener "websocket" without limit
 --> suites/a/x.yaml:4:5
  |
4 |   - websocket: /ws
  |     ^^^^^^^^^
  = hint: add `timeout: 30s` to the step
)~"},
    {"JoinOfNothing",
     R"~(id: X
title: t
steps:
  - { id: live, websocket: /ws, background: true, timeout: 5s }
  - join: life
)~",
     R"~(
error: no background step "life" to join
 --> suites/a/x.yaml:5:11
  |
5 |   - join: life
  |           ^^^^
  = hint: did you mean "live"?
)~"},
    {"UnknownRequirement",
     R"~(id: X
title: t
steps:
  - { note: x, verifies: [R-A-1, R-A-11] }
)~",
     R"~(
error: unknown requirement "R-A-11"
 --> suites/a/x.yaml:4:34
  |
4 |   - { note: x, verifies: [R-A-1, R-A-11] }
  |                                  ^^^^^^
  = hint: did you mean "R-A-1"?
)~"},
    {"UnknownEndpoint",
     R"~(id: X
title: t
steps:
  - note: "${{ endpoints.apy.url }}"
)~",
     R"~(
error: there is no "apy" in "endpoints"
 --> suites/a/x.yaml:4:26
  |
4 |   - note: "${{ endpoints.apy.url }}"
  |                          ^^^
  = hint: did you mean "api"?
)~"},
    {"UnknownEnvironment",
     R"~(id: X
title: t
environments: [lokal]
steps: [ { note: x } ]
)~",
     R"~(
error: unknown environment "lokal"
 --> suites/a/x.yaml:3:16
  |
3 | environments: [lokal]
  |                ^^^^^
  = hint: did you mean "local"?
)~"},
    {"UnknownScenarioBefore",
     R"~(id: X
title: t
after: [YY]
steps: [ { note: x } ]
)~",
     R"~(
error: unknown scenario "YY"
 --> suites/a/x.yaml:3:9
  |
3 | after: [YY]
  |         ^^
  = hint: did you mean "Y"?
)~"},
    {"CycleOfScenarios",
     R"~(id: X
title: t
after: [Z]
steps: [ { note: x } ]
)~",
     R"~(
error: the scenarios wait for each other: X -> Z -> X
 --> suites/a/z.yaml:3:9
  |
3 | after: [X]
  |         ^
  = hint: remove one of these `after` entries
)~"},
    {"WrongScenarioId",
     R"~(id: a b
title: t
steps: [ { note: x } ]
)~",
     R"~(
error: unknown scenario "X"
 --> suites/a/z.yaml:3:9
  |
3 | after: [X]
  |         ^
  = hint: did you mean "Y"?
error: expected an id of letters, digits, ".", "_" and "-", found "a b"
 --> suites/a/x.yaml:1:5
  |
1 | id: a b
  |     ^^^
)~"},
    {"NoSteps",
     R"~(id: X
title: t
steps: []
)~",
     R"~(
error: the scenario X has no steps
 --> suites/a/x.yaml:1:5
  |
1 | id: X
  |     ^
)~"},
    {"UnknownFragment",
     R"~(id: X
title: t
steps:
  - use: logn
)~",
     R"~(
error: unknown fragment "logn"
 --> suites/a/x.yaml:4:10
  |
4 |   - use: logn
  |          ^^^^
  = hint: did you mean "login"?
)~"},
    {"FragmentInputs",
     R"~(id: X
title: t
steps:
  - use: login
    with: { who: 5, whom: x }
)~",
     R"~(
error: unknown input "whom" of the fragment "login"
 --> suites/a/x.yaml:5:21
  |
5 |     with: { who: 5, whom: x }
  |                     ^^^^
  = hint: did you mean "who"?
error: expected string for the input "who", found int
 --> suites/a/x.yaml:5:18
  |
5 |     with: { who: 5, whom: x }
  |                  ^
)~"},
    {"FragmentInputMissing",
     R"~(id: X
title: t
steps:
  - use: login
)~",
     R"~(
error: missing input "who" of the fragment "login", expected string
 --> suites/a/x.yaml:4:5
  |
4 |   - use: login
  |     ^^^
)~"},
    {"FragmentThatUsesItself",
     R"~(id: X
title: t
steps:
  - use: round
)~",
     R"~(
error: the fragment "round" uses itself: round -> again -> round
 --> suites/a/fragments/again.yaml:1:17
  |
1 | steps: [ { use: round } ]
  |                 ^^^^^
)~"},
    {"LoopOverANumber",
     R"~(id: X
title: t
steps:
  - for_each: { i: 5 }
    steps: [ { note: x } ]
)~",
     R"~(
error: expected a list for "for_each", found int
 --> suites/a/x.yaml:4:15
  |
4 |   - for_each: { i: 5 }
  |               ^
)~"},
    {"InstancesFromAMissingFile",
     R"~(id: X
title: t
for_each: { row: "${{ csv('rows.csv') }}" }
steps: [ { note: x } ]
)~",
     R"~(
error: no file "suites/a/rows.csv"
 --> suites/a/x.yaml:3:23
  |
3 | for_each: { row: "${{ csv('rows.csv') }}" }
  |                       ^^^^^^^^^^^^^^^
  = while evaluating csv('rows.csv')
)~"},
    {"InstancesFromAWrongType",
     R"~(id: X
title: t
for_each: { row: "${{ 1 + 1 }}" }
steps: [ { note: x } ]
)~",
     R"~(
error: expected a list for "for_each", found int
 --> suites/a/x.yaml:3:18
  |
3 | for_each: { row: "${{ 1 + 1 }}" }
  |                  ^^^^^^^^^^^^^^
)~"},
    {"LoopVariableOutsideItsLoop",
     R"~(id: X
title: t
steps:
  - for_each: { row: "${{ [1] }}" }
    steps: [ { note: x } ]
  - note: "${{ row }}"
)~",
     R"~(
error: undeclared reference to "row"
 --> suites/a/x.yaml:6:16
  |
6 |   - note: "${{ row }}"
  |                ^^^
  = hint: expected one of endpoints, env, environment, fake, fixtures, run, scenario, steps, vars
)~"},
    {"UnknownFakeFunction",
     R"~(id: X
title: t
steps:
  - note: "${{ fake.nmae() }}"
)~",
     R"~(
error: undeclared function "nmae"
 --> suites/a/x.yaml:4:21
  |
4 |   - note: "${{ fake.nmae() }}"
  |                     ^^^^
  = hint: did you mean "name"?
)~"},
    {"SuccessOverAnUnknownStep",
     R"~(id: X
title: t
steps: [ { note: x } ]
success: [ steps.a.status == 200 ]
)~",
     R"~(
error: there is no "a" in "steps"
 --> suites/a/x.yaml:4:18
  |
4 | success: [ steps.a.status == 200 ]
  |                  ^
  = hint: it has no fields
)~"},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(All, PlanDiagnostics, testing::ValuesIn(kCases),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(PlanWarnings, NameWhatAReaderMisses) {
  const CheckReport report = CheckWith("id: X\nsteps: [ { note: x } ]\n");
  EXPECT_TRUE(report.problems.ok());
  std::string text = "\n";
  for (const base::Error& warning : report.problems.warnings()) text += warning.ToString() + "\n";
  EXPECT_EQ(text, R"(
suites/a/x.yaml:1:5: the scenario X has no title
suites/a/x.yaml:1:5: the scenario X verifies no requirement
suites/a/z.yaml:1:5: the scenario Z verifies no requirement
)");
}

}  // namespace
}  // namespace assay::plan
