#include "montage/signal/timefrequency/multitaper.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/finite.h"
#include "montage/signal/statistics.h"

namespace montage::signal {
namespace {

constexpr double kConcentrated = 0.9;

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
  for (size_t i = 0; i < power_.size(); ++i) {
    power_[i] = real_[i] * real_[i] + imaginary_[i] * imaginary_[i];
  }
  // One-sided: all bins but the first, and the last of an even length, stand for two.
  const auto halve = [&](size_t bin) {
    for (size_t l = 0; l < lanes; ++l) power_[bin * lanes + l] *= 0.5;
  };
  halve(0);
  if (length() % 2 == 0) halve(fft_.bins() - 1);

  Spectrum spectrum;
  spectrum.step_hz = rate_hz_ / static_cast<double>(length());
  spectrum.segments = lanes;
  spectrum.density.resize(fft_.bins());
  adaptive_ ? AverageAdaptively(spectrum.density) : Average(spectrum.density);
  for (double& value : spectrum.density) value *= 2.0 / rate_hz_;
  return spectrum;
}

void Multitaper::Average(std::span<double> density) const {
  const size_t lanes = tapers();
  double total = 0.0;
  for (const double weight : tapers_.concentration) total += weight;
  for (size_t k = 0; k < density.size(); ++k) {
    double sum = 0.0;
    for (size_t l = 0; l < lanes; ++l) sum += tapers_.concentration[l] * power_[k * lanes + l];
    density[k] = sum / total;
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
    const double* power = &power_[k * lanes];
    density[k] = 2.0 * (share[0] * power[0] + share[1] * power[1]) / (share[0] + share[1]);
  }
  std::vector<double> weights(bins * lanes, 0.0);
  for (int round = 0; round < kRounds; ++round) {
    double largest = 0.0;
    for (size_t k = 0; k < bins; ++k) {
      double change = 0.0;
      for (size_t l = 0; l < lanes; ++l) {
        const double bottom = share[l] * density[k] + (1.0 - share[l]) * variance;
        const double weight = bottom > 0.0 ? std::sqrt(share[l]) * density[k] / bottom : 0.0;
        const double step = weight - std::exchange(weights[k * lanes + l], weight);
        change += step * step;
      }
      largest = std::max(largest, change / static_cast<double>(lanes));
    }
    if (largest < kConverged) break;
    for (size_t k = 0; k < bins; ++k) {
      double sum = 0.0, total = 0.0;
      for (size_t l = 0; l < lanes; ++l) {
        const double square = weights[k * lanes + l] * weights[k * lanes + l];
        sum += square * power_[k * lanes + l];
        total += square;
      }
      density[k] = total > 0.0 ? 2.0 * sum / total : 0.0;
    }
  }
  for (double& value : density) value *= 0.5;
}

}  // namespace montage::signal
