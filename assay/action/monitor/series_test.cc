#include "assay/action/monitor/series.h"

#include <random>

#include <gtest/gtest.h>

#include "assay/action/monitor/trend.h"

namespace assay::action {
namespace {

using std::chrono::seconds;

TEST(Series, KeepsEveryPointWhileThereIsRoom) {
  Series series(4);
  for (int i = 0; i < 4; ++i) series.Add(seconds(i), i);
  ASSERT_EQ(series.points().size(), 4U);
  EXPECT_EQ(series.points()[3].at, seconds(3));
  EXPECT_EQ(series.first(), 0);
  EXPECT_EQ(series.last(), 3);
  EXPECT_EQ(series.mean(), 1.5);
}

TEST(Series, JoinsNeighboursWhenItIsFull) {
  Series series(4);
  for (int i = 0; i < 6; ++i) series.Add(seconds(i), i);
  ASSERT_EQ(series.points().size(), 3U);
  EXPECT_EQ(series.points()[0].at, seconds(0));
  EXPECT_EQ(series.points()[0].mean, 0.5);
  EXPECT_EQ(series.points()[0].min, 0);
  EXPECT_EQ(series.points()[0].max, 1);
  EXPECT_EQ(series.points()[2].samples, 2U);
}

TEST(Series, StaysBoundedAndLosesNoExtremeHoweverLongItIs) {
  Series series(10);
  for (int i = 0; i < 100'000; ++i) series.Add(seconds(i), i == 54'321 ? 1e9 : i % 7);
  EXPECT_LE(series.points().size(), 10U);
  EXPECT_EQ(series.samples(), 100'000U);
  EXPECT_EQ(series.max(), 1e9);
  double highest = 0;
  uint64_t samples = 0;
  for (const Series::Point& point : series.points()) {
    highest = std::max(highest, point.max);
    samples += point.samples;
  }
  EXPECT_EQ(highest, 1e9);
  EXPECT_EQ(samples, 100'000U);
}

TEST(Series, HasNothingToSayWithoutSamples) {
  const Series series;
  EXPECT_EQ(series.mean(), 0);
  EXPECT_TRUE(series.points().empty());
}

// Memory that breathes by 5 MB around `base`, and grows by `leak` bytes a second.
Series Memory(double leak) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(0, 5e6);
  Series series;
  for (int i = 0; i < 300; ++i) series.Add(seconds(i), 2e8 + leak * i + noise(random));
  return series;
}

TEST(TrendOf, FindsALeakInNoise) {
  const Trend trend = TrendOf(Memory(1e5), seconds(0), seconds(300));
  ASSERT_TRUE(trend.known);
  EXPECT_TRUE(trend.rising());
  EXPECT_NEAR(trend.slope, 1e5, 2e4);
  EXPECT_NEAR(trend.growth, 3e7, 6e6);
  EXPECT_LT(trend.slope_low, trend.slope);
  EXPECT_GT(trend.slope_high, trend.slope);
}

TEST(TrendOf, SeesNoLeakInNoiseAlone) {
  EXPECT_FALSE(TrendOf(Memory(0), seconds(0), seconds(300)).rising());
}

TEST(TrendOf, LooksAtItsPhaseOnly) {
  Series series;
  for (int i = 0; i < 40; ++i) series.Add(seconds(i), i < 20 ? i : 20);
  EXPECT_TRUE(TrendOf(series, seconds(0), seconds(20)).rising());
  EXPECT_FALSE(TrendOf(series, seconds(20), seconds(40)).rising());
  EXPECT_EQ(TrendOf(series, seconds(20), seconds(40)).points, 20U);
}

TEST(TrendOf, SaysNothingFromAFewPoints) {
  Series series;
  for (int i = 0; i < 7; ++i) series.Add(seconds(i), i);
  const Trend trend = TrendOf(series, seconds(0), seconds(10));
  EXPECT_FALSE(trend.known);
  EXPECT_FALSE(trend.rising());
}

}  // namespace
}  // namespace assay::action
