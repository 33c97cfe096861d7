// From results and truth to figures: what counts as a hit, what as a false alarm, and what is said
// when there is nothing to count.

#include "montage/evaluation/scoring.h"

#include <cmath>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace montage::evaluation {
namespace {

using ::testing::ElementsAre;

const Figure& FigureOf(const FigureTable& table, std::string_view subject,
                       std::string_view measure) {
  for (const Figure& figure : table.figures)
    if (figure.subject == subject && figure.measure == measure) return figure;
  ADD_FAILURE() << subject << " " << measure << " is missing";
  static const Figure kNone;
  return kNone;
}

Truth With(std::vector<TimedEvent> events) { return {.events = std::move(events)}; }

TEST(CompareKind, MatchesMomentsByOnsetAndTrainsByTheirTime) {
  const Truth truth = With({{"epileptiform", 10, 0.4}, {"epileptiform", 50, 6}});
  const std::vector<TimedEvent> found = {{"epileptiform", 10.3, 0.2}, {"epileptiform", 51, 0.3},
                                         {"epileptiform", 52, 0.3},   {"epileptiform", 53, 1.5},
                                         {"epileptiform", 90, 0.2},   {"seizure", 10, 1}};
  const KindOutcome outcome = CompareKind("epileptiform", truth, found);
  EXPECT_EQ(outcome.hits, 2u);
  EXPECT_EQ(outcome.missed, 0u);
  EXPECT_EQ(outcome.false_alarms, 1u);
}

TEST(CompareKind, ForgivesArtifactsThatAreReportedGenerously) {
  const Truth truth = With({{"artifact", 10.2, 0.3}});
  EXPECT_EQ(CompareKind("artifact", truth, {{"artifact", 9, 4}}).false_alarms, 0u);
  EXPECT_EQ(
      CompareKind("seizure", With({{"seizure", 10.2, 0.3}}), {{"seizure", 9, 4}}).false_alarms, 1u);
}

TEST(CompareKind, LooksOnlyAtWhatWasReviewed) {
  Truth truth = With({{"PLED", 10, 5}});
  truth.reviewed = {{"", 10, 5}, {"", 40, 5}};
  const KindOutcome outcome =
      CompareKind("PLED", truth, {{"PLED", 9, 6}, {"PLED", 41, 2}, {"PLED", 200, 5}});
  EXPECT_EQ(outcome.hits, 1u);
  EXPECT_EQ(outcome.false_alarms, 1u);
  EXPECT_NEAR(ReviewedHours({.duration_s = 3600, .truth = truth}), 10.0 / 3600, 1e-12);
}

TEST(ScoreEvents, CountsEventsAndRecordings) {
  const std::vector<Case> cases = {{"a",
                                    1800,
                                    With({{"seizure", 100, 50}, {"seizure", 900, 50}}),
                                    {.events = {{"seizure", 110, 30}}}},
                                   {"b", 1800, With({}), {.events = {{"seizure", 10, 30}}}},
                                   {"c", 3600, With({}), {}}};
  const FigureTable table = ScoreEvents(cases, {.sensitivity = 0.5, .specificity = 0.9});
  EXPECT_EQ(FigureOf(table, "seizure", "sensitivity").value, 0.5);
  EXPECT_FALSE(FigureOf(table, "seizure", "sensitivity").Missed());
  EXPECT_EQ(FigureOf(table, "seizure", "specificity").basis, "1 of 2 recordings without");
  EXPECT_TRUE(FigureOf(table, "seizure", "specificity").Missed());
  EXPECT_EQ(FigureOf(table, "seizure", "precision").value, 0.5);
  EXPECT_EQ(FigureOf(table, "seizure", "false alarms an hour").value, 0.5);
  EXPECT_EQ(FigureOf(table, "seizure", "recordings with").basis, "1 of 1 recordings");
  EXPECT_TRUE(table.Missed());
}

// Silence of a detector that did not run is no specificity; that of a normal recording is.
TEST(ScoreEvents, LeavesOutRecordingsOnWhichNothingRan) {
  Case failed{"a", 3600, With({}), {.incomplete = {"event_detection: failed"}}};
  Case normal{"b", 3600, With({}), {.incomplete = {"event_detection: not_abnormal"}}};
  const Case ictal{"c", 3600, With({{"seizure", 5, 30}}), {.events = {{"seizure", 5, 30}}}};
  const FigureTable table = ScoreEvents({failed, normal, ictal});
  EXPECT_EQ(FigureOf(table, "seizure", "specificity").basis, "1 of 1 recordings without");
  EXPECT_EQ(FigureOf(table, "seizure", "false alarms an hour").basis, "0 in 2.0 h");
  Case silent = ictal;
  silent.prediction = {.incomplete = {"event_detection: not_available"}};
  const FigureTable unknown = ScoreEvents({silent}, {.sensitivity = 0.9, .specificity = 0.9});
  EXPECT_TRUE(std::isnan(FigureOf(unknown, "seizure", "specificity").value));
  EXPECT_TRUE(FigureOf(unknown, "seizure", "specificity").Missed());
}

TEST(ScoreAbnormality, UsesScoresAndVerdicts) {
  std::vector<Case> cases;
  for (const auto& [truth, score] :
       std::vector<std::pair<bool, double>>{{true, 0.9}, {true, 0.4}, {false, 0.2}, {false, 0.3}}) {
    Case one;
    one.truth.is_abnormal = truth;
    one.prediction.abnormality = score;
    one.prediction.is_abnormal = score > 0.5;
    cases.push_back(one);
  }
  const FigureTable table = ScoreAbnormality(cases, {.auroc = 0.95});
  EXPECT_EQ(FigureOf(table, "abnormal", "AUROC").value, 1);
  EXPECT_EQ(FigureOf(table, "abnormal", "sensitivity").value, 0.5);
  EXPECT_EQ(FigureOf(table, "abnormal", "specificity").value, 1);
  EXPECT_NEAR(FigureOf(table, "abnormal", "Brier score").value, (0.01 + 0.36 + 0.04 + 0.09) / 4,
              1e-12);
}

// A detector that did not run must not pass.
TEST(ScoreAbnormality, MissesItsBarWithoutAnyResult) {
  Case one;
  one.truth.is_abnormal = true;
  one.prediction.incomplete = {"abnormality_detection: not_available"};
  const FigureTable table = ScoreAbnormality({one}, {.auroc = 0.95});
  EXPECT_TRUE(std::isnan(FigureOf(table, "abnormal", "AUROC").value));
  EXPECT_TRUE(table.Missed());
  EXPECT_THAT(table.notes,
              ElementsAre("abnormality_detection: not_available in 1 of 1 recordings."));
}

TEST(ScoreSleep, ComparesEpochByEpoch) {
  Case one;
  one.truth.stages = {SleepStage::kWake, SleepStage::kN2, std::nullopt, SleepStage::kN3,
                      SleepStage::kRem};
  one.prediction.stages = {SleepStage::kWake, SleepStage::kN3, SleepStage::kN1, SleepStage::kN3};
  const ConfusionMatrix matrix = CompareStages(one);
  EXPECT_EQ(matrix.total(), 3u);
  EXPECT_EQ(matrix.at(2, 3), 1u);
  const FigureTable table = ScoreSleep({one, one}, {.kappa = 0.99});
  EXPECT_EQ(FigureOf(table, "stages", "accuracy").basis, "6 epochs, 2 recordings");
  EXPECT_NEAR(FigureOf(table, "stages", "kappa").value, matrix.Kappa(), 1e-12);
  EXPECT_TRUE(table.Missed());
  EXPECT_THAT(table.notes, ElementsAre("2 scored epochs were not staged by the analysis."));
  EXPECT_EQ(ToRows(matrix)[3], (std::vector<std::string>{"N2", "0", "0", "0", "1", "0"}));
}

TEST(Score, MakesTheTablesForWhichThereIsTruth) {
  Case one;
  one.truth.stages = {SleepStage::kWake};
  EXPECT_EQ(Score({one}).size(), 1u);
  one.truth.is_abnormal = false;
  one.truth.events = {{"seizure", 1, 2}};
  EXPECT_EQ(Score({one}).size(), 3u);
}

TEST(Figures, AreShownAsTextMarkdownAndJson) {
  FigureTable table{.title = "Events"};
  table.AddShare("seizure", "sensitivity", {37, 40}, "events", 0.9);
  table.AddShare("PLED", "sensitivity", {}, "events");
  EXPECT_THAT(ToRows(table)[1], ElementsAre("seizure", "sensitivity", "0.925", "0.801 to 0.974",
                                            "37 of 40 events", ">= 0.9: met"));
  EXPECT_THAT(ToRows(table)[2], ElementsAre("PLED", "sensitivity", "-", "", "0 of 0 events", ""));
  EXPECT_EQ(ToMarkdown(table),
            "### Events\n\n"
            "| what | measure | value | 95 % interval | of | bar |\n"
            "|---|---|---|---|---|---|\n"
            "| seizure | sensitivity | 0.925 | 0.801 to 0.974 | 37 of 40 events | >= 0.9: met |\n"
            "| PLED | sensitivity | - |  | 0 of 0 events |  |\n");
  const boost::json::object json = ToJson(table);
  EXPECT_EQ(json.at("figures").at(0).at("met"), true);
  EXPECT_TRUE(json.at("figures").at(1).at("value").is_null());
}

TEST(Prediction, ReadsAPublishedResult) {
  const auto prediction = ReadPrediction(boost::json::parse(R"({
      "quality_report": {"bad_channels": ["T7"]},
      "abnormality_detection": {"is_abnormal": true, "abnormality_score": 0.8},
      "event_detection": {"events": [
          {"event_type": "PLED", "onset": 3, "duration": 2.5},
          {"event_type": "epileptiform", "onset": 1, "duration": 0.2}]},
      "sleep_analysis": {"hypnogram": ["W", "N1", "REM", null]},
      "stages": {"sleep_analysis": {"status": "completed"},
                 "feature_extraction": {"status": "skipped", "reason": "not_available"}}})")
                                             .get_object());
  ASSERT_TRUE(prediction.has_value()) << prediction.error().message;
  EXPECT_THAT(prediction->bad_channels, ElementsAre("T7"));
  EXPECT_EQ(prediction->abnormality, 0.8);
  EXPECT_EQ(prediction->events[0], (TimedEvent{"PLED", 3, 2.5}));
  EXPECT_EQ(prediction->stages.size(), 4u);
  EXPECT_EQ(prediction->stages[2], SleepStage::kRem);
  EXPECT_THAT(prediction->incomplete, ElementsAre("feature_extraction: not_available"));
  EXPECT_FALSE(prediction->Completed("feature_extraction"));
  EXPECT_TRUE(prediction->Completed("sleep_analysis"));
}

