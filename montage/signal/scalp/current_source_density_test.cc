// Surface Laplacian and interpolation by spherical splines: MNE's numbers, properties, wrong input.

#include "montage/signal/scalp/current_source_density.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/signal/scalp/spherical_spline.h"
#include "montage/signal/scalp/weighted_sum.h"
#include "montage/signal/vectors_testing.h"

namespace montage::signal {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> Names(const boost::json::value& value) {
  std::vector<std::string> names;
  for (const auto& name : value.as_array()) names.emplace_back(name.as_string());
  return names;
}

std::vector<Position> TenTwentyPositions() {
  std::vector<Position> positions;
  for (const auto name : TenTwenty()) positions.push_back(*FindElectrode(name));
  return positions;
}

TEST(ScalpVectors, PositionsAreThoseTheVectorsWereMadeWith) {
  const auto file = ReadVectors("scalp");
  std::vector<double> positions;
  for (const auto& name : Names(file.at("names"))) {
    const Position p = FindElectrode(name).value();
    positions.insert(positions.end(), {p.x, p.y, p.z});
  }
  EXPECT_LT(RelativeError(positions, Numbers(file.at("positions"))), 1e-12);
}

TEST(ScalpVectors, CurrentSourceDensity) {
  const auto file = ReadVectors("scalp");
  for (const auto& entry : file.at("densities").as_array()) {
    const auto weights = CurrentSourceWeights(TenTwentyPositions(),
                                              {.smoothing = Number(entry.at("smoothing")),
                                               .stiffness = entry.at("stiffness").to_number<int>(),
                                               .terms = entry.at("terms").to_number<int>(),
                                               .radius_m = Number(entry.at("radius"))});
    ASSERT_TRUE(weights.has_value()) << weights.error().message;
    EXPECT_LT(RelativeError(*weights, Numbers(entry.at("weights"))), kAgreement)
        << "stiffness " << entry.at("stiffness");
  }
}

TEST(ScalpVectors, InterpolationOfBadChannels) {
  const auto file = ReadVectors("scalp");
  const auto names = Names(file.at("names"));
  for (const auto& entry : file.at("interpolated").as_array()) {
    const auto bad = Names(entry.at("bad"));
    std::vector<Position> sources, targets;
    for (const auto& name : names) {
      const bool is_bad = std::ranges::find(bad, name) != bad.end();
      (is_bad ? targets : sources).push_back(*FindElectrode(name));
    }
    const auto weights = SplineWeights(sources, targets);
    ASSERT_TRUE(weights.has_value());
    EXPECT_LT(RelativeError(*weights, Numbers(entry.at("weights"))), kAgreement) << bad.front();
  }
}

TEST(CurrentSourceDensity, DoesNotDependOnTheReference) {
  const auto weights = CurrentSourceWeights(TenTwentyPositions());
  ASSERT_TRUE(weights.has_value());
  for (size_t row = 0; row < 19; ++row) {
    double sum = 0.0, largest = 0.0;
    for (size_t column = 0; column < 19; ++column) {
      sum += (*weights)[row * 19 + column];
      largest = std::max(largest, std::abs((*weights)[row * 19 + column]));
    }
    EXPECT_NEAR(sum, 0.0, 1e-9 * largest);
  }
}

TEST(CurrentSourceDensity, OfASmoothFieldIsThatOfItsHarmonic) {
  // The Laplacian of a harmonic of degree 2 on the unit sphere is -6 times the harmonic, and a
  // source is where the potential bends downwards. Electrodes all over the sphere.
  std::vector<Position> positions;
  for (int i = 0; i < 200; ++i) {
    const double z = 1.0 - (2.0 * i + 1.0) / 200.0;
    const double azimuth = 2.399963229728653 * i;  // the golden angle
    const double r = std::sqrt(1.0 - z * z);
    positions.push_back({r * std::cos(azimuth), r * std::sin(azimuth), z});
  }
  const auto weights = CurrentSourceWeights(positions, {.smoothing = 0.0, .radius_m = 2.0});
  ASSERT_TRUE(weights.has_value());
  const auto field = [](const Position& p) { return 10.0 * p.x * p.y; };
  for (size_t row = 0; row < positions.size(); ++row) {
    double density = 0.0;
    for (size_t i = 0; i < positions.size(); ++i) {
      density += (*weights)[row * positions.size() + i] * field(positions[i]);
    }
    EXPECT_NEAR(density, 6.0 * field(positions[row]) / 4.0, 0.05) << row;
  }
}

TEST(CurrentSourceDensity, UsesDirectionsOnly) {
  auto scaled = TenTwentyPositions();
  for (Position& p : scaled) p = {0.09 * p.x, 0.09 * p.y, 0.09 * p.z};
  EXPECT_LT(RelativeError(CurrentSourceWeights(scaled).value(),
                          CurrentSourceWeights(TenTwentyPositions()).value()),
            1e-9);
}

TEST(CurrentSourceDensity, RefusesPlacesAndOptionsThatMakeNoSense) {
  const auto positions = TenTwentyPositions();
  const auto refuses = [&](CurrentSourceOptions options) {
    return !CurrentSourceWeights(positions, options).has_value();
  };
  EXPECT_FALSE(refuses({}));
  EXPECT_TRUE(refuses({.smoothing = -1e-5}));
  EXPECT_TRUE(refuses({.smoothing = 1.0}));
  EXPECT_TRUE(refuses({.smoothing = NAN}));
  EXPECT_TRUE(refuses({.stiffness = 1}));
  EXPECT_TRUE(refuses({.stiffness = 7}));
  EXPECT_TRUE(refuses({.terms = 0}));
  EXPECT_TRUE(refuses({.terms = 201}));
  EXPECT_TRUE(refuses({.radius_m = 0.0}));
  EXPECT_FALSE(CurrentSourceWeights({}).has_value());
  EXPECT_FALSE(CurrentSourceWeights(std::vector<Position>{{0, 0, 1}}).has_value());
  EXPECT_FALSE(CurrentSourceWeights(std::vector<Position>{{0, 0, 1}, {0, 0, 0}}).has_value());
  EXPECT_FALSE(CurrentSourceWeights(std::vector<Position>{{0, 0, 1}, {NAN, 0, 0}}).has_value());
  const std::vector<Position> twice = {{0, 0, 1}, {0, 1, 0}, {0, 0, 2}};
  EXPECT_FALSE(CurrentSourceWeights(twice, {.smoothing = 0.0}).has_value());
  EXPECT_TRUE(CurrentSourceWeights(twice).has_value());
}

TEST(ApplyWeights, IsTheMatrixProductInBlocksAndRests) {
  // 6 inputs: four together and two apart; 1100 samples: two blocks and a rest.
  std::vector<std::vector<double>> in(6, std::vector<double>(1100)), out(3, in[0]);
  for (size_t c = 0; c < 6; ++c) {
    for (size_t i = 0; i < 1100; ++i) in[c][i] = std::sin(static_cast<double>(3 * i + 5 * c));
  }
  std::vector<double> weights(18);
  for (size_t i = 0; i < 18; ++i) weights[i] = 0.3 * static_cast<double>(i) - 2.0;
  const std::vector<std::span<const double>> from(in.begin(), in.end());
  const std::vector<std::span<double>> to(out.begin(), out.end());
  ASSERT_TRUE(ApplyWeights(weights, from, to).has_value());
  for (size_t row = 0; row < 3; ++row) {
    for (size_t i = 0; i < 1100; ++i) {
      double expected = 0.0;
      for (size_t c = 0; c < 6; ++c) expected += weights[row * 6 + c] * in[c][i];
      ASSERT_NEAR(out[row][i], expected, 1e-12);
    }
  }
}

TEST(ApplyWeights, RefusesShapesThatDoNotFitAndMissingSamples) {
  std::vector<double> a(10, 1.0), b(10, 2.0), c(9, 3.0), out(10);
  const std::vector<double> two = {1, 1}, three = {1, 1, 1};
  const std::vector<std::span<double>> to = {out};
  EXPECT_TRUE(ApplyWeights(two, std::vector<std::span<const double>>{a, b}, to).has_value());
  EXPECT_FALSE(ApplyWeights(three, std::vector<std::span<const double>>{a, b}, to).has_value());
  EXPECT_FALSE(ApplyWeights(two, std::vector<std::span<const double>>{a, c}, to).has_value());
  b[4] = std::numeric_limits<double>::quiet_NaN();
  const auto result = ApplyWeights(two, std::vector<std::span<const double>>{a, b}, to);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().ToString(), HasSubstr("sample 4"));
  EXPECT_THAT(result.error().ToString(), HasSubstr("channel 1"));
}

}  // namespace
}  // namespace montage::signal
