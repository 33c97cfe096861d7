#include "montage/signal/timefrequency/stockwell.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/fft.h"
#include "montage/signal/finite.h"

namespace montage::signal {
namespace {

constexpr double kMostValues = 268435456.0;  // 2^28

/// The bins whose frequencies are in the range: [first, last).
BinRange RowsIn(size_t samples, double rate_hz, FrequencyRange range) {
  const double step = rate_hz / static_cast<double>(samples);
  BinRange rows;
  for (size_t k = 1; k <= samples / 2; ++k) {
    const double hz = step * static_cast<double>(k);
    if (hz < range.low || hz > range.high) continue;
    if (rows.last == 0) rows.first = k;
    rows.last = k + 1;
  }
  return rows;
}

constexpr size_t kLanes = 4;

/// Rows of a Stockwell transform, kLanes at a time.
class RowTransform {
 public:
  explicit RowTransform(std::span<const double> samples)
      : n_(samples.size()),
        spectrum_real_(samples.begin(), samples.end()),
        spectrum_imaginary_(n_, 0.0),
        inverse_(n_, kLanes),
        window_fft_(n_, kLanes),
        windows_(n_ * kLanes),
        gain_(window_fft_.bins() * kLanes),
        nothing_(gain_.size()),
        real_(n_ * kLanes),
        imaginary_(n_ * kLanes) {
    Fft(n_).Forward(spectrum_real_, spectrum_imaginary_);
  }

  /// The rows of bins first, first + 1, ...; the window of bin k has a standard deviation of
  /// width / k times the length.
  void Run(size_t first, double width) {
    MakeWindows(first, width);
    window_fft_.Forward(windows_, gain_, nothing_);  // even in time, hence real
    for (size_t k = 0; k < n_; ++k) {
      const size_t gain = std::min(k, n_ - k) * kLanes;
      for (size_t l = 0; l < kLanes; ++l) {
        const size_t from = (k + first + l) % n_;
        real_[k * kLanes + l] = spectrum_real_[from] * gain_[gain + l];
        imaginary_[k * kLanes + l] = spectrum_imaginary_[from] * gain_[gain + l];
      }
    }
    inverse_.Inverse(real_, imaginary_);
  }

  void Read(size_t lane, std::span<double> real, std::span<double> imaginary) const {
    for (size_t i = 0; i < n_; ++i) {
      real[i] = real_[i * kLanes + lane];
      imaginary[i] = imaginary_[i * kLanes + lane];
    }
  }

 private:
  /// Gaussians about time 0 of sum 1, up to where they are less than the smallest double.
  void MakeWindows(size_t first, double width) {
    constexpr double kLastDeviation = 39.0;
    std::ranges::fill(windows_, 0.0);
    for (size_t l = 0; l < kLanes; ++l) {
      const double deviation = width * static_cast<double>(n_) / static_cast<double>(first + l);
      double sum = 0.0;
      for (size_t i = 0; i <= n_ / 2; ++i) {
        const double t = static_cast<double>(i) / deviation;
        if (t > kLastDeviation) break;
        const double value = std::exp(-0.5 * t * t);
        const bool has_twin = i > 0 && 2 * i < n_;
        windows_[i * kLanes + l] = value;
        if (has_twin) windows_[(n_ - i) * kLanes + l] = value;
        sum += has_twin ? 2.0 * value : value;
      }
      for (size_t i = 0; i < n_; ++i) windows_[i * kLanes + l] /= sum;
    }
  }

  size_t n_;
  std::vector<double> spectrum_real_, spectrum_imaginary_;
  Fft inverse_;
  RealFft window_fft_;
  std::vector<double> windows_, gain_, nothing_;
  std::vector<double> real_, imaginary_;
};

}  // namespace

base::Result<TimeFrequency> Stockwell(std::span<const double> samples, double rate_hz,
                                      FrequencyRange range, double width) {
  const size_t n = samples.size();
  if (n < 2 || !(rate_hz > 0.0) || !std::isfinite(rate_hz) || !(width > 0.0) ||
      !std::isfinite(width)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} samples at {} Hz with width {}, expected at least 2 and "
                                  "positive numbers",
                                  n, rate_hz, width));
  }
  TRY(CheckFinite(samples));
  const BinRange rows = RowsIn(n, rate_hz, range);
  const size_t count = rows.last - rows.first;
  if (count == 0) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("no multiple of {} Hz between {} and {} Hz",
                                  rate_hz / static_cast<double>(n), range.low, range.high));
  }
  if (static_cast<double>(count) * static_cast<double>(n) > kMostValues) {
    return base::Fail(
        base::ErrorCode::kTooLarge,
        fmt::format("{} frequencies of {} samples, expected at most 2^28 values", count, n));
  }
  TimeFrequency result{
      .times = n, .step_s = 1.0 / rate_hz, .frequencies_hz = {}, .real = {}, .imaginary = {}};
  result.real.resize(count * n);
  result.imaginary.resize(count * n);

  RowTransform transform(samples);
  for (size_t row = 0; row < count; ++row) {
    const size_t bin = rows.first + row;
    if (row % kLanes == 0) transform.Run(bin, width);
    transform.Read(row % kLanes, std::span(result.real).subspan(row * n, n),
                   std::span(result.imaginary).subspan(row * n, n));
    result.frequencies_hz.push_back(rate_hz * static_cast<double>(bin) / static_cast<double>(n));
  }
  return result;
}

}  // namespace montage::signal
