#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/testing_history.h"

namespace assay::checker {
namespace {

using testing::HasSubstr;

TEST(CheckMonotonic, HoldsWhileTheValueRisesOrStays) {
  History history;
  history.Ok("read", {}, Int(1)).Ok("read", {}, Int(1)).Ok("read", {}, Int(5));
  EXPECT_EQ(Said(CheckMonotonic(history.operations())), "passed");
  EXPECT_EQ(Said(CheckMonotonic(history.operations(), {.strict = true})), "failed: 1 repeated");
}

TEST(CheckMonotonic, RefusesAValueBelowAnEarlierOne) {
  History history;
  history.Ok("read", {}, Int(1)).Ok("read", {}, Int(5)).Ok("read", {}, Int(4));
  const CheckResult result = CheckMonotonic(history.operations());
  EXPECT_EQ(Said(result), "failed: 1 regressed");
  EXPECT_THAT(result.reason, HasSubstr("fell from 5 to 4"));
  EXPECT_EQ(result.witnesses.at(0).operations.size(), 2U);
}

TEST(CheckMonotonic, ComparesWithTheLargestOfAllReadsBefore) {
  History history;
  history.Ok("read", {}, Int(9)).Ok("read", {}, Int(2)).Ok("read", {}, Int(3));
  EXPECT_EQ(CheckMonotonic(history.operations()).Count("regressed"), 2);
}

TEST(CheckMonotonic, LetsConcurrentReadsDiffer) {
  History history;
  const size_t slow = history.Begin("read", {}, Int(1));
  history.Ok("read", {}, Int(2)).End(slow, Ending::kAcknowledged);
  EXPECT_EQ(Said(CheckMonotonic(history.operations())), "passed");
}

TEST(CheckMonotonic, KeepsKeysApartAndWorkersWhenAsked) {
  History keys;
  keys.Ok("read", Str("a"), Int(5)).Ok("read", Str("b"), Int(1));
  EXPECT_EQ(Said(CheckMonotonic(keys.operations())), "passed");
  History workers;
  workers.End(workers.Begin("read", {}, Int(5), "w1"), Ending::kAcknowledged);
  workers.End(workers.Begin("read", {}, Int(1), "w2"), Ending::kAcknowledged);
  EXPECT_EQ(Said(CheckMonotonic(workers.operations())), "failed: 1 regressed");
  EXPECT_EQ(Said(CheckMonotonic(workers.operations(), {.per_worker = true})), "passed");
}

TEST(CheckMonotonic, LooksIntoLists) {
  History history;
  history.Ok("read", {}, Json("[1, 2, 2]"));
  EXPECT_EQ(Said(CheckMonotonic(history.operations())), "passed");
  history.Ok("read", {}, Json("[1, 3, 2]"));
  EXPECT_EQ(Said(CheckMonotonic(history.operations())), "failed: 1 regressed");
}

TEST(CheckMonotonic, OrdersTextsAndTimestamps) {
  History history;
  history.Ok("read", Str("t"), Str("2026-01-01")).Ok("read", Str("t"), Str("2025-12-31"));
  EXPECT_EQ(Said(CheckMonotonic(history.operations())), "failed: 1 regressed");
}

TEST(CheckMonotonic, ProvesNothingFromValuesWithoutOrder) {
  History mixed;
  mixed.Ok("read", {}, Int(1)).Ok("read", {}, Str("2"));
  EXPECT_THAT(CheckMonotonic(mixed.operations()).reason, HasSubstr("have no order"));
  History map;
  map.Ok("read", {}, Json(R"({"a": 1})"));
  EXPECT_THAT(CheckMonotonic(map.operations()).reason, HasSubstr("has no order"));
  History none;
  none.Failed("read", {}, Int(1));
  EXPECT_EQ(Said(CheckMonotonic(none.operations())), "inconclusive: no acknowledged read");
}

}  // namespace
}  // namespace assay::checker
