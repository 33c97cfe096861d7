#include "montage/analysis/artifacts/component_rules.h"

#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/base/random.h"
#include "montage/analysis/artifacts/findings.h"

namespace montage::analysis {
namespace {

ComponentMeasures Blink() {
  return {.kurtosis = 20,
          .slow_fraction = 0.95,
          .frontal_ratio = 0.95,
          .channel_fraction = 0.7,
          .rhythmicity = 0.1,
          .eye_correlation = 0.9};
}
ComponentMeasures Heart() {
  return {.kurtosis = 6,
          .slow_fraction = 0.3,
          .channel_fraction = 0.3,
          .beats_per_min = 70,
          .beat_irregularity = 0.05,
          .beat_width_s = 0.03};
}

TEST(ComponentRules, EveryConditionOfTheEyeCounts) {
  EXPECT_EQ(LabelOf(Blink()).label, ComponentLabel::kEye);
  EXPECT_EQ(LabelOf(Blink()).score, 1.0);
  auto measures = Blink();
  measures.frontal_ratio = 0.5;
  EXPECT_EQ(LabelOf(measures).label, ComponentLabel::kOther);
  measures = Blink();
  measures.slow_fraction = 0.4;
  EXPECT_EQ(LabelOf(measures).label, ComponentLabel::kOther);
  measures = Blink();
  measures.eye_correlation = 0.2;
  EXPECT_EQ(LabelOf(measures).label, ComponentLabel::kOther);
  measures = Blink();
  measures.kurtosis = 0.3;
  EXPECT_EQ(LabelOf(measures).label, ComponentLabel::kOther);
  measures = Blink();
  measures.rhythmicity = 0.9;
  EXPECT_EQ(LabelOf(measures).label, ComponentLabel::kOther);
  measures = Blink();
  measures.frontal_ratio = -1;  // unknown positions decide nothing
  EXPECT_EQ(LabelOf(measures).label, ComponentLabel::kEye);
}

TEST(ComponentRules, AHeartNeedsNarrowEvenBeatsOrTheEcg) {
  EXPECT_EQ(LabelOf(Heart()).label, ComponentLabel::kCardiac);
  auto measures = Heart();
  measures.beat_width_s = 0.1;
  EXPECT_EQ(LabelOf(measures).label, ComponentLabel::kOther);
  measures = Heart();
  measures.beat_irregularity = 0.3;
  EXPECT_EQ(LabelOf(measures).label, ComponentLabel::kOther);
  measures = Heart();
  measures.channel_fraction = 0.9;
  EXPECT_EQ(LabelOf(measures).label, ComponentLabel::kOther);
  measures = Heart();
  measures.ecg_correlation = 0.05;  // there is an ECG, and it does something else
  EXPECT_EQ(LabelOf(measures).label, ComponentLabel::kOther);
  measures.ecg_correlation = 0.7;
  EXPECT_EQ(LabelOf(measures).label, ComponentLabel::kCardiac);
}

TEST(ComponentRules, MuscleMainsAndLooseElectrodes) {
  const ComponentMeasures muscle{
      .fast_fraction = 0.9, .rim_fraction = 0.9, .channel_fraction = 0.4};
  EXPECT_EQ(LabelOf(muscle).label, ComponentLabel::kMuscle);
  auto central = muscle;
  central.rim_fraction = 0.1;
  EXPECT_EQ(LabelOf(central).label, ComponentLabel::kOther);
  EXPECT_EQ(LabelOf({.line_fraction = 0.9}).label, ComponentLabel::kLine);
  EXPECT_EQ(LabelOf({.line_fraction = 0.2}).label, ComponentLabel::kOther);
  const ComponentMeasures loose{.focality = 0.99, .channel_fraction = 0.6};
  EXPECT_EQ(LabelOf(loose).label, ComponentLabel::kChannelNoise);
  auto faint = loose;
  faint.channel_fraction = 0.05;
  EXPECT_EQ(LabelOf(faint).label, ComponentLabel::kOther);
  // One that the rules know nothing of: surely other.
  EXPECT_EQ(LabelOf({}).label, ComponentLabel::kOther);
  EXPECT_EQ(LabelOf({}).score, 1.0);
}

TEST(ComponentRules, FieldsAreMeasuredWhereElectrodesAreKnown) {
  std::vector<std::optional<signal::Position>> positions;
  for (const auto name : signal::TenTwenty()) positions.push_back(signal::FindElectrode(name));
  std::vector<double> field(19, 0.0);
  field[0] = field[1] = -30;  // Fp1, Fp2
  ComponentMeasures measures;
  MeasureField(field, positions, measures);
  EXPECT_DOUBLE_EQ(measures.frontal_ratio, 1.0);
  EXPECT_DOUBLE_EQ(measures.rim_fraction, 1.0);
  EXPECT_DOUBLE_EQ(measures.focality, 0.5);
  // A loose electrode seen through an average reference is as focal as without.
  std::vector<double> loose(19, -1.0);
  loose[9] = 18.0;  // Cz or its neighbour
  MeasureField(loose, positions, measures);
  EXPECT_DOUBLE_EQ(measures.focality, 1.0);
  const std::vector<std::optional<signal::Position>> unknown(19);
  ComponentMeasures blind;
  MeasureField(field, unknown, blind);
  EXPECT_EQ(blind.frontal_ratio, -1.0);
  EXPECT_EQ(blind.rim_fraction, -1.0);
}

TEST(SharpPeaks, BeatsAreFoundWithTheirWidthAndNoiseIsNot) {
  base::Random random(3);
  std::vector<double> x(size_t{10} * 256);
  for (double& value : x) value = random.Normal();
  EXPECT_TRUE(FindSharpPeaks(x, 256).empty());
  for (size_t beat = 0; beat < 12; ++beat) {
    for (size_t i = 0; i < 9; ++i) {
      x[100 + beat * 200 + i] -= 12.0 * (1.0 - std::abs(static_cast<double>(i) - 4.0) / 5.0);
    }
  }
  const auto peaks = FindSharpPeaks(x, 256);
  ASSERT_EQ(peaks.size(), 12U);
  for (size_t beat = 0; beat < 12; ++beat) {
    EXPECT_NEAR(static_cast<double>(peaks[beat].at), 104.0 + 200.0 * static_cast<double>(beat), 2);
    EXPECT_LE(peaks[beat].width, 8U);
  }
  EXPECT_TRUE(FindSharpPeaks({}, 256).empty());
}

TEST(Beats, MustBeEvenPlausibleAndWithoutPause) {
  const auto measured = [](double interval_s, size_t count, double observed_s) {
    ComponentMeasures measures;
    MeasureBeats({std::vector<double>(count, interval_s), std::vector<double>(count, 0.03)},
                 observed_s, measures);
    return measures.beats_per_min;
  };
  EXPECT_NEAR(measured(0.8, 100, 90), 75, 1e-9);
  EXPECT_EQ(measured(0.8, 100, 400), 0.0);  // most of the time there is none
  EXPECT_EQ(measured(0.3, 100, 30), 0.0);   // 200 a minute
  EXPECT_EQ(measured(2.0, 100, 200), 0.0);  // 30 a minute
  EXPECT_EQ(measured(0.8, 5, 4), 0.0);      // too few to tell
}

TEST(JoinEpochs, NeighbouringEpochsAreOneFindingWithAllTheirChannels) {
  RatioTable table("amplitude", 3, 6);
  table.At(0, 1) = 1.0F;
  table.At(2, 2) = 3.0F;
  table.At(1, 4) = 0.99F;
  table.At(1, 5) = 1.5F;
  const std::vector<std::string> names = {"a", "b", "c"};
  const auto findings = JoinEpochs(table, names, 2.0);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].start_s, 2.0);
  EXPECT_EQ(findings[0].end_s, 6.0);
  EXPECT_EQ(findings[0].channels, (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(findings[0].score, 3.0);
  EXPECT_EQ(findings[1].start_s, 10.0);
  EXPECT_EQ(findings[1].end_s, 12.0);
  EXPECT_DOUBLE_EQ(TouchedFraction(findings, 2.0, 6), 0.5);
}

}  // namespace
}  // namespace montage::analysis
