// Ledgers and checks that do not fit each other are found before anything runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/checker.h"
#include "assay/plan/resolve.h"
#include "assay/scenario/tables/sample_actions.h"
#include "lib/base/diagnostic.h"

namespace assay::plan {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string Problems(const std::string& steps) {
  const scenario::MemoryFiles files(
      {{"assay.yaml", "name: t\n"},
       {"suites/a/x.yaml", "id: X\ntitle: t\nsteps:\n" + steps},
       {"suites/a/fragments/upload.yaml",
        "steps: [ { note: up, record: { ledger: inner, op: add, key: 1 } } ]\n"}});
  std::string text;
  for (const base::Error& error : Check(files, scenario::SampleRegistry()).problems.errors()) {
    text += base::RenderDiagnostic(error);
  }
  return text;
}

constexpr std::string_view kAdd = "  - note: x\n    record: { ledger: uploads, op: add, key: 1 }\n";

TEST(Ledgers, ACheckOfWhatIsRecordedIsFine) {
  EXPECT_THAT(Problems(std::string(kAdd) + "  - check: { checker: set, ledger: uploads }\n"),
              IsEmpty());
}

TEST(Ledgers, AnUnknownLedgerIsFoundWithTheNearestOne) {
  EXPECT_EQ("\n" + Problems(std::string(kAdd) + "  - check: { checker: set, ledger: uplods }\n"),
            R"(
error: no step of the scenario records in the ledger "uplods"
 --> suites/a/x.yaml:6:36
  |
6 |   - check: { checker: set, ledger: uplods }
  |                                    ^^^^^^
  = hint: did you mean "uploads"?
)");
}

TEST(Ledgers, ACheckWithoutAnyLedgerSaysWhatToAdd) {
  EXPECT_THAT(Problems("  - check: { checker: set, ledger: uploads }\n"),
              HasSubstr("hint: add `record: { ledger: uploads, op: ..., key: ... }`"));
}

TEST(Ledgers, AnOperationThatTheCheckerDoesNotKnowIsFound) {
  const std::string text = Problems(
      "  - note: x\n    record: { ledger: jobs, op: enqueu, key: 1 }\n"
      "  - check: { checker: total-queue, ledger: jobs }\n");
  EXPECT_THAT(text, HasSubstr("does not know the operation \"enqueu\""));
  EXPECT_THAT(text, HasSubstr("did you mean \"enqueue\"?"));
  EXPECT_THAT(text, HasSubstr("x.yaml:5:33"));
}

TEST(Ledgers, AnOptionOfAnotherCheckerIsFound) {
  EXPECT_THAT(
      Problems(std::string(kAdd) + "  - check: { checker: set, ledger: uploads, strict: true }\n"),
      HasSubstr("the checker \"set\" has no option \"strict\""));
}

TEST(Ledgers, AnUnknownCheckerIsFound) {
  EXPECT_THAT(Problems(std::string(kAdd) + "  - check: { checker: total-que, ledger: uploads }\n"),
              HasSubstr("did you mean \"total-queue\"?"));
}

TEST(Ledgers, StepsInsideStructuresAndFragmentsRecord) {
  EXPECT_THAT(Problems("  - use: upload\n"
                       "  - parallel: [ { note: x, record: { ledger: p, op: add, key: 1 } } ]\n"
                       "  - check: { checker: set, ledger: inner }\n"
                       "  - check: { checker: set, ledger: p }\n"),
              IsEmpty());
}

TEST(Ledgers, NamesThatAreExpressionsAreLeftToTheRun) {
  EXPECT_THAT(Problems(std::string(kAdd) +
                       "  - check: { checker: set, ledger: \"${{ 'up' + 'loads' }}\" }\n"),
              IsEmpty());
}

TEST(Ledgers, TheTableOfCheckNamesEveryCheckerCountAndOption) {
  const scenario::SchemaRegistry registry = scenario::SampleRegistry();
  const scenario::ActionSchema* check = registry.FindAction("check");
  ASSERT_NE(check, nullptr);
  const scenario::Field* names = check->params.Find("checker");
  ASSERT_NE(names, nullptr);
  std::vector<std::string> checkers;
  for (const checker::Kind& kind : checker::Kinds()) {
    checkers.emplace_back(kind.name);
    for (const std::string_view option : kind.options) {
      EXPECT_NE(check->params.Find(option), nullptr) << option;
    }
    const auto result = checker::Check(kind.name, {}, {});
    ASSERT_TRUE(result) << kind.name;
    for (const auto& [count, value] : result->counts) {
      const bool listed = std::ranges::any_of(
          check->outcome, [&](const scenario::Field& field) { return field.name == count; });
      EXPECT_TRUE(listed) << kind.name << " counts " << count;
    }
  }
  EXPECT_EQ(names->type.words(), checkers);
}

}  // namespace
}  // namespace assay::plan
