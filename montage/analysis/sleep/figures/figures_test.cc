#include "montage/analysis/sleep/figures/figures.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/random.h"
#include "montage/analysis/scalp_testing.h"

namespace montage::analysis {
namespace {

using std::numbers::pi;
using testing::IsEmpty;
using testing::SizeIs;

constexpr double kRate = 128;
constexpr double kSeconds = 120;

/// Two minutes of 1/f activity into which figures are planted.
class Background {
 public:
  explicit Background(double rms_uv, uint64_t seed = 7) {
    base::Random random(seed);
    trace_ = {.rate_hz = kRate,
              .samples = PinkNoise(static_cast<size_t>(kSeconds * kRate), random)};
    for (double& value : trace_.samples) value *= rms_uv;
    trace_.usable.assign(static_cast<size_t>(kSeconds), 1);
  }

  /// Adds f(t) for 0 <= t < length at a time.
  void Plant(double at_s, double length_s, const std::function<double(double)>& f) {
    const size_t first = trace_.IndexAt(at_s), end = trace_.IndexAt(at_s + length_s);
    for (size_t i = first; i < end; ++i) trace_.samples[i] += f(trace_.TimeAt(i) - at_s);
  }
  void PlantSpindle(double at_s, double hz, double length_s, double peak_uv) {
    Plant(at_s, length_s, [=](double t) {
      return peak_uv * std::pow(std::sin(pi * t / length_s), 2) * std::sin(2 * pi * hz * t);
    });
  }
  /// Negative first, as the surface of the scalp sees it.
  void PlantWave(double at_s, double hz, double peak_to_peak_uv) {
    Plant(at_s, 1 / hz,
          [=](double t) { return -0.5 * peak_to_peak_uv * std::sin(2 * pi * hz * t); });
  }
  void PlantRhythm(double at_s, double length_s, double hz, double peak_uv) {
    Plant(at_s, length_s, [=](double t) { return peak_uv * std::sin(2 * pi * hz * t); });
  }
  void PlantSaccade(double at_s, double rise_s, double uv) {
    Plant(at_s, 3, [=](double t) { return uv * std::min(t / rise_s, 1.0) * std::exp(-t / 1.5); });
  }
  Trace& trace() { return trace_; }

