#include "assay/checker/operation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/testing_history.h"
#include "assay/history/outcome.h"

namespace assay::checker {
namespace {

using testing::HasSubstr;

TEST(Identity, IsSharedByEqualValuesOnly) {
  const std::vector<std::pair<cel::Value, cel::Value>> same = {
      {Int(1), cel::Value::Double(1)},
      {Int(1), cel::Value::Uint(1)},
      {Json(R"({"a": 1, "b": [2]})"), Json(R"({"b": [2.0], "a": 1})")},
      {Str(""), Str("")}};
  for (const auto& [a, b] : same) EXPECT_EQ(Identity(a), Identity(b)) << Show(a);
  const std::vector<std::pair<cel::Value, cel::Value>> different = {
      {Int(1), Str("1")},
      {Str("a"), cel::Value::Bytes("a")},
      {cel::Value::Null(), cel::Value::Bool(false)},
      {Json(R"(["a;s1:b"])"), Json(R"(["a", "b"])")},
      {Json(R"(["a", "b"])"), Json(R"(["b", "a"])")},
      {cel::Value::Double(0.5), cel::Value::Double(0.25)},
      {cel::Value::Double(1e300), cel::Value::Double(1e301)}};
  for (const auto& [a, b] : different) EXPECT_NE(Identity(a), Identity(b)) << Show(a);
}

history::Event Ledger(uint64_t seq, std::string path, boost::json::object data) {
  return {.seq = seq,
          .elapsed = std::chrono::milliseconds(seq),
          .kind = std::string(history::kind::kLedger),
          .path = std::move(path),
          .data = std::move(data)};
}

TEST(ReadOperations, PairsBeginAndEndByPathAndAttempt) {
  const std::vector<history::Event> events = {
      Ledger(1, "S/1/a",
             {{"ledger", "l"},
              {"op", "add"},
              {"phase", "invoke"},
              {"key", 7},
              {"value", nullptr},
              {"attempt", 1}}),
      Ledger(2, "S/1/a",
             {{"ledger", "l"},
              {"op", "add"},
              {"phase", "info"},
              {"key", nullptr},
              {"value", nullptr},
              {"attempt", 1}}),
      Ledger(3, "S/1/a",
             {{"ledger", "l"},
              {"op", "add"},
              {"phase", "invoke"},
              {"key", 7},
              {"value", nullptr},
              {"attempt", 2}}),
      Ledger(4, "S/1/b", {{"ledger", "other"}, {"op", "add"}, {"phase", "invoke"}}),
      Ledger(5, "S/2/a", {{"ledger", "l"}, {"op", "add"}, {"phase", "invoke"}}),
      Ledger(6, "S/1/a",
             {{"ledger", "l"},
              {"op", "add"},
              {"phase", "ok"},
              {"key", 7},
              {"value", 3},
              {"attempt", 2}})};
  const auto operations = ReadOperations(events, history::MemoryBlobs());
  ASSERT_TRUE(operations) << operations.error().ToString();
  ASSERT_EQ(operations->size(), 4U);
  EXPECT_EQ((*operations)[0].ledger, "l");
  EXPECT_EQ((*operations)[2].ledger, "other");
  EXPECT_EQ((*operations)[0].ending, Ending::kIndeterminate);
  EXPECT_EQ((*operations)[0].key, Int(7));
  EXPECT_EQ((*operations)[0].completed->seq, 2U);
  EXPECT_EQ((*operations)[1].ending, Ending::kAcknowledged);
  EXPECT_EQ((*operations)[1].path, "S/1/a#2");
  EXPECT_EQ((*operations)[1].attempted.seq, 3U);
  EXPECT_EQ((*operations)[1].value, Int(3));
}

TEST(IsBelow, KnowsTheBordersOfPaths) {
  EXPECT_TRUE(IsBelow("S/1/a#2", "S/1"));
  EXPECT_TRUE(IsBelow("S/1/a#2", "S/1/a"));
  EXPECT_TRUE(IsBelow("S/1/a", ""));
  EXPECT_FALSE(IsBelow("S/12/a", "S/1"));
  EXPECT_FALSE(IsBelow("S/1@2/a", "S/1")) << "another attempt of the scenario";
}

TEST(ReadOperations, LeavesWhatNeverEndedIndeterminate) {
  const std::vector<history::Event> events = {
      Ledger(1, "S/1/a", {{"ledger", "l"}, {"op", "add"}, {"phase", "invoke"}, {"key", "k"}})};
  const auto operations = ReadOperations(events, history::MemoryBlobs());
  ASSERT_TRUE(operations);
  EXPECT_EQ(operations->at(0).ending, Ending::kIndeterminate);
  EXPECT_FALSE(operations->at(0).completed);
}

TEST(ReadOperations, RefusesAnEndWithoutBegin) {
  const std::vector<history::Event> events = {
      Ledger(9, "S/1/a", {{"ledger", "l"}, {"op", "add"}, {"phase", "ok"}})};
  const auto operations = ReadOperations(events, history::MemoryBlobs());
  ASSERT_FALSE(operations);
  EXPECT_EQ(operations.error().code, base::ErrorCode::kCorrupt);
  EXPECT_THAT(operations.error().message, HasSubstr("event 9"));
}

TEST(ReadOperations, ReadsLongValuesFromTheirBlobs) {
  history::MemoryBlobs blobs;
  std::vector<std::string> names;
  const cel::Value text = Str(std::string(10'000, 'x'));
  const auto recorded = history::RecordValue(text, blobs, names);
  ASSERT_TRUE(recorded);
  const std::vector<history::Event> events = {Ledger(
      1, "S/1/a", {{"ledger", "l"}, {"op", "add"}, {"phase", "invoke"}, {"key", *recorded}})};
  EXPECT_EQ(ReadOperations(events, blobs)->at(0).key, text);
  const auto missing = ReadOperations(events, history::MemoryBlobs());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, base::ErrorCode::kNotFound);
}

}  // namespace
}  // namespace assay::checker
