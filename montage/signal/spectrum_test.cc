#include "montage/signal/spectrum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/signal/spectrogram.h"

namespace montage::signal {
namespace {

using testing::HasSubstr;

std::vector<double> Sine(double hz, double amplitude, double rate, size_t count) {
  std::vector<double> x(count);
  for (size_t i = 0; i < count; ++i) {
    x[i] = amplitude * std::sin(2.0 * std::numbers::pi * hz * static_cast<double>(i) / rate);
  }
  return x;
}

TEST(Spectrum, SinePowerIsHalfItsSquaredAmplitude) {
  const auto spectrum = Welch(Sine(10, 20, 256, 256 * 60), 256, {1024, 512}).value();
  double sum = 0.0;
  for (const double value : spectrum.density) sum += value * spectrum.step_hz;
  EXPECT_NEAR(sum, 200.0, 1e-6);
  EXPECT_NEAR(BandPower(spectrum, {8, 13}), 200.0, 23.0);
  EXPECT_NEAR(PeakFrequency(spectrum, {5, 15}), 10.0, 1e-6);
  EXPECT_GT(RelativePower(spectrum, {8, 13}, {0.5, 45}), 0.99);
  EXPECT_LT(SpectralEntropy(spectrum, {0.5, 45}), 0.3);
}

TEST(Spectrum, PeakBetweenBinsIsFoundToATwentiethOfABin) {
  for (const double hz : {9.05, 9.6, 10.13, 10.37}) {
    const auto spectrum = Welch(Sine(hz, 20, 256, 256 * 60), 256, {1024, 512}).value();
    EXPECT_NEAR(PeakFrequency(spectrum, {5, 15}), hz, 0.05 * spectrum.step_hz) << hz;
  }
}

TEST(Spectrum, OfNothingIsZeroEverywhere) {
  const auto spectrum = Welch(std::vector<double>(1000, 7.0), 256, {256, 128}).value();
  EXPECT_EQ(BandPower(spectrum, {0.5, 45}), 0.0);
  EXPECT_EQ(PeakFrequency(spectrum, {0.5, 45}), 0.0);
  EXPECT_EQ(SpectralEdge(spectrum, {0.5, 45}, 0.95), 0.0);
  EXPECT_EQ(SpectralEntropy(spectrum, {0.5, 45}), 0.0);
  EXPECT_EQ(RelativePower(spectrum, {8, 13}, {0.5, 45}), 0.0);
  EXPECT_EQ(BandPower(spectrum, {200, 300}), 0.0);
}

TEST(Spectrum, RefusesWhatHasNone) {
  EXPECT_FALSE(Welch({}, 256, {256, 128}).has_value());
  const std::vector<double> x(500, 1.0);
  EXPECT_THAT(Welch(x, 256, {256, 256}).error().message, HasSubstr("overlap 256"));
  EXPECT_FALSE(Welch(x, 0, {256, 128}).has_value());
  EXPECT_FALSE(Welch(x, 256, {0, 0}).has_value());
  auto broken = x;
  broken[33] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(Welch(broken, 256, {256, 128}).error().message, HasSubstr("sample 33"));
  auto broken_tail = x;  // behind the last whole segment
  broken_tail[499] = std::numeric_limits<double>::infinity();
  EXPECT_THAT(Welch(broken_tail, 256, {256, 128}).error().message, HasSubstr("sample"));
  const std::span<const double> two[2] = {x, broken};
  EXPECT_THAT(WelchAll(two, 256, {256, 128}).error().message, HasSubstr("sample 33"));
  EXPECT_FALSE(Cross(broken, x, 256, {256, 128}).has_value());
  EXPECT_FALSE(Cross(x, broken, 256, {256, 128}).has_value());
  EXPECT_FALSE(Cross(x, std::span(x).first(3), 256, {256, 128}).has_value());
  EXPECT_FALSE(Envelope({}).has_value());
  EXPECT_FALSE(Envelope(broken).has_value());
  const std::span<const double> unequal[2] = {x, std::span(x).first(3)};
  EXPECT_THAT(CoherenceOfPairs(unequal, 256, {256, 128}).error().message, HasSubstr("500 and 3"));
  const std::span<const double> with_nan[2] = {x, broken};
  EXPECT_FALSE(CoherenceOfPairs(with_nan, 256, {256, 128}).has_value());
}

TEST(Coherence, OfASignalWithItselfIsOneAndOfADelayedOneImaginary) {
  const auto x = Sine(10, 20, 256, 2560);
  std::vector<double> y(x.size(), 0.0);
  for (size_t i = 6; i < x.size(); ++i) y[i] = x[i - 6];  // about a quarter period
  const auto cross = Cross(x, y, 256, {256, 128}).value();
  EXPECT_NEAR(Coherence(cross)[10], 1.0, 0.05);
  EXPECT_LT(ImaginaryCoherence(cross)[10], -0.9);
  EXPECT_NEAR(ImaginaryCoherence(Cross(x, x, 256, {256, 128}).value())[10], 0.0, 1e-12);
}

TEST(WelchAverager, MergedPartsAreTheWholeWhereverItIsCut) {
  const auto x = Sine(10, 20, 256, 4000);
  const size_t segment = 256, step = 128;
  const size_t count = (x.size() - segment) / step + 1;
  const auto whole = Welch(x, 256, {segment, segment - step}).value();
  for (const size_t cut : {size_t{0}, size_t{1}, size_t{7}, size_t{8}, count}) {
    WelchAverager first(segment, 256), second(segment, 256);
    for (size_t i = 0; i < count; ++i) {
      (i < cut ? first : second).Add(std::span(x).subspan(i * step, segment));
    }
    first.Merge(second);
    EXPECT_EQ(first.segments(), count);
    EXPECT_EQ(second.segments(), 0U);
    const auto merged = first.Finish();
    EXPECT_EQ(merged.segments, whole.segments);
    for (size_t k = 0; k < merged.density.size(); ++k) {
      ASSERT_NEAR(merged.density[k], whole.density[k], 1e-12 * whole.density[10]);
    }
    EXPECT_EQ(second.Finish().density[10], 0.0);
  }
}

TEST(CrossAverager, KeepsTheAskedBinsAndMergesLikeOneStream) {
  std::vector<std::vector<double>> x;
  for (int c = 0; c < 11; ++c) {
    x.push_back(Sine(3.0 + c, 1, 256, 256 * 80));
    for (size_t i = 0; i < x.back().size(); ++i) {
      const auto noise = static_cast<double>((i * 7919 + static_cast<size_t>(c) * 104729) % 1013);
      x.back()[i] += noise * 0.002;
    }
  }
  const std::vector<std::span<const double>> channels(x.begin(), x.end());
  const auto all = CoherenceOfPairs(channels, 256, {256, 128}).value();
  const auto some = CoherenceOfPairs(channels, 256, {256, 128}, {5, 30}).value();
  ASSERT_EQ(all.size(), 55U);
  ASSERT_EQ(some.size(), 55U);
  for (size_t pair = 0; pair < all.size(); ++pair) {
    ASSERT_EQ(all[pair].size(), 129U);
    ASSERT_EQ(some[pair].size(), 26U);
    for (size_t k = 0; k < 26; ++k) ASSERT_EQ(some[pair][k], all[pair][k + 5]);
  }
  CrossAverager first(11, 256, 256, {5, 30}), second(11, 256, 256, {5, 30});
  EXPECT_EQ(first.bins().first, 5U);
  EXPECT_EQ(first.bins().last, 31U);
  std::vector<std::span<const double>> segments(11);
  for (size_t at = 0, i = 0; at + 256 <= x[0].size(); at += 128, ++i) {
    for (size_t c = 0; c < 11; ++c) segments[c] = channels[c].subspan(at, 256);
    (i < 50 ? first : second).Add(segments);
  }
  first.Merge(second);
  EXPECT_EQ(first.segments(), 159U);
  const auto merged = first.Coherence();
  const auto cross = Cross(x[2], x[9], 256, {256, 128}).value();
  const auto coherence = Coherence(cross), imaginary = ImaginaryCoherence(cross);
  const size_t pair = 10 + 9 + 6;  // (2, 9) is the seventh of 2, after ten of 0 and nine of 1
  const auto imaginary_rows = first.ImaginaryCoherence();
  for (size_t k = 0; k < 26; ++k) {
    ASSERT_NEAR(merged[pair][k], some[pair][k], 1e-12);
    ASSERT_NEAR(merged[pair][k], coherence[k + 5], 1e-9);
    ASSERT_NEAR(imaginary_rows[pair][k], imaginary[k + 5], 1e-9);
  }
}

TEST(CrossAverager, OfTinySegmentsAndNoBins) {
  const std::vector<double> a = {1, 5, 2, 8, 3, 1, 4, 4, 9, 2, 6, 5},
                            b = {2, 7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5};
  const std::span<const double> channels[2] = {a, b};
  for (const size_t segment : {size_t{1}, size_t{2}, size_t{3}, size_t{5}}) {
    const auto rows = CoherenceOfPairs(channels, 10, {segment, 0}).value();
    const auto expected = Coherence(Cross(a, b, 10, {segment, 0}).value());
    ASSERT_EQ(rows[0].size(), segment / 2 + 1);
    for (size_t k = 0; k < expected.size(); ++k) {
      EXPECT_NEAR(rows[0][k], expected[k], 1e-9) << segment << " " << k;
    }
  }
  const auto none = CoherenceOfPairs(channels, 10, {4, 0}, {6, 7}).value();
  EXPECT_TRUE(none[0].empty());
  EXPECT_TRUE(CoherenceOfPairs(std::span(channels, 1), 10, {4, 0}).value().empty());
}

TEST(Spectrogram, AnySplitGivesTheSameColumns) {
  const auto x = Sine(10, 20, 256, 5000);
  for (const WelchOptions options :
       {WelchOptions{64, 32}, WelchOptions{100, 0}, WelchOptions{33, 30}}) {
    auto spectrogram = Spectrogram::Make(256, options).value();
    std::vector<double> expected;
    ASSERT_TRUE(spectrogram.Push(x, expected).has_value());
    spectrogram.Finish(expected);
    const size_t columns = (x.size() - options.segment) / (options.segment - options.overlap) + 1;
    ASSERT_EQ(expected.size(), columns * spectrogram.bins());
    for (const size_t piece : {size_t{1}, size_t{17}, size_t{1000}}) {
      std::vector<double> found;
      for (size_t at = 0; at < x.size(); at += piece) {
        const auto part = std::span(x).subspan(at, std::min(piece, x.size() - at));
        ASSERT_TRUE(spectrogram.Push(part, found).has_value());
      }
      spectrogram.Finish(found);
      ASSERT_EQ(found, expected) << piece;
    }
  }
}

TEST(Spectrogram, RefusesImpossibleSegmentsAndNanWithItsStateUnchanged) {
  EXPECT_THAT(Spectrogram::Make(256, {64, 64}).error().message, HasSubstr("overlap by 64"));
  EXPECT_FALSE(Spectrogram::Make(0, {64, 32}).has_value());
  EXPECT_FALSE(Spectrogram::Make(256, {0, 0}).has_value());
  auto spectrogram = Spectrogram::Make(256, {64, 32}).value();
  const auto x = Sine(10, 20, 256, 100);
  std::vector<double> columns;
  ASSERT_TRUE(spectrogram.Push(std::span(x).first(50), columns).has_value());
  auto broken = x;
  broken[3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(spectrogram.Push(broken, columns).error().message, HasSubstr("sample 3"));
  ASSERT_TRUE(spectrogram.Push(std::span(x).subspan(50), columns).has_value());
  spectrogram.Finish(columns);
  EXPECT_EQ(columns.size(), 2 * spectrogram.bins());
}

TEST(Envelope, OfAModulatedToneIsItsModulation) {
  auto x = Sine(20, 1, 256, 2560);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] *= 3.0 + std::sin(2.0 * std::numbers::pi * static_cast<double>(i) / 256.0);
  }
  const auto envelope = Envelope(x).value();
  for (size_t i = 256; i < 2304; ++i) {
    ASSERT_NEAR(envelope[i], 3.0 + std::sin(2.0 * std::numbers::pi * static_cast<double>(i) / 256),
                0.02);
  }
}

}  // namespace
}  // namespace montage::signal
