#include "montage/signal/timefrequency/morlet.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/fft.h"
#include "montage/signal/finite.h"
#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

constexpr double kDeviations = 5.0;
constexpr size_t kLongest = size_t{1} << 22;

double Deviation(double frequency_hz, double cycles) {
  return cycles / (2.0 * std::numbers::pi * frequency_hz);
}

/// The block's spectrum times those of kLanes wavelets.
MONTAGE_SIMD_CLONES void Multiply(const double* block_real, const double* block_imaginary,
                                  size_t bins, const double* wavelet_real,
                                  const double* wavelet_imaginary, double* __restrict real,
                                  double* __restrict imaginary) {
  constexpr size_t kLanes = 4;
  for (size_t k = 0; k < bins; ++k) {
    for (size_t l = 0; l < kLanes; ++l) {
      const size_t i = k * kLanes + l;
      real[i] = block_real[k] * wavelet_real[i] - block_imaginary[k] * wavelet_imaginary[i];
      imaginary[i] = block_real[k] * wavelet_imaginary[i] + block_imaginary[k] * wavelet_real[i];
    }
  }
}

/// All bins of a real signal's spectrum from the first half.
void Mirror(std::span<double> real, std::span<double> imaginary) {
  const size_t n = real.size();
  for (size_t k = n / 2 + 1; k < n; ++k) {
    real[k] = real[n - k];
    imaginary[k] = -imaginary[n - k];
  }
}

}  // namespace

std::vector<double> TimeFrequency::Power(size_t frequency) const {
  std::vector<double> power(times);
  const double* re = &real[frequency * times];
  const double* im = &imaginary[frequency * times];
  for (size_t i = 0; i < times; ++i) power[i] = re[i] * re[i] + im[i] * im[i];
  return power;
}

ComplexWavelet MorletWavelet(double rate_hz, double frequency_hz, const MorletOptions& options) {
  const double deviation = Deviation(frequency_hz, options.cycles);
  const double angle = 2.0 * std::numbers::pi * frequency_hz;
  const double offset = options.zero_mean ? std::exp(-0.5 * std::pow(angle * deviation, 2.0)) : 0.0;
  const auto half =
      static_cast<size_t>(std::ceil(kDeviations * deviation / (1.0 / rate_hz)));  // without 0
  ComplexWavelet wavelet;
  wavelet.real.resize(2 * half - 1);
  wavelet.imaginary.resize(2 * half - 1);
  double power = 0.0;
  for (size_t i = 0; i < wavelet.real.size(); ++i) {
    const double t = (static_cast<double>(i) - static_cast<double>(half - 1)) / rate_hz;
    const double envelope = std::exp(-t * t / (2.0 * deviation * deviation));
    wavelet.real[i] = (std::cos(angle * t) - offset) * envelope;
    wavelet.imaginary[i] = std::sin(angle * t) * envelope;
    power += wavelet.real[i] * wavelet.real[i] + wavelet.imaginary[i] * wavelet.imaginary[i];
  }
  const double scale = std::numbers::sqrt2 / std::sqrt(power);
  for (auto* part : {&wavelet.real, &wavelet.imaginary}) {
    for (double& value : *part) value *= scale;
  }
  return wavelet;
}

base::Result<MorletTransform> MorletTransform::Make(double rate_hz,
                                                    std::span<const double> frequencies_hz,
                                                    MorletOptions options) {
  if (!(rate_hz > 0.0) || !std::isfinite(rate_hz) || frequencies_hz.empty() ||
      !(options.cycles > 0.0) || !std::isfinite(options.cycles) || options.decimation == 0) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("{} frequencies of {} cycles at {} Hz with decimation {}, "
                    "expected all of them positive",
                    frequencies_hz.size(), options.cycles, rate_hz, options.decimation));
  }
  MorletTransform transform;
  std::vector<ComplexWavelet> wavelets;
  for (const double hz : frequencies_hz) {
    if (!(hz > 0.0) || hz > 0.5 * rate_hz) {
      return base::Fail(
          base::ErrorCode::kInvalid,
          fmt::format("frequency {} Hz, expected more than 0 and at most {}", hz, 0.5 * rate_hz));
    }
    const double length = 2.0 * kDeviations * Deviation(hz, options.cycles) * rate_hz;
    if (length > static_cast<double>(kLongest)) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("a wavelet of {} cycles at {} Hz has {:.0f} samples, expected "
                                    "at most {}",
                                    options.cycles, hz, length, kLongest));
    }
    wavelets.push_back(MorletWavelet(rate_hz, hz, options));
    transform.longest_ = std::max(transform.longest_, wavelets.back().real.size());
  }
  transform.rate_hz_ = rate_hz;
  transform.decimation_ = options.decimation;
  transform.frequencies_hz_.assign(frequencies_hz.begin(), frequencies_hz.end());
  transform.Prepare(wavelets);
  return transform;
}

