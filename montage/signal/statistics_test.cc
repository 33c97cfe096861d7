#include "montage/signal/statistics.h"

#include <vector>

#include <gtest/gtest.h>

namespace montage::signal {
namespace {

TEST(Statistics, OfNothingAreZero) {
  std::vector<double> none;
  EXPECT_EQ(MomentsOf(none).variance, 0.0);
  EXPECT_EQ(Median(none), 0.0);
  EXPECT_EQ(RobustDeviation(none), 0.0);
  EXPECT_EQ(Percentile(none, 0.5), 0.0);
  EXPECT_EQ(PeakToPeak(none), 0.0);
  EXPECT_EQ(LineLength(none), 0.0);
  EXPECT_EQ(ZeroCrossings(none), 0U);
  EXPECT_EQ(Correlation(none, none), 0.0);
  RemoveTrend(none);
}

TEST(Statistics, OrderStatisticsAreSamples) {
  std::vector<float> none;
  EXPECT_EQ(OrderStatistic(none, 0.5), 0.0F);
  std::vector<float> samples = {4, 1, 3, 2};
  EXPECT_EQ(OrderStatistic(samples, 0.0), 1.0F);
  EXPECT_EQ(OrderStatistic(samples, 0.5), 2.0F);
  EXPECT_EQ(OrderStatistic(samples, 0.99), 3.0F);
  EXPECT_EQ(OrderStatistic(samples, 1.0), 4.0F);
}

TEST(Statistics, OfAConstantHaveNoShape) {
  const std::vector<double> flat(50, 4.5);
  EXPECT_EQ(MomentsOf(flat).excess_kurtosis, 0.0);
  EXPECT_EQ(HjorthOf(flat).mobility, 0.0);
  EXPECT_EQ(HjorthOf(flat).complexity, 0.0);
  EXPECT_EQ(Correlation(flat, flat), 0.0);
  EXPECT_EQ(ZeroCrossings(flat), 0U);
}

TEST(Statistics, RobustDeviationIgnoresOutliers) {
  std::vector<double> samples;
  for (int i = -50; i <= 50; ++i) samples.push_back(i);
  auto spoiled = samples;
  for (int i = 0; i < 10; ++i) spoiled.push_back(1e6);
  EXPECT_NEAR(RobustDeviation(spoiled), RobustDeviation(samples), 8.0);
}

TEST(Statistics, RemovingATrendLeavesNothingOfALine) {
  std::vector<double> line;
  for (int i = 0; i < 101; ++i) line.push_back(3.0 * i - 1000.0);
  RemoveTrend(line);
  for (const double value : line) EXPECT_NEAR(value, 0.0, 1e-9);
}

}  // namespace
}  // namespace montage::signal
