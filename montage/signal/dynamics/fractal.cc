#include "montage/signal/dynamics/fractal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/finite.h"
#include "montage/signal/simd.h"
#include "montage/signal/statistics.h"

namespace montage::signal {
namespace {

constexpr size_t kLanes = 8;

double Total(const std::array<double, kLanes>& sums) {
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

base::Result<void> CheckLength(std::span<const double> samples, size_t least, const char* what) {
  if (samples.size() >= least) return CheckFinite(samples);
  return base::Fail(base::ErrorCode::kInvalid,
                    fmt::format("{} samples are too few for {}, expected at least {}",
                                samples.size(), what, least));
}

/// Slope of the least-squares line.
double Slope(std::span<const double> x, std::span<const double> y) {
  const double mean_x = Mean(x), mean_y = Mean(y);
  double xy = 0.0, xx = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean_x) * (y[i] - mean_y);
    xx += (x[i] - mean_x) * (x[i] - mean_x);
  }
  return xy / xx;
}

/// Adds |samples[i + k] - samples[i]| of `period` consecutive i at a time to as many sums.
MONTAGE_SIMD_CLONES void AddSteps(const double* samples, size_t k, size_t period, size_t periods,
                                  double* __restrict sums) {
  for (size_t p = 0; p < periods; ++p, samples += period) {
    for (size_t i = 0; i < period; ++i) sums[i] += std::abs(samples[i + k] - samples[i]);
  }
}

/// Mean over the k starts of the normalised length of the graph through every k-th sample.
double GraphLength(std::span<const double> samples, size_t k) {
  // Steps from sample i belong to start i mod k; periods of 8 k fill vectors whatever k is.
  const size_t steps = samples.size() - k, period = 8 * k, periods = steps / period;
  std::vector<double> sums(period, 0.0);
  AddSteps(samples.data(), k, period, periods, sums.data());
  for (size_t i = periods * period; i < steps; ++i) {
    sums[i % k] += std::abs(samples[i + k] - samples[i]);
  }
  const auto step = static_cast<double>(k);
  const auto whole = static_cast<double>(samples.size() - 1);
  double mean = 0.0;
  for (size_t start = 0; start < k; ++start) {
    double length = 0.0;
    for (size_t i = start; i < period; i += k) length += sums[i];
    const size_t pieces = (samples.size() - start - 1) / k;
    mean += length / step * whole / (static_cast<double>(pieces) * step);
  }
  return mean / step;
}

/// Mean squared residual of `walk` about its least-squares line.
MONTAGE_SIMD_CLONES double ResidualPower(const double* walk, size_t count) {
  const auto n = static_cast<double>(count);
  const double middle = 0.5 * (n - 1.0);
  const auto at = [middle](size_t i) { return static_cast<double>(static_cast<int>(i)) - middle; };
  // Eight partial sums each.
  std::array<double, kLanes> sums{}, moments{}, powers{};
  size_t whole = count / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    for (size_t l = 0; l < kLanes; ++l) {
      sums[l] += walk[i + l];
      moments[l] += at(i + l) * walk[i + l];
    }
  }
  for (size_t i = whole; i < count; ++i) {
    sums[i - whole] += walk[i];
    moments[i - whole] += at(i) * walk[i];
  }
  const double mean = Total(sums) / n;
  const double slope = Total(moments) / (n * (n * n - 1.0) / 12.0);
  const auto residual = [&](size_t i) { return walk[i] - mean - slope * at(i); };
  for (size_t i = 0; i < whole; i += kLanes) {
    for (size_t l = 0; l < kLanes; ++l) powers[l] += residual(i + l) * residual(i + l);
  }
  for (size_t i = whole; i < count; ++i) powers[i - whole] += residual(i) * residual(i);
  return Total(powers) / n;
}

/// 4, ... a tenth of the samples, each 1.2 times the one before, rounded down, without repeats.
std::vector<size_t> WindowLengths(size_t samples) {
  constexpr double kLeast = 4.0, kGrowth = 1.2;
  const double most = 0.1 * static_cast<double>(samples);
  const int last = static_cast<int>(std::floor(std::log(most / kLeast) / std::log(kGrowth)));
  std::vector<size_t> lengths;
  for (int i = 0; i <= last; ++i) {
    const auto length = static_cast<size_t>(std::floor(kLeast * std::pow(kGrowth, i)));
    if (lengths.empty() || length > lengths.back()) lengths.push_back(length);
  }
  return lengths;
}

}  // namespace

base::Result<double> HiguchiDimension(std::span<const double> samples, size_t largest_step) {
  if (largest_step < 2 || largest_step > samples.size()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("largest step {} of {} samples, expected at least 2 and at most "
                                  "half of them",
                                  largest_step, samples.size()));
  }
  TRY(CheckLength(samples, 2 * largest_step, "Higuchi's dimension with its largest step"));
  std::vector<double> scales, lengths;
  for (size_t k = 1; k <= largest_step; ++k) {
    const double length = GraphLength(samples, k);
    if (length <= 0.0) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("the signal repeats every {} samples, so Higuchi's dimension "
                                    "is undefined",
                                    k));
    }
    scales.push_back(-std::log(static_cast<double>(k)));
    lengths.push_back(std::log(length));
  }
  return Slope(scales, lengths);
}

base::Result<double> PetrosianDimension(std::span<const double> samples) {
  TRY(CheckLength(samples, 3, "Petrosian's dimension"));
  size_t changes = 0;
  for (size_t i = 2; i < samples.size(); ++i) {
    const bool was_falling = samples[i - 1] < samples[i - 2];
    const bool falls = samples[i] < samples[i - 1];
    changes += was_falling != falls ? 1U : 0U;
  }
  const auto n = static_cast<double>(samples.size());
  return std::log(n) / (std::log(n) + std::log(n / (n + 0.4 * static_cast<double>(changes))));
}

base::Result<double> KatzDimension(std::span<const double> samples) {
  TRY(CheckLength(samples, 3, "Katz's dimension"));
  const auto pieces = static_cast<double>(samples.size() - 1);
  const double piece = LineLength(samples) / pieces;
  double farthest = 0.0;
  for (const double value : samples) farthest = std::max(farthest, std::abs(value - samples[0]));
  if (farthest <= 0.0 || farthest == piece) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("the signal goes {} from its first sample in steps of {} on "
                                  "average, so Katz's dimension is undefined",
                                  farthest, piece));
  }
  return std::log(pieces) / std::log(farthest / piece);
}

base::Result<double> DetrendedFluctuation(std::span<const double> samples) {
  TRY(CheckLength(samples, 58, "detrended fluctuation analysis"));
  std::vector<double> walk(samples.size());
  const double mean = Mean(samples);
  double sum = 0.0;
  for (size_t i = 0; i < walk.size(); ++i) {
    sum += samples[i] - mean;
    walk[i] = sum;
  }
  std::vector<double> scales, fluctuations;
  for (const size_t length : WindowLengths(samples.size())) {
    double power = 0.0;
    const size_t windows = walk.size() / length;
    for (size_t w = 0; w < windows; ++w) {
      power += ResidualPower(&walk[w * length], length);
    }
    if (power <= 0.0) continue;
    scales.push_back(std::log(static_cast<double>(length)));
    fluctuations.push_back(0.5 * std::log(power / static_cast<double>(windows)));
  }
  if (scales.size() < 2) {
    return base::Fail(base::ErrorCode::kInvalid,
                      "the signal does not fluctuate, so its exponent is undefined");
  }
  return Slope(scales, fluctuations);
}

}  // namespace montage::signal
