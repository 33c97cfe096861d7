#include "montage/analysis/abnormality/abnormality.h"

#include <array>
#include <cmath>
#include <numeric>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/analysis/abnormality/abnormality_stage.h"
#include "montage/analysis/abnormality/model_windows.h"
#include "montage/analysis/builtin_analyses.h"
#include "montage/analysis/events/detection_testing.h"

namespace montage::analysis {
namespace {

namespace json = boost::json;
using synth::PlantKind;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

base::Result<AbnormalityReport> Judge(MemoryRecording& recording, WindowModel* model = nullptr) {
  const auto quality = AssessQuality(recording.view(), {}, {}).value();
  const auto found = SurveyEvents(recording.view(), quality, {}).value();
  return DetectAbnormality(recording.view(), quality, *found, model, {});
}

AbnormalityReport Judged(const Scene& scene) {
  auto recording = MakeScene(scene);
  return Judge(recording).value();
}

json::object Analysed(MemoryRecording& recording, const Registry& registry) {
  const base::SystemClock clock;
  const auto result = Analyse(recording.view(), {}, registry, {}, clock);
  return ToJson(*result, recording.view());
}

Registry WithModel(std::shared_ptr<WindowModel> model) {
  Registry registry;
  registry.Add(MakeQualityControl());
  registry.Add(MakeAbnormalityDetection(std::move(model)));
  registry.Add(MakeEventDetection());
  return registry;
}

TEST(Abnormality, EachPlantedKindIsAbnormalAndSaidInWords) {
  struct Case {
    synth::Plant plant;
    std::string words;
  };
  const Case cases[] = {
      {{.kind = PlantKind::kSpike, .at_s = {20, 41, 66, 90, 107}}, "sharp transients: 5"},
      {{.kind = PlantKind::kSpikeWave, .at_s = {20, 70}, .length_s = 8}, "spike-and-wave"},
      {{.kind = PlantKind::kPled, .from_s = 20, .until_s = 110}, "lateralised periodic"},
      {{.kind = PlantKind::kGped, .from_s = 20, .until_s = 110}, "generalised periodic"},
      {{.kind = PlantKind::kSeizure, .at_s = {40}, .length_s = 30}, "seizure pattern"},
      {{.kind = PlantKind::kBurstSuppression}, "burst suppression"},
      {{.kind = PlantKind::kSlowing, .channels = {"T7"}}, "left temporal"},
      {{.kind = PlantKind::kSlowing, .amplitude_uv = 35}, "slowing: delta"},
  };
  for (const Case& one : cases) {
    const auto report = Judged({.plants = {one.plant}});
    EXPECT_TRUE(report.verdict.is_abnormal) << one.words;
    EXPECT_THAT(report.findings, Contains(HasSubstr(one.words)));
    EXPECT_GT(report.verdict.confidence, 0.5);
    EXPECT_LE(report.verdict.confidence, 1.0);
  }
}

TEST(Abnormality, RestAndArtifactsAreNormal) {
  const std::vector<std::vector<synth::Plant>> scenes = {
      {},
      {{.kind = PlantKind::kBlink, .every_s = 4}},
      {{.kind = PlantKind::kMuscle, .at_s = {30, 60, 90}, .length_s = 5}},
      {{.kind = PlantKind::kMovement, .at_s = {25, 77}}},
      {{.kind = PlantKind::kElectrodePop, .at_s = {25, 50, 77}}},
      {{.kind = PlantKind::kLineNoise, .amplitude_uv = 30}},
      {{.kind = PlantKind::kAlpha, .amplitude_uv = 50}},
      {{.kind = PlantKind::kDcOffset, .channels = {"C3"}}},
  };
  for (size_t i = 0; i < scenes.size(); ++i) {
    const auto report = Judged({.seed = 7200 + i, .plants = scenes[i]});
    EXPECT_FALSE(report.verdict.is_abnormal) << i << " score " << report.verdict.score;
    EXPECT_NE(report.verdict.triage, Triage::kUrgent);
    EXPECT_THAT(report.findings, IsEmpty()) << i;
  }
}

TEST(Abnormality, SleepWithSpindlesIsNotCalledSlow) {
  const auto report = Judged(
      {.seconds = 300, .hypnogram = std::vector<synth::SleepStage>(10, synth::SleepStage::kN2)});
  EXPECT_FALSE(report.verdict.is_abnormal) << report.verdict.score;
  EXPECT_TRUE(report.asleep);
  EXPECT_THAT(report.notes, Contains(HasSubstr("sleep spindles")));
}

TEST(Abnormality, TheSameRecordingGivesTheSameScores) {
  auto recording = MakeScene({.plants = {{.kind = PlantKind::kSpike, .at_s = {20, 41, 66}}}});
  const auto first = Judge(recording).value(), second = Judge(recording).value();
  EXPECT_EQ(first.verdict.score, second.verdict.score);
  ASSERT_EQ(first.scores.size(), 59U);  // (120 - 4) / 2 + 1
  for (size_t w = 0; w < first.scores.size(); ++w) {
    if (!std::isnan(first.scores[w])) EXPECT_EQ(first.scores[w], second.scores[w]);
  }
}

TEST(Abnormality, TriageFollowsScoreAndQuality) {
  QualityReport fine{.grade = Grade::kGood, .is_acceptable = true};
  QualityReport poor{.grade = Grade::kPoor, .is_acceptable = true};
  QualityReport refused{.grade = Grade::kGood, .is_acceptable = false};
  EXPECT_EQ(TriageOf(0.81, fine), Triage::kUrgent);
  EXPECT_EQ(TriageOf(0.80, fine), Triage::kExpedite);
  EXPECT_EQ(TriageOf(0.61, fine), Triage::kExpedite);
  EXPECT_EQ(TriageOf(0.60, fine), Triage::kRoutine);
  EXPECT_EQ(TriageOf(0.1, poor), Triage::kExpedite);
  EXPECT_EQ(TriageOf(0.1, refused), Triage::kExpedite);
  EXPECT_EQ(TriageOf(0.9, poor), Triage::kUrgent);
}

TEST(Abnormality, AFewStronglyAbnormalWindowsCount) {
  std::vector<double> scores(100, 0.02);
  const std::vector<double> weights(100, 1.0);
  const double calm = ScoreRecording(Calibration(), *AggregateScores(scores, weights));
  for (size_t w = 0; w < 5; ++w) scores[w] = 0.98;
  const double struck = ScoreRecording(Calibration(), *AggregateScores(scores, weights));
  EXPECT_LT(calm, 0.1);
  EXPECT_GT(struck, 0.5);
  EXPECT_FALSE(AggregateScores({}, {}).has_value());
}

TEST(Abnormality, NoMeasureOfAbnormalityEverSpeaksForNormal) {
  for (const MeasureWeight& measure : Calibration().measures) {
    EXPECT_GE(measure.weight, 0);
    EXPECT_GT(measure.scale, 0);
  }
  EXPECT_GT(Calibration().mean_weight, 0);
  EXPECT_GT(Calibration().peak_weight, 0);
  EXPECT_THAT(std::string(Calibration().corpus), HasSubstr("train"));
}

TEST(Abnormality, RecordingWithoutUsableChannelFailsWithACautiousFallback) {
  MemoryRecording recording;
  for (const char* name : {"C3", "C4", "O1", "O2", "F3", "F4"}) {
    recording.Add(name, 200, std::vector<double>(200 * 90, 0.0));
  }
  const auto result = Analysed(recording, BuiltInAnalyses());
  const auto& stage = result.at("stages").at("abnormality_detection").as_object();
  EXPECT_EQ(stage.at("status").as_string(), "failed");
  EXPECT_THAT(std::string(stage.at("error").as_string()), HasSubstr("can be judged"));
  const auto& fallback = stage.at("fallback_result").as_object();
  EXPECT_TRUE(fallback.at("is_abnormal").as_bool());
  EXPECT_LT(fallback.at("confidence").as_double(), 0.5);
  EXPECT_EQ(fallback.at("triage_priority").as_string(), "expedite");
  EXPECT_EQ(result.at("stages").at("event_detection").at("reason").as_string(), "upstream_failure");
}

TEST(Abnormality, ShortOrSparseRecordingsAreSkippedWithTheReason) {
  auto brief = MakeScene({.seconds = 20});
  const auto short_result = Analysed(brief, BuiltInAnalyses());
  EXPECT_EQ(short_result.at("stages").at("abnormality_detection").at("reason").as_string(),
            "recording_too_short");
  auto sparse = MakeScene({.channels = {"C3"}, .seconds = 90});
  const auto sparse_result = Analysed(sparse, BuiltInAnalyses());
  EXPECT_EQ(sparse_result.at("stages").at("abnormality_detection").at("reason").as_string(),
            "unsuitable_recording");
}

TEST(Abnormality, EventsFollowTheVerdict) {
  auto normal = MakeScene({});
  const auto calm = Analysed(normal, BuiltInAnalyses());
  EXPECT_TRUE(calm.at("event_detection").is_null());
  EXPECT_EQ(calm.at("stages").at("event_detection").at("reason").as_string(), "not_abnormal");
  auto struck = MakeScene({.plants = {{.kind = PlantKind::kGped}}});
  const auto found = Analysed(struck, BuiltInAnalyses());
  const auto& part = found.at("abnormality_detection").as_object();
  EXPECT_TRUE(part.at("is_abnormal").as_bool());
  EXPECT_EQ(part.at("triage_priority").as_string(), "urgent");
  EXPECT_EQ(part.at("windows").at("length_s").to_number<double>(), 4);
  EXPECT_EQ(part.at("windows").at("stride_s").to_number<double>(), 2);
  EXPECT_EQ(part.at("windows").at("count").to_number<size_t>(), 59U);
  EXPECT_FALSE(part.at("calibration").at("seeds").as_string().empty());
  EXPECT_EQ(found.at("event_detection").at("counts").at("GPED").to_number<size_t>(), 1U);
}

/// Answers what it is told, and keeps what it was asked.
class ScriptedModel final : public WindowModel {
 public:
  explicit ScriptedModel(float answer) : answer_(answer) {}
  std::string_view name() const override { return "scripted-judge"; }
  std::string_view version() const override { return "3"; }
  std::span<const std::string> channels() const override { return channels_; }
  double rate_hz() const override { return 200; }
  double window_s() const override { return 4; }
  base::Result<std::vector<float>> AbnormalProbabilities(std::span<const float> windows,
                                                         size_t count, base::Deadline) override {
    EXPECT_EQ(windows.size(), count * channels_.size() * 800);
    asked += count;
    if (fails) return base::Fail(base::ErrorCode::kUnavailable, "the judge is away");
    return std::vector<float>(count, answer_);
  }
  size_t asked = 0;
  bool fails = false;

