// Entropies, fractal dimensions and complexity: antropy's numbers, known limits, wrong input.

#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/signal/dynamics/complexity.h"
#include "montage/signal/dynamics/entropy.h"
#include "montage/signal/dynamics/fractal.h"
#include "montage/signal/samples_testing.h"
#include "montage/signal/statistics.h"
#include "montage/signal/vectors_testing.h"

namespace montage::signal {
namespace {

using ::testing::HasSubstr;

std::vector<double> Noise(size_t count) { return signal::Noise(count, 17); }

std::vector<double> Walk(size_t count) {
  auto samples = Noise(count);
  for (size_t i = 1; i < count; ++i) samples[i] += samples[i - 1];
  return samples;
}

std::string NameOf(const boost::json::value& entry) {
  return std::string(entry.at("name").as_string());
}

void ExpectNear(const base::Result<double>& actual, double expected, double relative,
                const std::string& what) {
  ASSERT_TRUE(actual.has_value()) << what << ": " << actual.error().message;
  EXPECT_NEAR(*actual, expected, relative * std::max(1.0, std::abs(expected))) << what;
}

TEST(DynamicsVectors, PermutationAndSvdEntropy) {
  for (const auto& entry : ReadVectors("dynamics").at("cases").as_array()) {
    const auto x = Numbers(entry.at("x"));
    for (const auto& of : entry.at("permutation").as_array()) {
      const PermutationOptions options{Size(of.at("order")), Size(of.at("delay"))};
      ExpectNear(PermutationEntropy(x, options), Number(of.at("value")), 1e-12, NameOf(entry));
    }
    for (const auto& of : entry.at("svd").as_array()) {
      const PermutationOptions options{Size(of.at("order")), Size(of.at("delay"))};
      ExpectNear(SvdEntropy(x, options), Number(of.at("value")), 1e-10, NameOf(entry));
    }
  }
}

TEST(DynamicsVectors, SampleAndApproximateEntropy) {
  for (const auto& entry : ReadVectors("dynamics").at("cases").as_array()) {
    const auto x = Numbers(entry.at("x"));
    for (const auto& of : entry.at("matching").as_array()) {
      const MatchingOptions options{Size(of.at("length")), Number(of.at("tolerance"))};
      ExpectNear(ApproximateEntropy(x, options), Number(of.at("approximate")), 1e-12,
                 NameOf(entry));
      const auto sample = SampleEntropy(x, options);
      if (of.at("sample").is_null()) {
        EXPECT_FALSE(sample.has_value()) << NameOf(entry);
      } else {
        ExpectNear(sample, Number(of.at("sample")), 1e-12, NameOf(entry));
      }
    }
  }
}

TEST(DynamicsVectors, FractalDimensionsAndFluctuations) {
  for (const auto& entry : ReadVectors("dynamics").at("cases").as_array()) {
    const auto x = Numbers(entry.at("x"));
    // antropy adds 1e-9 to the denominators of its regressions.
    for (const auto& of : entry.at("higuchi").as_array()) {
      ExpectNear(HiguchiDimension(x, Size(of.at("largest"))), Number(of.at("value")), 2e-9,
                 NameOf(entry));
    }
    ExpectNear(DetrendedFluctuation(x), Number(entry.at("dfa")), 2e-8, NameOf(entry));
    ExpectNear(PetrosianDimension(x), Number(entry.at("petrosian")), 1e-12, NameOf(entry));
    ExpectNear(KatzDimension(x), Number(entry.at("katz")), 1e-12, NameOf(entry));
  }
}

TEST(DynamicsVectors, LempelZivAndNonlinearEnergy) {
  const auto file = ReadVectors("dynamics");
  for (const auto& entry : file.at("sequences").as_array()) {
    std::vector<uint8_t> bits;
    for (const char bit : entry.at("bits").as_string()) bits.push_back(bit == '1' ? 1 : 0);
    EXPECT_EQ(LempelZivWords(bits), Size(entry.at("words"))) << entry.at("bits").as_string();
  }
  for (const auto& entry : file.at("cases").as_array()) {
    const auto x = Numbers(entry.at("x"));
    ExpectNear(LempelZivComplexity(x), Number(entry.at("lempel_ziv")), 1e-12, NameOf(entry));
    ExpectNear(NonlinearEnergy(x), Number(entry.at("nonlinear_energy")), 1e-12, NameOf(entry));
  }
}

TEST(PermutationEntropy, IsZeroForARampAndOneForNoise) {
  std::vector<double> ramp(100);
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<double>(i);
  EXPECT_EQ(PermutationEntropy(ramp), 0.0);
  EXPECT_GT(PermutationEntropy(Noise(20000)).value(), 0.999);
  EXPECT_EQ(PermutationEntropy(std::vector<double>(50, 4.0)), 0.0);
}

TEST(PermutationEntropy, RefusesPatternsThatDoNotFit) {
  const auto x = Noise(11);
  EXPECT_TRUE(PermutationEntropy(x, {.order = 3, .delay = 5}).has_value());
  EXPECT_FALSE(PermutationEntropy(x, {.order = 3, .delay = 6}).has_value());
  EXPECT_FALSE(PermutationEntropy(x, {.order = 1}).has_value());
  EXPECT_FALSE(PermutationEntropy(x, {.order = 9}).has_value());
  EXPECT_FALSE(PermutationEntropy(x, {.order = 3, .delay = 0}).has_value());
  EXPECT_FALSE(
      PermutationEntropy(x, {.order = 3, .delay = std::numeric_limits<size_t>::max()}).has_value());
  EXPECT_FALSE(PermutationEntropy({}).has_value());
}

TEST(SvdEntropy, IsZeroForOneDirectionAndUndefinedForZeros) {
  EXPECT_NEAR(SvdEntropy(std::vector<double>(40, 3.0)).value(), 0.0, 1e-6);
  EXPECT_FALSE(SvdEntropy(std::vector<double>(40, 0.0)).has_value());
  EXPECT_NEAR(SvdEntropy(std::vector<double>{1e200, -3e200, 2e200, 5e200, -1e200}).value(),
              SvdEntropy(std::vector<double>{1, -3, 2, 5, -1}).value(), 1e-12);
}

TEST(SampleEntropy, OfNoiseIsThatOfIndependentNormalSamples) {
  // The chance that two normal samples differ by at most 0.2: 2 Phi(0.2 / sqrt 2) - 1.
  const double expected = -std::log(std::erf(0.2 / 2.0));
  EXPECT_NEAR(SampleEntropy(Noise(8000)).value(), expected, 0.03);
}

/// Both entropies by their definitions.
struct Definition {
  double sample = 0, approximate = 0;
};
Definition EntropiesOf(std::span<const double> x, size_t m, double tolerance) {
  const double radius = tolerance * StandardDeviation(x);
  const auto match = [&](size_t i, size_t j, size_t length) {
    for (size_t k = 0; k < length; ++k) {
      if (std::abs(x[i + k] - x[j + k]) > radius) return false;
    }
    return true;
  };
  const size_t n = x.size();
  double pairs[2] = {0, 0}, phi[2] = {0, 0};
  for (size_t longer = 0; longer < 2; ++longer) {
    const size_t starts = n - m - longer + 1;
    for (size_t i = 0; i < starts; ++i) {
      double found = 0;
      for (size_t j = 0; j < starts; ++j) {
        if (!match(i, j, m + longer)) continue;
        found += 1;
        pairs[longer] += j > i && j < n - m ? 1 : 0;
      }
      phi[longer] += std::log(found / static_cast<double>(starts)) / static_cast<double>(starts);
    }
  }
  return {-std::log(pairs[1] / pairs[0]), phi[0] - phi[1]};
}

TEST(SampleEntropy, IsThatOfItsDefinitionAtTheBordersOfBlocks) {
  const auto noise = Noise(2113);
  const auto rhythm = Sine(2113, 0.03);
  std::vector<double> x(2113);
  for (size_t i = 0; i < x.size(); ++i) x[i] = rhythm[i] + 0.05 * noise[i];
  for (const size_t n : {2050U, 2113U}) {
    for (const size_t m : {2U, 16U}) {
      const auto part = std::span(x).first(n);
      const auto expected = EntropiesOf(part, m, 0.2);
      EXPECT_NEAR(SampleEntropy(part, {.length = m}).value(), expected.sample, 1e-12) << n;
      EXPECT_NEAR(ApproximateEntropy(part, {.length = m}).value(), expected.approximate, 1e-12)
          << n;
    }
  }
}

TEST(SampleEntropy, IsSmallForRhythmsAndZeroForConstants) {
  EXPECT_LT(SampleEntropy(Sine(2000, 0.0401)).value(), 0.25);
  EXPECT_EQ(SampleEntropy(std::vector<double>(100, 7.0)), 0.0);
  EXPECT_EQ(ApproximateEntropy(std::vector<double>(100, 7.0)), 0.0);
}

TEST(SampleEntropy, SaysWhenNothingMatchesOrTheInputDoesNotFit) {
  const auto none = SampleEntropy(std::vector<double>{1, 2, 4, 8, 16});
  ASSERT_FALSE(none.has_value());
  EXPECT_THAT(none.error().message, HasSubstr("undefined"));
  EXPECT_TRUE(ApproximateEntropy(std::vector<double>{1, 2, 4, 8, 16}).has_value());
  EXPECT_FALSE(SampleEntropy(Noise(3)).has_value());
  EXPECT_FALSE(SampleEntropy(Noise(50), {.length = 0}).has_value());
  EXPECT_FALSE(SampleEntropy(Noise(50), {.length = 17}).has_value());
  EXPECT_FALSE(SampleEntropy(Noise(50), {.tolerance = 0.0}).has_value());
  EXPECT_FALSE(SampleEntropy(Noise(50), {.tolerance = NAN}).has_value());
  const auto long_input = SampleEntropy(std::vector<double>(kMostMatchedSamples + 1, 0.0));
  ASSERT_FALSE(long_input.has_value());
  EXPECT_EQ(long_input.error().code, base::ErrorCode::kTooLarge);
}

TEST(SampleEntropy, CountsWhenNearlyAllPairsMatch) {
  std::vector<double> x(10000, 1.0);
  for (size_t i = 0; i < 4; ++i) x[i] = 100.0;
  const auto entropy = SampleEntropy(x, {.length = 1, .tolerance = 0.2});
  ASSERT_TRUE(entropy.has_value());
  const double ones = 10000 - 4 - 1;  // starts whose sample is 1
  const double shorter = ones * (ones - 1) / 2 + 6;
  const double longer = ones * (ones - 1) / 2 + 3;
  EXPECT_NEAR(*entropy, -std::log(longer / shorter), 1e-15);
}

TEST(FractalDimensions, SpanLinesToNoise) {
  std::vector<double> line(500);
  for (size_t i = 0; i < line.size(); ++i) line[i] = 0.5 * static_cast<double>(i) - 3.0;
  EXPECT_NEAR(HiguchiDimension(line).value(), 1.0, 1e-9);
  EXPECT_NEAR(HiguchiDimension(Noise(20000)).value(), 2.0, 0.01);
  EXPECT_NEAR(HiguchiDimension(Walk(20000)).value(), 1.5, 0.05);
  EXPECT_NEAR(PetrosianDimension(line).value(), 1.0, 1e-12);
  EXPECT_GT(PetrosianDimension(Noise(500)).value(), 1.02);
  EXPECT_NEAR(KatzDimension(line).value(), 1.0, 1e-12);
}

TEST(FractalDimensions, SayWhenTheyAreUndefined) {
  EXPECT_FALSE(HiguchiDimension(std::vector<double>(100, 1.0)).has_value());
  EXPECT_FALSE(HiguchiDimension(Noise(19), 10).has_value());
  EXPECT_TRUE(HiguchiDimension(Noise(20), 10).has_value());
  EXPECT_FALSE(HiguchiDimension(Noise(20), 1).has_value());
  EXPECT_FALSE(HiguchiDimension(Noise(20), std::numeric_limits<size_t>::max()).has_value());
  EXPECT_FALSE(PetrosianDimension(Noise(2)).has_value());
  EXPECT_FALSE(KatzDimension(std::vector<double>(100, 1.0)).has_value());
  EXPECT_FALSE(KatzDimension(std::vector<double>{0, 1, 0, 1, 0}).has_value());
}

TEST(DetrendedFluctuation, TellsNoiseFromWalks) {
  EXPECT_NEAR(DetrendedFluctuation(Noise(20000)).value(), 0.5, 0.05);
  EXPECT_NEAR(DetrendedFluctuation(Walk(20000)).value(), 1.5, 0.05);
  EXPECT_FALSE(DetrendedFluctuation(std::vector<double>(200, 2.0)).has_value());
  EXPECT_FALSE(DetrendedFluctuation(Noise(57)).has_value());
  EXPECT_TRUE(DetrendedFluctuation(Noise(58)).has_value());
}

TEST(LempelZiv, CountsTheWordsOfThePaper) {
  // 0 . 001 . 10 . 100 . 1000 . 101, the example of Kaspar and Schuster.
  const std::string text = "0001101001000101";
  std::vector<uint8_t> bits;
  for (const char bit : text) bits.push_back(bit == '1' ? 1 : 0);
  EXPECT_EQ(LempelZivWords(bits), 6U);
  EXPECT_EQ(LempelZivWords({}), 0U);
}

TEST(LempelZiv, TellsNoiseFromRhythms) {
  EXPECT_NEAR(LempelZivComplexity(Noise(100000)).value(), 1.0, 0.07);
  EXPECT_LT(LempelZivComplexity(Sine(100000, 0.0437)).value(), 0.01);
  EXPECT_FALSE(LempelZivComplexity(Noise(1)).has_value());
}

TEST(NonlinearEnergy, IsThatOfASinusoid) {
  const double cycles = 0.01;
  const double angle = std::sin(2 * std::numbers::pi * cycles);
  EXPECT_NEAR(NonlinearEnergy(Sine(1000, cycles)).value(), angle * angle, 1e-12);
  EXPECT_FALSE(NonlinearEnergy(Noise(2)).has_value());
}

TEST(Dynamics, RefuseSamplesThatAreNotNumbers) {
  auto x = Noise(100);
  x[42] = NAN;
  const auto refuses = [](const auto& result) {
    ASSERT_FALSE(result.has_value());
    EXPECT_THAT(result.error().message, HasSubstr("sample 42"));
  };
  refuses(PermutationEntropy(x));
  refuses(SvdEntropy(x));
  refuses(SampleEntropy(x));
  refuses(ApproximateEntropy(x));
  refuses(HiguchiDimension(x));
  refuses(PetrosianDimension(x));
  refuses(KatzDimension(x));
  refuses(DetrendedFluctuation(x));
  refuses(LempelZivComplexity(x));
  refuses(NonlinearEnergy(x));
}

}  // namespace
}  // namespace montage::signal
