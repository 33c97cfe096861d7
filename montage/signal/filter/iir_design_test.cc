// Every family of recursive filters against SciPy's numbers, and what makes each family what it is.

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

Band BandNamed(std::string_view name) {
  if (name == "low") return Band::kLowPass;
  if (name == "high") return Band::kHighPass;
  return name == "band" ? Band::kBandPass : Band::kBandStop;
}

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
    const auto sections = IirDesign(ShapeNamed(family), order, BandNamed(kind),
                                    {edges.front(), edges.back()}, 256);
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

}  // namespace
}  // namespace montage::signal
