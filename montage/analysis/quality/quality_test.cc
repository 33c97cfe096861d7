#include "montage/analysis/quality/quality.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/analysis/requirements.h"
#include "montage/analysis/scalp_testing.h"

namespace montage::analysis {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr double kRate = 256;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

QualityReport Assess(MemoryRecording& recording) {
  auto report = AssessQuality(recording.view(), {}, {});
  EXPECT_TRUE(report.has_value());
  return report.value_or(QualityReport{});
}

const ChannelQuality& ChannelOf(const QualityReport& report, std::string_view name) {
  return *std::ranges::find(report.channels, name, &ChannelQuality::name);
}

std::set<Artifact> KindsAt(const QualityReport& report, double second) {
  std::set<Artifact> kinds;
  for (const ArtifactInterval& interval : report.artifacts) {
    if (interval.start_s <= second && second < interval.end_s) kinds.insert(interval.kind);
  }
  return kinds;
}

TEST(Quality, CleanRecordingIsExcellentWithoutBadChannels) {
  auto recording = MakeScalp();
  const auto report = Assess(recording);
  EXPECT_THAT(report.bad_channels, IsEmpty());
  EXPECT_GT(report.score, 0.95);
  EXPECT_LE(report.score, 1.0);
  EXPECT_EQ(report.grade, Grade::kExcellent);
  EXPECT_TRUE(report.is_acceptable) << testing::PrintToString(report.reasons);
  EXPECT_EQ(report.epochs, 60U);
  EXPECT_THAT(report.artifacts, IsEmpty());
}

TEST(Quality, OneFlatAndOneNoisyChannelAreExactlyTheBadOnes) {
  auto recording = MakeScalp();
  const double clean_score = Assess(recording).score;
  std::ranges::fill(SamplesOf(recording, "C3"), 0.02);
  AddNoise(SamplesOf(recording, "T8"), 300, 7);
  const auto report = Assess(recording);
  EXPECT_THAT(report.bad_channels, ElementsAre("C3", "T8"));
  EXPECT_THAT(ChannelOf(report, "C3").faults, Contains(ChannelFault::kFlat));
  EXPECT_THAT(ChannelOf(report, "T8").faults, Contains(ChannelFault::kNoisy));
  EXPECT_LT(report.score, clean_score);
  EXPECT_TRUE(report.is_acceptable);
}

TEST(Quality, FindsPlantedBadChannelsOverManySeedsWithAtMostOneFalse) {
  size_t planted = 0, found = 0, worst_false = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    auto recording = MakeScalp({.seconds = 60, .seed = seed});
    base::Random random(seed + 1000);
    std::set<std::string> truth;
    for (size_t k = 0; k < 3; ++k) {
      const auto name = signal::TenTwenty()[random.Below(19)];
      if (!truth.insert(std::string(name)).second) continue;
      const auto samples = SamplesOf(recording, name);
      switch (random.Below(5)) {
        case 0:
          std::ranges::fill(samples, 0.0);
          break;
        case 1:
          AddNoise(samples, random.Uniform(100, 400), seed);
          break;
        case 2:
          AddSine(samples, 50, random.Uniform(60, 150), kRate);
          break;
        case 3: {  // disconnected: noise of its own instead of brain activity
          std::ranges::fill(samples, 0.0);
          const auto noise = PinkNoise(samples.size(), random);
          for (size_t i = 0; i < samples.size(); ++i) samples[i] = 20 * noise[i];
          break;
        }
        default:
          for (double& value : samples) value = std::clamp(value * 20, -100.0, 100.0);
      }
    }
    const auto report = Assess(recording);
    size_t wrong = 0;
    for (const auto& name : report.bad_channels) wrong += truth.contains(name) ? 0U : 1U;
    planted += truth.size();
    found += report.bad_channels.size() - wrong;
    worst_false = std::max(worst_false, wrong);
  }
  EXPECT_GE(static_cast<double>(found), 0.95 * static_cast<double>(planted))
      << found << " of " << planted;
  EXPECT_LE(worst_false, 1U);
}

