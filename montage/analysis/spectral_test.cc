#include "montage/analysis/spectral.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/analysis/scalp_testing.h"

namespace montage::analysis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SpectralReport Analyse(MemoryRecording& recording, const QualityReport* quality = nullptr) {
  auto report = AnalyseSpectrum(recording.view(), quality, {}, {});
  EXPECT_TRUE(report.has_value());
  return report.value_or(SpectralReport{});
}

const ChannelSpectrum& ChannelOf(const SpectralReport& report, std::string_view name) {
  return *std::ranges::find(report.channels, name, &ChannelSpectrum::name);
}

TEST(Spectral, FindsThePlantedPosteriorRhythm) {
  for (const double hz : {8.5, 9.75, 10.3, 11.9}) {
    auto recording = MakeScalp({.alpha_hz = hz});
    const auto report = Analyse(recording);
    ASSERT_TRUE(report.posterior_rhythm.has_value()) << hz;
    EXPECT_NEAR(report.posterior_rhythm->hz, hz, 0.1);
    EXPECT_THAT(report.posterior_channels, ElementsAre("O1", "O2"));
    const auto& occipital = ChannelOf(report, "O1");
    ASSERT_TRUE(occipital.peak_alpha.has_value());
    EXPECT_NEAR(occipital.peak_alpha->hz, hz, 0.1);
    EXPECT_GT(occipital.bands.relative[2], ChannelOf(report, "Fp1").bands.relative[2]);
  }
}

TEST(Spectral, ReportsNoRhythmWhereThereIsNone) {
  auto recording = MakeScalp({.alpha_uv = 0});
  const auto report = Analyse(recording);
  EXPECT_FALSE(report.posterior_rhythm.has_value());
  for (const auto& channel : report.channels) EXPECT_FALSE(channel.peak_alpha) << channel.name;
}

TEST(Spectral, RelativePowersAddUpToOne) {
  auto recording = MakeScalp();
  const auto report = Analyse(recording);
  for (const auto& channel : report.channels) {
    double sum = 0, absolute = 0;
    for (size_t b = 0; b < kBandCount; ++b) {
      sum += channel.bands.relative[b];
      absolute += channel.bands.absolute[b];
    }
    EXPECT_NEAR(sum, 1.0, 1e-9);
    EXPECT_NEAR(absolute, channel.total, 1e-9 * channel.total);
    EXPECT_GT(channel.edge95_hz, 5);
    EXPECT_LT(channel.edge95_hz, 45);
    EXPECT_EQ(channel.segments, 59U);
    EXPECT_EQ(channel.plot.size(), 101U);
  }
}

TEST(Spectral, WithoutArtifactsItIsWelchOfTheChannel) {
  auto recording = MakeScalp({.seconds = 60});
  const auto report = Analyse(recording);
  const auto welch = signal::Welch(recording.samples(0), 256, {1024, 512}).value();
  EXPECT_DOUBLE_EQ(report.channels[0].bands.absolute[2], signal::BandPower(welch, {8, 13}));
}

TEST(Spectral, LeavesOutArtifactsAndBadChannels) {
  auto recording = MakeScalp();
  const double before = ChannelOf(Analyse(recording), "T7").bands.absolute[3];
  AddNoise(SamplesOf(recording, "T7").subspan(30 * 256, 10 * 256), 150, 3);
  std::ranges::fill(SamplesOf(recording, "F3"), 0.0);
  EXPECT_GT(ChannelOf(Analyse(recording), "T7").bands.absolute[3], 2 * before);
  const auto quality = AssessQuality(recording.view(), {}, {}).value();
  const auto report = Analyse(recording, &quality);
  EXPECT_EQ(report.channels.size(), 18U);
  EXPECT_NEAR(ChannelOf(report, "T7").bands.absolute[3], before, 0.1 * before);
  EXPECT_EQ(ChannelOf(report, "T7").segments, 53U);
  EXPECT_FALSE(ChannelOf(report, "T7").with_artifacts);
}

TEST(Spectral, UsesEverythingWhenNothingIsCleanAndSaysSo) {
  auto scalp = MakeScalp({.seconds = 60});
  const auto cz = SamplesOf(scalp, "Cz");
  AddSine(cz, 50, 40, 256);
  MemoryRecording recording;
  recording.Add("Cz", 256, {cz.begin(), cz.end()});
  const auto quality = AssessQuality(recording.view(), {}, {}).value();
  const auto report = Analyse(recording, &quality);
  ASSERT_EQ(report.channels.size(), 1U);
  EXPECT_TRUE(report.channels[0].with_artifacts);
  EXPECT_EQ(report.channels[0].segments, 29U);
}

TEST(Spectral, AsymmetryHasTheSignOfTheStrongerSide) {
  auto recording = MakeScalp();
  AddSine(SamplesOf(recording, "F4"), 10, 30, 256);
  const auto report = Analyse(recording);
  const auto pair = std::ranges::find_if(
      report.asymmetry, [](const Asymmetry& a) { return a.left == "F3" && a.band == "alpha"; });
  ASSERT_NE(pair, report.asymmetry.end());
  EXPECT_GT(pair->index, 0.5);
  EXPECT_GT(pair->log_ratio, 1.0);
  EXPECT_NEAR(pair->index, std::tanh(pair->log_ratio / 2), 1e-12);
}

TEST(Spectral, ShortAndOddRecordingsAreOneSegment) {
  for (const size_t count : {1U, 2U, 5U, 100U, 1023U}) {
    MemoryRecording recording;
    std::vector<double> samples(count, 0.0);
    AddNoise(samples, 10, count);
    recording.Add("Cz", 256, samples);
    const auto report = Analyse(recording);
    ASSERT_EQ(report.channels.size(), 1U) << count;
    EXPECT_EQ(report.channels[0].segments, 1U);
  }
}

TEST(Spectral, AllFlatGivesZerosAndNoChannelAnError) {
  auto recording = MakeScalp({.seconds = 60});
  for (size_t c = 0; c < 19; ++c) std::ranges::fill(recording.samples(c), 9.0);
  const auto report = Analyse(recording);
  EXPECT_EQ(report.channels[3].total, 0.0);
  EXPECT_EQ(report.channels[3].bands.relative[0], 0.0);
  EXPECT_THAT(report.asymmetry, IsEmpty());
  const auto quality = AssessQuality(recording.view(), {}, {}).value();
  EXPECT_FALSE(Analyse(recording, &quality).average.has_value());
  MemoryRecording none;
  EXPECT_FALSE(AnalyseSpectrum(none.view(), nullptr, {}, {}).has_value());
}

}  // namespace
}  // namespace montage::analysis
