// The rule: what is noise, what is a regression, and what nobody can know.

#include "assay/baseline/judge.h"

#include <cmath>

#include <gtest/gtest.h>

#include "lib/base/random.h"

namespace assay::baseline {
namespace {

constexpr Rule kLowerIsBetter{.tolerance = 0.1, .floor = 0, .better = Better::kLower};
constexpr Rule kHigherIsBetter{.tolerance = 0.1, .floor = 0, .better = Better::kHigher};

// Repeats of something that is `center` in the middle; one run in `wild` (0: none) is five times as
// far off as the others.
Repeats Draw(base::Random& random, double center, double deviation, size_t runs, uint64_t wild) {
  Repeats out;
  for (size_t i = 0; i < runs; ++i) {
    const bool is_wild = wild > 0 && random.Below(wild) == 0;
    out.values.push_back(center * std::exp(random.Normal() * deviation * (is_wild ? 5 : 1)));
  }
  return out;
}

TEST(JudgeTest, ARunAgainstItselfNeverRegresses) {
  base::Random random(1);
  for (int round = 0; round < 1000; ++round) {
    Repeats runs = Draw(random, 0.001 + random.Uniform(), 0.3, 1 + random.Below(10), 4);
    if (round % 2 == 0) runs.errors.assign(runs.values.size(), 0);
    for (const Rule& rule : {kLowerIsBetter, kHigherIsBetter, Rule{.tolerance = 0}}) {
      EXPECT_EQ(Judge(runs, runs, rule).change, Change::kUnchanged);
    }
  }
}

// Five runs against five, as a comparison with repeats has them; noise up to 3 %.
TEST(JudgeTest, NoiseAloneRaisesNoAlarmInAThousandTrials) {
  for (const double deviation : {0.005, 0.01, 0.02, 0.03}) {
    base::Random random(static_cast<uint64_t>(deviation * 1e4));
    for (int trial = 0; trial < 1000; ++trial) {
      const Repeats before = Draw(random, 0.012, deviation, 5, 20);
      const Repeats after = Draw(random, 0.012, deviation, 5, 20);
      EXPECT_NE(Judge(before, after, kLowerIsBetter).change, Change::kRegressed)
          << deviation << " " << trial;
      EXPECT_NE(Judge(before, after, kHigherIsBetter).change, Change::kRegressed)
          << deviation << " " << trial;
    }
  }
}

TEST(JudgeTest, ASingleRunAgainstFiveRaisesNoAlarmWithTwoPercentOfNoise) {
  base::Random random(11);
  for (int trial = 0; trial < 1000; ++trial) {
    const Repeats before = Draw(random, 0.012, 0.02, 5, 0);
    const Repeats after = Draw(random, 0.012, 0.02, 1, 0);
    EXPECT_NE(Judge(before, after, kLowerIsBetter).change, Change::kRegressed) << trial;
  }
}

// Noise far over the tolerance: only the second rule keeps the alarms down. It would be 1 in 1000
// if the noise were known; a MAD of 15 values is itself uncertain, which makes it 1 in 100.
TEST(JudgeTest, WildNoiseIsCalledNoise) {
  base::Random random(5);
  int alarms = 0;
  int noisy = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const Repeats before = Draw(random, 100, 0.3, 10, 0);
    const Repeats after = Draw(random, 100, 0.3, 5, 0);
    const Change change = Judge(before, after, kLowerIsBetter).change;
    alarms += change == Change::kRegressed ? 1 : 0;
    noisy += change == Change::kWithinNoise ? 1 : 0;
  }
  EXPECT_LE(alarms, 2000 / 50);
  EXPECT_GT(noisy, 400) << "most excesses over 10 % are recognised as noise";
}

TEST(JudgeTest, APlantedRegressionOfFifteenPercentIsFound) {
  base::Random random(3);
  int found = 0;
  constexpr int kTrials = 1000;
  for (int trial = 0; trial < kTrials; ++trial) {
    const Repeats before = Draw(random, 0.020, 0.015, 5, 0);
    const Repeats after = Draw(random, 0.020 * 1.15, 0.015, 5, 0);
    found += Judge(before, after, kLowerIsBetter).change == Change::kRegressed ? 1 : 0;
  }
  EXPECT_GE(found, kTrials * 99 / 100);
}

TEST(JudgeTest, APlantedRegressionOfTwentyPercentIsFoundByASingleRun) {
  base::Random random(4);
  int found = 0;
  constexpr int kTrials = 1000;
  for (int trial = 0; trial < kTrials; ++trial) {
    const Repeats before = Draw(random, 500, 0.01, 5, 0);
    const Repeats after = Draw(random, 500 * 0.8, 0.01, 1, 0);
    found += Judge(before, after, kHigherIsBetter).change == Change::kRegressed ? 1 : 0;
  }
  EXPECT_GE(found, kTrials * 95 / 100);
}

TEST(JudgeTest, WorseDependsOnTheDirection) {
  const Repeats before{{100, 101, 99, 100, 100}, {}};
  const Repeats more{{130, 131, 129}, {}};
  EXPECT_EQ(Judge(before, more, kLowerIsBetter).change, Change::kRegressed);
  EXPECT_EQ(Judge(before, more, kHigherIsBetter).change, Change::kImproved);
  EXPECT_EQ(Judge(more, before, kHigherIsBetter).change, Change::kRegressed);
  EXPECT_EQ(Judge(before, more, {.better = Better::kNeither}).change, Change::kNotJudged);
}

TEST(JudgeTest, BothLimitsMustBeExceeded) {
  const Repeats calm{{100, 100.1, 99.9, 100, 100.05}, {}};
  EXPECT_EQ(Judge(calm, {{109}, {}}, kLowerIsBetter).change, Change::kUnchanged)
      << "within the tolerance, though far over the noise";
  EXPECT_EQ(Judge(calm, {{112}, {}}, kLowerIsBetter).change, Change::kRegressed);
  const Repeats restless{{100, 80, 120, 95, 110}, {}};
  EXPECT_EQ(Judge(restless, {{112}, {}}, kLowerIsBetter).change, Change::kWithinNoise);
}

TEST(JudgeTest, TheFloorOutweighsAShareOfLittle) {
  const Repeats before{{0.00001, 0.00001, 0.00001, 0.00001}, {}};
  const Rule rule{.tolerance = 0.1, .floor = 50e-6, .better = Better::kLower};
  EXPECT_EQ(Judge(before, {{0.00005}, {}}, rule).change, Change::kUnchanged);
  EXPECT_EQ(Judge(before, {{0.00007}, {}}, rule).change, Change::kRegressed);
}

TEST(JudgeTest, FromNothingToSomethingIsJudgedByTheFloor) {
  const Repeats none{{0, 0, 0, 0}, {}};
  const Rule rule{.tolerance = 0.1, .floor = 0.001, .better = Better::kLower};
  EXPECT_EQ(Judge(none, {{0.0005}, {}}, rule).change, Change::kUnchanged);
  const Judgement judged = Judge(none, {{0.01}, {}}, rule);
  EXPECT_EQ(judged.change, Change::kRegressed);
  EXPECT_FALSE(judged.relative().has_value());
}

TEST(JudgeTest, RunsThatAgreeByChanceDoNotMakeTheirMeasureSharper) {
  Repeats before{{100, 100, 100, 100}, {5, 5, 5, 5}};
  EXPECT_EQ(Judge(before, {{115}, {5}}, kLowerIsBetter).change, Change::kWithinNoise);
  before.errors = {0.1, 0.1, 0.1, 0.1};
  EXPECT_EQ(Judge(before, {{115}, {0.1}}, kLowerIsBetter).change, Change::kRegressed);
}

TEST(JudgeTest, OneRunSaysNothingOfTheNoise) {
  const Repeats one{{100}, {}};
  const Judgement small = Judge(one, {{115}, {}}, kLowerIsBetter);
  EXPECT_EQ(small.change, Change::kInconclusive);
  EXPECT_EQ(small.source, NoiseSource::kUnknown);
  EXPECT_EQ(Judge(one, {{131}, {}}, kLowerIsBetter).change, Change::kRegressed)
      << "an excess of three tolerances is no small one";
  EXPECT_EQ(Judge(one, {{109}, {}}, kLowerIsBetter).change, Change::kUnchanged);
  EXPECT_EQ(Judge(one, {{80}, {}}, kLowerIsBetter).change, Change::kUnchanged)
      << "better without proof is no news";
  EXPECT_EQ(Judge({{100, 101, 99}, {}}, {{115}, {}}, kLowerIsBetter).source, NoiseSource::kUnknown);
}

TEST(JudgeTest, OneRunIsJudgedByWhatItShowsInside) {
  const Repeats one{{100}, {1}};
  const Judgement judged = Judge(one, {{115}, {1}}, kLowerIsBetter);
  EXPECT_EQ(judged.change, Change::kRegressed);
  EXPECT_EQ(judged.source, NoiseSource::kWithinRun);
  EXPECT_NEAR(judged.noise, 5 * std::sqrt(2.0), 1e-12);
  EXPECT_EQ(Judge(one, {{115}, {4}}, kLowerIsBetter).change, Change::kWithinNoise);
  EXPECT_EQ(Judge(one, {{115}, {}}, kLowerIsBetter).change, Change::kInconclusive)
      << "one side alone is not enough";
}

TEST(JudgeTest, OneWildRunInFiveDoesNotHideARegression) {
  const Repeats before{{100, 101, 99, 100, 160}, {}};
  EXPECT_EQ(Judge(before, {{115, 116, 114}, {}}, kLowerIsBetter).change, Change::kRegressed);
}

}  // namespace
}  // namespace assay::baseline