TEST(Quality, ScoreFallsMonotonicallyWithSpoilage) {
  double last = 1.1;
  for (const double noise : {0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0}) {
    auto recording = MakeScalp({.seconds = 60});
    for (const auto name : {"F3", "C3", "P3", "O1"}) {
      AddNoise(SamplesOf(recording, name), noise, base::StableHash(name));
    }
    const double score = Assess(recording).score;
    EXPECT_LE(score, last) << noise;
    last = score;
  }
  EXPECT_LT(last, 16.0 / 19.0);
  last = 1.1;
  for (size_t bad = 0; bad <= 19; ++bad) {
    auto recording = MakeScalp({.seconds = 60});
    for (size_t c = 0; c < bad; ++c) std::ranges::fill(recording.samples(c), 0.0);
    const double score = Assess(recording).score;
    EXPECT_LT(score, last) << bad;
    last = score;
  }
  EXPECT_EQ(last, 0.0);
}

TEST(Quality, AcceptanceEndsAboveThirtyPercentBadAndBelowSixtySeconds) {
  for (const auto& [bad, acceptable] : {std::pair<size_t, bool>{5, true}, {6, false}}) {
    auto recording = MakeScalp({.seconds = 60});
    for (size_t c = 0; c < bad; ++c) std::ranges::fill(recording.samples(3 * c), 0.0);
    const auto report = Assess(recording);
    EXPECT_EQ(report.bad_channels.size(), bad);
    EXPECT_EQ(report.is_acceptable, acceptable);
    if (!acceptable) {
      EXPECT_THAT(report.reasons, ElementsAre("6 of 19 channels are bad, at most 30 % may be"));
      EXPECT_EQ(report.grade, Grade::kPoor);
    }
  }
  auto brief = MakeScalp({.seconds = 59});
  const auto report = Assess(brief);
  EXPECT_FALSE(report.is_acceptable);
  EXPECT_THAT(report.reasons, ElementsAre(HasSubstr("duration is 59 s, expected at least 60 s")));
}

TEST(Quality, LabelsEpochsByWhatSpoilsThem) {
  auto recording = MakeScalp();
  AddBlink(recording, 10.5, 180, kRate);
  AddNoise(SamplesOf(recording, "T7").subspan(30 * 256, 2 * 256), 100, 3);
  AddSine(SamplesOf(recording, "P4").subspan(50 * 256, 4 * 256), 50, 60, kRate);
  for (double& value : SamplesOf(recording, "C4").subspan(70 * 256 + 100, 200)) value += 250;
  std::ranges::fill(SamplesOf(recording, "F4").subspan(80 * 256, 4 * 256), 3.0);
  AddSine(SamplesOf(recording, "Pz").subspan(90 * 256, 4 * 256), 0.5, 400, kRate);
  const auto report = Assess(recording);
  EXPECT_THAT(report.bad_channels, IsEmpty());
  EXPECT_THAT(KindsAt(report, 10.5), ElementsAre(Artifact::kBlink));
  EXPECT_THAT(KindsAt(report, 31), ElementsAre(Artifact::kMuscle));
  EXPECT_THAT(KindsAt(report, 52), ElementsAre(Artifact::kLine));
  EXPECT_THAT(KindsAt(report, 71), Contains(Artifact::kPop));
  EXPECT_THAT(KindsAt(report, 82), ElementsAre(Artifact::kFlat));
  EXPECT_THAT(KindsAt(report, 91), ElementsAre(Artifact::kMovement));
  EXPECT_THAT(KindsAt(report, 110), IsEmpty());
  const auto blink = std::ranges::find(report.artifacts, Artifact::kBlink, &ArtifactInterval::kind);
  EXPECT_EQ(blink->start_s, 10.0);
  EXPECT_EQ(blink->end_s, 12.0);
  EXPECT_THAT(blink->channels, Contains("Fp1"));
  EXPECT_THAT(blink->channels, testing::Not(Contains("O1")));
}

TEST(Quality, TellsSixtyHertzFromFifty) {
  auto recording = MakeScalp({.seconds = 60});
  for (size_t c = 0; c < 19; ++c) AddSine(recording.samples(c), 60, 5, kRate);
  EXPECT_EQ(Assess(recording).line_hz, 60);
}

struct Problem {
  const char* name;
  void (*plant)(MemoryRecording&);
};

class QualityOfProblems : public testing::TestWithParam<Problem> {};

