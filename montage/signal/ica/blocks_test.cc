#include "montage/signal/ica/blocks.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "montage/signal/ica/separation_testing.h"
#include "montage/signal/ica/tanh.h"

namespace montage::signal {
namespace {

double TanhOf(double x, double& decay) {
  double input[kOct], output[kOct], rest[kOct];
  std::ranges::fill(input, x);
  const Oct lanes = In<Oct>(input).v;
  Oct tanh, left;
  Tanh(lanes, tanh, left);
  Out<Oct>(output).v = tanh;
  Out<Oct>(rest).v = left;
  decay = rest[3];
  return output[5];
}

TEST(Tanh, IsWithinItsStatedErrorEverywhere) {
  double worst = 0, worst_decay = 0;
  for (int i = 0; i <= 400'000; ++i) {
    const double x = -20.0 + 1e-4 * i;
    double decay = 0;
    worst = std::max(worst, std::abs(TanhOf(x, decay) - std::tanh(x)));
    const double expected = std::exp(-2.0 * std::abs(x));
    worst_decay = std::max(worst_decay, std::abs(decay - expected) / expected);
  }
  EXPECT_LT(worst, 4e-16);
  EXPECT_LT(worst_decay, 1e-15);
}

TEST(Tanh, IsOddAndSaturates) {
  double decay = 0;
  EXPECT_EQ(TanhOf(0.0, decay), 0.0);
  EXPECT_EQ(decay, 1.0);
  for (const double x : {1e-300, 1e-9, 0.3, 5.0, 349.0, 351.0, 1e300}) {
    EXPECT_EQ(TanhOf(-x, decay), -TanhOf(x, decay)) << x;
    EXPECT_GE(decay, 0.0) << x;
    EXPECT_LE(decay, 1.0) << x;
  }
  EXPECT_EQ(TanhOf(1e300, decay), 1.0);
  EXPECT_EQ(TanhOf(-400.0, decay), -1.0);
}

/// The sums of one pass as their definition says.
Scores Plainly(const Rows& z, const Matrix& w) {
  const size_t k = z.size();
  const auto n = static_cast<double>(z[0].size());
  Scores scores{Matrix::Zero(k, k), std::vector<double>(k, 0.0), std::vector<double>(k, 0.0)};
  for (size_t t = 0; t < z[0].size(); ++t) {
    for (size_t i = 0; i < k; ++i) {
      double y = 0;
      for (size_t j = 0; j < k; ++j) y += w(i, j) * z[j][t];
      const double score = std::tanh(y);
      for (size_t j = 0; j < k; ++j) scores.cross(i, j) += score * z[j][t] / n;
      scores.slope[i] += (1 - score * score) / n;
      scores.log_cosh[i] +=
          (std::abs(y) + std::log1p(std::exp(-2 * std::abs(y))) - std::numbers::ln2) / n;
    }
  }
  return scores;
}

Matrix Identity(size_t rows) { return Matrix::Identity(rows); }

TEST(SampleBlocks, OnePassGivesTheMeansOfTheScoresForAnyShape) {
  for (const auto& [rows, samples] :
       {std::pair<size_t, size_t>{1, 1}, {1, 129}, {3, 127}, {4, 128}, {5, 1000}, {9, 20'000}}) {
    const Rows z = MakeMixture({.channels = rows, .sources = rows, .samples = samples}).sources;
    const std::vector<double> none(rows, 0.0);
    Matrix w = Matrix::Zero(rows, rows);
    const auto entries = Uniforms(99, rows * rows);
    for (size_t i = 0; i < entries.size(); ++i) w.values[i] = 4 * (entries[i] - 0.5);
    const auto blocks = SampleBlocks::Project(Spans(z), none, Identity(rows));
    const Scores expected = Plainly(z, w), scores = blocks.ScoresOf(w);
    for (size_t i = 0; i < rows; ++i) {
      EXPECT_NEAR(scores.slope[i], expected.slope[i], 1e-13) << rows << " x " << samples;
      EXPECT_NEAR(scores.log_cosh[i], expected.log_cosh[i], 1e-12) << rows << " x " << samples;
      for (size_t j = 0; j < rows; ++j) {
        EXPECT_NEAR(scores.cross(i, j), expected.cross(i, j), 1e-12) << rows << " x " << samples;
      }
    }
  }
}

TEST(SampleBlocks, ThinningKeepsEveryStridethSample) {
  const Rows z = {{1, 2, 3, 4, 5, 6, 7}, {10, 20, 30, 40, 50, 60, 70}};
  const std::vector<double> none(2, 0.0);
  const auto thinned = SampleBlocks::Project(Spans(z), none, Identity(2)).Thinned(3);
  EXPECT_EQ(thinned.samples(), 3U);  // 1, 4, 7
  EXPECT_NEAR(thinned.Covariance()(0, 0), (1.0 + 16 + 49) / 3, 1e-12);
  EXPECT_NEAR(thinned.Covariance()(0, 1), (10.0 + 160 + 490) / 3, 1e-12);
}

TEST(ApplyMap, MultipliesWhatIsLeftAfterTheOffsets) {
  Rows x = {std::vector<double>(300, 7.0), std::vector<double>(300, -1.0)};
  x[0][299] = 8.0;
  const std::vector<double> offsets = {5.0, 1.0};
  const Matrix map{1, 2, {10.0, 1.0}};
  Rows out = {std::vector<double>(300, 0.0)};
  const auto targets = Spans(out);
  ApplyMap(map, Spans(std::as_const(x)), offsets, targets);
  EXPECT_EQ(out[0][0], 18.0);
  EXPECT_EQ(out[0][299], 28.0);
}

}  // namespace
}  // namespace montage::signal
