// Morlet, Stockwell and discrete wavelet transforms: the numbers of MNE and PyWavelets, planted
// rhythms, wrong input.

#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/signal/samples_testing.h"
#include "montage/signal/timefrequency/morlet.h"
#include "montage/signal/timefrequency/stockwell.h"
#include "montage/signal/timefrequency/wavelet.h"
#include "montage/signal/vectors_testing.h"

namespace montage::signal {
namespace {

using ::testing::HasSubstr;

std::vector<double> Noise(size_t count) { return signal::Noise(count, 23); }

TEST(WaveletVectors, MorletTransform) {
  for (const auto& entry : ReadVectors("wavelets").at("morlet").as_array()) {
    const auto transform = MorletTransform::Make(Number(entry.at("rate")), Numbers(entry.at("hz")),
                                                 {.cycles = Number(entry.at("cycles")),
                                                  .zero_mean = entry.at("zero_mean").as_bool(),
                                                  .decimation = Size(entry.at("decimation"))});
    ASSERT_TRUE(transform.has_value()) << transform.error().message;
    const auto found = transform->Transform(Numbers(entry.at("x")));
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_LT(RelativeError(found->real, Numbers(entry.at("real"))), kAgreement);
    EXPECT_LT(RelativeError(found->imaginary, Numbers(entry.at("imaginary"))), kAgreement);
  }
}

TEST(WaveletVectors, StockwellTransform) {
  for (const auto& entry : ReadVectors("wavelets").at("stockwell").as_array()) {
    const auto hz = Numbers(entry.at("hz"));
    const double inside = 0.5 * (hz[1] - hz[0]);  // the committed edges are rounded
    const auto found =
        Stockwell(Numbers(entry.at("x")), Number(entry.at("rate")),
                  {hz.front() - inside, hz.back() + inside}, Number(entry.at("width")));
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_LT(RelativeError(found->frequencies_hz, hz), kAgreement);
    std::vector<double> power;
    for (size_t row = 0; row < hz.size(); ++row) {
      const auto all = found->Power(row);
      for (size_t i = 0; i < all.size(); i += Size(entry.at("stride"))) power.push_back(all[i]);
    }
    EXPECT_LT(RelativeError(power, Numbers(entry.at("power"))), kAgreement);
  }
}

TEST(WaveletVectors, DaubechiesFilters) {
  for (const auto& entry : ReadVectors("wavelets").at("filters").as_array()) {
    const auto filters = DaubechiesFilters(entry.at("moments").to_number<int>());
    ASSERT_TRUE(filters.has_value());
    EXPECT_LT(RelativeError(filters->low, Numbers(entry.at("low"))), 1e-11) << entry.at("moments");
    EXPECT_LT(RelativeError(filters->high, Numbers(entry.at("high"))), 1e-11);
  }
}

TEST(WaveletVectors, DecompositionsAndTheirInverse) {
  const auto file = ReadVectors("wavelets");
  const auto x = Numbers(file.at("x"));
  for (const auto& entry : file.at("cases").as_array()) {
    const size_t n = Size(entry.at("n"));
    const int moments = entry.at("moments").to_number<int>();
    const bool periodic = entry.at("mode").as_string() == "periodization";
    const std::string name = "db" + std::to_string(moments) + " of " + std::to_string(n) +
                             (periodic ? " periodic" : " symmetric");
    EXPECT_EQ(DeepestWaveletLevel(n, moments), entry.at("deepest").to_number<int>());
    const auto samples = std::span(x).first(n);
    auto found = DecomposeIntoWavelets(
        samples, entry.at("levels").to_number<int>(),
        {.moments = moments, .extension = periodic ? Extension::kPeriodic : Extension::kSymmetric});
    ASSERT_TRUE(found.has_value()) << name << found.error().message;

    const auto& parts = entry.at("parts").as_array();  // the slowest first
    ASSERT_EQ(parts.size(), found->levels() + 1);
    EXPECT_LT(RelativeError(found->approximation, Numbers(parts[0])), kAgreement) << name;
    for (size_t i = 1; i < parts.size(); ++i) {
      EXPECT_LT(RelativeError(found->details[found->levels() - i], Numbers(parts[i])), kAgreement)
          << name;
    }
    const auto back = ComposeFromWavelets(*found);
    ASSERT_TRUE(back.has_value()) << name;
    EXPECT_LT(RelativeError(*back, samples), kAgreement) << name;

    for (double& value : found->approximation) value *= 2.0;
    for (size_t i = 1; i < parts.size(); ++i) {
      for (double& value : found->details[found->levels() - i]) value *= i % 2 == 1 ? 0.5 : 2.0;
    }
    const auto changed = ComposeFromWavelets(*found);
    ASSERT_TRUE(changed.has_value());
    EXPECT_LT(RelativeError(*changed, Numbers(entry.at("changed"))), kAgreement) << name;
  }
}

TEST(MorletTransform, FindsAPlantedBurst) {
  constexpr size_t kRate = 256;
  std::vector<double> x(20 * kRate, 0.0);
  for (size_t i = 8 * kRate; i < 10 * kRate; ++i) {
    x[i] = std::sin(2 * std::numbers::pi * 13.0 * static_cast<double>(i) / 256.0);
  }
  const std::vector<double> hz = {4, 7, 10, 13, 16, 20, 25, 30};
  const auto transform = MorletTransform::Make(256, hz, {.decimation = 16});
  ASSERT_TRUE(transform.has_value());
  const auto found = transform->Transform(x);
  ASSERT_TRUE(found.has_value());
  size_t best_row = 0, best_time = 0;
  double best = 0.0;
  for (size_t row = 0; row < hz.size(); ++row) {
    const auto power = found->Power(row);
    for (size_t i = 0; i < power.size(); ++i) {
      if (power[i] <= best) continue;
      best = power[i], best_row = row, best_time = i;
    }
  }
  EXPECT_EQ(hz[best_row], 13.0);
  EXPECT_NEAR(static_cast<double>(best_time) * found->step_s, 9.0, 0.8);
}

TEST(MorletTransform, DoesNotDependOnBlocksOrDecimation) {
  const auto x = Noise(5000);
  const std::vector<double> fast = {20.0}, both = {20.0, 3.0};  // the slow one has longer blocks
  const auto short_blocks = MorletTransform::Make(100, fast);
  const auto long_blocks = MorletTransform::Make(100, both);
  const auto every_ninth = MorletTransform::Make(100, both, {.decimation = 9});
  ASSERT_TRUE(short_blocks.has_value() && long_blocks.has_value() && every_ninth.has_value());
  const auto one = short_blocks->Transform(x), two = long_blocks->Transform(x);
  const auto some = every_ninth->Transform(x);
  ASSERT_TRUE(one.has_value() && two.has_value() && some.has_value());
  EXPECT_LT(RelativeError(std::span(two->real).first(5000), one->real), 1e-12);
  TimeFrequency used = *two;
  ASSERT_TRUE(short_blocks->Transform(x, used).has_value());
  EXPECT_EQ(used.real, one->real);
  EXPECT_EQ(used.frequencies_hz, one->frequencies_hz);
  ASSERT_EQ(some->times, 556U);
  for (size_t i = 0; i < some->times; ++i) {
    EXPECT_EQ(some->real[some->times + i], two->real[two->times + 9 * i]);
  }
}

TEST(MorletTransform, RefusesWhatItCannotTransform) {
  const std::vector<double> ten = {10.0}, none, zero = {0.0}, high = {51.0}, nan = {NAN};
  EXPECT_FALSE(MorletTransform::Make(100, none).has_value());
  EXPECT_FALSE(MorletTransform::Make(100, zero).has_value());
  EXPECT_FALSE(MorletTransform::Make(100, high).has_value());
  EXPECT_FALSE(MorletTransform::Make(100, nan).has_value());
  EXPECT_FALSE(MorletTransform::Make(0, ten).has_value());
  EXPECT_FALSE(MorletTransform::Make(100, ten, {.cycles = 0}).has_value());
  EXPECT_FALSE(MorletTransform::Make(100, ten, {.cycles = 1e9}).has_value());
  EXPECT_FALSE(MorletTransform::Make(100, ten, {.decimation = 0}).has_value());
  const auto transform = MorletTransform::Make(100, ten);
  ASSERT_TRUE(transform.has_value());
  EXPECT_FALSE(transform->Transform(Noise(transform->longest() - 1)).has_value());
  EXPECT_TRUE(transform->Transform(Noise(transform->longest())).has_value());
  auto missing = Noise(1000);
  missing[500] = NAN;
  const auto result = transform->Transform(missing);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("sample 500"));
}

TEST(Stockwell, RowsAreThoseOfTheRangeAndKeepThePhase) {
  const size_t n = 200;
  std::vector<double> x(n);
  for (size_t i = 0; i < n; ++i) {
    x[i] = std::cos(2 * std::numbers::pi * 10.0 * static_cast<double>(i) / 100.0 + 0.7);
  }
  const auto found = Stockwell(x, 100, {8.0, 12.0});
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->frequencies_hz, (std::vector<double>{8, 8.5, 9, 9.5, 10, 10.5, 11, 11.5, 12}));
  const size_t at = 4 * n + 50;
  EXPECT_NEAR(found->real[at], 0.5 * std::cos(0.7), 1e-6);
  EXPECT_NEAR(found->imaginary[at], 0.5 * std::sin(0.7), 1e-6);
}

