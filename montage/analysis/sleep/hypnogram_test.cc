#include "montage/analysis/sleep/hypnogram.h"

#include <numeric>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace montage::analysis {
namespace {

using testing::Contains;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

/// Runs of a letter (W, 1, 2, 3, R) and how many epochs of it.
std::vector<SleepStage> Night(const std::vector<std::pair<char, size_t>>& runs) {
  std::vector<SleepStage> out;
  for (const auto& [letter, count] : runs) {
    const auto stage = static_cast<SleepStage>(std::string_view("W123R").find(letter));
    out.insert(out.end(), count, stage);
  }
  return out;
}

TEST(Hypnogram, ParametersOfAHandWrittenNight) {
  const auto metrics = MeasureHypnogram(Night({{'W', 20},
                                               {'1', 4},
                                               {'2', 60},
                                               {'3', 40},
                                               {'2', 20},
                                               {'R', 16},
                                               {'W', 4},
                                               {'1', 2},
                                               {'2', 30},
                                               {'R', 20},
                                               {'W', 24}}));
  EXPECT_DOUBLE_EQ(metrics.time_in_bed, 120);
  EXPECT_DOUBLE_EQ(metrics.total_sleep, 96);
  EXPECT_DOUBLE_EQ(metrics.sleep_period, 98);
  EXPECT_THAT(metrics.sleep_latency, Optional(DoubleEq(10)));
  EXPECT_THAT(metrics.rem_latency, Optional(DoubleEq(62)));
  // AASM: in bed less latency less sleep, so the 12 min awake at the end belong to it.
  EXPECT_DOUBLE_EQ(metrics.wake_after_onset, 14);
  EXPECT_DOUBLE_EQ(metrics.sleep_efficiency, 80);
  EXPECT_THAT(metrics.stage_minutes, ElementsAre(24, 3, 55, 20, 18));
  EXPECT_DOUBLE_EQ(metrics.stage_percent[2], 100 * 55.0 / 96);
  EXPECT_EQ(metrics.awakenings, 1U);
  EXPECT_EQ(metrics.transitions, 8U);
  EXPECT_DOUBLE_EQ(metrics.fragmentation, 1.0 / 192);
  EXPECT_EQ(metrics.cycles, 2U);
}

TEST(Hypnogram, PercentagesOfSleepAddUpToAHundred) {
  const auto metrics = MeasureHypnogram(Night({{'W', 3}, {'1', 1}, {'2', 1}, {'3', 1}, {'R', 4}}));
  const double sum =
      std::accumulate(metrics.stage_percent.begin(), metrics.stage_percent.end(), 0.0);
  EXPECT_NEAR(sum, 100, 1e-9);
  EXPECT_DOUBLE_EQ(metrics.stage_percent[0], 0);
}

TEST(Hypnogram, ANightAwakeHasNoSleepToMeasure) {
  const auto metrics = MeasureHypnogram(Night({{'W', 100}}));
  EXPECT_DOUBLE_EQ(metrics.time_in_bed, 50);
  EXPECT_DOUBLE_EQ(metrics.sleep_efficiency, 0);
  EXPECT_DOUBLE_EQ(metrics.wake_after_onset, 0);
  EXPECT_FALSE(metrics.sleep_latency.has_value());
  EXPECT_FALSE(metrics.rem_latency.has_value());
  EXPECT_THAT(metrics.stage_percent, ElementsAre(0, 0, 0, 0, 0));
  EXPECT_THAT(FlagsOf(metrics), ElementsAre("no_sleep"));
  EXPECT_FALSE(ScoreSleep(metrics, 3.0).has_value());
}

TEST(Hypnogram, NothingAtAllIsNotAnError) {
  const auto metrics = MeasureHypnogram({});
  EXPECT_DOUBLE_EQ(metrics.time_in_bed, 0);
  EXPECT_DOUBLE_EQ(metrics.sleep_efficiency, 0);
}

TEST(Hypnogram, OneEpochOfSleepIsAWholeNight) {
  const auto metrics = MeasureHypnogram(Night({{'2', 1}}));
  EXPECT_DOUBLE_EQ(metrics.total_sleep, 0.5);
  EXPECT_DOUBLE_EQ(metrics.sleep_efficiency, 100);
  EXPECT_THAT(metrics.sleep_latency, Optional(DoubleEq(0)));
  EXPECT_DOUBLE_EQ(metrics.stage_percent[2], 100);
  EXPECT_EQ(metrics.transitions, 0U);
  EXPECT_DOUBLE_EQ(metrics.fragmentation, 0);
}

TEST(Hypnogram, WithoutRemThereIsNoRemLatencyAndNoCycle) {
  const auto metrics = MeasureHypnogram(Night({{'W', 10}, {'2', 100}, {'3', 60}}));
  EXPECT_FALSE(metrics.rem_latency.has_value());
  EXPECT_EQ(metrics.cycles, 0U);
  EXPECT_THAT(FlagsOf(metrics), Contains("little_rem"));
}

TEST(Hypnogram, FragmentationCountsAwakeningsAndShiftsToN1) {
  // 40 epochs of sleep: one awakening and one shift from N2 to N1 within them.
  const auto metrics =
      MeasureHypnogram(Night({{'2', 10}, {'W', 2}, {'1', 4}, {'2', 10}, {'1', 6}, {'2', 10}}));
  EXPECT_DOUBLE_EQ(metrics.fragmentation, 2.0 / 40);
  // Waking for good in the morning is not an awakening.
  EXPECT_EQ(MeasureHypnogram(Night({{'2', 10}, {'W', 5}})).awakenings, 0U);
}

TEST(Hypnogram, ShortPausesDoNotMakeTwoCyclesOfOneRemPeriod) {
  const auto one = Night({{'2', 60}, {'R', 12}, {'2', 20}, {'R', 12}});
  const auto two = Night({{'2', 60}, {'R', 12}, {'2', 30}, {'R', 12}});
  const auto short_rem = Night({{'2', 60}, {'R', 12}, {'2', 30}, {'R', 9}});
  const auto short_first = Night({{'2', 60}, {'R', 1}, {'2', 60}, {'R', 12}});
  EXPECT_EQ(MeasureHypnogram(one).cycles, 1U);
  EXPECT_EQ(MeasureHypnogram(two).cycles, 2U);
  EXPECT_EQ(MeasureHypnogram(short_rem).cycles, 1U);
  EXPECT_EQ(MeasureHypnogram(short_first).cycles, 2U);
  EXPECT_EQ(MeasureHypnogram(Night({{'R', 20}, {'2', 60}})).cycles, 0U);
}

HypnogramMetrics Metrics(double efficiency, double fragmentation, double rem, double n3) {
  HypnogramMetrics metrics{.total_sleep = 400, .sleep_latency = 10, .rem_latency = 90};
  metrics.sleep_efficiency = efficiency;
  metrics.fragmentation = fragmentation;
  metrics.stage_percent = {0, 5, 95 - rem - n3, n3, rem};
  return metrics;
}

TEST(SleepQuality, AGoodNightReachesFullMarks) {
  const auto with = ScoreSleep(Metrics(92, 0.05, 22, 18), 3.0);
  ASSERT_TRUE(with.has_value());
  EXPECT_DOUBLE_EQ(with->score, 100);
  EXPECT_EQ(with->grade, 'A');
  const auto without = ScoreSleep(Metrics(92, 0.05, 22, 18), std::nullopt);
  EXPECT_DOUBLE_EQ(without->score, 100);
}

TEST(SleepQuality, EachFactorLosesItsPoints) {
  EXPECT_DOUBLE_EQ(ScoreSleep(Metrics(80, 0.05, 22, 18), 3.0)->score, 95);
  EXPECT_DOUBLE_EQ(ScoreSleep(Metrics(92, 0.25, 22, 18), 3.0)->score, 90);
  EXPECT_DOUBLE_EQ(ScoreSleep(Metrics(92, 0.05, 40, 18), 3.0)->score, 85);
  EXPECT_DOUBLE_EQ(ScoreSleep(Metrics(92, 0.05, 22, 2), 3.0)->score, 85);
  EXPECT_DOUBLE_EQ(ScoreSleep(Metrics(92, 0.05, 22, 18), 0.2)->score, 85);
  const auto worst = ScoreSleep(Metrics(40, 0.5, 2, 0), 0.0);
  EXPECT_DOUBLE_EQ(worst->score, 25);
  EXPECT_EQ(worst->grade, 'F');
}

TEST(SleepQuality, FlagsNameWhatIsOutOfRange) {
  EXPECT_THAT(FlagsOf(Metrics(92, 0.05, 22, 18)), IsEmpty());
  HypnogramMetrics poor = Metrics(60, 0.4, 5, 1);
  poor.sleep_latency = 90;
  poor.rem_latency = 150;
  EXPECT_THAT(FlagsOf(poor), ElementsAre("low_sleep_efficiency", "fragmented_sleep", "little_rem",
                                         "little_n3", "long_sleep_latency", "long_rem_latency"));
}

}  // namespace
}  // namespace montage::analysis
