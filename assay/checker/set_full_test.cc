#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/testing_history.h"

namespace assay::checker {
namespace {

using testing::HasSubstr;

TEST(CheckSetFull, HoldsWhenEveryReadAfterTheAddHasIt) {
  History history;
  history.Ok("add", Int(1)).Ok("read", {}, Json("[1]")).Ok("add", Int(2));
  history.Ok("read", {}, Json("[1, 2]"));
  const CheckResult result = CheckSetFull(history.operations());
  EXPECT_EQ(Said(result), "passed");
  EXPECT_EQ(result.Count("stable"), 2);
  EXPECT_EQ(result.Count("stale"), 0);
}

TEST(CheckSetFull, CallsAnElementLostThatNoLaterReadHas) {
  History history;
  history.Ok("add", Int(1)).Ok("read", {}, Json("[1]")).Ok("read", {}, Json("[]"));
  const CheckResult result = CheckSetFull(history.operations());
  EXPECT_EQ(Said(result), "failed: 1 lost");
  ASSERT_EQ(result.witnesses.size(), 1U);
  EXPECT_EQ(result.witnesses[0].operations.size(), 3U);
}

TEST(CheckSetFull, CallsAnAcknowledgedElementLostThatWasNeverSeen) {
  History history;
  history.Ok("add", Int(1)).Ok("read", {}, Json("[]"));
  EXPECT_EQ(Said(CheckSetFull(history.operations())), "failed: 1 lost");
}

TEST(CheckSetFull, MeasuresHowLongAnElementStayedInvisible) {
  History history;  // known at 2 ms, missing from a read attempted at 3 ms, there at 5 ms
  history.Ok("add", Int(1)).Ok("read", {}, Json("[]")).Ok("read", {}, Json("[1]"));
  const CheckResult result = CheckSetFull(history.operations());
  EXPECT_EQ(Said(result), "passed");
  EXPECT_EQ(result.Count("stale"), 1);
  EXPECT_EQ(result.Count("stale_ns_max"), 1'000'000);
  EXPECT_EQ(Said(CheckSetFull(history.operations(), {.linearizable = true})), "failed: 1 stale");
}

TEST(CheckSetFull, LetsAReadBesideTheAddMissIt) {
  History history;
  const size_t add = history.Begin("add", Int(1));
  history.Ok("read", {}, Json("[]")).End(add, Ending::kAcknowledged);
  history.Ok("read", {}, Json("[1]"));
  const CheckResult result = CheckSetFull(history.operations(), {.linearizable = true});
  EXPECT_EQ(Said(result), "passed");
}

TEST(CheckSetFull, KnowsAnElementFromTheReadThatHadIt) {
  History history;
  history.Unknown("add", Int(1)).Ok("read", {}, Json("[1]")).Ok("read", {}, Json("[]"));
  EXPECT_EQ(Said(CheckSetFull(history.operations())), "failed: 1 lost");
}

TEST(CheckSetFull, DemandsNothingOfAnIndeterminateAddThatNobodySaw) {
  History history;
  history.Ok("add", Int(1)).Unknown("add", Int(2)).Ok("read", {}, Json("[1]"));
  EXPECT_EQ(Said(CheckSetFull(history.operations())), "passed");
}

TEST(CheckSetFull, CountsWhatWasAddedTooLateForAnyRead) {
  History history;
  history.Ok("add", Int(1)).Ok("read", {}, Json("[1]")).Ok("add", Int(2));
  const CheckResult result = CheckSetFull(history.operations());
  EXPECT_EQ(Said(result), "passed");
  EXPECT_EQ(result.Count("never_read"), 1);
}

TEST(CheckSetFull, RefusesWhatWasReadBeforeAnybodyAddedIt) {
  History history;
  history.Ok("add", Int(1)).Ok("read", {}, Json("[1, 2]")).Ok("add", Int(2));
  EXPECT_EQ(Said(CheckSetFull(history.operations())), "failed: 1 unexpected");
}

TEST(CheckSetFull, RefusesDuplicatesInAnyRead) {
  History history;
  history.Ok("add", Int(1)).Ok("read", {}, Json("[1, 1]")).Ok("read", {}, Json("[1]"));
  EXPECT_EQ(Said(CheckSetFull(history.operations())), "failed: 1 duplicated");
  EXPECT_EQ(Said(CheckSetFull(history.operations(), {.duplicates_allowed = true})), "passed");
}

TEST(CheckSetFull, ProvesNothingWithoutReads) {
  History history;
  history.Ok("add", Int(1)).Failed("read", {});
  EXPECT_THAT(Said(CheckSetFull(history.operations())), HasSubstr("inconclusive: no acknowledged"));
}

TEST(CheckSetFull, ProvesNothingWhenNoElementCouldBeRead) {
  History history;
  history.Ok("read", {}, Json("[]")).Ok("add", Int(1));
  EXPECT_EQ(Said(CheckSetFull(history.operations())),
            "inconclusive: no element was there long enough to be read");
}

}  // namespace
}  // namespace assay::checker
