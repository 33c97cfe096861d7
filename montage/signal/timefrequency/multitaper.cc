#include "montage/signal/timefrequency/multitaper.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/finite.h"
#include "montage/signal/simd.h"
#include "montage/signal/statistics.h"

namespace montage::signal {
namespace {

constexpr double kConcentrated = 0.9;

MONTAGE_SIMD_CLONES void AddScaled(double weight, const double* __restrict power, size_t bins,
                                   double* __restrict sum) {
  for (size_t k = 0; k < bins; ++k) sum[k] += weight * power[k];
}

struct TaperState {
  double share;
  double variance;
  const double* density;
  const double* power;
};
struct TaperSums {
  double* weights;  ///< of the last round, replaced
  double* change;   ///< sum over the tapers of the squared steps of the weights,
  double* sum;      ///< of the squared weights times the power,
  double* total;    ///< of the squared weights
};

/// One round of one taper.
MONTAGE_SIMD_CLONES void AdaptTaper(const TaperState& of, size_t bins, const TaperSums& sums) {
  const double root = std::sqrt(of.share), rest = (1.0 - of.share) * of.variance;
  const double share = of.share;
  const double *density = of.density, *power = of.power;
  double *weights = sums.weights, *change = sums.change, *sum = sums.sum, *total = sums.total;
  for (size_t k = 0; k < bins; ++k) {
    const double bottom = share * density[k] + rest;
    const double weight = bottom > 0.0 ? root * density[k] / bottom : 0.0;
    const double step = weight - weights[k];
    weights[k] = weight;
    change[k] += step * step;
    sum[k] += weight * weight * power[k];
    total[k] += weight * weight;
  }
}

Tapers Concentrated(Tapers tapers) {
  // The first is kept in any case; concentrations descend.
  size_t kept = 1;
  while (kept < tapers.tapers.size() && tapers.concentration[kept] > kConcentrated) ++kept;
  tapers.tapers.resize(kept);
  tapers.concentration.resize(kept);
  return tapers;
}

}  // namespace

base::Result<Multitaper> Multitaper::Make(size_t length, double rate_hz,
                                          MultitaperOptions options) {
  if (length < 2 || !(rate_hz > 0.0) || !std::isfinite(rate_hz)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("windows of {} samples at {} Hz, expected at least 2 at a "
                                  "positive rate",
                                  length, rate_hz));
  }
  const auto n = static_cast<double>(length);
  const double half_bandwidth =
      options.bandwidth_hz == 0.0 ? 4.0 : options.bandwidth_hz * n / (2.0 * rate_hz);
  if (!(half_bandwidth >= 0.5) || half_bandwidth >= 0.5 * n) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("bandwidth {} Hz of windows of {} samples at {} Hz, expected at "
                    "least {} Hz and less than the rate",
                    2.0 * rate_hz * half_bandwidth / n, length, rate_hz, rate_hz / n));
  }
  TRY(auto tapers, Slepian(length, half_bandwidth, static_cast<size_t>(2.0 * half_bandwidth),
                           Symmetry::kPeriodic));
  if (options.low_bias) tapers = Concentrated(std::move(tapers));
  return Multitaper(length, rate_hz, options.adaptive, std::move(tapers));
}

Multitaper::Multitaper(size_t length, double rate_hz, bool adaptive, Tapers tapers)
    : rate_hz_(rate_hz),
      adaptive_(adaptive && tapers.tapers.size() >= 3),
      tapers_(std::move(tapers)),
      fft_(length, tapers_.tapers.size()),
      frames_(length * tapers_.tapers.size()),
      real_(fft_.bins() * tapers_.tapers.size()),
      imaginary_(real_.size()),
      power_(real_.size()) {}

base::Result<Spectrum> Multitaper::Estimate(std::span<const double> samples) {
  if (samples.size() != length()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} samples, expected {}", samples.size(), length()));
  }
  TRY(CheckFinite(samples));
  const double mean = Mean(samples);
  const size_t lanes = tapers();
  for (size_t i = 0; i < samples.size(); ++i) {
    for (size_t l = 0; l < lanes; ++l) {
      frames_[i * lanes + l] = (samples[i] - mean) * tapers_.tapers[l][i];
    }
  }
  fft_.Forward(frames_, real_, imaginary_);
  const size_t bins = fft_.bins();
  for (size_t k = 0; k < bins; ++k) {
    for (size_t l = 0; l < lanes; ++l) {
      const double re = real_[k * lanes + l], im = imaginary_[k * lanes + l];
      power_[l * bins + k] = re * re + im * im;
    }
  }
  // One-sided: all bins but the first, and the last of an even length, stand for two.
  const auto halve = [&](size_t bin) {
    for (size_t l = 0; l < lanes; ++l) power_[l * bins + bin] *= 0.5;
  };
  halve(0);
  if (length() % 2 == 0) halve(bins - 1);

  Spectrum spectrum;
  spectrum.step_hz = rate_hz_ / static_cast<double>(length());
  spectrum.segments = lanes;
  spectrum.density.resize(bins);
  adaptive_ ? AverageAdaptively(spectrum.density) : Average(spectrum.density);
  for (double& value : spectrum.density) value *= 2.0 / rate_hz_;
  return spectrum;
}

void Multitaper::Average(std::span<double> density) const {
  double total = 0.0;
  for (const double share : tapers_.concentration) total += share;
  std::ranges::fill(density, 0.0);
  for (size_t l = 0; l < tapers(); ++l) {
    AddScaled(tapers_.concentration[l] / total, PowerOf(l).data(), density.size(), density.data());
  }
}

// Thomson's weights d_l(f) = sqrt(c_l) S(f) / (c_l S(f) + (1 - c_l) variance), iterated together
// for all frequencies until none of their mean squares changes by 1e-10, as in mne.
void Multitaper::AverageAdaptively(std::span<double> density) const {
  constexpr int kRounds = 250;
  constexpr double kConverged = 1e-10;
  const size_t lanes = tapers(), bins = density.size();
  const auto& share = tapers_.concentration;
  Average(density);
  // Trapezoidal integral of the one-sided density over [0, pi], over 2 pi.
  double variance = -(density.front() + density.back());
  for (const double value : density) variance += 2.0 * value;
  variance *= 0.5 / static_cast<double>(bins);
  for (size_t k = 0; k < bins; ++k) {
    density[k] =
        2.0 * (share[0] * PowerOf(0)[k] + share[1] * PowerOf(1)[k]) / (share[0] + share[1]);
  }
  std::vector<double> weights(bins * lanes, 0.0), change(bins), sum(bins), total(bins);
  for (int round = 0; round < kRounds; ++round) {
    for (auto* values : {&change, &sum, &total}) std::ranges::fill(*values, 0.0);
    for (size_t l = 0; l < lanes; ++l) {
      AdaptTaper({.share = share[l],
                  .variance = variance,
                  .density = density.data(),
                  .power = PowerOf(l).data()},
                 bins,
                 {.weights = &weights[l * bins],
                  .change = change.data(),
                  .sum = sum.data(),
                  .total = total.data()});
    }
    if (std::ranges::max(change) < kConverged * static_cast<double>(lanes)) break;
    for (size_t k = 0; k < bins; ++k) density[k] = total[k] > 0.0 ? 2.0 * sum[k] / total[k] : 0.0;
  }
  for (double& value : density) value *= 0.5;
}

}  // namespace montage::signal
