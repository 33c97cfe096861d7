#pragma once
// From recordings with their truth and what was found to tables of figures.

#include <optional>
#include <string>
#include <vector>

#include "montage/evaluation/figures.h"
#include "montage/evaluation/prediction.h"
#include "montage/evaluation/statistics/agreement.h"
#include "montage/evaluation/statistics/roc.h"
#include "montage/evaluation/truth/truth.h"

namespace montage::evaluation {

/// One evaluated recording.
struct Case {
  std::string name = {};
  double duration_s = 0;
  Truth truth = {};
  Prediction prediction = {};
};

/// Bars of the figures; none by default.
struct Bars {
  std::optional<double> sensitivity = {};
  std::optional<double> specificity = {};
  std::optional<double> auroc = {};
  std::optional<double> kappa = {};
};

/// How events of a kind are compared. Epileptiform discharges that last a moment (under 1.5 s):
/// MatchOnsets with 0.5 s; what both leave over, and the other kinds: MatchCoverage with 0.3 on
/// both sides, for artifacts any overlap of what was found. Found events that touch nothing
/// reviewed are left out first.
struct KindOutcome {
  uint64_t hits = 0;
  uint64_t missed = 0;
  uint64_t false_alarms = 0;
};
KindOutcome CompareKind(std::string_view kind, const Truth& truth,
                        const std::vector<TimedEvent>& found);
/// What somebody has reviewed, in hours.
double ReviewedHours(const Case& one);

/// Sensitivity (events), precision, F1, false alarms an hour, and specificity (recordings without
/// the kind in which none was found), for each kind that occurs on either side and that one of the
/// truths is about (Truth::annotated).
FigureTable ScoreEvents(const std::vector<Case>& cases, const Bars& bars = {});

/// AUROC, sensitivity, specificity and accuracy at the method's own threshold, Brier score and
/// expected calibration error.
FigureTable ScoreAbnormality(const std::vector<Case>& cases, const Bars& bars = {});

/// Confusion of the epochs that both sides scored.
ConfusionMatrix CompareStages(const Case& one);
/// Cohen's kappa, accuracy and macro F1 with intervals from resampling of recordings, F1 of each
/// stage, and the confusion matrix.
FigureTable ScoreSleep(const std::vector<Case>& cases, const Bars& bars = {});
/// True stages in rows, found ones in columns; the first row is the heading.
std::vector<std::vector<std::string>> ToRows(const ConfusionMatrix& stages);

/// The tables for which there is truth, with notes on stages that did not complete.
std::vector<FigureTable> Score(const std::vector<Case>& cases, const Bars& bars = {});

}  // namespace montage::evaluation
