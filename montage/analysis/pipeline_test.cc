#include "montage/analysis/pipeline.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/analysis/builtin_analyses.h"
#include "montage/analysis/scalp_testing.h"

namespace montage::analysis {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Answers or fails as told; stands for the analyses that are to come.
class ScriptedAnalysis final : public Analysis {
 public:
  struct Script {
    Stage stage = Stage::kAbnormalityDetection;
    std::vector<Stage> needs = {Stage::kQualityControl};
    bool fails = false;
    bool abnormal = true;
    bool declines = false;
  };
  explicit ScriptedAnalysis(Script script) : script_(std::move(script)) {}

  Stage stage() const override { return script_.stage; }
  Method method() const override { return {"scripted", "7"}; }
  std::vector<Stage> needs() const override { return script_.needs; }
  std::optional<Skip> Declines(const RecordingView&, const Findings&) const override {
    if (!script_.declines) return std::nullopt;
    return Skip{SkipReason::kRecordingTooShort, "20 s, expected at least 1800 s"};
  }
  base::Result<json::object> Run(const RecordingView&, Findings& findings,
                                 const Control&) const override {
    if (script_.fails) return base::Fail(base::ErrorCode::kInternal, "weights do not fit");
    if (script_.stage == Stage::kAbnormalityDetection) {
      findings.abnormality = AbnormalityVerdict{.is_abnormal = script_.abnormal};
    }
    return json::object{{"answered", true}};
  }
  std::optional<json::object> Fallback() const override {
    if (script_.stage != Stage::kAbnormalityDetection) return std::nullopt;
    return json::object{
        {"is_abnormal", true}, {"confidence", 0.2}, {"triage_priority", "expedite"}};
  }

