#include "montage/analysis/connectivity/connectivity.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/analysis/connectivity/connectivity_stage.h"
#include "montage/analysis/scalp_testing.h"
#include "montage/signal/connectivity/pair_connectivity.h"

namespace montage::analysis {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Channels of independent noise, so that nothing is connected but what a test adds.
MemoryRecording Independent(size_t channels, double seconds, double rate_hz = 256) {
  MemoryRecording recording;
  base::Random random(7);
  for (size_t c = 0; c < channels; ++c) {
    std::vector<double> samples(static_cast<size_t>(seconds * rate_hz));
    for (double& value : samples) value = 10 * random.Normal();
    recording.Add(std::string(signal::TenTwenty()[c]), rate_hz, std::move(samples));
  }
  return recording;
}

/// Alpha-band noise in channel `from`, and in `to` with a delay.
void Couple(MemoryRecording& recording, size_t from, size_t to, size_t delay) {
  base::Random random(11);
  const auto source = recording.samples(from);
  const auto target = recording.samples(to);
  double y1 = 0, y2 = 0;
  std::vector<double> wave(source.size());
  for (double& value : wave) {
    // Two poles at 10 Hz of a rate of 256 Hz.
    const double y = 1.921 * y1 - 0.98 * y2 + random.Normal();
    y2 = y1;
    value = y1 = y;
  }
  for (size_t i = 0; i < source.size(); ++i) {
    source[i] += 3 * wave[i];
    if (i >= delay) target[i] += 3 * wave[i - delay];
  }
}

const BandConnectivity& Alpha(const ConnectivityReport& report) { return report.bands[2]; }

TEST(Connectivity, ThePlantedPairIsTheStrongestInItsBand) {
  auto recording = Independent(6, 120);
  Couple(recording, 1, 4, 6);
  const auto report = AnalyseConnectivity(recording.view(), nullptr, {}, {});
  ASSERT_TRUE(report.has_value());
  ASSERT_EQ(Alpha(*report).band.name, "alpha");
  const size_t pair = signal::PairIndex(1, 4, 6);
  for (const auto& values : {Alpha(*report).coherence, Alpha(*report).imaginary_coherence,
                             Alpha(*report).phase_locking, Alpha(*report).weighted_phase_lag}) {
    ASSERT_EQ(values.size(), 15U);
    EXPECT_EQ(static_cast<size_t>(std::ranges::max_element(values) - values.begin()), pair);
    EXPECT_GT(values[pair], 0.6);
    EXPECT_TRUE(std::ranges::all_of(values, [](double v) { return v >= 0 && v <= 1 + 1e-9; }));
  }
  EXPECT_LT(report->bands[4].coherence[pair], 0.1) << "gamma is not coupled";
  EXPECT_EQ(report->segments, 119U);
  EXPECT_EQ(report->epochs, 29U);
}

TEST(Connectivity, WhatHasNoDelayHasNoImaginaryPartAndNoLag) {
  auto recording = Independent(4, 120);
  Couple(recording, 0, 2, 0);
  const auto report = AnalyseConnectivity(recording.view(), nullptr, {}, {});
  ASSERT_TRUE(report.has_value());
  const size_t pair = signal::PairIndex(0, 2, 4);
  EXPECT_GT(Alpha(*report).coherence[pair], 0.8);
  EXPECT_GT(Alpha(*report).phase_locking[pair], 0.8);
  EXPECT_LT(Alpha(*report).imaginary_coherence[pair], 0.15);
  EXPECT_LT(Alpha(*report).weighted_phase_lag[pair], 0.5);
}

TEST(Connectivity, LeavesOutBadChannelsOtherRatesAndSegmentsWithArtifacts) {
  auto recording = MakeScalp({.seconds = 60});
  std::ranges::fill(SamplesOf(recording, "C3"), 0.0);
  AddBlink(recording, 20, 200, 256);
  recording.Add("Oz", 100, std::vector<double>(6000, 1.0));
  const auto quality = AssessQuality(recording.view(), {}, {});
  ASSERT_TRUE(quality.has_value());
  const auto report = AnalyseConnectivity(recording.view(), &*quality, {}, {});
  ASSERT_TRUE(report.has_value());
  EXPECT_THAT(report->channels, Not(Contains("C3")));
  EXPECT_THAT(report->left_out, ElementsAre("C3", "Oz"));
  EXPECT_LT(report->segments, 59U);
  EXPECT_GT(report->segments, 40U);
  EXPECT_FALSE(report->with_artifacts);
}

TEST(Connectivity, TakesEvenlyDistantSegmentsOfALongRecording) {
  auto recording = Independent(2, 60);
  const auto report =
      AnalyseConnectivity(recording.view(), nullptr, {.max_segments = 10, .max_epochs = 3}, {});
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->segments, 10U);
  EXPECT_EQ(report->epochs, 3U);
}

TEST(Connectivity, BandsEndBelowHalfTheRate) {
  auto recording = Independent(2, 30, 64);
  const auto report = AnalyseConnectivity(recording.view(), nullptr, {}, {});
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->bands.size(), 4U) << "gamma is above";
  EXPECT_LT(report->bands.back().band.range.high, 32);
}

TEST(Connectivity, RefusesWhatHasNoPair) {
  auto one = Independent(1, 30);
  EXPECT_THAT(AnalyseConnectivity(one.view(), nullptr, {}, {}).error().message,
              HasSubstr("1 usable EEG channel of one rate, expected at least two"));
  auto brief = Independent(2, 1);
  EXPECT_THAT(AnalyseConnectivity(brief.view(), nullptr, {}, {}).error().message,
              HasSubstr("1 s in common, expected at least 2 s"));
}

TEST(ConnectivityStage, AnswersByBandAndNamesTheStrongestPairs) {
  auto recording = MakeScalp({.seconds = 30});
  Findings findings;
  findings.quality = *AssessQuality(recording.view(), {}, {});
  const auto stage = MakeConnectivityAnalysis();
  EXPECT_FALSE(stage->Declines(recording.view(), findings).has_value());
  const auto part = stage->Run(recording.view(), findings, {});
  ASSERT_TRUE(part.has_value());
  const auto& alpha = part->at("bands").at("alpha").at("coherence");
  EXPECT_EQ(alpha.at("pairs").as_array().size(), 171U);
  EXPECT_EQ(alpha.at("strongest").as_array().size(), 10U);
  auto brief = MakeScalp({.seconds = 5});
  EXPECT_EQ(stage->Declines(brief.view(), findings)->reason, SkipReason::kRecordingTooShort);
}

}  // namespace
}  // namespace montage::analysis