 private:
  Trace trace_;
};

TEST(Spindles, ArePlantedAndFoundWithTheirFrequencyAndLength) {
  Background eeg(10);
  int index = 0;
  for (const double hz : {11.5, 12.5, 13.5, 14.5, 15.0}) {
    eeg.PlantSpindle(15 + 20.0 * index++, hz, 1.2, 25);
  }
  const auto found = FindSpindles(eeg.trace(), 0, kSeconds);
  ASSERT_TRUE(found.has_value());
  // One more may come of the noise, see the next test.
  EXPECT_LE(found->size(), 6U);
  index = 0;
  for (const double hz : {11.5, 12.5, 13.5, 14.5, 15.0}) {
    const double middle_s = 15.6 + 20.0 * index++;
    const auto spindle = std::ranges::find_if(*found, [&](const Spindle& s) {
      return std::abs(s.onset_s + s.duration_s / 2 - middle_s) < 0.3;
    });
    ASSERT_NE(spindle, found->end()) << hz << " Hz";
    EXPECT_NEAR(spindle->hz, hz, 0.6);
    EXPECT_GE(spindle->duration_s, 0.5);
    EXPECT_LE(spindle->duration_s, 1.4);
    EXPECT_NEAR(spindle->amplitude_uv, 45, 12);
  }
}

TEST(Spindles, AreNotNoiseAlphaOrTooShortOrTooLong) {
  // Noise as loud as waking EEG resembles a spindle now and then: fewer than one in four minutes,
  // over enough of it that luck does not decide.
  constexpr uint64_t kSeeds = 200;
  size_t false_alarms = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    false_alarms += FindSpindles(Background(12, seed).trace(), 0, kSeconds)->size();
  }
  const double minutes = static_cast<double>(kSeeds) * kSeconds / 60;
  EXPECT_LT(static_cast<double>(false_alarms) / minutes, 0.25);
  Background alpha(8);
  alpha.PlantSpindle(20, 9, 1.2, 40);
  alpha.PlantSpindle(60, 20, 1.2, 40);
  EXPECT_THAT(FindSpindles(alpha.trace(), 0, kSeconds).value(), IsEmpty());
  Background odd(5);
  odd.PlantSpindle(20, 13, 0.35, 40);
  odd.PlantRhythm(50, 5, 13, 20);
  EXPECT_THAT(FindSpindles(odd.trace(), 0, kSeconds).value(), IsEmpty());
}

TEST(Spindles, OutsideTheStretchOrInSpoiltSecondsAreLeftOut) {
  Background eeg(8);
  eeg.PlantSpindle(20, 13, 1.2, 30);
  eeg.PlantSpindle(60, 13, 1.2, 30);
  EXPECT_THAT(FindSpindles(eeg.trace(), 0, 40).value(), SizeIs(1));
  EXPECT_THAT(FindSpindles(eeg.trace(), 40, kSeconds).value(), SizeIs(1));
  eeg.trace().usable[20] = 0;
  EXPECT_THAT(FindSpindles(eeg.trace(), 0, 40).value(), IsEmpty());
}

TEST(SlowWaves, FromSeventyFiveMicrovoltsBetweenAHalfAndTwoHertz) {
  Background eeg(2);
  eeg.PlantWave(10, 0.6, 110);
  eeg.PlantWave(20, 1.0, 110);
  eeg.PlantWave(30, 1.8, 130);
  eeg.PlantWave(40, 1.0, 55);   // too low
  eeg.PlantWave(50, 3.0, 150);  // too fast
  eeg.PlantWave(60, 0.3, 150);  // too slow
  const auto found = FindSlowWaves(eeg.trace(), nullptr, 0, kSeconds);
  ASSERT_TRUE(found.has_value());
  ASSERT_THAT(*found, SizeIs(3));
  EXPECT_NEAR((*found)[1].onset_s, 20, 0.15);
  EXPECT_NEAR((*found)[1].duration_s, 1.0, 0.2);
  EXPECT_NEAR((*found)[1].amplitude_uv, 110, 15);
  EXPECT_NEAR((*found)[1].negative_uv, 55, 12);
  EXPECT_GT((*found)[2].slope_uv_per_s, (*found)[0].slope_uv_per_s);
}

TEST(SlowWaves, ThatTheEyesMakeAreNotCounted) {
  Background eeg(2), eyes(2, 9);
  for (const double at_s : {20.0, 60.0}) eeg.PlantWave(at_s, 1.0, 110);
  eyes.PlantWave(60, 1.0, 200);
  const auto found = FindSlowWaves(eeg.trace(), &eyes.trace(), 0, kSeconds);
  ASSERT_TRUE(found.has_value());
  ASSERT_THAT(*found, SizeIs(1));
  EXPECT_NEAR(found->front().onset_s, 20, 0.15);
}

TEST(EyeMovements, AreRapidOrSlowByTheirFirstDeflection) {
  Background eyes(3);
  eyes.PlantSaccade(20, 0.06, 120);
  eyes.PlantSaccade(40, 0.06, -120);
  eyes.PlantRhythm(60, 4, 0.25, 100);  // rolls to one side and back
  eyes.PlantSaccade(90, 0.06, 30);     // too small
  const auto found = FindEyeMovements(eyes.trace(), 60, 0, kSeconds);
  ASSERT_TRUE(found.has_value());
  std::vector<double> rapid, slow;
  for (const EyeMovement& movement : *found) {
    (movement.kind == EyeMovementKind::kRapid ? rapid : slow).push_back(movement.onset_s);
  }
  EXPECT_THAT(rapid,
              testing::ElementsAre(testing::DoubleNear(20, 0.2), testing::DoubleNear(40, 0.2)));
  EXPECT_THAT(slow, testing::Not(IsEmpty()));
  for (const double onset_s : slow) EXPECT_NEAR(onset_s, 62, 2.5);
}

TEST(Shifts, LastAtLeastThreeSecondsAfterTenWithout) {
  Background eeg(8);
  eeg.PlantRhythm(20, 5, 9.5, 30);
  eeg.PlantRhythm(50, 1.2, 9.5, 30);  // too short
  eeg.PlantRhythm(70, 6, 22, 15);
  eeg.PlantSpindle(100, 13.5, 1.5, 40);
  const auto found = FindShifts(eeg.trace(), 0, kSeconds);
  ASSERT_TRUE(found.has_value());
  ASSERT_THAT(*found, SizeIs(2));
  EXPECT_NEAR((*found)[0].onset_s, 20, 1);
  EXPECT_NEAR((*found)[0].duration_s, 5, 1.5);
  EXPECT_NEAR((*found)[1].onset_s, 70, 1);
}

TEST(Figures, OfSilenceAreNone) {
  Trace silence{.rate_hz = kRate, .samples = std::vector<double>(5000, 0.0)};
  silence.usable.assign(39, 1);
  EXPECT_THAT(FindSpindles(silence, 0, 39).value(), IsEmpty());
  EXPECT_THAT(FindSlowWaves(silence, nullptr, 0, 39).value(), IsEmpty());
  EXPECT_THAT(FindEyeMovements(silence, 60, 0, 39).value(), IsEmpty());
  EXPECT_THAT(FindShifts(silence, 0, 39).value(), IsEmpty());
}

}  // namespace
}  // namespace montage::analysis
