#include "montage/signal/scalp/electrodes.h"

#include <array>
#include <cmath>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "montage/signal/scalp/spherical_spline.h"

namespace montage::signal {
namespace {

Position At(std::string_view name) { return FindElectrode(name).value(); }

TEST(Electrodes, KnowTheirNamesInAnyCaseAndTheOlderOnes) {
  EXPECT_EQ(StandardElectrodeName("FP1"), "Fp1");
  EXPECT_EQ(StandardElectrodeName("t3"), "T7");
  EXPECT_EQ(StandardElectrodeName("T6"), "P8");
  EXPECT_EQ(StandardElectrodeName("EOG left"), std::nullopt);
  EXPECT_FALSE(FindElectrode("A1").has_value());
  EXPECT_FALSE(FindElectrode("").has_value());
}

TEST(Electrodes, LieOnTheUnitSphereLeftAndRightMirrored) {
  for (const auto name : TenTwenty()) {
    const Position p = At(name);
    EXPECT_NEAR(std::hypot(p.x, p.y, p.z), 1.0, 1e-12) << name;
  }
  for (const auto& [left, right] : {std::pair{"F3", "F4"}, {"AF5", "AF6"}, {"PO7", "PO8"}}) {
    EXPECT_LT(At(left).x, 0.0);
    EXPECT_NEAR(At(left).x, -At(right).x, 1e-12);
    EXPECT_NEAR(At(left).y, At(right).y, 1e-12);
  }
  EXPECT_NEAR(At("Cz").z, 1.0, 1e-12);
  EXPECT_GT(At("Fz").y, 0.0);
  EXPECT_LT(At("Oz").y, 0.0);
}

TEST(Electrodes, RowsAreDividedEvenly) {
  constexpr double kDegree = std::numbers::pi / 180.0;
  EXPECT_NEAR(AngleBetween(At("Cz"), At("C3")), 36 * kDegree, 1e-9);
  EXPECT_NEAR(AngleBetween(At("C3"), At("T7")), 36 * kDegree, 1e-9);
  EXPECT_NEAR(AngleBetween(At("F7"), At("F3")), AngleBetween(At("F3"), At("Fz")), 1e-9);
  EXPECT_NEAR(AngleBetween(At("PO7"), At("PO5")), AngleBetween(At("PO1"), At("POz")), 1e-9);
}

TEST(DoubleBanana, JoinsEighteenNeighbouringPairs) {
  EXPECT_EQ(DoubleBanana().size(), 18U);
  std::set<std::string_view> used;
  for (const auto& [first, second] : DoubleBanana()) {
    EXPECT_LT(AngleBetween(At(first), At(second)), 50 * std::numbers::pi / 180.0);
    used.insert(first);
    used.insert(second);
  }
  EXPECT_EQ(used.size(), 19U);
}

TEST(AverageReference, LeavesTheGoodChannelsWithMeanZero) {
  std::vector<double> a = {1, 2, 3}, b = {3, 6, 1}, bad = {1000, 0, -1000};
  const std::array<std::span<double>, 3> channels = {a, b, bad};
  const std::array<bool, 3> reference = {true, true, false};
  AverageReference(channels, reference);
  EXPECT_EQ(a, (std::vector<double>{-1, -2, 1}));
  EXPECT_EQ(b, (std::vector<double>{1, 2, -1}));
  EXPECT_EQ(bad, (std::vector<double>{998, -4, -1002}));
}

TEST(SphericalSpline, RestoresASmoothFieldFromTheOtherElectrodes) {
  const auto field = [](const Position& p) { return 20 * p.x - 35 * p.y + 10 * p.z * p.y + 5; };
  for (const auto missing : TenTwenty()) {
    std::vector<Position> sources;
    for (const auto name : TenTwenty()) {
      if (name != missing) sources.push_back(At(name));
    }
    const std::array target = {At(missing)};
    const auto weights = SplineWeights(sources, target);
    ASSERT_TRUE(weights.has_value());
    double value = 0.0, sum = 0.0;
    for (size_t i = 0; i < sources.size(); ++i) {
      value += (*weights)[i] * field(sources[i]);
      sum += (*weights)[i];
    }
    EXPECT_NEAR(sum, 1.0, 1e-9);
    EXPECT_NEAR(value, field(target[0]), 4.0) << missing;
  }
}

TEST(SphericalSpline, NeedsDistinctSources) {
  const std::array target = {At("Cz")};
  EXPECT_FALSE(SplineWeights({}, target).has_value());
  const std::array twice = {At("Fz"), At("Fz"), At("Pz")};
  EXPECT_FALSE(SplineWeights(twice, target, 0.0).has_value());
  EXPECT_TRUE(SplineWeights(twice, target).has_value());
}

}  // namespace
}  // namespace montage::signal