 private:
  Script script_;
};

Registry QualityAndSpectrum() {
  Registry registry;
  registry.Add(MakeQualityControl());
  registry.Add(MakeSpectralAnalysis());
  return registry;
}

Registry With(std::vector<ScriptedAnalysis::Script> scripts) {
  Registry registry = QualityAndSpectrum();
  for (auto& script : scripts) registry.Add(std::make_unique<ScriptedAnalysis>(std::move(script)));
  return registry;
}

const ScriptedAnalysis::Script kEvents{.stage = Stage::kEventDetection,
                                       .needs = {Stage::kAbnormalityDetection}};

json::object RunOn(MemoryRecording& recording, const Request& request, const Registry& registry) {
  const base::SystemClock clock;
  const auto result = Analyse(recording.view(), request, registry, {}, clock);
  EXPECT_TRUE(result.has_value());
  return result ? ToJson(*result, recording.view()) : json::object{};
}

std::string StatusOf(const json::object& result, const char* stage) {
  return std::string(result.at("stages").at(stage).at("status").as_string());
}

std::string ReasonOf(const json::object& result, const char* stage) {
  const auto& object = result.at("stages").at(stage).as_object();
  const auto* reason = object.if_contains("reason");
  return reason == nullptr ? "" : std::string(reason->as_string());
}

TEST(Pipeline, QuickIsQualityAndSpectrumWithMethodsAndDisclaimer) {
  auto recording = MakeScalp({.seconds = 60});
  std::ranges::fill(SamplesOf(recording, "C3"), 0.0);
  const auto result = RunOn(recording, {.type = AnalysisType::kQuick}, BuiltInAnalyses());
  const auto& quality = result.at("quality_report").as_object();
  EXPECT_EQ(json::serialize(quality.at("bad_channels")), R"(["C3"])");
  EXPECT_GT(quality.at("signal_quality_score").as_double(), 0.8);
  EXPECT_EQ(quality.at("method").at("name").as_string(), "montage-quality-control");
  EXPECT_THAT(std::string(quality.at("disclaimer").as_string()), HasSubstr("not a diagnosis"));
  EXPECT_EQ(result.at("spectral_analysis").at("channels").as_array().size(), 18U);
  for (const auto* key : {"abnormality_detection", "sleep_analysis", "event_detection"}) {
    EXPECT_TRUE(result.at(key).is_null()) << key;
  }
  for (const auto* stage :
       {"abnormality_detection", "sleep_analysis", "event_detection", "feature_extraction"}) {
    EXPECT_EQ(StatusOf(result, stage), "skipped");
    EXPECT_EQ(ReasonOf(result, stage), "not_requested");
  }
  EXPECT_THAT(std::string(result.at("disclaimer").as_string()), HasSubstr("decision support"));
}

TEST(Pipeline, FourKeysArePresentForEveryCombinationOfOptions) {
  auto recording = MakeScalp({.seconds = 10});
  const auto registry = With({{}, kEvents, {.stage = Stage::kSleepAnalysis}});
  for (unsigned bits = 0; bits < 16; ++bits) {
    const Request request{.quality_control = (bits & 1U) != 0,
                          .abnormality_detection = (bits & 2U) != 0,
                          .event_detection = (bits & 4U) != 0,
                          .sleep_analysis = (bits & 8U) != 0};
    const auto result = RunOn(recording, request, registry);
    EXPECT_EQ(result.at("quality_report").is_null(), (bits & 1U) == 0);
    EXPECT_EQ(result.at("abnormality_detection").is_null(), (bits & 2U) == 0);
    EXPECT_EQ(result.at("event_detection").is_null(), (bits & 4U) == 0);
    EXPECT_EQ(result.at("sleep_analysis").is_null(), (bits & 8U) == 0);
    EXPECT_EQ(StatusOf(result, "quality_control"), "completed");
  }
}

TEST(Pipeline, WhatIsNotBuiltInIsNotAvailableAndNeverMadeUp) {
  auto recording = MakeScalp({.seconds = 60});
  const auto result = RunOn(recording, {}, QualityAndSpectrum());
  for (const auto* stage :
       {"abnormality_detection", "sleep_analysis", "event_detection", "feature_extraction"}) {
    EXPECT_EQ(ReasonOf(result, stage), "not_available");
  }
  EXPECT_TRUE(result.at("abnormality_detection").is_null());
  const Registry registry = QualityAndSpectrum();
  EXPECT_THAT(registry.MissingFor({.abnormality_detection = true, .sleep_analysis = true}),
              ElementsAre(Stage::kAbnormalityDetection, Stage::kSleepAnalysis));
  EXPECT_THAT(registry.MissingFor({.quality_control = true, .sleep_analysis = false}), IsEmpty());
  EXPECT_THAT(With({{}}).MissingFor({.abnormality_detection = true}), IsEmpty());
}

TEST(Pipeline, FailedDetectionHasErrorAndFallbackAndStopsWhatDependsOnIt) {
  auto recording = MakeScalp({.seconds = 10});
  const auto result = RunOn(recording, {}, With({{.fails = true}, kEvents}));
  const auto& stage = result.at("stages").at("abnormality_detection").as_object();
  EXPECT_EQ(stage.at("status").as_string(), "failed");
  EXPECT_THAT(std::string(stage.at("error").as_string()), HasSubstr("weights do not fit"));
  EXPECT_TRUE(stage.at("fallback_result").at("is_abnormal").as_bool());
  EXPECT_TRUE(stage.at("fallback_result").at("fallback").as_bool());
  EXPECT_TRUE(result.at("abnormality_detection").at("fallback").as_bool());
  EXPECT_EQ(StatusOf(result, "event_detection"), "skipped");
  EXPECT_EQ(ReasonOf(result, "event_detection"), "upstream_failure");
  EXPECT_TRUE(result.at("event_detection").is_null());
  EXPECT_EQ(StatusOf(result, "spectral_analysis"), "completed");
}

TEST(Pipeline, NormalRecordingHasNoEventsAndNoFallback) {
  auto recording = MakeScalp({.seconds = 10});
  const auto result = RunOn(recording, {}, With({{.abnormal = false}, kEvents}));
  EXPECT_EQ(ReasonOf(result, "event_detection"), "not_abnormal");
  EXPECT_TRUE(result.at("event_detection").is_null());
  EXPECT_FALSE(
      result.at("stages").at("abnormality_detection").as_object().contains("fallback_result"));
  const auto abnormal = RunOn(recording, {}, With({{}, kEvents}));
  EXPECT_TRUE(abnormal.at("event_detection").at("answered").as_bool());
}

TEST(Pipeline, WhatAStageNeedsRunsUnaskedAndStaysOutOfTheResult) {
  auto recording = MakeScalp({.seconds = 10});
  const Request events_only{.abnormality_detection = false, .event_detection = true};
  const auto result = RunOn(recording, events_only, With({{}, kEvents}));
  EXPECT_EQ(StatusOf(result, "abnormality_detection"), "completed");
  EXPECT_TRUE(result.at("abnormality_detection").is_null());
  EXPECT_TRUE(result.at("event_detection").at("answered").as_bool());
  const Request neither{.abnormality_detection = false, .event_detection = false};
  EXPECT_EQ(ReasonOf(RunOn(recording, neither, With({{}, kEvents})), "abnormality_detection"),
            "not_requested");
}

TEST(Pipeline, AStageMayDeclineAShortRecording) {
  auto recording = MakeScalp({.seconds = 20});
  const auto result =
      RunOn(recording, {}, With({{.stage = Stage::kSleepAnalysis, .declines = true}}));
  EXPECT_EQ(StatusOf(result, "sleep_analysis"), "skipped");
  EXPECT_EQ(ReasonOf(result, "sleep_analysis"), "recording_too_short");
}

TEST(Pipeline, ProblematicRecordingsKeepQualityCompleted) {
  const auto expect_completed = [](MemoryRecording& recording) {
    const auto result = RunOn(recording, {}, BuiltInAnalyses());
    EXPECT_EQ(StatusOf(result, "quality_control"), "completed");
    for (const auto& [name, stage] : result.at("stages").as_object()) {
      const auto status = stage.at("status").as_string();
      EXPECT_TRUE(status == "completed" || status == "failed" || status == "skipped") << name;
    }
    EXPECT_NO_THROW(json::parse(json::serialize(result)));
  };
  MemoryRecording nothing;
  expect_completed(nothing);
  MemoryRecording one;
  one.Add("Cz", 256, std::vector<double>(20 * 256, 0.0));
  expect_completed(one);
  auto offset = MakeScalp({.seconds = 20});
  for (double& value : offset.samples(0)) value = 1e300;
  expect_completed(offset);
}

TEST(Pipeline, ReportsProgressAndStopsWhenCancelledOrLate) {
  auto recording = MakeScalp({.seconds = 60});
  base::ManualClock clock;
  std::vector<double> fractions;
  Control control;
  control.progress = [&](double fraction) { fractions.push_back(fraction); };
  const Registry registry = BuiltInAnalyses();
  ASSERT_TRUE(Analyse(recording.view(), {}, registry, control, clock).has_value());
  EXPECT_TRUE(std::ranges::is_sorted(fractions));
  EXPECT_GT(fractions.size(), 6U);
  EXPECT_EQ(fractions.back(), 1.0);
  control.cancelled = [&] { return fractions.back() < 1.0; };
  fractions.clear();
  fractions.push_back(0);
  EXPECT_EQ(Analyse(recording.view(), {}, registry, control, clock).error().code,
            base::ErrorCode::kCancelled);
  const Control late{.deadline = base::Deadline::At(clock.Steady()), .clock = &clock};
  EXPECT_EQ(Analyse(recording.view(), {}, registry, late, clock).error().code,
            base::ErrorCode::kTimeout);
}

TEST(Pipeline, KnowsThreeTypes) {
  EXPECT_EQ(ParseAnalysisType("screening"), AnalysisType::kScreening);
  EXPECT_THAT(ParseAnalysisType("standard").error().message,
              HasSubstr("'standard' is not quick, comprehensive or screening"));
  const Request screening{.type = AnalysisType::kScreening};
  EXPECT_TRUE(IsRequested(screening, Stage::kAbnormalityDetection));
  EXPECT_FALSE(IsRequested(screening, Stage::kSleepAnalysis));
}

}  // namespace
}  // namespace montage::analysis
