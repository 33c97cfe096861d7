#include <algorithm>
#include <cassert>
#include <cmath>

#include <fmt/format.h>

#include "montage/signal/filter/window.h"
#include "montage/signal/finite.h"
#include "montage/signal/segment.h"
#include "montage/signal/spectrum.h"
#include "montage/signal/statistics.h"

namespace montage::signal {
namespace {

base::Result<WelchOptions> Fit(std::span<const double> samples, double rate_hz,
                               WelchOptions options) {
  if (samples.empty() || options.segment == 0 || !(rate_hz > 0.0)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("cannot take a spectrum of {} samples at {} Hz in segments of {}",
                                  samples.size(), rate_hz, options.segment));
  }
  if (options.overlap >= options.segment) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("overlap {} is not less than the segment of {} samples",
                                  options.overlap, options.segment));
  }
  if (samples.size() < options.segment) return WelchOptions{samples.size(), 0};
  return options;
}

/// What CheckFinite says of the samples, seen from the power of their segments: it is finite when
/// they are, so that only samples behind the last segment are read again.
base::Result<void> CheckAveraged(std::span<const double> samples, WelchOptions options,
                                 const Spectrum& spectrum) {
  const size_t step = options.segment - options.overlap;
  const size_t covered = options.segment + (samples.size() - options.segment) / step * step;
  const bool finite =
      std::ranges::all_of(spectrum.density, [](double power) { return std::isfinite(power); });
  return CheckFinite(finite ? samples.subspan(covered) : samples);
}

void AddSegments(WelchAverager& averager, std::span<const double> samples, size_t step) {
  for (size_t at = 0; at + averager.segment() <= samples.size(); at += step) {
    averager.Add(samples.subspan(at, averager.segment()));
  }
}

}  // namespace

WelchAverager::WelchAverager(size_t segment, double rate_hz)
    : rate_hz_(rate_hz), fft_(segment), first_(segment), second_(segment), power_(segment, 0.0) {
  const auto window = Hann(segment, Symmetry::kPeriodic);
  window_.assign(window.begin(), window.end());
}

void WelchAverager::Add(std::span<const double> samples) {
  assert(samples.size() == segment());
  TaperSegment(samples, window_, pending_ ? second_.data() : first_.data());
  ++segments_;
  if (pending_) Transform();
  pending_ = !pending_;
}

void WelchAverager::Flush() {
  if (!pending_) return;
  std::ranges::fill(second_, 0.0);
  Transform();
  pending_ = false;
}

// Two real segments are one complex one, Z = X1 + i X2, and |Z[k]|^2 + |Z[n - k]|^2 is
// 2 (|X1[k]|^2 + |X2[k]|^2): the sums over all bins need no taking apart before the average.
void WelchAverager::Transform() {
  const Fft::Parts z = fft_.ForwardAnywhere(first_, second_);
  AddPower({z.real, segment()}, {z.imaginary, segment()}, power_.data());
}

void WelchAverager::Merge(WelchAverager& other) {
  assert(segment() == other.segment() && rate_hz_ == other.rate_hz_);
  Flush();
  other.Flush();
  for (size_t k = 0; k < power_.size(); ++k) power_[k] += other.power_[k];
  segments_ += other.segments_;
  std::ranges::fill(other.power_, 0.0);
  other.segments_ = 0;
}

Spectrum WelchAverager::Finish() {
  Flush();
  const size_t n = segment();
  const double averaged = static_cast<double>(std::max<size_t>(segments_, 1));
  const double window_power = SumOfSquares(window_);
  const double scale = window_power > 0.0 ? 0.5 / (rate_hz_ * window_power * averaged) : 0.0;
  Spectrum spectrum{rate_hz_ / static_cast<double>(n), segments_, std::vector<double>(n / 2 + 1)};
  for (size_t k = 0; k < spectrum.density.size(); ++k) {
    const double both = power_[k] + power_[k == 0 ? 0 : n - k];
    spectrum.density[k] = both * DensityScale(k, n, scale);
  }
  std::ranges::fill(power_, 0.0);
  segments_ = 0;
  return spectrum;
}

