#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/testing_history.h"

namespace assay::checker {
namespace {

using testing::HasSubstr;

TEST(CheckTotalQueue, HoldsWhenEverythingComesOut) {
  History history;
  history.Ok("enqueue", Str("a")).Ok("enqueue", Str("b")).Ok("dequeue", Str("b"));
  history.Ok("drain", {}, Json(R"(["a"])"));
  const CheckResult result = CheckTotalQueue(history.operations());
  EXPECT_EQ(Said(result), "passed");
  EXPECT_EQ(result.Count("enqueued"), 2);
  EXPECT_EQ(result.Count("dequeued"), 2);
}

TEST(CheckTotalQueue, NamesTheAcknowledgedElementThatNeverCameOut) {
  History history;
  history.Ok("enqueue", Str("a")).Ok("enqueue", Str("b")).Ok("dequeue", Str("b"));
  const CheckResult result = CheckTotalQueue(history.operations());
  EXPECT_EQ(Said(result), "failed: 1 lost");
  EXPECT_EQ(result.witnesses.at(0).subject, "\"a\"");
}

TEST(CheckTotalQueue, CountsElementsThatWentInTwice) {
  History history;
  history.Ok("enqueue", Int(1)).Ok("enqueue", Int(1)).Ok("dequeue", Int(1));
  EXPECT_EQ(Said(CheckTotalQueue(history.operations())), "failed: 1 lost");
}

TEST(CheckTotalQueue, NamesWhatNobodyPutIn) {
  History history;
  history.Ok("enqueue", Int(1)).Ok("drain", {}, Json("[1, 2]"));
  EXPECT_EQ(Said(CheckTotalQueue(history.operations())), "failed: 1 unexpected");
  History refused;
  refused.Ok("enqueue", Int(1)).Failed("enqueue", Int(2)).Ok("drain", {}, Json("[1, 2]"));
  EXPECT_THAT(CheckTotalQueue(refused.operations()).reason,
              HasSubstr("although putting it in failed"));
}

TEST(CheckTotalQueue, AllowsDuplicatesUnlessTheyAreForbidden) {
  History history;
  history.Ok("enqueue", Int(1)).Ok("dequeue", Int(1)).Ok("dequeue", Int(1));
  const CheckResult allowed = CheckTotalQueue(history.operations());
  EXPECT_EQ(Said(allowed), "passed");
  EXPECT_EQ(allowed.Count("duplicated"), 1);
  EXPECT_EQ(Said(CheckTotalQueue(history.operations(), {.duplicates_allowed = false})),
            "failed: 1 duplicated");
}

TEST(CheckTotalQueue, RecoversIndeterminateEnqueues) {
  History history;
  history.Ok("enqueue", Int(1)).Unknown("enqueue", Int(2)).Unknown("enqueue", Int(3));
  history.Ok("drain", {}, Json("[1, 2]"));
  const CheckResult result = CheckTotalQueue(history.operations());
  EXPECT_EQ(Said(result), "passed");
  EXPECT_EQ(result.Count("recovered"), 1);
}

TEST(CheckTotalQueue, ExplainsOneLossByOneDequeueThatNobodySaw) {
  History history;
  history.Ok("enqueue", Int(1)).Ok("enqueue", Int(2)).Ok("dequeue", Int(1)).Unknown("dequeue", {});
  EXPECT_EQ(Said(CheckTotalQueue(history.operations())), "inconclusive: 1 lost");
  history.Ok("enqueue", Int(3));
  EXPECT_EQ(Said(CheckTotalQueue(history.operations())), "failed: 1 lost");
}

TEST(CheckTotalQueue, ExplainsNoLossByAnIndeterminateDequeueOfAnotherElement) {
  History history;
  history.Ok("enqueue", Int(1)).Ok("enqueue", Int(2)).Ok("enqueue", Int(3)).Ok("dequeue", Int(1));
  history.Unknown("dequeue", Int(2));
  const CheckResult result = CheckTotalQueue(history.operations());
  EXPECT_EQ(result.verdict, history::Verdict::kFailed);
  EXPECT_EQ(result.Count("lost"), 2);
  EXPECT_EQ(result.witnesses.at(0).subject, "3");
}

TEST(CheckTotalQueue, ProvesNothingWithoutDequeue) {
  History history;
  history.Ok("enqueue", Int(1));
  EXPECT_EQ(Said(CheckTotalQueue(history.operations())),
            "inconclusive: nothing was dequeued or drained");
  History empty;
  empty.Ok("drain", {}, Json("[]"));
  EXPECT_EQ(Said(CheckTotalQueue(empty.operations())), "inconclusive: nothing was enqueued");
}

TEST(CheckTotalQueue, ProvesNothingWhenADrainIsIndeterminateOrNoList) {
  History unknown;
  unknown.Ok("enqueue", Int(1)).Ok("dequeue", Int(1)).Unknown("drain", {});
  EXPECT_THAT(Said(CheckTotalQueue(unknown.operations())), HasSubstr("inconclusive: nobody knows"));
  History text;
  text.Ok("enqueue", Int(1)).Ok("dequeue", Int(1)).Ok("drain", {}, Str("none"));
  EXPECT_THAT(CheckTotalQueue(text.operations()).reason, HasSubstr("expected a list"));
}

}  // namespace
}  // namespace assay::checker
