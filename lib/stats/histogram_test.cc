#include "lib/stats/histogram.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/random.h"
#include "lib/stats/histogram_codec.h"

namespace stats {
namespace {

using base::ErrorCode;

Histogram Of(std::initializer_list<std::pair<uint64_t, uint64_t>> values) {
  Histogram histogram;
  for (const auto& [value, times] : values) histogram.Record(value, times);
  return histogram;
}

TEST(HistogramTest, WithoutValuesEverythingIsZero) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0);
  EXPECT_EQ(empty.min(), 0);
  EXPECT_EQ(empty.max(), 0);
  EXPECT_EQ(empty.ValueAt(0.5), 0);
  EXPECT_EQ(empty.mean(), 0);
  EXPECT_EQ(empty.stddev(), 0);
}

TEST(HistogramTest, TheRangeOfOneHourInMicrosecondsTakes23552Counts) {
  EXPECT_EQ(Histogram().size(), 23552);
  EXPECT_EQ(Histogram().memory_bytes(), 23552 * sizeof(uint64_t));
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (uint64_t value = 0; value < 2048; ++value) histogram.Record(value);
  EXPECT_EQ(histogram.ValueAt(0), 0);
  EXPECT_EQ(histogram.ValueAt(0.5), 1023);
  EXPECT_EQ(histogram.ValueAt(1), 2047);
  EXPECT_DOUBLE_EQ(histogram.mean(), 1023.5);
}

