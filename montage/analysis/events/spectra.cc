#include "montage/analysis/events/spectra.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "montage/signal/filter/window.h"

namespace montage::analysis {
namespace {

size_t LengthOf(double rate_hz) { return static_cast<size_t>(std::llround(2 * rate_hz)); }

}  // namespace

SecondSpectra::SecondSpectra(double rate_hz)
    : rate_hz_(rate_hz),
      fft_(LengthOf(rate_hz), kLanes),
      step_hz_(rate_hz / static_cast<double>(LengthOf(rate_hz))),
      bins_(std::min(fft_.bins(), static_cast<size_t>(kHighestHz / step_hz_) + 1)),
      window_(signal::Hann(LengthOf(rate_hz), signal::Symmetry::kPeriodic)),
      frames_(LengthOf(rate_hz) * kLanes),
      real_(fft_.bins() * kLanes),
      imaginary_(fft_.bins() * kLanes) {
  const double power = std::inner_product(window_.begin(), window_.end(), window_.begin(), 0.0);
  scale_ = 2.0 / (rate_hz_ * power);  // one-sided density
}

size_t SecondSpectra::BinOf(double hz) const {
  return std::min(bins_, static_cast<size_t>(std::ceil(hz / step_hz_ - 1e-6)));
}

void SecondSpectra::Measure(const ConditionedChunk& chunk, size_t row, double first_s,
                            size_t count) {
  const auto x = chunk.Low(row);
  const size_t length = fft_.length();
  density_.assign(count * bins_, 0.0F);
  for (size_t group = 0; group < count; group += kLanes) {
    const size_t lanes = std::min(kLanes, count - group);
    std::ranges::fill(frames_, 0.0);
    for (size_t lane = 0; lane < lanes; ++lane) {
      const double at = (first_s + static_cast<double>(group + lane) - chunk.first_s) * rate_hz_;
      const auto start = static_cast<size_t>(std::max<long long>(0, std::llround(at)));
      const size_t inside = start < x.size() ? std::min(length, x.size() - start) : 0;
      for (size_t i = 0; i < inside; ++i) {
        frames_[i * kLanes + lane] = static_cast<double>(x[start + i]) * window_[i];
      }
    }
    fft_.Forward(frames_, real_, imaginary_);
    for (size_t k = 0; k < bins_; ++k) {
      for (size_t lane = 0; lane < lanes; ++lane) {
        const double re = real_[k * kLanes + lane];
        const double im = imaginary_[k * kLanes + lane];
        density_[(group + lane) * bins_ + k] = static_cast<float>((re * re + im * im) * scale_);
      }
    }
  }
}

}  // namespace montage::analysis
