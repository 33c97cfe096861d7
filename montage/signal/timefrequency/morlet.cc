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
/// Length of the transforms: a power of two, so many times the longest wavelet. Longer ones waste
/// less on the overlap, shorter ones stay in the cache.
constexpr size_t kBlockRatio = 4;
constexpr size_t kShortestBlock = 512;

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
  for (size_t first = 0; first < wavelets.size(); first += kLanes) {
    const size_t count = std::min(kLanes, wavelets.size() - first);
    transform.groups_.push_back(MakeGroup(first, std::span(wavelets).subspan(first, count)));
  }
  return transform;
}

MorletTransform::Group MorletTransform::MakeGroup(size_t first,
                                                  std::span<const ComplexWavelet> wavelets) {
  Group group{.first = first, .count = wavelets.size()};
  for (const auto& wavelet : wavelets) {
    group.longest = std::max(group.longest, wavelet.real.size());
  }
  group.block = kShortestBlock;
  while (group.block < kBlockRatio * group.longest) group.block *= 2;
  group.real.assign(group.block * kLanes, 0.0);
  group.imaginary.assign(group.block * kLanes, 0.0);
  for (size_t l = 0; l < wavelets.size(); ++l) {
    // The centre at 0, what is before it at the end.
    const size_t centre = wavelets[l].real.size() / 2;
    for (size_t i = 0; i < wavelets[l].real.size(); ++i) {
      const size_t at = (i + group.block - centre) % group.block * kLanes + l;
      group.real[at] = wavelets[l].real[i];
      group.imaginary[at] = wavelets[l].imaginary[i];
    }
  }
  Fft(group.block, kLanes).Forward(group.real, group.imaginary);
  return group;
}

base::Result<TimeFrequency> MorletTransform::Transform(std::span<const double> samples) const {
  TimeFrequency result;
  TRY(Transform(samples, result));
  return result;
}

base::Result<void> MorletTransform::Transform(std::span<const double> samples,
                                              TimeFrequency& result) const {
  if (samples.size() < longest_) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("{} samples are too few for a wavelet of {}", samples.size(), longest_));
  }
  TRY(CheckFinite(samples));
  result.times = (samples.size() + decimation_ - 1) / decimation_;
  result.step_s = static_cast<double>(decimation_) / rate_hz_;
  result.frequencies_hz = frequencies_hz_;
  result.real.resize(frequencies_hz_.size() * result.times);
  result.imaginary.resize(result.real.size());

  for (const Group& group : groups_) Run(group, samples, result);
  return {};
}

// Blocks overlap by the longest wavelet, so that in the middle of each the circular convolution is
// the linear one.
void MorletTransform::Run(const Group& group, std::span<const double> samples,
                          TimeFrequency& result) const {
  RealFft forward(group.block);
  Fft inverse(group.block, kLanes);
  std::vector<double> block(group.block), block_real(group.block), block_imaginary(group.block);
  std::vector<double> real(group.block * kLanes), imaginary(group.block * kLanes);
  const size_t before = group.longest / 2, step = group.block - group.longest + 1;
  for (size_t first = 0; first < samples.size(); first += step) {
    // The block begins `before` samples early; zeros stand for what is outside the signal.
    const size_t lead = before - std::min(before, first);
    const auto part = samples.subspan(first + lead - before);
    const size_t count = std::min(part.size(), group.block - lead);
    std::ranges::fill(block, 0.0);
    std::ranges::copy(part.first(count), block.begin() + static_cast<ptrdiff_t>(lead));
    forward.Forward(block, std::span(block_real).first(forward.bins()),
                    std::span(block_imaginary).first(forward.bins()));
    Mirror(block_real, block_imaginary);
    Multiply(block_real.data(), block_imaginary.data(), group.block, group.real.data(),
             group.imaginary.data(), real.data(), imaginary.data());
    inverse.Inverse(real, imaginary);
    const size_t last = std::min(first + step, samples.size());
    for (size_t l = 0; l < group.count; ++l) {
      const size_t row = (group.first + l) * result.times;
      size_t time = (first + decimation_ - 1) / decimation_;
      for (; time * decimation_ < last; ++time) {
        const size_t from = (time * decimation_ - first + before) * kLanes + l;
        result.real[row + time] = real[from];
        result.imaginary[row + time] = imaginary[from];
      }
    }
  }
}

}  // namespace montage::signal
