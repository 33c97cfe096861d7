#include "montage/signal/fft.h"

#include <cmath>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "montage/signal/samples_testing.h"

namespace montage::signal {
namespace {

class FftLength : public testing::TestWithParam<size_t> {};

TEST_P(FftLength, AgreesWithTheDefinition) {
  const size_t n = GetParam();
  const auto x_real = Noise(n, 1), x_imaginary = Noise(n, 2);
  auto real = x_real, imaginary = x_imaginary;
  Fft fft(n);
  fft.Forward(real, imaginary);
  double worst = 0.0;
  for (size_t k = 0; k < n; ++k) {
    double sum_real = 0.0, sum_imaginary = 0.0;
    for (size_t j = 0; j < n; ++j) {
      const double angle =
          -2.0 * std::numbers::pi * static_cast<double>(j * k % n) / static_cast<double>(n);
      sum_real += x_real[j] * std::cos(angle) - x_imaginary[j] * std::sin(angle);
      sum_imaginary += x_real[j] * std::sin(angle) + x_imaginary[j] * std::cos(angle);
    }
    worst = std::max({worst, std::abs(sum_real - real[k]), std::abs(sum_imaginary - imaginary[k])});
  }
  EXPECT_LT(worst, 1e-10 * std::sqrt(static_cast<double>(n)));
  fft.Inverse(real, imaginary);
  for (size_t j = 0; j < n; ++j) {
    ASSERT_NEAR(real[j], x_real[j], 1e-11);
    ASSERT_NEAR(imaginary[j], x_imaginary[j], 1e-11);
  }
}

TEST_P(FftLength, LanesAreIndependentAndEqualToOneLane) {
  const size_t n = GetParam();
  constexpr size_t kLanes = 3;
  const auto frames = Noise(n * kLanes, 3);
  RealFft many(n, kLanes), one(n);
  std::vector<double> real(many.bins() * kLanes), imaginary(real.size());
  many.Forward(frames, real, imaginary);
  std::vector<double> back(frames.size());
  many.Inverse(real, imaginary, back);
  for (size_t l = 0; l < kLanes; ++l) {
    std::vector<double> x(n), single_real(one.bins()), single_imaginary(one.bins());
    for (size_t j = 0; j < n; ++j) x[j] = frames[j * kLanes + l];
    one.Forward(x, single_real, single_imaginary);
    for (size_t k = 0; k < one.bins(); ++k) {
      ASSERT_NEAR(real[k * kLanes + l], single_real[k], 1e-11);
      ASSERT_NEAR(imaginary[k * kLanes + l], single_imaginary[k], 1e-11);
    }
    for (size_t j = 0; j < n; ++j) ASSERT_NEAR(back[j * kLanes + l], x[j], 1e-11);
  }
}

TEST_P(FftLength, ALaneDoesNotDependOnItsNeighboursNorOnHowManyThereAre) {
  const size_t n = GetParam();
  const auto x = Noise(n, 3), y = Noise(n, 4);
  std::vector<double> expected;
  for (const size_t lanes : {size_t{2}, size_t{3}, size_t{8}, size_t{9}, size_t{13}}) {
    for (const size_t lane : {size_t{0}, lanes - 1}) {
      auto real = Noise(n * lanes, lanes), imaginary = Noise(n * lanes, lane);
      for (size_t j = 0; j < n; ++j) {
        real[j * lanes + lane] = x[j];
        imaginary[j * lanes + lane] = y[j];
      }
      Fft(n, lanes).Forward(real, imaginary);
      std::vector<double> found;
      for (size_t k = 0; k < n; ++k) {
        found.push_back(real[k * lanes + lane]);
        found.push_back(imaginary[k * lanes + lane]);
      }
      if (expected.empty()) expected = found;
      ASSERT_EQ(found, expected) << lanes << " lanes, lane " << lane;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lengths, FftLength,
                         testing::Values(1, 2, 3, 4, 5, 6, 8, 10, 16, 17, 26, 36, 49, 60, 101, 143,
                                         256, 289, 500, 509, 512, 600, 1000, 1021));

TEST(Fft, LargePrimeLengthKeepsEnergy) {
  constexpr size_t kLength = 100003;
  auto real = Noise(kLength, 4);
  std::vector<double> imaginary(kLength, 0.0);
  double energy = 0.0;
  for (const double value : real) energy += value * value;
  Fft(kLength).Forward(real, imaginary);
  double transformed = 0.0;
  for (size_t k = 0; k < kLength; ++k)
    transformed += real[k] * real[k] + imaginary[k] * imaginary[k];
  EXPECT_NEAR(transformed / static_cast<double>(kLength) / energy, 1.0, 1e-12);
}

}  // namespace
}  // namespace montage::signal
