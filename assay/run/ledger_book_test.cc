#include "assay/run/ledger_book.h"

#include <gtest/gtest.h>

namespace assay::run {
namespace {

using checker::Ending;
using checker::Moment;
using checker::Operation;

Operation Add(std::string path, uint64_t seq, std::string ledger = "l") {
  return {.op = "add",
          .key = cel::Value::String(path),
          .attempted = {std::chrono::milliseconds(seq), seq},
          .path = std::move(path),
          .ledger = std::move(ledger)};
}

Moment At(uint64_t seq) { return {std::chrono::milliseconds(seq), seq}; }

TEST(LedgerBook, GivesTheOperationsOfALedgerBelowAPath) {
  LedgerBook book;
  book.Attempt(Add("S/1/a#1", 1));
  book.Attempt(Add("S/2/a#1", 2));
  book.Attempt(Add("S/1/b#1", 3, "other"));
  const auto operations = book.Operations("l", "S/1");
  ASSERT_EQ(operations.size(), 1U);
  EXPECT_EQ(operations[0].path, "S/1/a#1");
  EXPECT_EQ(operations[0].ending, Ending::kIndeterminate) << "it is still going on";
  EXPECT_TRUE(book.Operations("nobody", "").empty());
}

TEST(LedgerBook, KeepsTheKeyOfTheAttemptWhenTheEndTellsNone) {
  LedgerBook book;
  book.Attempt(Add("S/1/a#1", 1));
  book.Finish("S/1/a#1", {.ending = Ending::kAcknowledged, .moment = At(2), .value = {}});
  const auto operations = book.Operations("l", "");
  EXPECT_EQ(operations[0].key, cel::Value::String("S/1/a#1"));
  EXPECT_TRUE(operations[0].acknowledged());
  EXPECT_EQ(operations[0].completed->seq, 2U);
}

TEST(LedgerBook, ShowsALedgerAsItStoodAtAMoment) {
  LedgerBook book;
  book.Attempt(Add("S/1/a#1", 1));
  book.Attempt(Add("S/1/b#1", 2));
  book.Finish("S/1/a#1", {.ending = Ending::kAcknowledged, .moment = At(3)});
  book.Finish("S/1/b#1", {.ending = Ending::kAcknowledged, .moment = At(5)});
  book.Attempt(Add("S/1/c#1", 6));
  const auto operations = book.Operations("l", "", 4);
  ASSERT_EQ(operations.size(), 2U);
  EXPECT_TRUE(operations[0].acknowledged());
  EXPECT_EQ(operations[1].ending, Ending::kIndeterminate);
  EXPECT_FALSE(operations[1].completed);
}

TEST(LedgerBook, KeepsRecordedMomentsAndTakesNewEndings) {
  Operation recorded = Add("S/1/a#1", 10);
  recorded.completed = At(12);
  recorded.ending = Ending::kAcknowledged;
  LedgerBook book;
  book.Recall({recorded, Add("S/1/b#1", 11)}, {{"S/1/check-2#1", 20}});
  EXPECT_EQ(book.MomentOfCheck("S/1/check-2#1"), 20U);
  EXPECT_EQ(book.MomentOfCheck("S/1/check-3#1"), std::numeric_limits<uint64_t>::max());
  book.Attempt(Add("S/1/a#1", 1));
  book.Finish("S/1/a#1", {.ending = Ending::kFailed, .moment = At(2)});
  const auto operations = book.Operations("l", "", 20);
  ASSERT_EQ(operations.size(), 2U) << "also what the replay did not come to yet";
  EXPECT_EQ(operations[0].attempted.seq, 10U);
  EXPECT_EQ(operations[0].completed->seq, 12U);
  EXPECT_EQ(operations[0].ending, Ending::kFailed);
}

}  // namespace
}  // namespace assay::run
