#include "montage/analysis/features/window_features.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/analysis/features/feature_bytes.h"
#include "montage/analysis/features/feature_stage.h"
#include "montage/analysis/scalp_testing.h"

namespace montage::analysis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

size_t IndexOfFeature(std::string_view name) {
  const auto names = FeatureNames();
  return static_cast<size_t>(std::ranges::find(names, name) - names.begin());
}

std::vector<float> FirstWindow(MemoryRecording& recording) {
  auto features = WindowFeatures::Create(recording.view());
  EXPECT_TRUE(features.has_value());
  auto vector = features->Compute(0, base::Deadline::Never());
  EXPECT_TRUE(vector.has_value());
  return *vector;
}

TEST(FeatureLayout, Has768DistinctNamesInAStableOrder) {
  const auto names = FeatureNames();
  EXPECT_THAT(names, SizeIs(768));
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 768U);
  EXPECT_EQ(names.front(), "Fp1.log_delta_low");
  EXPECT_EQ(names[39], "Fp1.mean_correlation");
  EXPECT_EQ(names[40], "Fp2.log_delta_low");
  EXPECT_EQ(names[759], "O2.mean_correlation");
  EXPECT_EQ(names.back(), "head.synchrony");
}

TEST(WindowFeatures, CountsWindowsOfEightSecondsEveryFour) {
  EXPECT_EQ(FeatureWindowCount(7.99), 0U);
  EXPECT_EQ(FeatureWindowCount(8), 1U);
  EXPECT_EQ(FeatureWindowCount(60), 14U);
  EXPECT_EQ(FeatureWindowCount(61.9), 14U);
  EXPECT_EQ(FeatureWindowCount(600), 149U);
  EXPECT_EQ(FeatureWindowCount(std::numeric_limits<double>::quiet_NaN()), 0U);
}

TEST(WindowFeatures, AreFiniteAndTheSameInEveryRunAndOrder) {
  auto recording = MakeScalp({.seconds = 61.9});
  auto first = WindowFeatures::Create(recording.view());
  auto second = WindowFeatures::Create(recording.view());
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->count(), 14U);
  EXPECT_THAT(first->missing(), IsEmpty());
  std::map<size_t, std::vector<float>> forward;
  for (size_t w = 0; w < 14; ++w) forward[w] = *first->Compute(w, base::Deadline::Never());
  for (size_t w = 14; w-- > 0;) {
    const auto again = *second->Compute(w, base::Deadline::Never());
    EXPECT_EQ(again, forward[w]) << "window " << w;
    EXPECT_TRUE(std::ranges::all_of(again, [](float v) { return std::isfinite(v); }));
  }
}

TEST(WindowFeatures, TellWhatWasPlanted) {
  MemoryRecording recording = MakeScalp({.seconds = 8, .alpha_uv = 0, .background_uv = 4});
  AddSine(SamplesOf(recording, "O2"), 11.0, 40.0, 256);
  const auto vector = FirstWindow(recording);
  // A sine of amplitude a has the power a^2 / 2.
  EXPECT_NEAR(vector[IndexOfFeature("O2.log_alpha_high")], std::log10(800), 0.05);
  EXPECT_NEAR(vector[IndexOfFeature("O2.alpha_peak")], 11.0 / 13, 1e-6);
  EXPECT_GT(vector[IndexOfFeature("O2.rel_alpha_high")], 0.9F);
  EXPECT_GT(vector[IndexOfFeature("head.occipital_alpha_asymmetry")], 1.0F);
  EXPECT_NEAR(vector[IndexOfFeature("O2.log_peak_to_peak")], std::log10(90), 0.06);
  float shares = 0;
  for (size_t band = 0; band < kFeatureBands.size(); ++band) shares += vector[8 + band];
  EXPECT_NEAR(shares, 1.0F, 1e-5F);
}

TEST(WindowFeatures, HardlyDependOnTheRateOfTheRecording) {
  auto fine = MakeScalp({.seconds = 8, .rate_hz = 512});
  MemoryRecording coarse;
  for (const Channel& channel : fine.view().channels) {
    const auto all = SamplesOf(fine, channel.name);
    std::vector<double> half;
    for (size_t i = 0; i + 1 < all.size(); i += 2) half.push_back(0.5 * (all[i] + all[i + 1]));
    coarse.Add(channel.name, 256, half);
  }
  const auto a = FirstWindow(fine);
  const auto b = FirstWindow(coarse);
  EXPECT_NEAR(a[IndexOfFeature("Cz.log_theta")], b[IndexOfFeature("Cz.log_theta")], 0.01);
  EXPECT_NEAR(a[IndexOfFeature("Cz.slope")], b[IndexOfFeature("Cz.slope")], 0.1);
  EXPECT_NEAR(a[IndexOfFeature("Cz.mobility")], b[IndexOfFeature("Cz.mobility")], 0.02);
}

