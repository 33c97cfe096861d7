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

/// Spectrum of the window of unit sum about time 0, which is even in time, hence real.
void WindowSpectrum(double deviation_samples, RealFft& fft, std::span<double> window,
                    std::span<double> real, std::span<double> imaginary) {
  const size_t n = window.size();
  double sum = 0.0;
  for (size_t i = 0; i < n; ++i) {
    const double t = static_cast<double>(std::min(i, n - i)) / deviation_samples;
    window[i] = std::exp(-0.5 * t * t);
    sum += window[i];
  }
  for (double& value : window) value /= sum;
  fft.Forward(window, real, imaginary);
}

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

  Fft fft(n);
  RealFft window_fft(n);
  std::vector<double> real(samples.begin(), samples.end()), imaginary(n, 0.0), window(n);
  std::vector<double> gain(window_fft.bins()), nothing(window_fft.bins());
  fft.Forward(real, imaginary);
  for (size_t row = 0; row < count; ++row) {
    const size_t bin = rows.first + row;
    const double hz = rate_hz * static_cast<double>(bin) / static_cast<double>(n);
    result.frequencies_hz.push_back(hz);
    WindowSpectrum(width / hz * rate_hz, window_fft, window, gain, nothing);
    const auto row_real = std::span(result.real).subspan(row * n, n);
    const auto row_imaginary = std::span(result.imaginary).subspan(row * n, n);
    for (size_t k = 0; k < n; ++k) {
      const size_t from = (k + bin) % n;
      row_real[k] = real[from] * gain[std::min(k, n - k)];
      row_imaginary[k] = imaginary[from] * gain[std::min(k, n - k)];
    }
    fft.Inverse(row_real, row_imaginary);
  }
  return result;
}

}  // namespace montage::signal
