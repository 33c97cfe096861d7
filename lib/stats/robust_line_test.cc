#include "lib/stats/robust_line.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "lib/base/random.h"
#include "lib/stats/sample.h"

namespace stats {
namespace {

using base::ErrorCode;

TEST(SampleTest, QuantilesInterpolateBetweenOrderStatistics) {
  EXPECT_DOUBLE_EQ(Quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(Quantile({4, 1, 3, 2}, 0), 1);
  EXPECT_DOUBLE_EQ(Quantile({4, 1, 3, 2}, 1), 4);
  EXPECT_DOUBLE_EQ(Quantile({10, 20}, 0.25), 12.5);
  EXPECT_TRUE(std::isnan(Median({})));
}

TEST(SampleTest, ARobustDeviationIgnoresAnOutlier) {
  EXPECT_DOUBLE_EQ(RobustDeviation({1, 2, 3, 4, 1000}), 1.4826022185056018);
  EXPECT_DOUBLE_EQ(RobustDeviation({5, 5, 5}), 0);
}

// Expected values: SciPy 1.x, scipy.stats.norm.ppf.
TEST(SampleTest, NormalQuantilesAgreeWithSciPy) {
  EXPECT_NEAR(NormalQuantile(0.975), 1.959963984540054, 1e-13);
  EXPECT_NEAR(NormalQuantile(0.001), -3.090232306167813, 1e-12);
  EXPECT_NEAR(NormalQuantile(0.5), 0, 1e-15);
  EXPECT_NEAR(NormalQuantile(0.02), -2.053748910631823, 1e-13);
  EXPECT_NEAR(NormalQuantile(1e-9), -5.9978070150076865, 1e-11);
}

// Expected values: the tables of Student's t in every statistics book.
TEST(SampleTest, StudentQuantilesAgreeWithTheTables) {
  EXPECT_NEAR(StudentQuantile(0.975, 1), 12.706205, 1e-5);
  EXPECT_NEAR(StudentQuantile(0.975, 2), 4.302653, 1e-6);
  EXPECT_NEAR(StudentQuantile(0.999, 4), 7.173182, 1e-6);
  EXPECT_NEAR(StudentQuantile(0.999, 8), 4.500791, 1e-6);
  EXPECT_NEAR(StudentQuantile(0.95, 9), 1.833113, 1e-6);
  EXPECT_NEAR(StudentQuantile(0.025, 30), -2.042272, 1e-6);
  EXPECT_EQ(StudentQuantile(0.5, 7), 0);
  EXPECT_NEAR(StudentQuantile(0.975, 100'000), NormalQuantile(0.975), 1e-4);
}

TEST(SampleTest, TheDeviationOfFewValuesIsRightOnAverage) {
  base::Random random(7);
  for (const size_t count : {3U, 5U, 10U}) {
    double sum = 0;
    constexpr int kRounds = 20'000;
    for (int round = 0; round < kRounds; ++round) {
      std::vector<double> sample(count);
      for (double& value : sample) value = random.Normal();
      sum += RobustDeviationOfFew(sample);
    }
    EXPECT_NEAR(sum / kRounds, 1, 0.02) << count;
  }
  EXPECT_EQ(RobustDeviationOfFew({4}), 0);
}

TEST(TheilSenTest, TwoWildPointsOfTwentyDoNotMoveTheSlope) {
  // y = 2.5 x + 1 with noise; points 4 and 11 were replaced. Expected: scipy.stats.theilslopes.
  const std::vector<double> ys = {5.082,  -1.611, 6.836,  7.364,  90,     13.069, 11.96,
                                  18.036, 19.27,  30.146, 26.452, -50,    30.437, 32.164,
                                  33.89,  37.718, 41.964, 43.023, 47.916, 48.1};
  std::vector<double> xs;
  for (int i = 0; i < 20; ++i) xs.push_back(i);
  const auto line = TheilSen(xs, ys);
  ASSERT_TRUE(line);
  EXPECT_NEAR(line->slope, 2.5037738095238096, 1e-12);
  EXPECT_NEAR(line->slope_low, 2.24, 1e-12);
  EXPECT_NEAR(line->slope_high, 2.7308461538461537, 1e-12);
  const auto narrower = TheilSen(xs, ys, 0.9);
  EXPECT_NEAR(narrower->slope_low, 2.302545454545455, 1e-12);
  EXPECT_NEAR(narrower->slope_high, 2.7034666666666665, 1e-12);
  EXPECT_NEAR(line->intercept, 1, 4);
}

TEST(TheilSenTest, EqualCoordinatesAreNoSlopes) {
  const auto line = TheilSen(std::vector<double>{1, 1, 2, 3, 3, 3, 5, 8},
                             std::vector<double>{2, 2, 4, 4, 5, 4, 9, 9});
  ASSERT_TRUE(line);
  EXPECT_DOUBLE_EQ(line->slope, 1);
  EXPECT_NEAR(line->slope_low, 0.8333333333333334, 1e-12);
  EXPECT_NEAR(line->slope_high, 2, 1e-12);
}

TEST(TheilSenTest, AFlatSeriesIsFlatWithCertainty) {
  const auto line =
      TheilSen(std::vector<double>{1, 2, 3, 4, 5}, std::vector<double>{5, 5, 5, 5, 5});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->slope, 0);
  EXPECT_EQ(line->slope_low, 0);
  EXPECT_EQ(line->slope_high, 0);
  EXPECT_EQ(line->intercept, 5);
}

TEST(TheilSenTest, RefusesWhatHasNoSlope) {
  const std::vector<double> two = {1, 2};
  const std::vector<double> same = {3, 3, 3};
  const std::vector<double> three = {1, 2, 3};
  const std::vector<double> broken = {1, std::numeric_limits<double>::quiet_NaN(), 3};
  EXPECT_EQ(TheilSen(two, two).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(TheilSen(two, three).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(TheilSen(same, three).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(TheilSen(three, broken).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(TheilSen(three, three, 1).error().code, ErrorCode::kInvalid);
  const std::vector<double> many(kMostPoints + 1, 1.0);
  EXPECT_EQ(TheilSen(many, many).error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace stats
