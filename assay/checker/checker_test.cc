#include "assay/checker/checker.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/testing_history.h"

namespace assay::checker {
namespace {

using testing::HasSubstr;

TEST(Check, TakesAnyWordOfARole) {
  History history;
  history.Ok("submit", Int(1)).Ok("complete", Int(1)).Ok("list", {}, Json("[]"));
  const auto result = Check("total-queue", history.operations(), {});
  ASSERT_TRUE(result) << result.error().ToString();
  EXPECT_EQ(Said(*result), "passed");
}

TEST(Check, SortsByAttempt) {
  History history;
  history.Ok("add", Int(1)).Ok("read", {}, Json("[1]")).Ok("add", Int(2));
  std::vector<Operation> shuffled = history.operations();
  std::swap(shuffled[0], shuffled[2]);
  EXPECT_EQ(Said(*Check("set", shuffled, {})), "passed");
}

TEST(Check, ProvesNothingWhenAnOperationMeansNothing) {
  History history;
  history.Ok("add", Int(1)).Ok("ad", Int(2)).Ok("read", {}, Json("[1]"));
  const auto result = Check("set", history.operations(), {});
  EXPECT_EQ(result->verdict, history::Verdict::kInconclusive);
  EXPECT_THAT(result->reason, HasSubstr("1 operations \"ad\" mean nothing to set"));
}

TEST(Check, ProvesNothingWhenAnAcknowledgedOperationCouldNotBeNoted) {
  History history;
  history.Ok("add", Int(1)).Ok("add", {}).Ok("read", {}, Json("[1]"));
  history.operations()[1].problem = "no such key: id";
  EXPECT_THAT(Check("set", history.operations(), {})->reason, HasSubstr("no such key: id"));
}

TEST(Check, StaysFailedWhateverElseIsInDoubt) {
  History history;
  history.Ok("add", Int(1)).Ok("ad", Int(2)).Ok("read", {}, Json("[]"));
  EXPECT_EQ(Check("set", history.operations(), {})->verdict, history::Verdict::kFailed);
}

TEST(Check, KnowsNoOtherCheckerAndSuggestsOne) {
  const auto result = Check("total-que", {}, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::ErrorCode::kNotFound);
  EXPECT_THAT(result.error().hint, HasSubstr("total-queue"));
}

TEST(Check, GivesEveryCheckerItsOptions) {
  History count;
  count.Ok("read", {}, Int(5));
  EXPECT_EQ(Said(*Check("counter", count.operations(), {.initial_count = 5})), "passed");
  History bank;
  bank.Ok("read", {}, Json(R"({"a": -5})"));
  EXPECT_EQ(Said(*Check("bank", bank.operations(), {.total = -5, .negative_allowed = true})),
            "passed");
  History order;
  order.Ok("read", {}, Int(1)).Ok("read", {}, Int(1));
  EXPECT_EQ(Said(*Check("monotonic", order.operations(), {.strict = true})), "failed: 1 repeated");
  History cell;
  cell.Ok("get", {}, Int(3));
  EXPECT_EQ(Said(*Check("register", cell.operations(), {.initial = Int(3)})), "passed");
  History queue;
  queue.Ok("enqueue", Int(1)).Ok("dequeue", Int(1)).Ok("dequeue", Int(1));
  EXPECT_EQ(Said(*Check("total-queue", queue.operations(), {.duplicates_allowed = false})),
            "failed: 1 duplicated");
}

TEST(Kinds, HaveNamesAndWordsOfTheirOwn) {
  std::set<std::string_view> names;
  for (const Kind& kind : Kinds()) {
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    const auto words = kind.Words();
    EXPECT_EQ(std::set<std::string>(words.begin(), words.end()).size(), words.size()) << kind.name;
    EXPECT_FALSE(kind.doc.empty());
  }
  EXPECT_EQ(names.size(), 9U);
}

}  // namespace
}  // namespace assay::checker