TEST(WindowFeatures, InterpolateAbsentElectrodesAndSayWhichAreMissing) {
  auto whole = MakeScalp({.seconds = 8});
  MemoryRecording without, few;
  for (const Channel& channel : whole.view().channels) {
    const auto samples = SamplesOf(whole, channel.name);
    const std::vector<double> copy(samples.begin(), samples.end());
    if (channel.name != "Cz") without.Add(channel.name, 256, copy);
    if (channel.name == "O1" || channel.name == "O2") few.Add(channel.name, 256, copy);
  }
  auto features = WindowFeatures::Create(without.view());
  ASSERT_TRUE(features.has_value());
  EXPECT_THAT(features->interpolated(), ElementsAre("Cz"));
  const auto vector = *features->Compute(0, base::Deadline::Never());
  EXPECT_NEAR(vector[IndexOfFeature("Cz.log_alpha_high")],
              FirstWindow(whole)[IndexOfFeature("Cz.log_alpha_high")], 0.3);
  auto sparse = WindowFeatures::Create(few.view());
  ASSERT_TRUE(sparse.has_value());
  EXPECT_THAT(sparse->missing(), SizeIs(17));
  const auto zeros = *sparse->Compute(0, base::Deadline::Never());
  EXPECT_EQ(zeros[IndexOfFeature("Fp1.log_theta")], 0.0F);
  EXPECT_NE(zeros[IndexOfFeature("O1.log_theta")], 0.0F);
}

TEST(WindowFeatures, StayFiniteForHostileSamples) {
  for (const double value : {0.0, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    auto recording = MakeScalp({.seconds = 8});
    for (const Channel& channel : recording.view().channels) {
      std::ranges::fill(SamplesOf(recording, channel.name), value);
    }
    SamplesOf(recording, "Cz")[100] = -1e300;
    const auto vector = FirstWindow(recording);
    EXPECT_TRUE(std::ranges::all_of(vector, [](float v) { return std::isfinite(v); })) << value;
  }
}

TEST(WindowFeatures, RefuseWhatTheyCannotDescribe) {
  auto brief = MakeScalp({.seconds = 7});
  EXPECT_THAT(WindowFeatures::Create(brief.view()).error().message, HasSubstr("7.000 s long"));
  MemoryRecording bipolar;
  bipolar.Add("Fpz-Cz", 100, std::vector<double>(3000, 0.0));
  EXPECT_THAT(WindowFeatures::Create(bipolar.view()).error().message,
              HasSubstr("no electrode of the 10-20 system"));
  auto recording = MakeScalp({.seconds = 12});
  auto features = WindowFeatures::Create(recording.view());
  EXPECT_THAT(features->Compute(2, base::Deadline::Never()).error().message,
              HasSubstr("there is no window 2; the recording has windows 0 to 1"));
}

TEST(FeatureStage, SummarisesTheWindowsAndDeclinesWhatIsTooShort) {
  auto recording = MakeScalp({.seconds = 20});
  const auto stage = MakeFeatureExtraction();
  Findings findings;
  const auto part = stage->Run(recording.view(), findings, {});
  ASSERT_TRUE(part.has_value());
  EXPECT_EQ(part->at("windows").to_number<int>(), 4);
  ASSERT_EQ(part->at("mean").as_array().size(), 768U);
  auto features = WindowFeatures::Create(recording.view());
  double sum = 0;
  for (size_t w = 0; w < 4; ++w) {
    sum += static_cast<double>((*features->Compute(w, base::Deadline::Never()))[5]);
  }
  EXPECT_NEAR(part->at("mean").at(5).to_number<double>(), sum / 4, 1e-6);
  auto brief = MakeScalp({.seconds = 5});
  EXPECT_EQ(stage->Declines(brief.view(), findings)->reason, SkipReason::kRecordingTooShort);
  MemoryRecording other;
  other.Add("Fpz-Cz", 100, std::vector<double>(3000, 0.0));
  EXPECT_EQ(stage->Declines(other.view(), findings)->reason, SkipReason::kUnsuitableRecording);
}

TEST(FeatureBytes, AreReadAsTheyWereWritten) {
  std::vector<float> values(kFeatureCount);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 1.0F / static_cast<float>(i + 1);
  values[1] = -0.0F;
  const std::string bytes = FeatureBytes(values);
  const auto read = ParseFeatureBytes(bytes);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, values);
  EXPECT_TRUE(std::signbit((*read)[1]));
}

TEST(FeatureBytes, OfAnotherVersionOrLengthAreNone) {
  std::string bytes = FeatureBytes(std::vector<float>(kFeatureCount));
  EXPECT_FALSE(ParseFeatureBytes("").has_value());
  EXPECT_FALSE(ParseFeatureBytes(bytes.substr(0, bytes.size() - 1)).has_value());
  EXPECT_FALSE(ParseFeatureBytes(bytes + "x").has_value());
  EXPECT_FALSE(ParseFeatureBytes("other/9\n" + bytes.substr(bytes.find('\n') + 1)).has_value());
}

}  // namespace
}  // namespace montage::analysis