base::Result<Spectrum> Welch(std::span<const double> samples, double rate_hz,
                             WelchOptions options) {
  TRY(const WelchOptions fitted, Fit(samples, rate_hz, options));
  WelchAverager averager(fitted.segment, rate_hz);
  AddSegments(averager, samples, fitted.segment - fitted.overlap);
  Spectrum spectrum = averager.Finish();
  TRY(CheckAveraged(samples, fitted, spectrum));
  return spectrum;
}

base::Result<std::vector<Spectrum>> WelchAll(std::span<const std::span<const double>> channels,
                                             double rate_hz, WelchOptions options) {
  std::vector<Spectrum> spectra;
  spectra.reserve(channels.size());
  std::vector<WelchAverager> averager;  // of the last segment length, made again when it changes
  for (const auto& channel : channels) {
    TRY(const WelchOptions fitted, Fit(channel, rate_hz, options));
    if (averager.empty() || averager.front().segment() != fitted.segment) {
      averager.clear();
      averager.emplace_back(fitted.segment, rate_hz);
    }
    AddSegments(averager.front(), channel, fitted.segment - fitted.overlap);
    spectra.push_back(averager.front().Finish());
    TRY(CheckAveraged(channel, fitted, spectra.back()));
  }
  return spectra;
}

base::Result<CrossSpectrum> Cross(std::span<const double> first, std::span<const double> second,
                                  double rate_hz, WelchOptions options) {
  if (first.size() != second.size()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("signals of {} and {} samples have no cross-spectrum, expected "
                                  "equal lengths",
                                  first.size(), second.size()));
  }
  TRY(const WelchOptions fitted, Fit(first, rate_hz, options));
  TRY(CheckFinite(first));
  TRY(CheckFinite(second));
  const size_t n = fitted.segment;
  RealFft fft(n, 2);
  const std::vector<double> window = Hann(n, Symmetry::kPeriodic);
  std::vector<double> frames(2 * n);
  std::vector<double> real(2 * fft.bins());
  std::vector<double> imaginary(2 * fft.bins());
  CrossSpectrum result;
  result.cross.assign(fft.bins(), 0.0);
  for (Spectrum* spectrum : {&result.first, &result.second}) {
    spectrum->step_hz = rate_hz / static_cast<double>(n);
    spectrum->density.assign(fft.bins(), 0.0);
  }
  size_t segments = 0;
  for (size_t at = 0; at + n <= first.size(); at += n - fitted.overlap, ++segments) {
    const double mean_first = Mean(first.subspan(at, n));
    const double mean_second = Mean(second.subspan(at, n));
    for (size_t i = 0; i < n; ++i) {
      frames[2 * i] = (first[at + i] - mean_first) * window[i];
      frames[2 * i + 1] = (second[at + i] - mean_second) * window[i];
    }
    fft.Forward(frames, real, imaginary);
    for (size_t k = 0; k < fft.bins(); ++k) {
      const std::complex<double> x(real[2 * k], imaginary[2 * k]);
      const std::complex<double> y(real[2 * k + 1], imaginary[2 * k + 1]);
      result.first.density[k] += std::norm(x);
      result.second.density[k] += std::norm(y);
      result.cross[k] += std::conj(x) * y;
    }
  }
  const double window_power = SumOfSquares(window);
  const double scale =
      window_power > 0.0 ? 1.0 / (rate_hz * window_power * static_cast<double>(segments)) : 0.0;
  for (size_t k = 0; k < fft.bins(); ++k) {
    const double factor = DensityScale(k, n, scale);
    result.first.density[k] *= factor;
    result.second.density[k] *= factor;
    result.cross[k] *= factor;
  }
  result.first.segments = result.second.segments = segments;
  return result;
}

std::vector<double> Coherence(const CrossSpectrum& cross) {
  std::vector<double> coherence(cross.cross.size(), 0.0);
  for (size_t k = 0; k < coherence.size(); ++k) {
    const double power = cross.first.density[k] * cross.second.density[k];
    if (power > 0.0) coherence[k] = std::norm(cross.cross[k]) / power;
  }
  return coherence;
}

std::vector<double> ImaginaryCoherence(const CrossSpectrum& cross) {
  std::vector<double> coherence(cross.cross.size(), 0.0);
  for (size_t k = 0; k < coherence.size(); ++k) {
    const double power = cross.first.density[k] * cross.second.density[k];
    if (power > 0.0) coherence[k] = cross.cross[k].imag() / std::sqrt(power);
  }
  return coherence;
}

}  // namespace montage::signal
