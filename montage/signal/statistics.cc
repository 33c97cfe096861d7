#include "montage/signal/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

namespace montage::signal {
namespace {

double Count(std::span<const double> samples) { return static_cast<double>(samples.size()); }

/// Four partial sums: faster than one and more accurate.
template <typename Term>
double SumOf(size_t count, Term term) {
  double sums[4] = {0, 0, 0, 0};
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (size_t k = 0; k < 4; ++k) sums[k] += term(i + k);
  }
  for (; i < count; ++i) sums[0] += term(i);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

double VarianceOf(std::span<const double> samples) {
  if (samples.empty()) return 0.0;
  const double mean = Mean(samples);
  return SumOf(samples.size(),
               [&](size_t i) { return (samples[i] - mean) * (samples[i] - mean); }) /
         Count(samples);
}

}  // namespace

Moments MomentsOf(std::span<const double> samples) {
  Moments moments;
  if (samples.empty()) return moments;
  const double n = Count(samples);
  moments.mean = Mean(samples);
  double m2 = 0, m3 = 0, m4 = 0;
  for (const double value : samples) {
    const double d = value - moments.mean;
    m2 += d * d;
    m3 += d * d * d;
    m4 += d * d * d * d;
  }
  moments.variance = m2 / n;
  if (moments.variance > 0.0) {
    moments.skewness = m3 / n / std::pow(moments.variance, 1.5);
    moments.excess_kurtosis = m4 / n / (moments.variance * moments.variance) - 3.0;
  }
  return moments;
}

double Mean(std::span<const double> samples) {
  if (samples.empty()) return 0.0;
  return SumOf(samples.size(), [&](size_t i) { return samples[i]; }) / Count(samples);
}

double StandardDeviation(std::span<const double> samples) { return std::sqrt(VarianceOf(samples)); }

double RootMeanSquare(std::span<const double> samples) {
  if (samples.empty()) return 0.0;
  return std::sqrt(SumOf(samples.size(), [&](size_t i) { return samples[i] * samples[i]; }) /
                   Count(samples));
}

double PeakToPeak(std::span<const double> samples) {
  if (samples.empty()) return 0.0;
  const auto [low, high] = std::ranges::minmax(samples);
  return high - low;
}

double Median(std::span<double> samples) {
  if (samples.empty()) return 0.0;
  const size_t middle = samples.size() / 2;
  const auto at = samples.begin() + static_cast<ptrdiff_t>(middle);
  std::ranges::nth_element(samples, at);
  if (samples.size() % 2 == 1) return *at;
  return 0.5 * (*at + *std::max_element(samples.begin(), at));
}

double RobustDeviation(std::span<double> samples) {
  const double median = Median(samples);
  for (double& value : samples) value = std::abs(value - median);
  return 1.4826 * Median(samples);
}

double Percentile(std::span<double> samples, double fraction) {
  if (samples.empty()) return 0.0;
  const double position = std::clamp(fraction, 0.0, 1.0) * (Count(samples) - 1.0);
  const double below = std::floor(position);
  const auto at = samples.begin() + static_cast<ptrdiff_t>(below);
  std::ranges::nth_element(samples, at);
  if (at + 1 == samples.end()) return *at;
  const double next = *std::min_element(at + 1, samples.end());
  return *at + (position - below) * (next - *at);
}

float OrderStatistic(std::span<float> samples, double fraction) {
  if (samples.empty()) return 0.0F;
  const auto at =
      samples.begin() + static_cast<ptrdiff_t>(fraction * static_cast<double>(samples.size() - 1));
  std::ranges::nth_element(samples, at);
  return *at;
}

double LineLength(std::span<const double> samples) {
  if (samples.size() < 2) return 0.0;
  return SumOf(samples.size() - 1, [&](size_t i) { return std::abs(samples[i + 1] - samples[i]); });
}

size_t ZeroCrossings(std::span<const double> samples) {
  const double mean = Mean(samples);
  size_t crossings = 0;
  for (size_t i = 1; i < samples.size(); ++i) {
    crossings += (samples[i - 1] >= mean) != (samples[i] >= mean) ? 1U : 0U;
  }
  return crossings;
}

Hjorth HjorthOf(std::span<const double> samples) {
  Hjorth hjorth;
  hjorth.activity = VarianceOf(samples);
  if (samples.size() < 3 || hjorth.activity <= 0.0) return hjorth;
  std::vector<double> first(samples.size() - 1);
  for (size_t i = 0; i < first.size(); ++i) first[i] = samples[i + 1] - samples[i];
  std::vector<double> second(first.size() - 1);
  for (size_t i = 0; i < second.size(); ++i) second[i] = first[i + 1] - first[i];
  const double first_variance = VarianceOf(first);
  hjorth.mobility = std::sqrt(first_variance / hjorth.activity);
  if (first_variance > 0.0) {
    hjorth.complexity = std::sqrt(VarianceOf(second) / first_variance) / hjorth.mobility;
  }
  return hjorth;
}

double Correlation(std::span<const double> a, std::span<const double> b) {
  assert(a.size() == b.size());
  if (a.empty()) return 0.0;
  const double mean_a = Mean(a);
  const double mean_b = Mean(b);
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i] - mean_a;
    const double y = b[i] - mean_b;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0.0 && bb > 0.0 ? ab / std::sqrt(aa * bb) : 0.0;
}

void RemoveMean(std::span<double> samples) {
  const double mean = Mean(samples);
  for (double& value : samples) value -= mean;
}

void RemoveTrend(std::span<double> samples) {
  RemoveMean(samples);
  if (samples.size() < 2) return;
  const double middle = 0.5 * (Count(samples) - 1.0);
  double moment = 0, spread = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double t = static_cast<double>(i) - middle;
    moment += t * samples[i];
    spread += t * t;
  }
  const double slope = moment / spread;
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] -= slope * (static_cast<double>(i) - middle);
  }
}

}  // namespace montage::signal
