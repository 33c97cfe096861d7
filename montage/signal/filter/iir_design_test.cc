// Every family of recursive filters against SciPy's numbers, and what makes each family what it is.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/signal/filter/iir.h"
#include "montage/signal/vectors_testing.h"

namespace montage::signal {
namespace {

using testing::HasSubstr;

IirShape ShapeNamed(std::string_view name) {
  if (name == "butterworth") return ButterworthShape{};
  if (name == "chebyshev") return ChebyshevShape{0.5};
  if (name == "inverse") return InverseChebyshevShape{40};
  if (name == "elliptic") return EllipticShape{0.1, 60};
  return BesselShape{};
}

std::vector<double> Every(const std::vector<double>& samples, size_t first, size_t last,
                          size_t step) {
  std::vector<double> thinned;
  for (size_t i = first; i < last; i += step) thinned.push_back(samples[i]);
  return thinned;
}

TEST(ScipyVectors, EveryFamilyBandAndOrder) {
  const auto file = ReadVectors("iir");
  const auto x = Numbers(file.at("x"));
  for (const auto& entry : file.at("cases").as_array()) {
    const std::string family(entry.at("family").as_string()), kind(entry.at("kind").as_string());
    const int order = entry.at("order").to_number<int>();
    SCOPED_TRACE(family + " " + kind + " " + std::to_string(order));
    const auto edges = Numbers(entry.at("edges"));
    const auto sections =
        IirDesign(ShapeNamed(family), order, BandNamed(kind), {edges.front(), edges.back()}, 256);
    ASSERT_TRUE(sections.has_value());
    std::vector<double> gains;
    for (const double hz : Numbers(file.at("gain_hz"))) {
      gains.push_back(GainAt(*sections, hz, 256));
    }
    EXPECT_LT(RelativeError(gains, Numbers(entry.at("gain"))), 1e-10);
    auto causal = x;
    ASSERT_TRUE(SosFilter(*sections).Process(causal).has_value());
    EXPECT_LT(RelativeError(Every(causal, 3, 200, 16), Numbers(entry.at("sosfilt"))), 1e-10);
    auto zero_phase = x;
    ASSERT_TRUE(FilterZeroPhase(*sections, zero_phase).has_value());
    EXPECT_LT(RelativeError(Every(zero_phase, 0, x.size(), 20), Numbers(entry.at("sosfiltfilt"))),
              1e-10);
  }
}

/// Least and largest gain in decibels from `from` to `to`.
struct Bounds {
  double least = 1e9;
  double largest = -1e9;
};
Bounds GainsBetween(const Sections& sections, double from, double to) {
  Bounds bounds;
  for (int i = 0; i <= 2000; ++i) {
    const double db = 20.0 * std::log10(GainAt(sections, from + (to - from) * i / 2000.0, 256));
    bounds.least = std::min(bounds.least, db);
    bounds.largest = std::max(bounds.largest, db);
  }
  return bounds;
}

TEST(IirDesign, ChebyshevRipplesInThePassBandOnly) {
  for (const int order : {3, 4, 7}) {
    const auto sections = IirDesign(ChebyshevShape{1.0}, order, Band::kLowPass, {40, 0}, 256);
    ASSERT_TRUE(sections.has_value());
    const Bounds pass = GainsBetween(*sections, 0.0, 40.0);
    EXPECT_NEAR(pass.least, -1.0, 1e-3);
    EXPECT_NEAR(pass.largest, 0.0, 1e-3);
    EXPECT_NEAR(20.0 * std::log10(GainAt(*sections, 40, 256)), -1.0, 1e-9);
    EXPECT_LT(GainsBetween(*sections, 120, 127).largest, -40.0);
  }
}

TEST(IirDesign, InverseChebyshevKeepsItsAttenuation) {
  for (const int order : {3, 4, 7}) {
    const auto sections =
        IirDesign(InverseChebyshevShape{50}, order, Band::kHighPass, {20, 0}, 256);
    ASSERT_TRUE(sections.has_value());
    EXPECT_NEAR(GainsBetween(*sections, 0.001, 20.0).largest, -50.0, 1e-3);
    EXPECT_NEAR(GainAt(*sections, 128, 256), 1.0, 1e-12);
  }
}

TEST(IirDesign, EllipticKeepsBothAndIsTheSteepest) {
  const auto elliptic = IirDesign(EllipticShape{0.5, 60}, 5, Band::kLowPass, {40, 0}, 256);
  const auto chebyshev = IirDesign(ChebyshevShape{0.5}, 5, Band::kLowPass, {40, 0}, 256);
  ASSERT_TRUE(elliptic.has_value() && chebyshev.has_value());
  const Bounds pass = GainsBetween(*elliptic, 0.0, 40.0);
  EXPECT_NEAR(pass.least, -0.5, 1e-3);
  EXPECT_NEAR(pass.largest, 0.0, 1e-3);
  EXPECT_NEAR(GainsBetween(*elliptic, 75, 127).largest, -60.0, 1e-2);
  EXPECT_LT(GainAt(*elliptic, 55, 256), GainAt(*chebyshev, 55, 256));
}

TEST(IirDesign, BesselOvershootsLessThanButterworth) {
  const auto overshoot = [](const IirShape& shape) {
    const auto sections = IirDesign(shape, 6, Band::kLowPass, {20, 0}, 256).value();
    std::vector<double> step(300, 1.0);
    EXPECT_TRUE(SosFilter(sections).Process(step).has_value());
    return *std::ranges::max_element(step) - 1.0;
  };
  EXPECT_GT(overshoot(ButterworthShape{}), 0.1);
  EXPECT_LT(overshoot(BesselShape{}), 0.1 * overshoot(ButterworthShape{}));
}

TEST(IirDesign, ErrorsSayWhatToChange) {
  const auto refused = [](const IirShape& shape, int order, Band band, Edges edges, double rate) {
    const auto design = IirDesign(shape, order, band, edges, rate);
    EXPECT_FALSE(design.has_value());
    return design.has_value() ? base::Error{} : design.error();
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(refused(ChebyshevShape{0}, 4, Band::kLowPass, {40, 0}, 256).message,
              HasSubstr("ripple of 0 dB is outside (0, 20]"));
  EXPECT_THAT(refused(ChebyshevShape{nan}, 4, Band::kLowPass, {40, 0}, 256).message,
              HasSubstr("ripple of nan dB"));
  EXPECT_THAT(refused(InverseChebyshevShape{-3}, 4, Band::kLowPass, {40, 0}, 256).message,
              HasSubstr("attenuation of -3 dB"));
  EXPECT_THAT(refused(EllipticShape{1, 0.5}, 4, Band::kLowPass, {40, 0}, 256).message,
              HasSubstr("attenuation of 0.5 dB is outside (1, 200]"));
  EXPECT_THAT(refused(BesselShape{}, 17, Band::kLowPass, {40, 0}, 256).message,
              HasSubstr("order 17 is outside 1 to 16"));
  const auto narrow = refused(ButterworthShape{}, 16, Band::kBandPass, {0.001, 0.002}, 1e6);
  EXPECT_THAT(narrow.message, HasSubstr("no stable form"));
  EXPECT_THAT(narrow.hint, HasSubstr("lower the order"));
}

}  // namespace
}  // namespace montage::signal
