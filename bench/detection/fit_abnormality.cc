// Fits the coefficients of abnormality detection to generated recordings of the train split and
// prints montage/analysis/abnormality/score_table.h. No seed of the test split is touched.
//
//   bench_fit_abnormality > montage/analysis/abnormality/score_table.h
//
// Window coefficients: logistic regression with a ridge, by Newton's method, on windows labelled by
// whether something abnormal is planted in them. Recording coefficients: the same on the two
// aggregates of cross-fitted window scores (five folds by recording), so that the windows that were
// fitted do not calibrate themselves (Platt 1999).

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <Eigen/Dense>
#include <fmt/format.h>

#include "bench/detection/corpus/corpus.h"
#include "lib/synth/eeg.h"
#include "montage/analysis/abnormality/abnormality.h"
#include "montage/analysis/generated_testing.h"
#include "montage/analysis/quality/quality.h"

namespace {

using namespace montage::analysis;

constexpr double kWindowRidge = 0.02;  // of the mean log-likelihood
constexpr double kRecordingRidge = 0.01;
constexpr size_t kFolds = 5;

struct Example {
  bool abnormal = false;
  std::string group;
  std::vector<WindowMeasures> windows;
  std::vector<bool> labels;
  int generator_version = 0;
};

bool IsAbnormal(std::string_view kind) {
  constexpr std::array<std::string_view, 7> kKinds = {
      "spike", "spike_wave", "pled", "gped", "seizure", "burst_suppression", "slowing"};
  return std::ranges::count(kKinds, kind) > 0;
}

/// None when the spec plants on a channel that it does not have.
std::vector<Example> MakeExamples() {
  std::vector<Example> examples;
  const auto corpus = detection::AbnormalityCorpus({.split = detection::Split::kTrain});
  for (size_t i = 0; i < corpus.size(); ++i) {
    const auto& entry = corpus[i];
    for (const bool few : {false, true}) {
      synth::EegSpec spec = entry.spec;
      if (few) {  // every third recording again with ten channels and half as long
        if (i % 3 != 0) continue;
        spec.channels = {"Fp1", "Fp2", "F3", "F4", "C3", "C4", "T7", "T8", "O1", "O2"};
        spec.rate_hz = i % 2 == 0 ? 128 : 250;
      }
      const auto generator = synth::EegGenerator::Create(spec);
      if (!generator) continue;
      auto recording = Rendered(*generator);
      const auto quality = AssessQuality(recording.view(), {}, {}).value();
      const auto found = SurveyEvents(recording.view(), quality, {}).value();
      Example example{.abnormal = entry.abnormal, .group = entry.group};
      example.windows = MeasureWindows(found->survey, found->events);
      example.generator_version = generator->truth().generator_version;
      // A slow posterior rhythm is a trait and no event: it is there all the time.
      example.labels.assign(example.windows.size(), entry.group == "slow_rhythm");
      for (const auto& event : generator->truth().events) {
        if (!entry.abnormal || !IsAbnormal(event.kind)) continue;
        for (size_t w = 0; w < example.labels.size(); ++w) {
          const double from = kWindowStrideS * static_cast<double>(w);
          if (event.onset_s < from + kWindowS - 0.3 &&
              event.onset_s + event.duration_s > from + 0.3)
            example.labels[w] = true;
        }
      }
      examples.push_back(std::move(example));
    }
    if (i % 20 == 0) fmt::print(stderr, "\r{} of {} recordings", i, corpus.size());
  }
  fmt::print(stderr, "\n");
  return examples;
}

/// Weights with the intercept last. Rows of x are standardised.
Eigen::VectorXd Fit(const Eigen::MatrixXd& x, const Eigen::VectorXd& y, double ridge) {
  const auto n = static_cast<double>(x.rows());
  Eigen::MatrixXd design(x.rows(), x.cols() + 1);
  design << x, Eigen::VectorXd::Ones(x.rows());
  Eigen::VectorXd weights = Eigen::VectorXd::Zero(design.cols());
  Eigen::VectorXd penalty = Eigen::VectorXd::Constant(design.cols(), ridge);
  penalty[design.cols() - 1] = 0;
  for (int step = 0; step < 50; ++step) {
    const Eigen::VectorXd p = (design * weights).unaryExpr([](double v) { return Logistic(v); });
    const Eigen::VectorXd gradient =
        design.transpose() * (p - y) / n + penalty.cwiseProduct(weights);
    const Eigen::VectorXd spread = p.cwiseProduct(Eigen::VectorXd::Ones(p.size()) - p);
    Eigen::MatrixXd hessian = design.transpose() * spread.asDiagonal() * design / n;
    hessian += penalty.asDiagonal();
    const Eigen::VectorXd move = hessian.ldlt().solve(gradient);
    weights -= move;
    if (move.norm() < 1e-9) break;
  }
  return weights;
}

/// Measures that enter positively only: an abnormal measure never speaks for normal.
void FitWindows(const std::vector<Example>& examples, size_t without_fold, ScoreTable& table) {
  std::vector<std::array<double, kMeasureCount>> rows;
  std::vector<double> labels;
  for (size_t e = 0; e < examples.size(); ++e) {
    if (e % kFolds == without_fold) continue;
    for (size_t w = 0; w < examples[e].windows.size(); ++w) {
      if (!examples[e].windows[w].usable) continue;
      rows.push_back(examples[e].windows[w].values);
      labels.push_back(examples[e].labels[w] ? 1 : 0);
    }
  }
  std::vector<size_t> used(kMeasureCount);
  for (size_t i = 0; i < kMeasureCount; ++i) {
    used[i] = i;
    double sum = 0, squares = 0;
    for (const auto& row : rows) sum += row[i];
    const double mean = sum / static_cast<double>(rows.size());
    for (const auto& row : rows) squares += (row[i] - mean) * (row[i] - mean);
    table.measures[i] = {mean, std::sqrt(squares / static_cast<double>(rows.size())) + 1e-9, 0};
  }
  for (;;) {
    Eigen::MatrixXd x(static_cast<Eigen::Index>(rows.size()),
                      static_cast<Eigen::Index>(used.size()));
    Eigen::VectorXd y(static_cast<Eigen::Index>(rows.size()));
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t k = 0; k < used.size(); ++k) {
        const MeasureWeight& m = table.measures[used[k]];
        x(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(k)) =
            (rows[r][used[k]] - m.mean) / m.scale;
      }
      y[static_cast<Eigen::Index>(r)] = labels[r];
    }
    const Eigen::VectorXd weights = Fit(x, y, kWindowRidge);
    std::vector<size_t> kept;
    for (size_t k = 0; k < used.size(); ++k) {
      table.measures[used[k]].weight = weights[static_cast<Eigen::Index>(k)];
      if (weights[static_cast<Eigen::Index>(k)] > 0) kept.push_back(used[k]);
    }
    table.intercept = weights[static_cast<Eigen::Index>(used.size())];
    if (kept.size() == used.size()) return;
    for (size_t i = 0; i < kMeasureCount; ++i) {
      if (std::ranges::count(kept, i) == 0) table.measures[i].weight = 0;
    }
    used = kept;
  }
}