TEST_P(QualityOfProblems, CompletesWithAClearResult) {
  auto recording = MakeScalp({.seconds = 60});
  GetParam().plant(recording);
  const auto report = Assess(recording);
  EXPECT_GE(report.score, 0.0);
  EXPECT_LT(report.score, 0.5);
  EXPECT_FALSE(report.is_acceptable);
  EXPECT_EQ(report.bad_channels.size(), 19U);
  EXPECT_EQ(report.grade, Grade::kPoor);
}

template <typename Change>
void ForEachChannel(MemoryRecording& recording, Change change) {
  for (size_t c = 0; c < recording.view().channels.size(); ++c) change(recording.samples(c));
}

INSTANTIATE_TEST_SUITE_P(
    AllChannels, QualityOfProblems,
    testing::Values(Problem{"flat",
                            [](MemoryRecording& r) {
                              ForEachChannel(r, [](auto x) { std::ranges::fill(x, 5.0); });
                            }},
                    Problem{"clipped",
                            [](MemoryRecording& r) {
                              ForEachChannel(r, [](auto x) {
                                for (double& value : x) value = std::clamp(20 * value, -50.0, 50.0);
                              });
                            }},
                    Problem{"noisy",
                            [](MemoryRecording& r) {
                              ForEachChannel(r, [](auto x) { AddNoise(x, 300, 5); });
                            }},
                    Problem{"missing",
                            [](MemoryRecording& r) {
                              ForEachChannel(r, [](auto x) { std::ranges::fill(x, kNan); });
                            }}),
    [](const auto& tested) { return tested.param.name; });

