#include "montage/analysis/quality/cleaning.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/analysis/scalp_testing.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<double> ReadAll(const RecordingView& view, size_t channel) {
  std::vector<double> samples(view.channels[channel].samples);
  EXPECT_TRUE(view.source->Read(channel, 0, samples, base::Deadline::Never()).has_value());
  return samples;
}

/// Without repaired epochs and blinks.
base::Result<CleanedRecording> CleanBad(const RecordingView& view,
                                        std::vector<std::string> bad_channels) {
  QualityReport report;
  report.bad_channels = std::move(bad_channels);
  return Clean(view, report);
}

TEST(Cleaning, InterpolatedChannelsFollowTheCleanTruthAndOrderStays) {
  for (const auto name : signal::TenTwenty()) {
    auto recording = MakeScalp({.seconds = 60});
    const auto samples = SamplesOf(recording, name);
    const std::vector<double> truth(samples.begin(), samples.end());
    AddNoise(samples, 300, 5);
    const auto quality = AssessQuality(recording.view(), {}, {}).value();
    ASSERT_THAT(quality.bad_channels, ElementsAre(name));
    const auto cleaned = CleanBad(recording.view(), quality.bad_channels);
    ASSERT_TRUE(cleaned.has_value());
    ASSERT_EQ(cleaned->view().channels.size(), 19U);
    for (size_t c = 0; c < 19; ++c) {
      EXPECT_EQ(cleaned->view().channels[c].name, signal::TenTwenty()[c]);
      EXPECT_EQ(cleaned->view().channels[c].samples, recording.view().channels[c].samples);
    }
    EXPECT_THAT(cleaned->interpolated(), ElementsAre(name));
    const size_t index = recording.view().IndexOf(name);
    EXPECT_GE(signal::Correlation(ReadAll(cleaned->view(), index), truth), 0.8) << name;
    const size_t other = index == 0 ? 1 : 0;
    EXPECT_EQ(ReadAll(cleaned->view(), other), ReadAll(recording.view(), other));
  }
}

TEST(Cleaning, AfterwardsNoChannelIsBad) {
  auto recording = MakeScalp({.seconds = 60});
  std::ranges::fill(SamplesOf(recording, "Pz"), 0.0);
  AddNoise(SamplesOf(recording, "F8"), 300, 5);
  const auto quality = AssessQuality(recording.view(), {}, {}).value();
  const auto cleaned = CleanBad(recording.view(), quality.bad_channels).value();
  const auto again = AssessQuality(cleaned.view(), {}, {}).value();
  EXPECT_THAT(again.bad_channels, IsEmpty());
  EXPECT_GT(again.score, quality.score);
}

TEST(Cleaning, ChannelsWithoutPositionOrNeighboursStayBad) {
  auto recording = MakeScalp({.seconds = 10});
  recording.Add("X9", 256, std::vector<double>(2560, 0.0));
  const auto cleaned = CleanBad(recording.view(), {"X9", "Cz"}).value();
  EXPECT_THAT(cleaned.left_bad(), ElementsAre("X9"));
  EXPECT_THAT(cleaned.interpolated(), ElementsAre("Cz"));
  MemoryRecording few;
  for (const auto name : {"C3", "Cz", "C4"}) few.Add(name, 256, std::vector<double>(2560, 1.0));
  EXPECT_THAT(CleanBad(few.view(), {"Cz"})->left_bad(), ElementsAre("Cz"));
}

TEST(Cleaning, UnknownChannelIsAnError) {
  auto recording = MakeScalp({.seconds = 10});
  const auto refused = CleanBad(recording.view(), {"Q1"});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kNotFound);
}

}  // namespace
}  // namespace montage::analysis