 private:
  std::vector<std::string> channels_ = {"Fp1", "C3", "T3", "O2"};
  float answer_;
};

TEST(LearnedJudge, ScoresTheWindowsAndIsNamed) {
  auto recording = MakeScene({});
  auto model = std::make_shared<ScriptedModel>(0.97F);
  const auto result = Analysed(recording, WithModel(model));
  const auto& part = result.at("abnormality_detection").as_object();
  EXPECT_EQ(part.at("method").at("name").as_string(), "scripted-judge");
  EXPECT_TRUE(part.at("is_abnormal").as_bool());
  EXPECT_EQ(model->asked, 59U);
}

TEST(LearnedJudge, WhatFailsOrIsNoProbabilityIsNeverPassedOn) {
  auto recording = MakeScene({});
  auto away = std::make_shared<ScriptedModel>(0.5F);
  away->fails = true;
  for (const auto& model :
       {away, std::make_shared<ScriptedModel>(1.5F), std::make_shared<ScriptedModel>(NAN)}) {
    const auto result = Analysed(recording, WithModel(model));
    const auto& stage = result.at("stages").at("abnormality_detection").as_object();
    EXPECT_EQ(stage.at("status").as_string(), "failed");
    EXPECT_TRUE(stage.contains("fallback_result"));
  }
}

TEST(LearnedJudge, WindowsAreStandardisedAndDoNotDependOnHowTheyAreAsked) {
  auto recording = MakeScene({.rate_hz = 256, .seconds = 150});
  const auto quality = AssessQuality(recording.view(), {}, {}).value();
  const ScriptedModel model(0.5F);
  const auto windows = ModelWindows::Create(recording.view(), quality, model, 2.0).value();
  ASSERT_EQ(windows.count(), 74U);
  const auto all = windows.Read(0, windows.count(), base::Deadline::Never()).value();
  const auto one = windows.Read(40, 1, base::Deadline::Never()).value();
  const size_t size = windows.channels() * windows.samples();
  ASSERT_EQ(one.size(), size);
  for (size_t i = 0; i < size; ++i) ASSERT_EQ(one[i], all[40 * size + i]);
  for (size_t c = 0; c < windows.channels(); ++c) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < windows.samples(); ++i) {
      const auto value = static_cast<double>(one[c * windows.samples() + i]);
      sum += value;
      squares += value * value;
    }
    EXPECT_NEAR(sum, 0, 0.01);
    EXPECT_NEAR(squares / static_cast<double>(windows.samples()), 1, 1e-4);
  }
}

