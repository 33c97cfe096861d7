#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/manual_action.h"
#include "assay/action/testing_context.h"
#include "assay/action/wait_action.h"
#include "assay/cel/json.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;

Value Params(std::string_view json) { return cel::ParseJson(json).value(); }

TEST(WaitAction, LetsTheTimePass) {
  TestContext context;
  const Outcome outcome = context.Run(WaitAction(), Params(R"({"duration": "20ms"})"));
  EXPECT_EQ(outcome.disposition, Disposition::kAnswered);
  EXPECT_GE(outcome.duration, std::chrono::milliseconds(20));
}

TEST(WaitAction, EndsWithTheStepsTimeAsAnError) {
  TestContext context;
  context.timeout = std::chrono::milliseconds(10);
  const Outcome outcome = context.Run(WaitAction(), Params(R"({"duration": "1h"})"));
  EXPECT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_EQ(outcome.error->code, base::ErrorCode::kTimeout);
  EXPECT_EQ(context.Run(WaitAction(), Params(R"({"duration": "soon"})")).disposition,
            Disposition::kError);
}

TEST(ManualAction, IsSkippedWithTheReasonWhenNobodyIsThere) {
  TestContext context;
  const Outcome outcome = context.Run(ManualAction(), Params(R"({"question": "Is the lamp on?"})"));
  EXPECT_EQ(outcome.disposition, Disposition::kSkipped);
  EXPECT_FALSE(outcome.error->message.empty());
}

TEST(ManualAction, GivesTheOperatorsDecision) {
  TestContext context;
  std::string asked;
  context.ask_operator = [&asked](std::string question,
                                  base::Deadline) -> net::Task<base::Result<OperatorAnswer>> {
    asked = std::move(question);
    co_return OperatorAnswer{.approved = true, .who = "r.berg", .comment = "bright"};
  };
  const Outcome outcome = context.Run(ManualAction(), Params(R"({"question": "Is the lamp on?"})"));
  EXPECT_EQ(asked, "Is the lamp on?");
  EXPECT_TRUE(outcome.value.Find("approved")->is_true());
  EXPECT_EQ(outcome.value.Find("who")->string(), "r.berg");
}

TEST(BuiltinActions, HaveNamesAndSchemasOfTheirOwn) {
  ActionRegistry registry;
  RegisterBuiltinActions(registry);
  scenario::SchemaRegistry schemas;
  for (const Action* action : registry.All()) {
    EXPECT_TRUE(schemas.AddAction(action->schema()).has_value()) << action->schema().name;
  }
  EXPECT_NE(registry.Find("http"), nullptr);
  EXPECT_EQ(registry.Find("smtp"), nullptr);
}

}  // namespace
}  // namespace assay::action
