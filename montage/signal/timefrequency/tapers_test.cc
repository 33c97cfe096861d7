// Slepian tapers and multitaper spectra: the numbers of SciPy and MNE, properties, wrong input.

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/random.h"
#include "montage/signal/timefrequency/multitaper.h"
#include "montage/signal/timefrequency/slepian.h"
#include "montage/signal/vectors_testing.h"

namespace montage::signal {
namespace {

using ::testing::HasSubstr;

Symmetry SymmetryOf(const boost::json::value& entry) {
  return entry.at("symmetric").as_bool() ? Symmetry::kSymmetric : Symmetry::kPeriodic;
}

TEST(TaperVectors, SlepianTapersWithTheirSignsAndConcentrations) {
  for (const auto& entry : ReadVectors("tapers").at("tapers").as_array()) {
    const size_t n = Size(entry.at("n"));
    const auto& expected = entry.at("tapers").as_array();
    const auto* stride = entry.as_object().if_contains("stride");
    const size_t step = stride != nullptr ? Size(*stride) : 1;
    const auto found = Slepian(n, Number(entry.at("nw")), expected.size(), SymmetryOf(entry));
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_LT(RelativeError(found->concentration, Numbers(entry.at("ratios"))), kAgreement) << n;
    for (size_t k = 0; k < expected.size(); ++k) {
      ASSERT_EQ(found->tapers[k].size(), n);
      std::vector<double> taper;
      for (size_t i = 0; i < n; i += step) taper.push_back(found->tapers[k][i]);
      EXPECT_LT(RelativeError(taper, Numbers(expected[k])), kAgreement) << n << " taper " << k;
    }
  }
}

TEST(TaperVectors, MultitaperSpectra) {
  const auto file = ReadVectors("tapers");
  const auto x = Numbers(file.at("x"));
  for (const auto& entry : file.at("multitaper").as_array()) {
    const size_t n = Size(entry.at("n"));
    auto multitaper = Multitaper::Make(n, Number(entry.at("rate")),
                                       {.bandwidth_hz = Number(entry.at("bandwidth")),
                                        .low_bias = entry.at("low_bias").as_bool(),
                                        .adaptive = entry.at("adaptive").as_bool()});
    ASSERT_TRUE(multitaper.has_value()) << multitaper.error().message;
    const auto spectrum = multitaper->Estimate(std::span(x).first(n));
    ASSERT_TRUE(spectrum.has_value());
    EXPECT_DOUBLE_EQ(spectrum->step_hz, Number(entry.at("step")));
    EXPECT_LT(RelativeError(spectrum->density, Numbers(entry.at("density"))), kAgreement)
        << boost::json::serialize(entry.at("bandwidth"));
  }
}

TEST(Slepian, TapersAreOrthonormalAndDescendInConcentration) {
  const auto found = Slepian(5000, 4.0, 8);
  ASSERT_TRUE(found.has_value());
  for (size_t a = 0; a < 8; ++a) {
    for (size_t b = 0; b <= a; ++b) {
      double product = 0.0;
      for (size_t i = 0; i < 5000; ++i) product += found->tapers[a][i] * found->tapers[b][i];
      EXPECT_NEAR(product, a == b ? 1.0 : 0.0, 1e-10) << a << " and " << b;
    }
    if (a > 0) {
      EXPECT_LT(found->concentration[a], found->concentration[a - 1]);
    }
  }
  EXPECT_GT(found->concentration[6], 0.9);
}

TEST(Slepian, AllTapersOfALengthAreABasis) {
  const auto found = Slepian(12, 3.0, 12);
  ASSERT_TRUE(found.has_value());
  double sum = 0.0;
  for (const double share : found->concentration) sum += share;
  EXPECT_NEAR(sum, 2 * 3.0, 1e-10);  // the trace of the concentration problem, 2 N W
}

TEST(Slepian, RefusesWhatIsNoTaper) {
  EXPECT_TRUE(Slepian(1, 0.4, 1).has_value());
  EXPECT_FALSE(Slepian(0, 1.0, 1).has_value());
  EXPECT_FALSE(Slepian(8, 2.0, 0).has_value());
  EXPECT_FALSE(Slepian(8, 2.0, 9).has_value());
  EXPECT_FALSE(Slepian(8, 4.0, 2).has_value());
  EXPECT_FALSE(Slepian(8, 0.0, 2).has_value());
  EXPECT_FALSE(Slepian(8, NAN, 2).has_value());
}

TEST(Multitaper, ConservesThePowerOfNoise) {
  base::Random random(5);
  std::vector<double> x(4096);
  for (double& value : x) value = 3.0 * random.Normal();
  for (const bool adaptive : {false, true}) {
    auto multitaper = Multitaper::Make(x.size(), 256, {.bandwidth_hz = 1.0, .adaptive = adaptive});
    ASSERT_TRUE(multitaper.has_value());
    const auto spectrum = multitaper->Estimate(x);
    ASSERT_TRUE(spectrum.has_value());
    EXPECT_EQ(spectrum->segments, multitaper->tapers());
    double power = 0.0;
    for (const double density : spectrum->density) power += density * spectrum->step_hz;
    EXPECT_NEAR(power, 9.0, 0.5);
  }
}

TEST(Multitaper, KeepsLeakageOfAStrongToneFromFarFrequencies) {
  std::vector<double> x(1000);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = 1e4 * std::sin(2 * std::numbers::pi * 10.03 * static_cast<double>(i) / 200.0);
  }
  auto multitaper = Multitaper::Make(x.size(), 200, {.adaptive = true});
  ASSERT_TRUE(multitaper.has_value());
  const auto spectrum = multitaper->Estimate(x);
  ASSERT_TRUE(spectrum.has_value());
  EXPECT_LT(spectrum->density[400], 1e-9 * spectrum->density[50]);  // 80 Hz and 10 Hz
}

TEST(Multitaper, OfAConstantIsZero) {
  for (const bool adaptive : {false, true}) {
    auto multitaper = Multitaper::Make(100, 100, {.adaptive = adaptive});
    ASSERT_TRUE(multitaper.has_value());
    const auto spectrum = multitaper->Estimate(std::vector<double>(100, 42.0));
    ASSERT_TRUE(spectrum.has_value());
    EXPECT_THAT(spectrum->density, ::testing::Each(0.0));
  }
}

TEST(Multitaper, RefusesWrongWindowsAndBandwidths) {
  EXPECT_FALSE(Multitaper::Make(1, 100, {}).has_value());
  EXPECT_FALSE(Multitaper::Make(100, 0, {}).has_value());
  EXPECT_FALSE(Multitaper::Make(100, NAN, {}).has_value());
  EXPECT_FALSE(Multitaper::Make(8, 100, {}).has_value());  // NW = 4 needs more than 8 samples
  EXPECT_FALSE(Multitaper::Make(100, 100, {.bandwidth_hz = 0.5}).has_value());
  EXPECT_FALSE(Multitaper::Make(100, 100, {.bandwidth_hz = 100}).has_value());
  EXPECT_FALSE(Multitaper::Make(100, 100, {.bandwidth_hz = -4}).has_value());
  EXPECT_FALSE(Multitaper::Make(100, 100, {.bandwidth_hz = NAN}).has_value());
  auto multitaper = Multitaper::Make(100, 100, {});
  ASSERT_TRUE(multitaper.has_value());
  EXPECT_FALSE(multitaper->Estimate(std::vector<double>(99, 1.0)).has_value());
  std::vector<double> missing(100, 1.0);
  missing[31] = std::numeric_limits<double>::infinity();
  const auto result = multitaper->Estimate(missing);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("sample 31"));
}

}  // namespace
}  // namespace montage::signal