void MorletTransform::Prepare(const std::vector<ComplexWavelet>& wavelets) {
  block_ = 1024;
  while (block_ < 4 * longest_) block_ *= 2;
  Fft fft(block_, kLanes);
  const size_t groups = (wavelets.size() + kLanes - 1) / kLanes;
  real_.assign(groups * block_ * kLanes, 0.0);
  imaginary_.assign(real_.size(), 0.0);
  for (size_t group = 0; group < groups; ++group) {
    const auto real = std::span(real_).subspan(group * block_ * kLanes, block_ * kLanes);
    const auto imaginary = std::span(imaginary_).subspan(group * block_ * kLanes, block_ * kLanes);
    for (size_t l = 0; l < kLanes && group * kLanes + l < wavelets.size(); ++l) {
      // The centre at 0, what is before it at the end.
      const ComplexWavelet& wavelet = wavelets[group * kLanes + l];
      const size_t centre = wavelet.real.size() / 2;
      for (size_t i = 0; i < wavelet.real.size(); ++i) {
        const size_t at = (i + block_ - centre) % block_;
        real[at * kLanes + l] = wavelet.real[i];
        imaginary[at * kLanes + l] = wavelet.imaginary[i];
      }
    }
    fft.Forward(real, imaginary);
  }
}

base::Result<TimeFrequency> MorletTransform::Transform(std::span<const double> samples) const {
  if (samples.size() < longest_) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("{} samples are too few for a wavelet of {}", samples.size(), longest_));
  }
  TRY(CheckFinite(samples));
  TimeFrequency result;
  result.times = (samples.size() + decimation_ - 1) / decimation_;
  result.step_s = static_cast<double>(decimation_) / rate_hz_;
  result.frequencies_hz = frequencies_hz_;
  result.real.resize(frequencies_hz_.size() * result.times);
  result.imaginary.resize(result.real.size());

  RealFft forward(block_);
  Fft inverse(block_, kLanes);
  std::vector<double> block(block_), block_real(block_), block_imaginary(block_);
  std::vector<double> lanes_real(block_ * kLanes), lanes_imaginary(block_ * kLanes);
  const size_t before = longest_ / 2, step = block_ - longest_ + 1;
  for (size_t first = 0; first < samples.size(); first += step) {
    // The block begins `before` samples early; zeros stand for what is outside the signal.
    const size_t lead = before - std::min(before, first);
    const auto part = samples.subspan(first + lead - before);
    const size_t count = std::min(part.size(), block_ - lead);
    std::ranges::fill(block, 0.0);
    std::ranges::copy(part.first(count), block.begin() + static_cast<ptrdiff_t>(lead));
    forward.Forward(block, std::span(block_real).first(forward.bins()),
                    std::span(block_imaginary).first(forward.bins()));
    Mirror(block_real, block_imaginary);
    const size_t last = std::min(first + step, samples.size());
    const size_t first_time = (first + decimation_ - 1) / decimation_;
    for (size_t group = 0; group * kLanes < frequencies_hz_.size(); ++group) {
      const size_t offset = group * block_ * kLanes;
      Multiply(block_real.data(), block_imaginary.data(), block_, &real_[offset],
               &imaginary_[offset], lanes_real.data(), lanes_imaginary.data());
      inverse.Inverse(lanes_real, lanes_imaginary);
      for (size_t l = 0; l < kLanes && group * kLanes + l < frequencies_hz_.size(); ++l) {
        const size_t row = (group * kLanes + l) * result.times;
        for (size_t time = first_time; time * decimation_ < last; ++time) {
          const size_t from = (time * decimation_ - first + before) * kLanes + l;
          result.real[row + time] = lanes_real[from];
          result.imaginary[row + time] = lanes_imaginary[from];
        }
      }
    }
  }
  return result;
}

}  // namespace montage::signal