Aggregate AggregateOf(const ScoreTable& table, const Example& example) {
  std::vector<double> scores, weights;
  for (const WindowMeasures& window : example.windows) {
    if (!window.usable) continue;
    scores.push_back(ScoreWindow(table, window));
    weights.push_back(window.weight);
  }
  return AggregateScores(scores, weights).value_or(Aggregate{0.5, 0.5});
}

void FitRecordings(const std::vector<Example>& examples, ScoreTable& table) {
  const auto n = static_cast<Eigen::Index>(examples.size());
  Eigen::MatrixXd x(n, 2);
  Eigen::VectorXd y(n);
  for (size_t fold = 0; fold < kFolds; ++fold) {
    ScoreTable folded;
    FitWindows(examples, fold, folded);
    for (size_t e = fold; e < examples.size(); e += kFolds) {
      const Aggregate aggregate = AggregateOf(folded, examples[e]);
      const auto row = static_cast<Eigen::Index>(e);
      x(row, 0) = Logit(aggregate.mean);
      x(row, 1) = Logit(aggregate.peak);
      y[row] = examples[e].abnormal ? 1 : 0;
    }
  }
  const Eigen::VectorXd weights = Fit(x, y, kRecordingRidge);
  table.mean_weight = weights[0];
  table.peak_weight = weights[1];
  table.recording_intercept = weights[2];
  // For the log: how the cross-fitted scores separate.
  const Eigen::VectorXd logits = x * weights.head(2) + Eigen::VectorXd::Constant(n, weights[2]);
  double pairs = 0, ordered = 0;
  size_t hits = 0, abnormal = 0, passes = 0;
  for (Eigen::Index a = 0; a < n; ++a) {
    abnormal += y[a] > 0.5 ? 1 : 0;
    hits += y[a] > 0.5 && logits[a] >= 0 ? 1 : 0;
    passes += y[a] < 0.5 && logits[a] < 0 ? 1 : 0;
    if ((y[a] > 0.5) != (logits[a] >= 0)) {
      fmt::print(stderr, "missed: {} {} score {:.2f}\n", examples[static_cast<size_t>(a)].group, a,
                 Logistic(logits[a]));
    }
    for (Eigen::Index b = 0; b < n; ++b) {
      if (!(y[a] > 0.5 && y[b] < 0.5)) continue;
      pairs += 1;
      ordered += logits[a] > logits[b] ? 1 : logits[a] == logits[b] ? 0.5 : 0;
    }
  }
  fmt::print(stderr, "cross-fitted: AUROC {:.4f}, sensitivity {} / {}, specificity {} / {}\n",
             ordered / pairs, hits, abnormal, passes, examples.size() - abnormal);
}

void Print(const ScoreTable& table, size_t recordings, int generator_version) {
  fmt::print(
      "#pragma once\n// Written by bench/detection/fit_abnormality; do not edit.\n\n"
      "#include \"montage/analysis/abnormality/scoring.h\"\n\nnamespace montage::analysis {{\n\n"
      "inline constexpr ScoreTable kScoreTable{{\n    .intercept = {:.5f},\n"
      "    .measures = {{{{\n",
      table.intercept);
  for (size_t i = 0; i < kMeasureCount; ++i) {
    const MeasureWeight& m = table.measures[i];
    fmt::print("        {{.mean = {:.5f}, .scale = {:.5f}, .weight = {:.5f}}},  // {}\n", m.mean,
               m.scale, m.weight, ToString(static_cast<Measure>(i)));
  }
  fmt::print(
      "    }}}},\n    .recording_intercept = {:.5f},\n    .mean_weight = {:.5f},\n"
      "    .peak_weight = {:.5f},\n"
      "    .corpus = \"bench/detection AbnormalityCorpus, train split, {} recordings\",\n"
      "    .seeds = \"3000 to 3999\",\n    .generator_version = {},\n}};\n\n"
      "}}  // namespace montage::analysis\n",
      table.recording_intercept, table.mean_weight, table.peak_weight, recordings,
      generator_version);
}

}  // namespace

int main() {
  const auto examples = MakeExamples();
  ScoreTable table;
  FitWindows(examples, kFolds, table);
  FitRecordings(examples, table);
  Print(table, examples.size(), examples.front().generator_version);
  return 0;
}
