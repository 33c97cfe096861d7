// Couplings of phases and envelopes: the oracle's numbers, planted couplings, wrong input.

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/signal/connectivity/analytic_band.h"
#include "montage/signal/connectivity/pair_connectivity.h"
#include "montage/signal/samples_testing.h"
#include "montage/signal/vectors_testing.h"

namespace montage::signal {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

using Channels = std::vector<std::vector<double>>;

std::vector<std::span<const double>> Spans(const Channels& channels) {
  return {channels.begin(), channels.end()};
}

/// A 10 Hz rhythm at 256 Hz whose amplitude changes slowly.
std::vector<double> Rhythm(size_t count, double phase, double modulation_hz) {
  std::vector<double> samples(count);
  for (size_t i = 0; i < count; ++i) {
    const double t = static_cast<double>(i) / 256.0 * 2.0 * std::numbers::pi;
    samples[i] = (2.0 + std::sin(modulation_hz * t)) * std::sin(10.0 * t + phase);
  }
  return samples;
}

TEST(ConnectivityVectors, AllMeasuresOfAllPairs) {
  const auto file = ReadVectors("connectivity");
  Channels channels;
  for (const auto& channel : file.at("x").as_array()) channels.push_back(Numbers(channel));
  for (const auto& entry : file.at("cases").as_array()) {
    const auto edges = Numbers(entry.at("band"));
    const auto found = ConnectivityInBand(Spans(channels), Number(file.at("rate")),
                                          {.band = {edges[0], edges[1]},
                                           .order = entry.at("order").to_number<int>(),
                                           .epoch = Size(entry.at("epoch")),
                                           .margin = Size(entry.at("margin"))});
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_EQ(found->channels, 4U);
    EXPECT_EQ(found->epochs, Size(entry.at("epochs")));
    const auto agrees = [&](const std::vector<double>& values, const char* key) {
      EXPECT_LT(RelativeError(values, Numbers(entry.at(key))), kAgreement) << key;
    };
    agrees(found->phase_locking, "phase_locking");
    agrees(found->phase_lag, "phase_lag");
    agrees(found->weighted_phase_lag, "weighted_phase_lag");
    agrees(found->debiased_phase_lag_squared, "debiased");
    agrees(found->envelope_correlation, "envelope");
    agrees(found->orthogonal_envelope_correlation, "orthogonal");
  }
}

constexpr ConnectivityOptions kAlpha = {.band = {8, 12}, .epoch = 512, .margin = 256};

Connectivity AlphaOf(const Channels& channels) {
  const auto found = ConnectivityInBand(Spans(channels), 256, kAlpha);
  EXPECT_TRUE(found.has_value());
  return found.value_or(Connectivity{});
}

TEST(Connectivity, OfALaggedRhythmIsCompleteInAllMeasures) {
  const auto found = AlphaOf({Rhythm(4096, 0.0, 0.3), Rhythm(4096, 0.9, 0.3)});
  ASSERT_EQ(found.pairs(), 1U);
  EXPECT_EQ(found.epochs, 8U);
  // All but the ends of the recording, where the filter has no margin.
  EXPECT_GT(found.phase_locking[0], 0.998);
  EXPECT_GT(found.phase_lag[0], 0.998);
  EXPECT_GT(found.weighted_phase_lag[0], 0.999);
  EXPECT_NEAR(found.debiased_phase_lag_squared[0], 1.0, 1e-12);
  EXPECT_GT(found.envelope_correlation[0], 0.99);
  EXPECT_GT(found.orthogonal_envelope_correlation[0], 0.99);
}

TEST(Connectivity, OfACopyIsSeenByPhaseLockingOnly) {
  auto source = Rhythm(4096, 0.0, 0.3);
  const auto noise = Noise(4096, 3);
  for (size_t i = 0; i < source.size(); ++i) source[i] += noise[i];
  auto copy = source, opposite = source;
  for (double& value : copy) value *= 3.7;
  for (double& value : opposite) value *= -0.3;
  const auto found = AlphaOf({source, copy, opposite});
  EXPECT_THAT(found.phase_locking, Each(::testing::DoubleNear(1.0, 1e-12)));
  EXPECT_THAT(found.phase_lag, Each(0.0));
  EXPECT_THAT(found.weighted_phase_lag, Each(0.0));
  EXPECT_THAT(found.debiased_phase_lag_squared, Each(0.0));
  EXPECT_THAT(found.envelope_correlation, Each(::testing::DoubleNear(1.0, 1e-12)));
  EXPECT_THAT(found.orthogonal_envelope_correlation, Each(0.0));
}

TEST(Connectivity, OfIndependentNoiseIsSmallAndUnbiasedWhereSaid) {
  Channels channels;
  for (uint64_t seed = 0; seed < 6; ++seed) channels.push_back(Noise(30720, seed));
  const auto found = AlphaOf(channels);
  double debiased = 0.0;
  for (size_t pair = 0; pair < found.pairs(); ++pair) {
    EXPECT_LT(found.phase_locking[pair], 0.5);
    EXPECT_LT(std::abs(found.envelope_correlation[pair]), 0.25);
    debiased += found.debiased_phase_lag_squared[pair] / static_cast<double>(found.pairs());
  }
  EXPECT_NEAR(debiased, 0.0, 0.03);
}

TEST(Connectivity, OfAFlatChannelIsZeroNotNaN) {
  const auto found = AlphaOf({Rhythm(1024, 0.0, 0.3), std::vector<double>(1024, 0.0)});
  for (const auto* values : {&found.phase_locking, &found.phase_lag, &found.weighted_phase_lag,
                             &found.debiased_phase_lag_squared, &found.envelope_correlation,
                             &found.orthogonal_envelope_correlation}) {
    EXPECT_THAT(*values, Each(0.0));
  }
}

TEST(Connectivity, OfConstantEnvelopesHasNoCorrelation) {
  AnalyticChannels analytic{.channels = 2, .samples = 400, .real = {}, .imaginary = {}};
  for (const double phase : {0.0, 1.0}) {
    for (int i = 0; i < 400; ++i) {
      analytic.real.push_back(std::cos(0.3 * i + phase));
      analytic.imaginary.push_back(std::sin(0.3 * i + phase));
    }
  }
  PairAverager averager(2);
  averager.Add(analytic);
  const auto found = averager.Finish();
  EXPECT_NEAR(found.phase_locking[0], 1.0, 1e-12);
  EXPECT_EQ(found.envelope_correlation[0], 0.0);
  EXPECT_EQ(found.orthogonal_envelope_correlation[0], 0.0);
}

TEST(Connectivity, StartsAfreshAfterFinish) {
  const auto x = Rhythm(600, 0.0, 1.0), y = Rhythm(600, 0.4, 2.0);
  const Channels channels = {x, y};
  const auto analytic = AnalyticInBand(Spans(channels), 256, {.band = {8, 12}});
  ASSERT_TRUE(analytic.has_value());
  PairAverager averager(2);
  averager.Add(*analytic);
  const auto once = averager.Finish();
  EXPECT_EQ(averager.Finish().epochs, 0U);
  averager.Add(*analytic);
  averager.Add(*analytic);
  const auto twice = averager.Finish();
  EXPECT_EQ(twice.epochs, 2U);
  EXPECT_EQ(twice.phase_locking, once.phase_locking);
  EXPECT_EQ(twice.orthogonal_envelope_correlation, once.orthogonal_envelope_correlation);
}

TEST(Connectivity, OrdersPairsByTheFirstThenTheSecond) {
  size_t expected = 0;
  for (size_t a = 0; a < 5; ++a) {
    for (size_t b = a + 1; b < 5; ++b) EXPECT_EQ(PairIndex(a, b, 5), expected++);
  }
  Channels channels;
  for (uint64_t seed = 0; seed < 4; ++seed) channels.push_back(Noise(1100, seed));
  channels[3] = channels[1];
  EXPECT_NEAR(AlphaOf(channels).phase_locking[PairIndex(1, 3, 4)], 1.0, 1e-12);
}

TEST(Connectivity, RefusesWhatItCannotMeasure) {
  const auto x = Noise(1000, 1), y = Noise(1000, 2), shorter = Noise(999, 2);
  const auto refuses = [](const Channels& channels, ConnectivityOptions options) {
    return !ConnectivityInBand(Spans(channels), 256, options).has_value();
  };
  EXPECT_FALSE(refuses({x, y}, {.band = {8, 12}, .epoch = 1000}));
  EXPECT_TRUE(refuses({x}, {.band = {8, 12}, .epoch = 500}));
  EXPECT_TRUE(refuses({}, {.band = {8, 12}, .epoch = 500}));
  EXPECT_TRUE(refuses({x, shorter}, {.band = {8, 12}, .epoch = 500}));
  EXPECT_TRUE(refuses({x, y}, {.band = {8, 12}, .epoch = 1001}));
  EXPECT_TRUE(refuses({x, y}, {.band = {8, 12}, .epoch = 0}));
  EXPECT_TRUE(refuses({x, y}, {.band = {8, 12}, .epoch = 20}));
  EXPECT_FALSE(refuses({x, y}, {.band = {8, 12}, .epoch = 20, .margin = 100}));
  EXPECT_FALSE(refuses(
      {x, y}, {.band = {8, 12}, .epoch = 500, .margin = std::numeric_limits<size_t>::max()}));
  EXPECT_TRUE(refuses({x, y}, {.band = {12, 8}, .epoch = 500}));
  EXPECT_TRUE(refuses({x, y}, {.band = {8, 128}, .epoch = 500}));
  auto missing = x;
  missing[77] = NAN;
  const auto result = ConnectivityInBand(Spans({y, missing}), 256, kAlpha);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("sample 77"));
}

TEST(AnalyticInBand, CutsTheEndsAndRefusesToCutAll) {
  const Channels channels = {Noise(300, 4), Noise(300, 5), Noise(300, 6)};
  const auto whole = AnalyticInBand(Spans(channels), 256, {.band = {8, 12}});
  const auto cut =
      AnalyticInBand(Spans(channels), 256, {.band = {8, 12}, .before = 40, .after = 60});
  ASSERT_TRUE(whole.has_value() && cut.has_value());
  EXPECT_EQ(cut->samples, 200U);
  EXPECT_EQ(cut->Real(2)[0], whole->Real(2)[40]);
  EXPECT_EQ(cut->Imaginary(1)[199], whole->Imaginary(1)[239]);
  for (const size_t after : {size_t{260}, std::numeric_limits<size_t>::max()}) {
    EXPECT_FALSE(
        AnalyticInBand(Spans(channels), 256, {.band = {8, 12}, .before = 40, .after = after})
            .has_value());
  }
}

}  // namespace
}  // namespace montage::signal