TEST(Quality, OffsetThatNoAcCoupledAmplifierPassesMakesEveryChannelBad) {
  for (const double offset : {3000.0, -20'000.0}) {
    auto recording = MakeScalp({.seconds = 60});
    for (size_t c = 0; c < 19; ++c) {
      for (double& value : recording.samples(c)) value += offset;
    }
    const auto report = Assess(recording);
    EXPECT_EQ(report.bad_channels.size(), 19U);
    EXPECT_THAT(report.channels[0].faults, ElementsAre(ChannelFault::kDcOffset));
    EXPECT_FALSE(report.is_acceptable);
  }
}

TEST(Quality, SmallCommonOffsetIsAWarningThatKeepsTheScore) {
  auto recording = MakeScalp({.seconds = 60});
  const double clean = Assess(recording).score;
  for (size_t c = 0; c < 19; ++c) {
    for (double& value : recording.samples(c)) value += 400;
  }
  const auto report = Assess(recording);
  EXPECT_THAT(report.bad_channels, IsEmpty());
  EXPECT_THAT(report.channels[0].warnings, ElementsAre(ChannelFault::kDcOffset));
  EXPECT_NEAR(report.score, clean, 0.01);
  for (double& value : recording.samples(4)) value += 300;
  EXPECT_THAT(Assess(recording).bad_channels, ElementsAre("Fz"));
}

TEST(Quality, ElectrodePotentialsOfADcCoupledAmplifierAreNoFault) {
  auto recording = MakeScalp({.seconds = 60});
  base::Random random(5);
  for (size_t c = 0; c < 19; ++c) {
    const double potential = random.Uniform(-30'000, 30'000);
    for (double& value : recording.samples(c)) value += potential;
  }
  EXPECT_THAT(Assess(recording).bad_channels, IsEmpty());
  for (double& value : recording.samples(4)) value += 250'000;
  EXPECT_THAT(Assess(recording).bad_channels, ElementsAre("Fz"));
}

TEST(Quality, ImpedanceIsReportedWhereKnownAndWarnsAboveFiftyKiloohm) {
  auto recording = MakeScalp({.seconds = 60});
  RecordingView view = recording.view();
  view.channels[0].impedance_ohm = 4'000;
  view.channels[1].impedance_ohm = 20'000;
  view.channels[2].impedance_ohm = 50'001;
  const auto report = AssessQuality(view, {}, {}).value();
  EXPECT_THAT(report.bad_channels, IsEmpty());
  EXPECT_EQ(report.channels[0].impedance_ohm, 4'000);
  EXPECT_THAT(report.channels[1].warnings, IsEmpty());
  EXPECT_THAT(report.channels[2].warnings, ElementsAre(ChannelFault::kHighImpedance));
  EXPECT_EQ(report.channels[3].impedance_ohm, std::nullopt);
  EXPECT_EQ(ContactOf(9'999), Contact::kGood);
  EXPECT_EQ(ContactOf(10'000), Contact::kFair);
  EXPECT_EQ(ContactOf(50'000), Contact::kFair);
  EXPECT_EQ(ContactOf(50'001), Contact::kBad);
}

TEST(Quality, OneChannelIsJudgedByItself) {
  auto scalp = MakeScalp({.seconds = 60});
  MemoryRecording one;
  const auto samples = SamplesOf(scalp, "Cz");
  one.Add("Cz", kRate, {samples.begin(), samples.end()});
  const auto report = Assess(one);
  EXPECT_THAT(report.bad_channels, IsEmpty());
  EXPECT_GT(report.score, 0.9);
  EXPECT_EQ(report.channels[0].correlation, -1.0);
  EXPECT_THAT(report.notes, Contains(HasSubstr("1 channels at known electrode positions")));
}

TEST(Quality, AnyLengthFromNothingOnCompletes) {
  for (const size_t count : {0U, 1U, 2U, 3U, 7U, 100U, 511U, 512U, 513U, 20U * 256U}) {
    MemoryRecording recording;
    for (const auto name : {"O1", "O2"}) {
      std::vector<double> samples(count, 0.0);
      AddNoise(samples, 10, count);
      recording.Add(name, kRate, samples);
    }
    const auto report = Assess(recording);
    EXPECT_FALSE(report.is_acceptable) << count;
    EXPECT_THAT(report.reasons, Contains(HasSubstr("expected at least 60 s")));
    EXPECT_GE(report.score, 0.0);
    EXPECT_LE(report.score, 1.0);
  }
}

TEST(Quality, ChannelsThatCannotBeAnalysedAreLeftOutWithTheReason) {
  auto recording = MakeScalp({.seconds = 60});
  recording.Add("EMG", kRate, std::vector<double>(60 * 256, 500.0), ChannelKind::kEmg);
  recording.Add("Slow", 1, std::vector<double>(60, 0.0));
  const auto report = Assess(recording);
  EXPECT_EQ(report.channels.size(), 19U);
  EXPECT_THAT(report.notes, Contains("channel EMG is left out: kind is emg, expected eeg"));
  EXPECT_THAT(report.notes, Contains(HasSubstr("channel Slow is left out: rate is 1 Hz")));
  MemoryRecording none;
  none.Add("EMG", kRate, std::vector<double>(60 * 256, 500.0), ChannelKind::kEmg);
  const auto empty = Assess(none);
  EXPECT_EQ(empty.score, 0.0);
  EXPECT_FALSE(empty.is_acceptable);
  EXPECT_THAT(empty.reasons, ElementsAre("no channel can be analysed"));
}

TEST(Quality, MixedAndOddRatesAreAnalysed) {
  MemoryRecording recording;
  base::Random random(3);
  size_t k = 0;
  for (const double rate : {100.0, 128.0, 173.61, 250.0, 1000.0}) {
    auto noise = PinkNoise(static_cast<size_t>(60 * rate), random);
    for (double& value : noise) value *= 15;
    recording.Add(std::string(signal::TenTwenty()[k++]), rate, std::move(noise));
  }
  const auto report = Assess(recording);
  EXPECT_EQ(report.channels.size(), 5U);
  EXPECT_GE(report.epochs, 29U);
  EXPECT_THAT(report.bad_channels, IsEmpty());
}

TEST(Quality, StopsWhenAskedTo) {
  auto recording = MakeScalp({.seconds = 60});
  int asked = 0;
  Control control;
  control.cancelled = [&] { return ++asked > 2; };
  const auto report = AssessQuality(recording.view(), {}, control);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, base::ErrorCode::kCancelled);
}

TEST(Quality, RepeatedRunsGiveTheSameNumbers) {
  auto recording = MakeScalp({.seconds = 60});
  AddNoise(SamplesOf(recording, "O1"), 30, 1);
  const auto first = Assess(recording);
  const auto second = Assess(recording);
  EXPECT_EQ(first.score, second.score);
  EXPECT_EQ(first.mask.bits, second.mask.bits);
}

}  // namespace
}  // namespace montage::analysis
