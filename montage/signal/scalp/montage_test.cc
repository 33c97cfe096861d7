// Montages on recordings that have all electrodes, lack some, or name them in other ways.

#include "montage/signal/scalp/montage.h"

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace montage::signal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> TenTwentyLabels() { return {TenTwenty().begin(), TenTwenty().end()}; }

std::map<std::string, double> WeightsOf(const MontageDerivation& derivation) {
  std::map<std::string, double> weights;
  for (const auto& term : derivation.terms) weights[term.electrode] += term.weight;
  return weights;
}

TEST(TransverseBipolar, JoinsEighteenNeighboursFromLeftToRight) {
  EXPECT_EQ(TransverseBipolar().size(), 18U);
  std::set<std::string_view> used;
  for (const auto& [first, second] : TransverseBipolar()) {
    EXPECT_LT(FindElectrode(first)->x, FindElectrode(second)->x) << first << second;
    used.insert(first);
    used.insert(second);
  }
  EXPECT_EQ(used.size(), 19U);
}

TEST(Montage, NamesItsElectrodesOnce) {
  const std::vector<Derivation> pairs = {{"T3", "C3"}, {"C3", "Cz"}, {"T7", "A1"}};
  EXPECT_THAT(BipolarMontage("row", pairs).Electrodes(), ElementsAre("T3", "C3", "Cz", "A1"));
  EXPECT_EQ(BipolarMontage("double banana", DoubleBanana()).Electrodes().size(), 19U);
}

TEST(Montage, FitsLabelsInAnyCaseAndOlderNames) {
  const std::vector<Derivation> pairs = {{"T7", "C3"}, {"C3", "A1"}};
  const std::vector<std::string> labels = {"a1", "EKG", "t3", "C3"};
  const auto fit = BipolarMontage("row", pairs).Fit(labels);
  ASSERT_TRUE(fit.has_value());
  ASSERT_EQ(fit->derived.size(), 2U);
  EXPECT_EQ(fit->derived[0].name, "T7-C3");
  EXPECT_THAT(fit->derived[0].channels, ElementsAre(2, 3));
  EXPECT_THAT(fit->derived[1].channels, ElementsAre(3, 0));
  EXPECT_THAT(fit->impossible, IsEmpty());
}

TEST(Montage, SaysWhichDerivationsAreImpossibleAndWhy) {
  const std::vector<Derivation> pairs = {
      {"Fz", "Cz"}, {"Cz", "Pz"}, {"Pz", "Oz"}, {"C3", "C4"}, {"O1", "O2"}};
  const std::vector<std::string> labels = {"Fz", "Cz", "Pz", "C3", "C4", "c4", "FZ"};
  const bool usable[] = {true, false, true, true, true, true, false};
  const auto fit = BipolarMontage("midline", pairs).Fit(labels, usable);
  ASSERT_TRUE(fit.has_value());
  EXPECT_THAT(fit->derived, IsEmpty());
  ASSERT_EQ(fit->impossible.size(), 5U);
  EXPECT_EQ(fit->impossible[0].name, "Fz-Cz");  // the second Fz is not usable, hence no ambiguity
  EXPECT_EQ(fit->impossible[0].reason, "electrode Cz is not usable");
  EXPECT_EQ(fit->impossible[2].reason, "electrode Oz is not recorded");
  EXPECT_EQ(fit->impossible[3].reason, "electrode C4 is ambiguous: channels 4, 5");
  EXPECT_EQ(fit->impossible[4].reason,
            "electrode O1 is not recorded; electrode O2 is not recorded");
  EXPECT_FALSE(
      BipolarMontage("midline", pairs).Fit(labels, std::span(usable).first(3)).has_value());
}

TEST(Montage, AppliesDerivationsToChannels) {
  const std::vector<Derivation> pairs = {{"Cz", "Fz"}, {"Fz", "Pz"}};
  const std::vector<std::string> labels = {"Fz", "Cz", "EMG", "Pz"};
  const auto fit = BipolarMontage("midline", pairs).Fit(labels);
  ASSERT_TRUE(fit.has_value());
  std::vector<double> fz(3000), cz(3000), pz(3000), emg(2);
  for (size_t i = 0; i < 3000; ++i) {
    fz[i] = static_cast<double>(i), cz[i] = 5.0, pz[i] = 2.0 * static_cast<double>(i);
  }
  emg[0] = NAN;  // is not used, hence neither its length nor its samples matter
  std::vector<double> first(3000, -1.0), second(3000, -1.0);
  const std::vector<std::span<const double>> in = {fz, cz, emg, pz};
  const std::vector<std::span<double>> out = {first, second};
  ASSERT_TRUE(ApplyMontage(*fit, in, out).has_value());
  for (size_t i = 0; i < 3000; ++i) {
    ASSERT_EQ(first[i], 5.0 - static_cast<double>(i));
    ASSERT_EQ(second[i], -static_cast<double>(i));
  }
}

