#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/testing_history.h"

namespace assay::checker {
namespace {

using testing::HasSubstr;

TEST(CheckBank, HoldsWhileTheTotalStays) {
  History history;
  history.Ok("read", {}, Json(R"({"a": 5, "b": 5})"));
  history.Ok("transfer", {}).Ok("read", {}, Json(R"({"b": 2, "a": 8})"));
  const CheckResult result = CheckBank(history.operations(), {.total = 10});
  EXPECT_EQ(Said(result), "passed");
  EXPECT_EQ(result.Count("reads"), 2);
  EXPECT_EQ(result.Count("transfers"), 1);
}

TEST(CheckBank, RefusesAnotherTotal) {
  History history;
  history.Ok("read", {}, Json(R"({"a": 5, "b": 5})")).Ok("read", {}, Json(R"({"a": 5, "b": 4})"));
  EXPECT_EQ(Said(CheckBank(history.operations())), "failed: 1 wrong_total");
  EXPECT_THAT(CheckBank(history.operations(), {.total = 9}).reason, HasSubstr("sum to 10"));
}

TEST(CheckBank, RefusesBalancesBelowZeroUnlessTheyAreAllowed) {
  History history;
  history.Ok("read", {}, Json(R"({"a": -1, "b": 11})"));
  EXPECT_EQ(Said(CheckBank(history.operations())), "failed: 1 negative");
  EXPECT_EQ(Said(CheckBank(history.operations(), {.negative_allowed = true})), "passed");
}

TEST(CheckBank, RefusesAccountsThatComeOrGo) {
  History history;
  history.Ok("read", {}, Json(R"({"a": 10, "b": 0})")).Ok("read", {}, Json(R"({"a": 10})"));
  EXPECT_EQ(Said(CheckBank(history.operations())), "failed: 1 wrong_accounts");
}

TEST(CheckBank, IgnoresReadsThatWereNotAcknowledged) {
  History history;
  history.Ok("read", {}, Json(R"({"a": 1})")).Unknown("read", {}, Json(R"({"a": 2})"));
  EXPECT_EQ(Said(CheckBank(history.operations())), "passed");
}

TEST(CheckBank, ProvesNothingFromNoReadOrFromWhatIsNoBalance) {
  History none;
  none.Ok("transfer", {});
  EXPECT_THAT(Said(CheckBank(none.operations())), HasSubstr("inconclusive: no acknowledged read"));
  History list;
  list.Ok("read", {}, Json("[1]"));
  EXPECT_THAT(CheckBank(list.operations()).reason, HasSubstr("expected a map"));
  History fraction;
  fraction.Ok("read", {}, Json(R"({"a": 0.5})"));
  EXPECT_THAT(CheckBank(fraction.operations()).reason, HasSubstr("expected a whole balance"));
}

}  // namespace
}  // namespace assay::checker
