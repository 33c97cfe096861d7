#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/testing_history.h"

namespace assay::checker {
namespace {

using testing::HasSubstr;

TEST(CheckUniqueIds, HoldsWhenNoIdComesAgain) {
  History history;
  history.Ok("generate", {}, Str("a")).Ok("generate", {}, Str("b")).Ok("generate", Str("c"));
  const CheckResult result = CheckUniqueIds(history.operations());
  EXPECT_EQ(Said(result), "passed");
  EXPECT_EQ(result.Count("acknowledged"), 3);
}

TEST(CheckUniqueIds, NamesBothOperationsThatGaveOneId) {
  History history;
  history.Ok("generate", {}, Int(7)).Ok("generate", {}, Int(8)).Ok("generate", {}, Int(7));
  const CheckResult result = CheckUniqueIds(history.operations());
  EXPECT_EQ(Said(result), "failed: 1 duplicated");
  ASSERT_EQ(result.witnesses.size(), 1U);
  EXPECT_EQ(result.witnesses[0].operations[0].path, "S/1/op-1#1");
  EXPECT_EQ(result.witnesses[0].operations[1].path, "S/1/op-3#1");
}

TEST(CheckUniqueIds, CountsAnIdOnceHoweverOftenItCame) {
  History history;
  for (int i = 0; i < 4; ++i) history.Ok("generate", {}, Int(7));
  EXPECT_EQ(CheckUniqueIds(history.operations()).Count("duplicated"), 1);
}

TEST(CheckUniqueIds, LooksAtAcknowledgedIdsOnly) {
  History history;
  history.Ok("generate", {}, Int(7)).Unknown("generate", {}, Int(7)).Failed("generate", {}, Int(7));
  EXPECT_EQ(Said(CheckUniqueIds(history.operations())), "passed");
}

TEST(CheckUniqueIds, KeepsNumbersAndTextsApart) {
  History history;
  history.Ok("generate", {}, Int(7)).Ok("generate", {}, Str("7"));
  EXPECT_EQ(Said(CheckUniqueIds(history.operations())), "passed");
}

TEST(CheckUniqueIds, ProvesNothingWithoutIds) {
  History history;
  history.Failed("generate", {}, Int(7));
  EXPECT_EQ(Said(CheckUniqueIds(history.operations())), "inconclusive: no id was given");
  History unnamed;
  unnamed.Ok("generate", {}, Int(7)).Ok("generate", {});
  EXPECT_EQ(Said(CheckUniqueIds(unnamed.operations())), "inconclusive: 1 unnamed");
}

}  // namespace
}  // namespace assay::checker
