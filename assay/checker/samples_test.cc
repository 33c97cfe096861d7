#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/testing_history.h"

namespace assay::checker {
namespace {

using testing::HasSubstr;

TEST(CheckSamples, HoldsWhenASignalArrivesWhole) {
  History history;
  history.Ok("send", Str("eeg"), Json(R"({"start": 0, "samples": [1, 2, 3]})"));
  history.Ok("send", Str("eeg"), Json(R"({"start": 3, "samples": [4, 5]})"));
  history.Ok("receive", Str("eeg"), Json(R"({"start": 0, "samples": [1, 2, 3, 4]})"));
  history.Ok("receive", Str("eeg"), Json(R"({"start": 4, "samples": [5]})"));
  const CheckResult result = CheckSamples(history.operations());
  EXPECT_EQ(Said(result), "passed");
  EXPECT_EQ(result.Count("streams"), 1);
  EXPECT_EQ(result.Count("samples_sent"), 5);
  EXPECT_EQ(result.Count("samples_received"), 5);
}

TEST(CheckSamples, NamesAGap) {
  History history;
  history.Ok("send", {}, Json(R"({"start": 0, "samples": [1, 2, 3, 4]})"));
  history.Ok("receive", {}, Json(R"({"start": 0, "samples": [1]})"));
  history.Ok("receive", {}, Json(R"({"start": 3, "samples": [4]})"));
  const CheckResult result = CheckSamples(history.operations());
  EXPECT_EQ(result.Count("gaps"), 1);
  EXPECT_EQ(result.Count("lost"), 1);
  EXPECT_THAT(result.reason, HasSubstr("samples [1, 3) are missing before S/1/op-3#1"));
}

TEST(CheckSamples, NamesAnOverlap) {
  History history;
  history.Ok("send", {}, Json(R"({"start": 0, "samples": [1, 2, 3]})"));
  history.Ok("receive", {}, Json(R"({"start": 0, "samples": [1, 2]})"));
  history.Ok("receive", {}, Json(R"({"start": 1, "samples": [2, 3]})"));
  const CheckResult result = CheckSamples(history.operations());
  EXPECT_EQ(Said(result), "failed: 1 overlaps");
  EXPECT_THAT(result.reason, HasSubstr("samples [1, 2) came again"));
}

TEST(CheckSamples, ComparesEveryValue) {
  History history;
  history.Ok("send", {}, Json(R"({"start": 0, "samples": [1, 2, 3]})"));
  history.Ok("receive", {}, Json(R"({"start": 0, "samples": [1, 2, 4]})"));
  const CheckResult result = CheckSamples(history.operations());
  EXPECT_EQ(Said(result), "failed: 1 altered");
  EXPECT_THAT(result.reason, HasSubstr("at sample 2"));
}

TEST(CheckSamples, ComparesBytesAndDigests) {
  const auto bytes = [](std::string_view text) {
    return cel::Value::Object({{"start", Int(0)}, {"samples", cel::Value::Bytes(text)}});
  };
  History same;
  same.Ok("send", {}, bytes("abc")).Ok("receive", {}, bytes("abc"));
  EXPECT_EQ(Said(CheckSamples(same.operations())), "passed");
  History other;
  other.Ok("send", {}, bytes("abc")).Ok("receive", {}, bytes("abd"));
  EXPECT_EQ(Said(CheckSamples(other.operations())), "failed: 1 altered");
  History digests;
  digests.Ok("send", {}, Json(R"({"start": 0, "count": 3, "sha256": "aa"})"));
  digests.Ok("receive", {}, Json(R"({"start": 0, "count": 3, "sha256": "ab"})"));
  EXPECT_EQ(Said(CheckSamples(digests.operations())), "failed: 1 altered");
}

TEST(CheckSamples, CannotCompareDigestsOfOtherBounds) {
  History history;
  history.Ok("send", {}, Json(R"({"start": 0, "count": 4, "sha256": "aa"})"));
  history.Ok("receive", {}, Json(R"({"start": 0, "count": 2, "sha256": "bb"})"));
  history.Ok("receive", {}, Json(R"({"start": 2, "count": 2, "sha256": "cc"})"));
  EXPECT_EQ(Said(CheckSamples(history.operations())), "inconclusive: 2 not_comparable");
}

TEST(CheckSamples, NamesWhatNobodySent) {
  History history;
  history.Ok("send", {}, Json(R"({"start": 0, "samples": [1]})"));
  history.Ok("receive", {}, Json(R"({"start": 0, "samples": [1, 2]})"));
  EXPECT_EQ(Said(CheckSamples(history.operations())), "failed: 1 unexpected");
}

TEST(CheckSamples, DemandsNothingOfAnIndeterminateSend) {
  History history;
  history.Ok("send", {}, Json(R"({"start": 0, "samples": [1]})"));
  history.Unknown("send", {}, Json(R"({"start": 1, "samples": [2]})"));
  history.Ok("receive", {}, Json(R"({"start": 0, "samples": [1]})"));
  EXPECT_EQ(Said(CheckSamples(history.operations())), "passed");
  history.Ok("receive", {}, Json(R"({"start": 1, "samples": [2]})"));
  EXPECT_EQ(Said(CheckSamples(history.operations())), "passed");
}

TEST(CheckSamples, DemandsTheFirstSampleWhenItIsNamed) {
  History history;
  history.Ok("send", {}, Json(R"({"start": 5, "samples": [1]})"));
  history.Ok("receive", {}, Json(R"({"start": 5, "samples": [1]})"));
  EXPECT_EQ(Said(CheckSamples(history.operations())), "passed");
  EXPECT_EQ(Said(CheckSamples(history.operations(), {.first = 0})), "failed: 1 gaps");
}

TEST(CheckSamples, DoubtsSegmentsItCannotRead) {
  for (const std::string_view value :
       {R"({"samples": [1]})", R"({"start": -1, "samples": [1]})", R"({"start": 0})", "[1]",
        R"({"start": 0, "samples": "text"})", R"({"start": 0, "samples": [1], "count": 2})"}) {
    History history;
    history.Ok("send", {}, Json(R"({"start": 0, "samples": [1]})"));
    history.Ok("receive", {}, Json(R"({"start": 0, "samples": [1]})"));
    history.Ok("receive", {}, Json(value));
    EXPECT_EQ(Said(CheckSamples(history.operations())), "inconclusive: 1 malformed") << value;
  }
}

TEST(CheckSamples, ProvesNothingWhenNothingWasReceived) {
  History history;
  history.Ok("send", {}, Json(R"({"start": 0, "samples": []})"));
  EXPECT_EQ(Said(CheckSamples(history.operations())), "inconclusive: no segment was received");
}

}  // namespace
}  // namespace assay::checker