TEST(LearnedJudge, ASineArrivesAtTheModelsRateWithItsFrequencyAndPhase) {
  MemoryRecording recording;
  for (const char* name : {"Fp1", "C3", "T7", "O2", "P3", "F4"}) {
    std::vector<double> samples(250 * 70);
    for (size_t i = 0; i < samples.size(); ++i) {
      samples[i] = 30 * std::sin(2 * M_PI * 7 * static_cast<double>(i) / 250);
    }
    recording.Add(name, 250, std::move(samples));
  }
  QualityReport quality;  // nothing is bad
  const ScriptedModel model(0.5F);
  const auto windows = ModelWindows::Create(recording.view(), quality, model, 2.0).value();
  const auto read = windows.Read(10, 1, base::Deadline::Never()).value();
  for (size_t i = 0; i < windows.samples(); ++i) {
    const double expected =
        std::sqrt(2.0) * std::sin(2 * M_PI * 7 * (20 + static_cast<double>(i) / 200));
    ASSERT_NEAR(static_cast<double>(read[i]), expected, 0.02) << i;
  }
}

TEST(LearnedJudge, MissingAndBadChannelsAreInterpolatedAndTooManyAreRefused) {
  auto recording = MakeScene({.seconds = 70});
  auto quality = AssessQuality(recording.view(), {}, {}).value();
  const ScriptedModel model(0.5F);
  quality.bad_channels = {"C3"};
  const auto windows = ModelWindows::Create(recording.view(), quality, model, 2.0).value();
  EXPECT_EQ(windows.interpolated(), 1U);
  EXPECT_EQ(windows.zeroed(), 0U);
  auto other = MakeScene({.channels = {"Fp2", "F4", "C4", "P4", "T8", "F8"}, .seconds = 70});
  const auto refused = ModelWindows::Create(other.view(), {}, model, 2.0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("0 of the model's 4 channels"));
}

TEST(Layout, PairsSidesAndRegionsOfAMontage) {
  auto recording = MakeScene({.seconds = 10});
  const auto quality = AssessQuality(recording.view(), {}, {}).value();
  const auto layout = LayOut(recording.view(), quality);
  const auto row = [&](std::string_view name) {
    return *std::ranges::find(layout.rows, name, &ScalpRow::name);
  };
  EXPECT_EQ(layout.rows[*row("T7").opposite].name, "T8");
  EXPECT_EQ(layout.rows[*row("O2").opposite].name, "O1");
  EXPECT_FALSE(row("Cz").opposite.has_value());
  EXPECT_EQ(row("Cz").region, "vertex");
  EXPECT_EQ(row("P8").side, Side::kRight);
  EXPECT_EQ(layout.left.size(), 8U);
  EXPECT_EQ(layout.front.size(), 2U);
}

}  // namespace
}  // namespace montage::analysis
