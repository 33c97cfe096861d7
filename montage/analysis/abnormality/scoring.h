#pragma once
// From the measures of windows to one calibrated probability.
//
//   window score     p_w = 1 / (1 + exp(-(b + sum w_i (x_i - m_i) / s_i)))
//   mean             m = sum of a_w p_w over sum of a_w, with a_w the window's weight
//   peak             q = (sum of a_w p_w^8 over sum of a_w)^(1/8): a few strongly abnormal windows
//                    count (5 % of windows at 1 give 0.69, where the mean gives 0.05)
//   recording score  1 / (1 + exp(-(B + M logit m + Q logit q)))   (Platt 1999)
//
// The coefficients are in score_table.h, fitted by bench/detection/fit_abnormality on generated
// recordings whose seeds no test uses. In windows near sleep spindles the measures of slow activity
// are replaced by their means m_i, so that they neither speak for nor against.

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "montage/analysis/abnormality/measures.h"

namespace montage::analysis {

struct MeasureWeight {
  double mean = 0;
  double scale = 1;
  double weight = 0;
};

struct ScoreTable {
  double intercept = 0;
  std::array<MeasureWeight, kMeasureCount> measures{};
  double recording_intercept = 0;
  double mean_weight = 0;
  double peak_weight = 0;
  std::string_view corpus = {};
  std::string_view seeds = {};
  int generator_version = 0;
};
/// What this build scores with.
const ScoreTable& Calibration();

/// In (0, 1).
double ScoreWindow(const ScoreTable& table, const WindowMeasures& window);

/// The two aggregates of window scores, weighted; within [0.001, 0.999].
struct Aggregate {
  double mean = 0;
  double peak = 0;
};
/// Requires: equally many; none when no weight is positive.
std::optional<Aggregate> AggregateScores(std::span<const double> scores,
                                         std::span<const double> weights);

double ScoreRecording(const ScoreTable& table, const Aggregate& aggregate);

double Logit(double probability);
double Logistic(double x);

}  // namespace montage::analysis