TEST(HistogramTest, NoQuantileIsFurtherFromTheTruthThanAThousandth) {
  base::Random random(11);
  Histogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<uint64_t>(std::exp(random.Uniform(0, std::log(3.6e9)))));
    histogram.Record(values.back());
  }
  std::ranges::sort(values);
  for (const double quantile : {0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const auto rank = static_cast<size_t>(std::max(1.0, std::ceil(quantile * 20'000)));
    const auto truth = static_cast<double>(values[rank - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.ValueAt(quantile)), truth, truth / 1000) << quantile;
  }
  double sum = 0;
  for (const uint64_t value : values) sum += static_cast<double>(value);
  EXPECT_NEAR(histogram.mean(), sum / 20'000, sum / 20'000 / 1000);
}

TEST(HistogramTest, SmallestAndLargestValueAreExact) {
  const Histogram histogram = Of({{1'000'003, 1}, {77'777'777, 1}});
  EXPECT_EQ(histogram.min(), 1'000'003);
  EXPECT_EQ(histogram.max(), 77'777'777);
  EXPECT_EQ(histogram.ValueAt(1), 77'777'777);
}

TEST(HistogramTest, AValueOverTheRangeCountsAsTheHighestAndIsSaid) {
  Histogram histogram;
  histogram.Record(4'000'000'000, 2);
  EXPECT_EQ(histogram.max(), 3'600'000'000);
  EXPECT_EQ(histogram.clamped(), 2);
  EXPECT_EQ(histogram.count(), 2);
}

TEST(HistogramTest, RecordingNothingChangesNothing) {
  Histogram histogram;
  histogram.Record(5, 0);
  EXPECT_EQ(histogram, Histogram());
  EXPECT_EQ(histogram.max(), 0);
}

TEST(HistogramTest, MergingPartsGivesWhatOneWouldHaveCounted) {
  base::Random random(3);
  Histogram whole;
  std::vector<Histogram> parts(4);
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t value = random.Below(uint64_t{1} << random.Below(32));
    whole.Record(value);
    parts[random.Below(4)].Record(value);
  }
  Histogram merged;
  for (const Histogram& part : parts) merged.Add(part);
  EXPECT_EQ(merged, whole);
  EXPECT_EQ(merged.min(), whole.min());
  EXPECT_EQ(merged.max(), whole.max());
  EXPECT_DOUBLE_EQ(merged.stddev(), whole.stddev());
}

TEST(HistogramTest, ClearedItIsAsNew) {
  Histogram histogram = Of({{5, 1}, {3'000'000'000, 7}});
  histogram.Clear();
  EXPECT_EQ(histogram, Histogram());
  histogram.Record(9);
  EXPECT_EQ(histogram.min(), 9);
  EXPECT_EQ(histogram.ValueAt(1), 9);
}

TEST(HistogramTest, CountsHowManyAreUpToAValue) {
  const Histogram histogram = Of({{10, 4}, {100, 3}, {1'000'000, 2}});
  EXPECT_EQ(histogram.CountUpTo(9), 0);
  EXPECT_EQ(histogram.CountUpTo(10), 4);
  EXPECT_EQ(histogram.CountUpTo(99'999), 7);
  EXPECT_EQ(histogram.CountUpTo(~uint64_t{0}), 9);
}

TEST(HistogramTest, WalksItsStepsInOrder) {
  std::vector<std::pair<uint64_t, uint64_t>> seen;
  Of({{3, 1}, {4096, 2}, {8191, 5}}).EachStep([&](uint64_t low, uint64_t high, uint64_t count) {
    seen.emplace_back(low, count);
    EXPECT_LE(low, high);
  });
  EXPECT_THAT(seen, testing::ElementsAre(testing::Pair(3, 1), testing::Pair(4096, 2),
                                         testing::Pair(8188, 5)));
}

TEST(HistogramTest, RefusesRangesThatMakeNoSense) {
  EXPECT_EQ(Histogram::Create({.lowest = 0}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Histogram::Create({.lowest = 10, .highest = 19}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Histogram::Create({.digits = 0}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(Histogram::Create({.digits = 6}).error().code, ErrorCode::kInvalid);
  EXPECT_THAT(Histogram::Create({.digits = 6}).error().message, testing::HasSubstr("found 6"));
}

// --- the interchange form ----------------------------------------------------------------------

// Written by another implementation (hdrhistogram 0.10 for Python) from these values.
struct Vector {
  std::string_view text;
  Histogram same;
};

std::vector<Vector> Vectors() {
  Histogram dense;
  for (uint64_t value = 1; value <= 10'000; ++value) dense.Record(value);
  Histogram other = *Histogram::Create({.lowest = 1, .highest = 3'600'000, .digits = 2});
  other.Record(100, 2);
  other.Record(123'456);
  return {
      {"HISTFAAAACh4nJNpmSzMwMDAyQABzFCaEURcm7yEwf4DVIDpND/b+3mMTACGywcD",
       Of({{1, 1}, {1000, 3}, {1'000'000, 1}})},
      {"HISTFAAAAEN4nJNpmSzMwCDwmAECmKE0I4i4NnkJg/0HqADTKBgFo2AUjIJRMApGGmAZBaNgFIxYwDEKRsEoGLFAY"
       "NgDJgApnlOb",
       dense},
      {"HISTFAAAABx4nJNpmSzMgADMUJoRRFybvITB/gNEAABQ2gSH", Histogram()},
      {"HISTFAAAACV4nJNpmSzMwMDAygABzFCaEURcm7yEwf4DRIDrtzwLGwBsxAW6",
       Of({{0, 5}, {2047, 2}, {2048, 2}, {2049, 1}})},
      {"HISTFAAAACV4nJNpmSzMwMDAxgABTFCaEUyavWuw/wAROM7IMl2ECQBqZAWc", other}};
}

TEST(HistogramCodecTest, ReadsWhatAnotherLibraryWrote) {
  for (const Vector& vector : Vectors()) {
    const auto read = DecodeHistogram(vector.text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, vector.same) << vector.text;
  }
}

TEST(HistogramCodecTest, AgreesWithAnotherLibraryOnTheFigures) {
  const auto dense = DecodeHistogram(Vectors()[1].text);
  ASSERT_TRUE(dense);
  EXPECT_EQ(dense->ValueAt(0.9), 9007);
  EXPECT_EQ(dense->ValueAt(0.99), 9903);
  EXPECT_NEAR(dense->mean(), 5000.898, 1e-9);
  EXPECT_NEAR(dense->stddev(), 2886.8926666566617, 1e-9);
  const auto few = DecodeHistogram(Vectors()[0].text);
  ASSERT_TRUE(few);
  EXPECT_EQ(few->ValueAt(0.9), 1'000'447);
  EXPECT_NEAR(few->mean(), 200'638.6, 1e-9);
}

TEST(HistogramCodecTest, WritesWhatItReads) {
  base::Random random(23);
  Histogram histogram;
  for (int i = 0; i < 3000; ++i) histogram.Record(random.Below(3'600'000'000), 1 + random.Below(9));
  histogram.Record(5, uint64_t{1} << 60);
  const auto read = DecodeHistogram(EncodeHistogram(histogram));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, histogram);
  for (const Vector& vector : Vectors()) {
    EXPECT_EQ(*DecodeHistogram(EncodeHistogram(vector.same)), vector.same);
  }
}

TEST(HistogramCodecTest, RefusesWhatIsNoHistogram) {
  EXPECT_EQ(DecodeHistogram("").error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(DecodeHistogram("not base64!"));
  EXPECT_EQ(DecodeHistogram("AAAAAAAAAAAA").error().code, ErrorCode::kUnsupported);
  const std::string whole = EncodeHistogram(Of({{1, 1}, {1000, 3}}));
  for (size_t length = 4; length < whole.size(); length += 4) {
    EXPECT_FALSE(DecodeHistogram(whole.substr(0, length))) << length;
  }
}

TEST(HistogramCodecTest, RefusesMoreCountsThanItWasAllowed) {
  EXPECT_EQ(DecodeHistogram(EncodeHistogram(Histogram()), 100).error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace stats