TEST(Stockwell, RefusesWhatItCannotTransform) {
  const auto x = Noise(100);
  EXPECT_TRUE(Stockwell(x, 100, {50, 50}).has_value());
  EXPECT_FALSE(Stockwell(x, 100, {50.1, 60}).has_value());
  EXPECT_FALSE(Stockwell(x, 100, {0, 0.9}).has_value());
  EXPECT_FALSE(Stockwell(x, 100, {12, 8}).has_value());
  EXPECT_FALSE(Stockwell(x, 0, {8, 12}).has_value());
  EXPECT_FALSE(Stockwell(x, 100, {8, 12}, 0.0).has_value());
  EXPECT_FALSE(Stockwell(std::span(x).first(1), 100, {8, 12}).has_value());
  const auto large = Stockwell(std::vector<double>(40000, 1.0), 100, {0, 50});
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(large.error().code, base::ErrorCode::kTooLarge);
}

TEST(WaveletDecomposition, OfTheShortestSignalIsComplete) {
  const auto x = Noise(14);  // seven samples at each end are extended
  EXPECT_FALSE(DecomposeIntoWavelets(std::span(x).first(13), 1).has_value());
  for (const auto extension : {Extension::kSymmetric, Extension::kPeriodic}) {
    const WaveletOptions options{.moments = 4, .extension = extension};
    const auto found = DecomposeIntoWavelets(x, 1, options);
    ASSERT_TRUE(found.has_value());
    const auto back = ComposeFromWavelets(*found);
    ASSERT_TRUE(back.has_value());
    EXPECT_LT(RelativeError(*back, x), 1e-12);
  }
}

