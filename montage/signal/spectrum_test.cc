#include "montage/signal/spectrum.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
