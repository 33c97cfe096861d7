#include "montage/analysis/abnormality/scoring.h"

#include <algorithm>
#include <cmath>

#include "montage/analysis/abnormality/score_table.h"

namespace montage::analysis {
namespace {

constexpr double kPeakPower = 8.0;
constexpr double kLeast = 0.001;

bool IsOfSlowActivity(Measure measure) {
  return measure == Measure::kSlowLevel || measure == Measure::kSlowRatio ||
         measure == Measure::kPosteriorSlow;
}

}  // namespace

const ScoreTable& Calibration() { return kScoreTable; }

double Logit(double probability) { return std::log(probability / (1 - probability)); }
double Logistic(double x) { return 1 / (1 + std::exp(-x)); }

double ScoreWindow(const ScoreTable& table, const WindowMeasures& window) {
  double sum = table.intercept;
  for (size_t i = 0; i < kMeasureCount; ++i) {
    if (window.asleep && IsOfSlowActivity(static_cast<Measure>(i))) continue;
    const MeasureWeight& measure = table.measures[i];
    sum += measure.weight * (window.values[i] - measure.mean) / measure.scale;
  }
  return Logistic(sum);
}

std::optional<Aggregate> AggregateScores(std::span<const double> scores,
                                         std::span<const double> weights) {
  double total = 0, mean = 0, peak = 0;
  for (size_t w = 0; w < scores.size(); ++w) {
    total += weights[w];
    mean += weights[w] * scores[w];
    peak += weights[w] * std::pow(scores[w], kPeakPower);
  }
  if (!(total > 0)) return std::nullopt;
  const auto bounded = [](double p) { return std::clamp(p, kLeast, 1 - kLeast); };
  return Aggregate{bounded(mean / total), bounded(std::pow(peak / total, 1 / kPeakPower))};
}

double ScoreRecording(const ScoreTable& table, const Aggregate& aggregate) {
  return Logistic(table.recording_intercept + table.mean_weight * Logit(aggregate.mean) +
                  table.peak_weight * Logit(aggregate.peak));
}

}  // namespace montage::analysis
