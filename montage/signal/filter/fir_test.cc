// Finite impulse response filters and resampling: MNE's and SciPy's numbers, and streams that do
// not depend on how they are cut.

#include "montage/signal/filter/fir.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/random.h"
#include "montage/signal/filter/resample.h"
#include "montage/signal/filter/window.h"
#include "montage/signal/samples_testing.h"
#include "montage/signal/vectors_testing.h"

namespace montage::signal {
namespace {

using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> EveryFrom(const std::vector<double>& samples, size_t first, size_t step) {
  std::vector<double> thinned;
  for (size_t i = first; i < samples.size(); i += step) thinned.push_back(samples[i]);
  return thinned;
}

std::vector<double> ZeroPhaseOf(std::span<const double> taps, std::span<const double> x) {
  std::vector<double> y(x.size());
  const std::span<double> out(y);
  EXPECT_TRUE(FilterZeroPhase(taps, std::span(&x, 1), std::span(&out, 1)).has_value());
  return y;
}

/// The definition: odd reflections of at most taps - 1 samples, zeros beyond, taps centred.
std::vector<double> DirectZeroPhase(std::span<const double> taps, std::span<const double> x) {
  const auto n = static_cast<ptrdiff_t>(x.size()), half = static_cast<ptrdiff_t>(taps.size() / 2);
  const ptrdiff_t reflected = std::min(static_cast<ptrdiff_t>(taps.size()), n) - 1;
  const auto at = [&](ptrdiff_t i) {
    if (i < -reflected || i >= n + reflected) return 0.0;
    if (i < 0) return 2.0 * x.front() - x[static_cast<size_t>(-i)];
    if (i < n) return x[static_cast<size_t>(i)];
    return 2.0 * x.back() - x[static_cast<size_t>(2 * n - 2 - i)];
  };
  std::vector<double> y(x.size(), 0.0);
  for (ptrdiff_t i = 0; i < n; ++i) {
    for (ptrdiff_t k = -half; k <= half; ++k) {
      y[static_cast<size_t>(i)] += taps[static_cast<size_t>(k + half)] * at(i - k);
    }
  }
  return y;
}

TEST(MneVectors, DefaultFilterOfEveryBand) {
  for (const auto& entry : ReadVectors("fir").at("designs").as_array()) {
    const std::string kind(entry.at("kind").as_string());
    const Band band = kind == "low"    ? Band::kLowPass
                      : kind == "high" ? Band::kHighPass
                      : kind == "band" ? Band::kBandPass
                                       : Band::kBandStop;
    const auto edges = Numbers(entry.at("edges"));
    const auto taps = DefaultFir(band, {edges[0], edges[1]}, Number(entry.at("rate")));
    ASSERT_TRUE(taps.has_value()) << boost::json::serialize(entry.at("edges"));
    ASSERT_EQ(taps->size(), Size(entry.at("taps"))) << kind << edges[0];
    const size_t middle = taps->size() / 2;
    EXPECT_LT(RelativeError(EveryFrom(*taps, middle, std::max<size_t>(1, middle / 40)),
                            Numbers(entry.at("right_half"))),
              1e-10);
  }
}

TEST(MneVectors, ZeroPhaseFilterIncludingInputsShorterThanTheFilter) {
  const auto file = ReadVectors("fir");
  const auto x = Numbers(file.at("x"));
  for (const auto& entry : file.at("filtered").as_array()) {
    const size_t n = Size(entry.at("n"));
    const auto edges = Numbers(entry.at("edges"));
    const auto taps = DefaultFir(Band::kBandPass, {edges[0], edges[1]}, Number(entry.at("rate")));
    ASSERT_TRUE(taps.has_value());
    const auto y = ZeroPhaseOf(*taps, std::span(x).first(n));
    const auto expected = Numbers(entry.at("y"));
    EXPECT_LT(RelativeError(EveryFrom(y, 0, std::max<size_t>(1, n / 60)), expected), 1e-10) << n;
  }
}

TEST(FirZeroPhase, IsTheDirectSumForEveryLength) {
  for (const size_t taps : {size_t{1}, size_t{3}, size_t{31}, size_t{65}}) {
    const auto h = FirDesign(Band::kLowPass, {30, 0}, 256, Hamming(taps, Symmetry::kSymmetric));
    ASSERT_TRUE(h.has_value());
    for (const size_t n : {1U, 2U, 5U, 16U, 31U, 32U, 33U, 100U, 1001U, 3000U}) {
      const auto x = Noise(n, n, 30, 100);
      EXPECT_LT(RelativeError(ZeroPhaseOf(*h, x), DirectZeroPhase(*h, x)), 1e-12)
          << taps << " taps, " << n << " samples";
    }
  }
}

TEST(FirZeroPhase, InPlaceGivesTheSameBitsAndAnOddNumberOfChannelsIsFine) {
  const auto taps = DefaultFir(Band::kBandPass, {1, 40}, 100).value();
  std::vector<std::vector<double>> x, y;
  for (uint64_t c = 0; c < 3; ++c) {
    x.push_back(Noise(4001, c, 30, 100));
    y.emplace_back(4001);
  }
  const std::vector<std::span<const double>> inputs(x.begin(), x.end());
  const std::vector<std::span<double>> outputs(y.begin(), y.end());
  ASSERT_TRUE(FilterZeroPhase(taps, inputs, outputs).has_value());
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_LT(RelativeError(y[c], DirectZeroPhase(taps, x[c])), 1e-12);
  }
  const std::vector<std::span<double>> in_place(x.begin(), x.end());
  ASSERT_TRUE(FilterZeroPhase(taps, inputs, in_place).has_value());
  EXPECT_EQ(x, y);
}

TEST(FirZeroPhase, RefusesTapsWithADelayAndSamplesThatAreNotNumbers) {
  auto x = Noise(100, 1, 30, 100);
  const auto refused = [&](std::vector<double> taps) {
    const std::span<const double> in(x);
    const std::span<double> out(x);
    return FilterZeroPhase(taps, std::span(&in, 1), std::span(&out, 1)).error().message;
  };
  EXPECT_THAT(refused({1.0, 1.0}), HasSubstr("2 taps"));
  EXPECT_THAT(refused({1.0, 2.0, 3.0}), HasSubstr("differ by 2"));
  EXPECT_THAT(refused({1.0, kNan, 1.0}), HasSubstr("sample 1 is nan"));
  EXPECT_THAT(refused({}), HasSubstr("0 taps"));
  x[7] = kNan;
  EXPECT_THAT(refused({0.2, 0.6, 0.2}), HasSubstr("sample 7 is nan"));
  x.clear();
  EXPECT_THAT(refused({1.0}), HasSubstr("no samples"));
}

TEST(DefaultFir, RefusesEdgesThatCannotBeMet) {
  EXPECT_THAT(DefaultFir(Band::kBandPass, {45, 0.5}, 256).error().message,
              HasSubstr("not ascending"));
  EXPECT_FALSE(DefaultFir(Band::kHighPass, {0, 0}, 256).has_value());
  EXPECT_FALSE(DefaultFir(Band::kLowPass, {kNan, 0}, 256).has_value());
  EXPECT_THAT(DefaultFir(Band::kBandStop, {49, 51}, 256).error().message,
              HasSubstr("do not fit between 49 and 51 Hz"));
}

TEST(FirFilter, IsLfilterAndAnySplitGivesTheSameBits) {
  const auto file = ReadVectors("fir");
  auto x = Numbers(file.at("x"));
  x.resize(120);
  const auto taps =
      FirDesign(Band::kLowPass, {30, 0}, 256, Hamming(31, Symmetry::kSymmetric)).value();
  auto batch = x;
  FirFilter whole(taps);
  EXPECT_EQ(whole.delay_samples(), 15.0);
  ASSERT_TRUE(whole.Process(batch).has_value());
  EXPECT_LT(RelativeError(batch, Numbers(file.at("lfilter"))), 1e-12);

  const auto long_input = Noise(3000, 5, 30, 100);
  for (const size_t lanes : {size_t{1}, size_t{3}, size_t{8}, size_t{10}}) {
    std::vector<double> frames;
    for (size_t i = 0; i < long_input.size() * lanes; ++i) {
      frames.push_back(long_input[i / lanes] * static_cast<double>(1 + i % lanes));
    }
    auto expected = frames;
    ASSERT_TRUE(FirFilter(taps, lanes).Process(expected).has_value());
    base::Random random(lanes);
    FirFilter filter(taps, lanes);
    for (size_t at = 0; at < long_input.size();) {
      const size_t count = std::min<size_t>(random.Below(700), long_input.size() - at);
      ASSERT_TRUE(filter.Process(std::span(frames).subspan(at * lanes, count * lanes)).has_value());
      at += count;
    }
    ASSERT_EQ(frames, expected) << lanes;
    auto single = long_input;
    ASSERT_TRUE(FirFilter(taps).Process(single).has_value());
    for (size_t i = 0; i < single.size(); ++i) ASSERT_EQ(frames[i * lanes], single[i]);
  }
}

TEST(FirFilter, RefusesNanWithItsStateUnchangedAndResets) {
  const std::vector<double> taps = {0.5, 0.25, 0.25};
  FirFilter filter(taps);
  std::vector<double> x = {4.0, 8.0};
  ASSERT_TRUE(filter.Process(x).has_value());
  std::vector<double> broken = {1.0, kNan};
  EXPECT_THAT(filter.Process(broken).error().message, HasSubstr("sample 1 is nan"));
  x = {0.0};
  ASSERT_TRUE(filter.Process(x).has_value());
  EXPECT_EQ(x[0], 3.0);
  filter.Reset();
  x = {4.0};
  ASSERT_TRUE(filter.Process(x).has_value());
  EXPECT_EQ(x[0], 2.0);
}

TEST(Resampler, AnySplitGivesTheBatchSampleForSample) {
  base::Random random(3);
  for (const auto& [up, down] : std::vector<std::pair<size_t, size_t>>{
           {1, 1}, {1, 2}, {2, 1}, {25, 32}, {64, 125}, {4, 6}, {1, 7}, {5, 1}, {128, 125}}) {
    for (const size_t n : {size_t{1}, size_t{2}, size_t{31}, size_t{500}, size_t{2111}}) {
      const auto x = Noise(n, n, 30, 100);
      const auto batch = Resample(x, up, down);
      ASSERT_TRUE(batch.has_value());
      ASSERT_EQ(batch->size(), ResampledLength(n, up, down));
      for (int trial = 0; trial < 3; ++trial) {
        auto resampler = Resampler::Make(up, down);
        ASSERT_TRUE(resampler.has_value());
        std::vector<double> stream;
        for (size_t at = 0; at < n;) {
          const size_t count = std::min<size_t>(random.Below(trial == 0 ? 4 : 300), n - at);
          ASSERT_TRUE(resampler->Push(std::span(x).subspan(at, count), stream).has_value());
          at += count;
        }
        resampler->Finish(stream);
        ASSERT_EQ(stream, *batch) << up << "/" << down << " of " << n;
      }
    }
  }
}

TEST(Resampler, ChannelsTogetherGiveTheSameBitsAsOneByOne) {
  std::vector<std::vector<double>> x, y;
  for (uint64_t c = 0; c < 11; ++c) {
    x.push_back(Noise(3001, c, 30, 100));
    y.emplace_back(ResampledLength(3001, 25, 32));
  }
  const std::vector<std::span<const double>> inputs(x.begin(), x.end());
  const std::vector<std::span<double>> outputs(y.begin(), y.end());
  ASSERT_TRUE(ResampleAll(inputs, 25, 32, outputs).has_value());
  for (size_t c = 0; c < x.size(); ++c) EXPECT_EQ(y[c], Resample(x[c], 25, 32).value());
}

TEST(Resampler, StartsAfreshAfterFinishAndRefusesNanWithItsStateUnchanged) {
  const auto x = Noise(300, 1, 30, 100);
  auto resampler = Resampler::Make(3, 4).value();
  for (int round = 0; round < 2; ++round) {
    std::vector<double> out;
    ASSERT_TRUE(resampler.Push(std::span(x).first(100), out).has_value());
    const std::vector<double> broken = {1.0, 2.0, kNan};
    EXPECT_THAT(resampler.Push(broken, out).error().message, HasSubstr("sample 2 is nan"));
    ASSERT_TRUE(resampler.Push(std::span(x).subspan(100), out).has_value());
    resampler.Finish(out);
    EXPECT_EQ(out, Resample(x, 3, 4).value());
  }
  std::vector<double> nothing;
  resampler.Finish(nothing);
  EXPECT_TRUE(nothing.empty());
  EXPECT_THAT(Resampler::Make(0, 4).error().message, HasSubstr("0/4"));
}

}  // namespace
}  // namespace montage::signal