TEST(Montage, RefusesChannelsThatDoNotBelongToTheFit) {
  const std::vector<Derivation> pairs = {{"Cz", "Fz"}};
  const std::vector<std::string> labels = {"Fz", "Cz"};
  const auto fit = BipolarMontage("midline", pairs).Fit(labels);
  ASSERT_TRUE(fit.has_value());
  std::vector<double> fz(10, 1.0), cz(10, 2.0), shorter(9, 0.0), row(10);
  const std::vector<std::span<double>> out = {row}, none;
  using In = std::vector<std::span<const double>>;
  EXPECT_TRUE(ApplyMontage(*fit, In{fz, cz}, out).has_value());
  EXPECT_FALSE(ApplyMontage(*fit, In{fz}, out).has_value());
  EXPECT_FALSE(ApplyMontage(*fit, In{fz, cz}, none).has_value());
  EXPECT_FALSE(ApplyMontage(*fit, In{fz, shorter}, out).has_value());
  cz[3] = NAN;
  const auto result = ApplyMontage(*fit, In{fz, cz}, out);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().ToString(), HasSubstr("sample 3"));
  EXPECT_THAT(result.error().ToString(), HasSubstr("channel 1"));
}

TEST(ReferencedMontage, LinksEarsAndReducesItsOwnElectrodes) {
  constexpr std::string_view kElectrodes[] = {"Cz", "A1"}, kEars[] = {"A1", "A2"};
  const auto montage = ReferencedMontage("linked ears", kElectrodes, kEars, "A1A2");
  ASSERT_EQ(montage.derivations().size(), 2U);
  EXPECT_EQ(montage.derivations()[0].name, "Cz-A1A2");
  EXPECT_EQ(WeightsOf(montage.derivations()[0]),
            (std::map<std::string, double>{{"Cz", 1.0}, {"A1", -0.5}, {"A2", -0.5}}));
  EXPECT_EQ(WeightsOf(montage.derivations()[1]),
            (std::map<std::string, double>{{"A1", 0.5}, {"A2", -0.5}}));
  const auto fit = montage.Fit(TenTwentyLabels());
  ASSERT_TRUE(fit.has_value());
  ASSERT_EQ(fit->impossible.size(), 2U);
  EXPECT_EQ(fit->impossible[0].reason,
            "electrode A1 is not recorded; electrode A2 is not recorded");
}

TEST(AverageMontage, IsWhatAverageReferenceMakes) {
  constexpr std::string_view kElectrodes[] = {"C3", "Cz", "C4"};
  const std::vector<std::string> labels = {"C3", "Cz", "C4"};
  const auto fit = AverageMontage(kElectrodes).Fit(labels);
  ASSERT_TRUE(fit.has_value());
  std::vector<double> a = {1, 5}, b = {2, 0}, c = {6, 1}, x(2), y(2), z(2);
  ASSERT_TRUE(ApplyMontage(*fit, std::vector<std::span<const double>>{a, b, c},
                           std::vector<std::span<double>>{x, y, z})
                  .has_value());
  const bool all[] = {true, true, true};
  AverageReference(std::vector<std::span<double>>{a, b, c}, all);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(x[i], a[i], 1e-12);
    EXPECT_NEAR(y[i], b[i], 1e-12);
    EXPECT_NEAR(z[i], c[i], 1e-12);
  }
}

TEST(LocalLaplacian, TakesTheFourNeighboursOfCz) {
  const auto montage = LocalLaplacian(TenTwenty());
  ASSERT_TRUE(montage.has_value());
  ASSERT_EQ(montage->derivations().size(), 19U);
  const auto& cz = montage->derivations()[9];
  EXPECT_EQ(cz.name, "Cz-lap");
  EXPECT_EQ(WeightsOf(cz),
            (std::map<std::string, double>{
                {"Cz", 1.0}, {"Fz", -0.25}, {"C3", -0.25}, {"C4", -0.25}, {"Pz", -0.25}}));
  for (const auto& derivation : montage->derivations()) {
    double sum = 0.0;
    for (const auto& term : derivation.terms) sum += term.weight;
    EXPECT_NEAR(sum, 0.0, 1e-12) << derivation.name;
  }
}

TEST(LocalLaplacian, IsMirroredBetweenTheSides) {
  const auto montage = LocalLaplacian(TenTwenty(), 3, NeighbourWeights::kInverseDistance);
  ASSERT_TRUE(montage.has_value());
  const auto weights_of = [&](std::string_view name) {
    for (const auto& derivation : montage->derivations()) {
      if (derivation.name == name) return WeightsOf(derivation);
    }
    return std::map<std::string, double>{};
  };
  const auto left = weights_of("T7-lap"), right = weights_of("T8-lap");
  const std::map<std::string, std::string> mirror = {
      {"T7", "T8"}, {"F7", "F8"}, {"P7", "P8"}, {"C3", "C4"}};
  ASSERT_EQ(left.size(), 4U);
  for (const auto& [electrode, weight] : left) {
    ASSERT_TRUE(mirror.contains(electrode)) << electrode;
    EXPECT_NEAR(right.at(mirror.at(electrode)), weight, 1e-12);
  }
}

TEST(LocalLaplacian, RefusesElectrodesItCannotPlace) {
  constexpr std::string_view kUnknown[] = {"Fz", "Cz", "A1"}, kTwice[] = {"T3", "T7", "Cz"},
                             kFew[] = {"Fz", "Cz"};
  const auto unknown = LocalLaplacian(kUnknown, 1);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_THAT(unknown.error().message, HasSubstr("A1"));
  EXPECT_FALSE(LocalLaplacian(kTwice, 1).has_value());
  EXPECT_FALSE(LocalLaplacian(kFew, 2).has_value());
  EXPECT_FALSE(LocalLaplacian(kFew, 0).has_value());
  EXPECT_TRUE(LocalLaplacian(kFew, 1).has_value());
}

}  // namespace
}  // namespace montage::signal
