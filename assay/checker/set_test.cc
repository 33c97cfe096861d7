#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/testing_history.h"

namespace assay::checker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CheckSet, HoldsWhenTheLastReadHasEverythingThatWasAcknowledged) {
  History history;
  history.Ok("add", Str("a")).Ok("add", Str("b")).Ok("read", {}, Json(R"(["b", "a"])"));
  const CheckResult result = CheckSet(history.operations());
  EXPECT_EQ(Said(result), "passed");
  EXPECT_EQ(result.Count("acknowledged"), 2);
  EXPECT_TRUE(result.witnesses.empty());
}

TEST(CheckSet, NamesWhatWasAcknowledgedAndIsMissing) {
  History history;
  history.Ok("add", Str("a")).Ok("add", Str("b")).Ok("read", {}, Json(R"(["a"])"));
  const CheckResult result = CheckSet(history.operations());
  EXPECT_EQ(Said(result), "failed: 1 lost");
  EXPECT_EQ(result.Count("lost"), 1);
  ASSERT_EQ(result.witnesses.size(), 1U);
  EXPECT_EQ(result.witnesses[0].subject, "\"b\"");
  EXPECT_THAT(result.witnesses[0].text, HasSubstr("acknowledged by S/1/op-2#1"));
  ASSERT_EQ(result.witnesses[0].operations.size(), 2U);
  EXPECT_EQ(result.witnesses[0].operations[0].path, "S/1/op-2#1");
  EXPECT_EQ(result.witnesses[0].operations[1].op, "read");
}

TEST(CheckSet, NamesWhatNobodyAdded) {
  History history;
  history.Ok("add", Int(1)).Ok("read", {}, Json("[1, 2]"));
  const CheckResult result = CheckSet(history.operations());
  EXPECT_EQ(Said(result), "failed: 1 unexpected");
  EXPECT_THAT(result.reason, HasSubstr("2 was read and nobody added it"));
}

TEST(CheckSet, CallsAnElementUnexpectedWhoseAddFailed) {
  History history;
  history.Ok("add", Int(1)).Failed("add", Int(2)).Ok("read", {}, Json("[1, 2]"));
  EXPECT_THAT(CheckSet(history.operations()).reason, HasSubstr("although adding it failed"));
}

TEST(CheckSet, AllowsARefusedAddOfWhatAnotherAddPutIn) {
  History history;
  history.Ok("add", Int(1)).Failed("add", Int(1)).Ok("read", {}, Json("[1]"));
  EXPECT_EQ(Said(CheckSet(history.operations())), "passed");
}

TEST(CheckSet, LetsAnIndeterminateAddBeThereOrNot) {
  History there;
  there.Ok("add", Int(1)).Unknown("add", Int(2)).Ok("read", {}, Json("[1, 2]"));
  const CheckResult recovered = CheckSet(there.operations());
  EXPECT_EQ(Said(recovered), "passed");
  EXPECT_EQ(recovered.Count("recovered"), 1);
  History absent;
  absent.Ok("add", Int(1)).Unknown("add", Int(2)).Ok("read", {}, Json("[1]"));
  EXPECT_EQ(Said(CheckSet(absent.operations())), "passed");
}

TEST(CheckSet, DemandsNothingOfAddsBesideTheRead) {
  History history;
  history.Ok("add", Int(1));
  const size_t read = history.Begin("read", {}, Json("[1]"));
  history.Ok("add", Int(2)).End(read, Ending::kAcknowledged);
  EXPECT_EQ(Said(CheckSet(history.operations())), "passed");
}

TEST(CheckSet, JudgesByTheLastAcknowledgedRead) {
  History history;
  history.Ok("add", Int(1))
      .Ok("read", {}, Json("[]"))
      .Ok("read", {}, Json("[1]"))
      .Unknown("read", {});
  EXPECT_EQ(Said(CheckSet(history.operations())), "passed");
}

TEST(CheckSet, RefusesDuplicatesUnlessTheyAreAllowed) {
  History history;
  history.Ok("add", Int(1)).Ok("read", {}, Json("[1, 1]"));
  EXPECT_EQ(Said(CheckSet(history.operations())), "failed: 1 duplicated");
  const CheckResult allowed = CheckSet(history.operations(), {.duplicates_allowed = true});
  EXPECT_EQ(Said(allowed), "passed");
  EXPECT_EQ(allowed.Count("duplicated"), 1);
}

TEST(CheckSet, ProvesNothingWithoutReadOrWithoutAdd) {
  History unread;
  unread.Ok("add", Int(1));
  EXPECT_THAT(Said(CheckSet(unread.operations())), HasSubstr("inconclusive: no acknowledged read"));
  History empty;
  empty.Ok("read", {}, Json("[]"));
  EXPECT_EQ(Said(CheckSet(empty.operations())), "inconclusive: nothing was added");
}

TEST(CheckSet, DoubtsAnAcknowledgedAddWithoutKey) {
  History history;
  history.Ok("add", Int(1)).Ok("add", {}).Ok("read", {}, Json("[1]"));
  EXPECT_EQ(Said(CheckSet(history.operations())), "inconclusive: 1 unnamed");
}

TEST(CheckSet, ExplainsOneUnexpectedElementByOneAddOfUnknownKey) {
  History history;
  history.Ok("add", Int(1)).Unknown("add", {}).Ok("read", {}, Json("[1, 7]"));
  EXPECT_EQ(Said(CheckSet(history.operations())), "inconclusive: 1 unexpected");
  History two;
  two.Ok("add", Int(1)).Unknown("add", {}).Ok("read", {}, Json("[1, 7, 8]"));
  const CheckResult result = CheckSet(two.operations());
  EXPECT_EQ(result.verdict, history::Verdict::kFailed);
  EXPECT_EQ(result.Count("unexpected"), 2);
}

TEST(CheckSet, KeepsAFewWitnessesAndCountsTheRest) {
  History history;
  for (int64_t i = 0; i < 20; ++i) history.Ok("add", Int(i));
  history.Ok("read", {}, Json("[]"));
  const CheckResult result = CheckSet(history.operations(), {.witnesses = 3});
  EXPECT_EQ(result.Count("lost"), 20);
  EXPECT_EQ(result.witnesses.size(), 3U);
  EXPECT_EQ(result.witnesses_left_out, 17U);
}

}  // namespace
}  // namespace assay::checker
