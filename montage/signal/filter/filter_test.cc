#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/random.h"
#include "montage/signal/filter/fir.h"
#include "montage/signal/filter/iir.h"
#include "montage/signal/filter/resample.h"
#include "montage/signal/filter/window.h"
#include "montage/signal/samples_testing.h"

namespace montage::signal {
namespace {

using testing::HasSubstr;

Sections BandPass() { return Butterworth(4, Band::kBandPass, {0.5, 45}, 256).value(); }

TEST(SosFilter, AnySplitOfTheStreamGivesTheBatchSampleForSample) {
  const auto x = Noise(1000, 1, 30, 100);
  auto batch = x;
  ASSERT_TRUE(SosFilter(BandPass()).Process(batch).has_value());
  base::Random random(2);
  for (int trial = 0; trial < 20; ++trial) {
    SosFilter filter(BandPass());
    auto stream = x;
    for (size_t at = 0; at < stream.size();) {
      const size_t count = std::min<size_t>(random.Below(97), stream.size() - at);
      ASSERT_TRUE(filter.Process(std::span(stream).subspan(at, count)).has_value());
      at += count;
    }
    ASSERT_EQ(stream, batch);
  }
}

TEST(SosFilter, LanesGiveTheSameBitsAsSingleChannels) {
  for (const size_t lanes : {size_t{2}, size_t{8}}) {
    const auto frames_in = Noise(600 * lanes, 3, 30, 100);
    auto frames = frames_in;
    ASSERT_TRUE(SosFilter(BandPass(), lanes).Process(frames).has_value());
    for (size_t l = 0; l < lanes; ++l) {
      std::vector<double> one(600);
      for (size_t i = 0; i < one.size(); ++i) one[i] = frames_in[i * lanes + l];
      ASSERT_TRUE(SosFilter(BandPass()).Process(one).has_value());
      for (size_t i = 0; i < one.size(); ++i) ASSERT_EQ(frames[i * lanes + l], one[i]);
    }
  }
}

TEST(SosFilter, RefusesSamplesThatAreNotNumbersAndKeepsItsState) {
  const auto x = Noise(200, 4, 30, 100);
  auto expected = x;
  ASSERT_TRUE(SosFilter(BandPass()).Process(expected).has_value());
  SosFilter filter(BandPass());
  auto y = x;
  ASSERT_TRUE(filter.Process(std::span(y).first(100)).has_value());
  std::vector<double> broken = {1.0, 2.0, std::numeric_limits<double>::quiet_NaN()};
  const auto refused = filter.Process(broken);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kInvalid);
  EXPECT_THAT(refused.error().message, HasSubstr("sample 2 is nan"));
  broken = {std::numeric_limits<double>::infinity()};
  EXPECT_THAT(filter.Process(broken).error().message, HasSubstr("sample 0 is inf"));
  ASSERT_TRUE(filter.Process(std::span(y).subspan(100)).has_value());
  EXPECT_EQ(y, expected);
}

TEST(SosFilter, SettledStateHasNoTransientOnAConstant) {
  SosFilter filter(Butterworth(4, Band::kLowPass, {40, 0}, 256).value());
  const std::array level = {123.0};
  filter.Settle(level);
  std::vector<double> x(50, 123.0);
  ASSERT_TRUE(filter.Process(x).has_value());
  for (const double value : x) EXPECT_NEAR(value, 123.0, 1e-9);
  filter.Reset();
  x.assign(1, 123.0);
  ASSERT_TRUE(filter.Process(x).has_value());
  EXPECT_LT(x[0], 60.0);
}

TEST(ZeroPhase, ChannelsTogetherGiveTheSameBitsAsOneByOne) {
  // Ten sections are more than one loop runs; 500 is no multiple of a vector.
  for (const Sections& sections :
       {BandPass(), Butterworth(10, Band::kBandPass, {4, 45}, 256).value(),
        Notch(50, 30, 256).value()}) {
    for (const size_t count : {size_t{1}, size_t{3}, size_t{4}, size_t{7}, size_t{8}, size_t{19}}) {
      std::vector<std::vector<double>> channels;
      for (uint64_t c = 0; c < count; ++c) channels.push_back(Noise(501, c, 30, 100));
      auto single = channels;
      auto apart = channels;
      const std::vector<std::span<const double>> inputs(channels.begin(), channels.end());
      ASSERT_TRUE(FilterZeroPhase(sections, inputs,
                                  std::vector<std::span<double>>(apart.begin(), apart.end()))
                      .has_value());
      std::vector<std::span<double>> spans(channels.begin(), channels.end());
      ASSERT_TRUE(FilterZeroPhase(sections, spans).has_value());
      for (auto& channel : single) ASSERT_TRUE(FilterZeroPhase(sections, channel).has_value());
      EXPECT_EQ(channels, single) << count << " channels";
      EXPECT_EQ(apart, single) << count << " channels";
    }
  }
}

TEST(ZeroPhase, NamesTheSampleThatIsNoNumberWhereverItIs) {
  for (const size_t count : {size_t{1}, size_t{3}, size_t{8}, size_t{19}}) {
    for (const size_t at : {size_t{0}, size_t{250}, size_t{500}}) {
      for (const double value :
           {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
        std::vector<std::vector<double>> channels(count, Noise(501, 1));
        channels[count / 2][at] = value;
        auto outputs = channels;
        const std::vector<std::span<const double>> inputs(channels.begin(), channels.end());
        const auto refused = FilterZeroPhase(
            BandPass(), inputs, std::vector<std::span<double>>(outputs.begin(), outputs.end()));
        ASSERT_FALSE(refused.has_value()) << count << " channels, sample " << at;
        EXPECT_THAT(refused.error().message, HasSubstr("sample " + std::to_string(at) + " is "));
      }
    }
  }
}

TEST(ZeroPhase, SectionsWithoutFeedbackRefuseWhatIsNoNumberToo) {
  const Sections difference = {Biquad{1, -1, 0, 0, 0}};
  auto x = Noise(100, 1);
  x[50] = std::numeric_limits<double>::quiet_NaN();
  auto y = x;
  const std::span<const double> input = x;
  const std::span<double> output = y;
  EXPECT_FALSE(
      FilterZeroPhase(difference, std::span(&input, 1), std::span(&output, 1)).has_value());
}

TEST(ZeroPhase, LeavingTheRangeOfNumbersIsAnError) {
  const Sections unstable = {Biquad{1, 0, 0, -3, 2.1}};
  auto x = Noise(5000, 1);
  EXPECT_THAT(FilterZeroPhase(unstable, x).error().message,
              HasSubstr("beyond the range of numbers"));
}

TEST(ZeroPhase, InputNotLongerThanItsPaddingIsAnErrorThatNamesBoth) {
  std::vector<double> x(27, 1.0);
  const auto refused = FilterZeroPhase(BandPass(), x);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("27 samples are too few"));
  x.push_back(1.0);
  EXPECT_TRUE(FilterZeroPhase(BandPass(), x).has_value());
}

TEST(Butterworth, MinusThreeDecibelAtTheEdges) {
  for (int order = 1; order <= 16; ++order) {
    const auto low = Butterworth(order, Band::kLowPass, {45, 0}, 256);
    ASSERT_TRUE(low.has_value());
    EXPECT_NEAR(GainAt(*low, 45, 256), std::sqrt(0.5), 1e-9) << order;
    const auto stop = Butterworth(order, Band::kBandStop, {45, 55}, 256);
    ASSERT_TRUE(stop.has_value());
    EXPECT_NEAR(GainAt(*stop, 55, 256), std::sqrt(0.5), 1e-7) << order;
  }
}

TEST(Butterworth, RefusesImpossibleDesigns) {
  EXPECT_THAT(Butterworth(0, Band::kLowPass, {45, 0}, 256).error().message, HasSubstr("order 0"));
  EXPECT_THAT(Butterworth(4, Band::kLowPass, {128, 0}, 256).error().message,
              HasSubstr("128 Hz is outside (0, 128)"));
  EXPECT_THAT(Butterworth(4, Band::kBandPass, {45, 0.5}, 256).error().message,
              HasSubstr("not ascending"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(Butterworth(4, Band::kLowPass, {nan, 0}, 256).has_value());
  EXPECT_FALSE(Notch(50, 0, 256).has_value());
  EXPECT_FALSE(Notch(50, 30, 90).has_value());
}

TEST(Fir, RefusesEvenLengthsThatCannotPassHalfTheRate) {
  const auto window = Hamming(64, Symmetry::kSymmetric);
  EXPECT_FALSE(FirDesign(Band::kHighPass, {20, 0}, 256, window).has_value());
  EXPECT_TRUE(FirDesign(Band::kLowPass, {20, 0}, 256, window).has_value());
  EXPECT_FALSE(FirDesign(Band::kLowPass, {0, 0}, 256, window).has_value());
  EXPECT_FALSE(FirDesign(Band::kLowPass, {20, 0}, 256, {}).has_value());
}

TEST(Resample, RefusesEmptyInputZeroFactorsAndNan) {
  const std::vector<double> x(10, 1.0);
  EXPECT_FALSE(Resample(x, 0, 1).has_value());
  EXPECT_FALSE(Resample(x, 1, 0).has_value());
  EXPECT_FALSE(Resample({}, 1, 2).has_value());
  const std::vector<double> broken = {1.0, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_FALSE(Resample(broken, 1, 2).has_value());
}

}  // namespace
}  // namespace montage::signal
