#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "montage/signal/filter/window.h"
#include "montage/signal/finite.h"
#include "montage/signal/simd.h"
#include "montage/signal/spectrum.h"
#include "montage/signal/statistics.h"

namespace montage::signal {
namespace {

double SumOfSquares(std::span<const double> values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
}

/// Factor of |X|^2 (or X Y) in a one-sided density; the first and last bin have no mirror image.
double DensityScale(size_t bin, size_t length, double base_scale) {
  const bool alone = bin == 0 || 2 * bin == length;
  return alone ? base_scale : 2.0 * base_scale;
}

MONTAGE_SIMD_CLONES void AddPower(const double* real, const double* imaginary, size_t bins,
                                  size_t lanes, double* power) {
  for (size_t k = 0; k < bins; ++k) {
    double sum = 0.0;
    for (size_t l = 0; l < lanes; ++l) {
      const double re = real[k * lanes + l];
      const double im = imaginary[k * lanes + l];
      sum += re * re + im * im;
    }
    power[k] += sum;
  }
}

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
  TRY(CheckFinite(samples));
  if (samples.size() < options.segment) return WelchOptions{samples.size(), 0};
  return options;
}

void AddSegments(WelchAverager& averager, std::span<const double> samples, size_t step) {
  for (size_t at = 0; at + averager.segment() <= samples.size(); at += step) {
    averager.Add(samples.subspan(at, averager.segment()));
  }
}

}  // namespace

WelchAverager::WelchAverager(size_t segment, double rate_hz)
    : rate_hz_(rate_hz),
      fft_(segment, kLanes),
      window_(Hann(segment, Symmetry::kPeriodic)),
      frames_(segment * kLanes),
      real_(fft_.bins() * kLanes),
      imaginary_(fft_.bins() * kLanes),
      power_(fft_.bins(), 0.0) {}

void WelchAverager::Add(std::span<const double> samples) {
  assert(samples.size() == segment());
  const double mean = Mean(samples);
  double* frame = frames_.data() + pending_;
  for (size_t i = 0; i < samples.size(); ++i) {
    frame[i * kLanes] = (samples[i] - mean) * window_[i];
  }
  ++segments_;
  if (++pending_ == kLanes) Flush();
}

void WelchAverager::Flush() {
  if (pending_ == 0) return;
  for (size_t l = pending_; l < kLanes; ++l) {
    for (size_t i = 0; i < segment(); ++i) frames_[i * kLanes + l] = 0.0;
  }
  fft_.Forward(frames_, real_, imaginary_);
  AddPower(real_.data(), imaginary_.data(), fft_.bins(), kLanes, power_.data());
  pending_ = 0;
}

Spectrum WelchAverager::Finish() {
  Flush();
  Spectrum spectrum{rate_hz_ / static_cast<double>(segment()), segments_, std::move(power_)};
  power_.assign(fft_.bins(), 0.0);
  const double averaged = static_cast<double>(std::max<size_t>(segments_, 1));
  const double window_power = SumOfSquares(window_);
  const double scale = window_power > 0.0 ? 1.0 / (rate_hz_ * window_power * averaged) : 0.0;
  for (size_t k = 0; k < spectrum.density.size(); ++k) {
    spectrum.density[k] *= DensityScale(k, segment(), scale);
  }
  segments_ = 0;
  return spectrum;
}

base::Result<Spectrum> Welch(std::span<const double> samples, double rate_hz,
                             WelchOptions options) {
  TRY(const WelchOptions fitted, Fit(samples, rate_hz, options));
  WelchAverager averager(fitted.segment, rate_hz);
  AddSegments(averager, samples, fitted.segment - fitted.overlap);
  return averager.Finish();
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