TEST(Prediction, TheCautiousStandInOfAFailedDetectorIsNoVerdict) {
  const auto prediction = ReadPrediction(boost::json::parse(R"({
      "abnormality_detection": {"is_abnormal": true, "confidence": 0.1, "fallback": true},
      "stages": {"abnormality_detection": {"status": "failed", "error": "no window"}}})")
                                             .get_object());
  ASSERT_TRUE(prediction.has_value()) << prediction.error().message;
  EXPECT_FALSE(prediction->is_abnormal.has_value());
  EXPECT_THAT(prediction->incomplete, ElementsAre("abnormality_detection: failed"));
}

TEST(ScoreEvents, KindsThatNobodyAnnotatedAreNotCompared) {
  Case quiet{.duration_s = 3600,
             .prediction = {.events = {{"epileptiform", 5, 0.2}, {"seizure", 9, 30}}}};
  quiet.truth.annotated = {{"seizure"}};
  const FigureTable table = ScoreEvents({quiet});
  EXPECT_EQ(FigureOf(table, "seizure", "specificity").basis, "0 of 1 recordings without");
  for (const Figure& figure : table.figures) EXPECT_NE(figure.subject, "epileptiform");
  // A recording with events of a kind shows that the corpus marks them.
  Case marked{.duration_s = 3600, .truth = With({{"epileptiform", 50, 0.2}})};
  marked.truth.annotated = {{"seizure"}};
  EXPECT_EQ(FigureOf(ScoreEvents({quiet, marked}), "epileptiform", "specificity").basis,
            "0 of 1 recordings without");
}

TEST(Prediction, LeavesOutWhatIsNullAndRefusesAnotherForm) {
  const auto empty = ReadPrediction(boost::json::object{{"event_detection", nullptr}});
  ASSERT_TRUE(empty.has_value());
  EXPECT_FALSE(empty->is_abnormal.has_value());
  const auto wrong =
      ReadPrediction(boost::json::object{{"event_detection", boost::json::object{{"found", 3}}}});
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().message,
            "the result of the analysis has no event_detection.events where one is expected");
}

}  // namespace
}  // namespace montage::evaluation