TEST(WaveletEnergies, AddUpAndFindTheOctaveOfATone) {
  const auto x = Sine(1024, 6.0 / 128.0);
  const auto found = DecomposeIntoWavelets(x, 5, {.moments = 8, .extension = Extension::kPeriodic});
  ASSERT_TRUE(found.has_value());
  const auto bands = WaveletEnergies(*found, 128);
  ASSERT_EQ(bands.size(), 6U);
  double energy = 0.0, share = 0.0, expected = 0.0;
  for (const auto& band : bands) energy += band.energy, share += band.relative;
  for (const double value : x) expected += value * value;
  EXPECT_NEAR(energy, expected, 1e-9);
  EXPECT_NEAR(share, 1.0, 1e-12);
  EXPECT_EQ(bands[3].nominal.low, 4.0);
  EXPECT_EQ(bands[3].nominal.high, 8.0);
  EXPECT_GT(bands[3].relative, 0.9);
  EXPECT_EQ(bands[5].nominal.low, 0.0);
}

TEST(WaveletEnergies, OfNothingHaveNoShares) {
  const auto found = DecomposeIntoWavelets(std::vector<double>(64, 0.0), 2);
  ASSERT_TRUE(found.has_value());
  for (const auto& band : WaveletEnergies(*found, 64)) EXPECT_EQ(band.relative, 0.0);
}

TEST(WaveletDecomposition, RefusesLevelsAndWaveletsThatDoNotFit) {
  const auto x = Noise(64);
  EXPECT_TRUE(DecomposeIntoWavelets(x, 3).has_value());
  EXPECT_FALSE(DecomposeIntoWavelets(x, 4).has_value());
  EXPECT_FALSE(DecomposeIntoWavelets(x, 0).has_value());
  EXPECT_FALSE(DecomposeIntoWavelets(x, 1, {.moments = 0}).has_value());
  EXPECT_FALSE(DecomposeIntoWavelets(x, 1, {.moments = 9}).has_value());
  EXPECT_FALSE(DecomposeIntoWavelets({}, 1).has_value());
  EXPECT_FALSE(DaubechiesFilters(-1).has_value());
  auto missing = x;
  missing[7] = NAN;
  const auto result = DecomposeIntoWavelets(missing, 1);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("sample 7"));
}

TEST(WaveletDecomposition, DoesNotComposeWhatDoesNotBelongTogether) {
  const auto found = DecomposeIntoWavelets(Noise(64), 3);
  ASSERT_TRUE(found.has_value());
  const auto composes = [](const WaveletDecomposition& changed) {
    return ComposeFromWavelets(changed).has_value();
  };
  auto changed = *found;
  changed.details[1].pop_back();
  EXPECT_FALSE(composes(changed));
  changed = *found;
  changed.approximation.push_back(1.0);
  EXPECT_FALSE(composes(changed));
  changed = *found;
  changed.samples = 70;
  EXPECT_FALSE(composes(changed));
  changed = *found;
  changed.options.moments = 12;
  EXPECT_FALSE(composes(changed));
  changed = *found;
  changed.details[0][3] = NAN;
  EXPECT_FALSE(composes(changed));
  EXPECT_TRUE(composes(*found));
}

}  // namespace
}  // namespace montage::signal
