#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/testing_history.h"

namespace assay::checker {
namespace {

using testing::HasSubstr;

TEST(CheckCounter, HoldsWhenReadsGiveTheSum) {
  History history;
  history.Ok("read", {}, Int(0)).Ok("add", {}, Int(3)).Ok("add", {}).Ok("read", {}, Int(4));
  const CheckResult result = CheckCounter(history.operations());
  EXPECT_EQ(Said(result), "passed");
  EXPECT_EQ(result.Count("adds"), 2);
  EXPECT_EQ(result.Count("reads"), 2);
}

TEST(CheckCounter, RefusesAReadBelowWhatWasAcknowledged) {
  History history;
  history.Ok("add", {}, Int(3)).Ok("read", {}, Int(2));
  const CheckResult result = CheckCounter(history.operations());
  EXPECT_EQ(Said(result), "failed: 1 wrong");
  EXPECT_THAT(result.reason, HasSubstr("read 2, expected 3 to 3"));
}

TEST(CheckCounter, RefusesAReadAboveWhatWasAttempted) {
  History history;
  history.Ok("add", {}, Int(3)).Failed("add", {}, Int(1)).Ok("read", {}, Int(4));
  EXPECT_EQ(Said(CheckCounter(history.operations())), "failed: 1 wrong");
}

TEST(CheckCounter, LetsIndeterminateAndConcurrentAddsCountOrNot) {
  for (const int64_t seen : {1, 3, 5, 7}) {
    History history;
    history.Ok("add", {}, Int(1)).Unknown("add", {}, Int(2));
    const size_t read = history.Begin("read", {}, Int(seen));
    history.Ok("add", {}, Int(4)).End(read, Ending::kAcknowledged);
    EXPECT_EQ(Said(CheckCounter(history.operations())), "passed") << seen;
  }
}

TEST(CheckCounter, TakesNegativeAmountsIntoBothBounds) {
  History history;
  history.Ok("add", {}, Int(10)).Unknown("add", {}, Int(-4)).Ok("read", {}, Int(6));
  EXPECT_EQ(Said(CheckCounter(history.operations())), "passed");
  history.Ok("read", {}, Int(5));
  EXPECT_EQ(Said(CheckCounter(history.operations())), "failed: 1 wrong");
}

TEST(CheckCounter, KeepsCountersApartByKeyAndBeginsAtTheInitialValue) {
  History history;
  history.Ok("add", Str("a"), Int(1)).Ok("read", Str("b"), Int(100)).Ok("read", Str("a"), Int(101));
  EXPECT_EQ(Said(CheckCounter(history.operations(), {.initial = 100})), "passed");
}

TEST(CheckCounter, SumsBeyondSixtyFourBits) {
  History history;
  const int64_t most = std::numeric_limits<int64_t>::max();
  history.Ok("add", {}, Int(most)).Ok("add", {}, Int(most)).Ok("read", {}, Int(most));
  EXPECT_THAT(CheckCounter(history.operations()).reason,
              HasSubstr("expected 18446744073709551614 to 18446744073709551614"));
}

TEST(CheckCounter, ProvesNothingFromWhatIsNoWholeNumber) {
  History read;
  read.Ok("add", {}).Ok("read", {}, Str("1"));
  EXPECT_THAT(Said(CheckCounter(read.operations())), HasSubstr("inconclusive"));
  History fraction;
  fraction.Ok("add", {}, cel::Value::Double(0.5)).Ok("read", {}, Int(0));
  EXPECT_THAT(CheckCounter(fraction.operations()).reason, HasSubstr("expected a whole number"));
  History whole;
  whole.Ok("add", {}, cel::Value::Double(2.0)).Ok("read", {}, Int(2));
  EXPECT_EQ(Said(CheckCounter(whole.operations())), "passed");
}

TEST(CheckCounter, ProvesNothingWithoutRead) {
  History history;
  history.Ok("add", {}).Unknown("read", {});
  EXPECT_THAT(Said(CheckCounter(history.operations())), HasSubstr("inconclusive: no acknowledged"));
}

}  // namespace
}  // namespace assay::checker
