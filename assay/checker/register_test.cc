#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/linearizability.h"
#include "assay/checker/testing_history.h"

namespace assay::checker {
namespace {

using testing::HasSubstr;

TEST(CheckRegister, HoldsWhenReadsGiveWhatWasWrittenLast) {
  History history;
  history.Ok("read", Str("x"), {}).Ok("write", Str("x"), Int(1)).Ok("read", Str("x"), Int(1));
  history.Ok("write", Str("x"), Int(2)).Ok("read", Str("x"), Int(2));
  const CheckResult result = CheckRegister(history.operations());
  EXPECT_EQ(Said(result), "passed");
  EXPECT_EQ(result.Count("keys"), 1);
  EXPECT_EQ(result.Count("operations"), 5);
}

TEST(CheckRegister, RefusesAStaleRead) {
  History history;
  history.Ok("write", Str("x"), Int(1)).Ok("write", Str("x"), Int(2)).Ok("read", Str("x"), Int(1));
  const CheckResult result = CheckRegister(history.operations());
  EXPECT_EQ(result.verdict, history::Verdict::kFailed);
  EXPECT_THAT(result.reason, HasSubstr("read 1 (S/1/op-3#1) fits nowhere"));
  EXPECT_THAT(result.reason, HasSubstr("the register held 2"));
}

TEST(CheckRegister, RefusesAValueThatNobodyWrote) {
  History history;
  history.Ok("write", {}, Int(1)).Ok("read", {}, Int(3));
  EXPECT_EQ(CheckRegister(history.operations()).Count("not_linearizable"), 1);
}

TEST(CheckRegister, LetsConcurrentWritesTakeEitherOrderButOneOnly) {
  const auto with_reads = [](int64_t first, int64_t second) {
    History history;
    const size_t one = history.Begin("write", {}, Int(1));
    const size_t two = history.Begin("write", {}, Int(2));
    history.End(one, Ending::kAcknowledged).End(two, Ending::kAcknowledged);
    history.Ok("read", {}, Int(first)).Ok("read", {}, Int(second));
    return Said(CheckRegister(history.operations()));
  };
  EXPECT_EQ(with_reads(1, 1), "passed");
  EXPECT_EQ(with_reads(2, 2), "passed");
  EXPECT_THAT(with_reads(1, 2), HasSubstr("failed"));
  EXPECT_THAT(with_reads(2, 1), HasSubstr("failed"));
}

TEST(CheckRegister, LetsAnIndeterminateWriteHappenLateOrNever) {
  History late;
  late.Ok("write", {}, Int(1)).Unknown("write", {}, Int(2)).Ok("read", {}, Int(1));
  late.Ok("read", {}, Int(2)).Ok("read", {}, Int(2));
  EXPECT_EQ(Said(CheckRegister(late.operations())), "passed");
  late.Ok("read", {}, Int(1));
  EXPECT_THAT(Said(CheckRegister(late.operations())), HasSubstr("failed"));
}

TEST(CheckRegister, DropsFailedOperations) {
  History history;
  history.Ok("write", {}, Int(1)).Failed("write", {}, Int(2)).Ok("read", {}, Int(1));
  EXPECT_EQ(Said(CheckRegister(history.operations())), "passed");
  history.Ok("read", {}, Int(2));
  EXPECT_THAT(Said(CheckRegister(history.operations())), HasSubstr("failed"));
}

TEST(CheckRegister, KnowsCompareAndSet) {
  History history;
  history.Ok("write", {}, Int(1)).Ok("cas", {}, Json("[1, 2]")).Ok("read", {}, Int(2));
  EXPECT_EQ(Said(CheckRegister(history.operations())), "passed");
  history.Ok("cas", {}, Json("[1, 3]"));
  EXPECT_THAT(Said(CheckRegister(history.operations())), HasSubstr("failed"));
  History malformed;
  malformed.Ok("cas", {}, Int(3)).Ok("read", {}, {});
  EXPECT_THAT(CheckRegister(malformed.operations()).reason, HasSubstr("expected [expected, new]"));
}

TEST(CheckRegister, JudgesKeysOneByOneFromTheInitialValue) {
  History history;
  history.Ok("write", Str("x"), Int(1)).Ok("read", Str("y"), Int(0)).Ok("read", Str("x"), Int(1));
  EXPECT_EQ(Said(CheckRegister(history.operations(), {.initial = Int(0)})), "passed");
}

TEST(CheckRegister, DoesNotDecideBeyondItsMemory) {
  History history;
  std::vector<size_t> writes;
  for (int64_t i = 0; i < 16; ++i) writes.push_back(history.Begin("write", {}, Int(i)));
  for (const size_t write : writes) history.End(write, Ending::kAcknowledged);
  history.Ok("read", {}, Int(99));
  const CheckResult result = CheckRegister(history.operations(), {.memory_bytes = 100'000});
  EXPECT_EQ(Said(result), "inconclusive: 1 undecided");
}

TEST(CheckRegister, ProvesNothingWithoutRead) {
  History history;
  history.Ok("write", {}, Int(1)).Unknown("read", {});
  EXPECT_EQ(Said(CheckRegister(history.operations())), "inconclusive: no acknowledged read");
}

TEST(FindLinearOrder, StaysSmallOnALongHistoryOfOneWorker) {
  std::vector<RegisterStep> steps;
  for (uint32_t i = 0; i < 2000; ++i) {
    const auto kind = i % 2 == 0 ? RegisterStep::Kind::kWrite : RegisterStep::Kind::kRead;
    steps.push_back({.kind = kind, .value = i / 2, .call = 2 * i, .ret = 2 * i + 1});
  }
  const LinearOrder order = FindLinearOrder(steps, 0, 64ULL << 20U);
  EXPECT_EQ(order.answer, LinearOrder::Answer::kExists);
  EXPECT_EQ(order.states, 2000U);
}

TEST(FindLinearOrder, HoldsForNothing) {
  EXPECT_EQ(FindLinearOrder({}, 0, 1000).answer, LinearOrder::Answer::kExists);
}

}  // namespace
}  // namespace assay::checker
