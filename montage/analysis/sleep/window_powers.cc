#include "montage/analysis/sleep/window_powers.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "montage/signal/fft.h"
#include "montage/signal/filter/window.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr size_t kLanes = 8;

/// The largest even number up to `most` without prime factors above 5.
size_t FastLength(size_t most) {
  for (size_t length = most - most % 2; length > 2; length -= 2) {
    size_t rest = length;
    for (const size_t prime : {2U, 3U, 5U}) {
      while (rest % prime == 0) rest /= prime;
    }
    if (rest == 1) return length;
  }
  return 2;
}

}  // namespace

WindowPowers::WindowPowers(const Trace& trace, double window_s, double step_s,
                           std::span<const signal::FrequencyRange> bands)
    : bands_(bands.size()), step_s_(step_s) {
  const size_t length =
      FastLength(static_cast<size_t>(std::floor(window_s * trace.rate_hz + 1e-9)));
  signal::RealFft fft(length, kLanes);
  const std::vector<double> window = signal::Hann(length, signal::Symmetry::kPeriodic);
  const double energy = std::inner_product(window.begin(), window.end(), window.begin(), 0.0);
  // One-sided density times the width of a bin.
  const double scale = 2.0 / (energy * static_cast<double>(length));
  std::vector<double> frames(length * kLanes), real(fft.bins() * kLanes),
      imaginary(fft.bins() * kLanes);
  const auto bin = [&](double hz) {
    return std::min(
        fft.bins(),
        static_cast<size_t>(std::ceil(hz * static_cast<double>(length) / trace.rate_hz - 1e-9)));
  };
  const auto start = [&](size_t w) {
    return static_cast<size_t>(std::llround(OffsetS(w) * trace.rate_hz));
  };
  while (start(windows_) + length <= trace.samples.size()) ++windows_;
  powers_.assign(windows_ * bands_, 0.0);
  for (size_t first = 0; first < windows_; first += kLanes) {
    const size_t count = std::min(kLanes, windows_ - first);
    std::ranges::fill(frames, 0.0);
    for (size_t l = 0; l < count; ++l) {
      const double* x = trace.samples.data() + start(first + l);
      const double mean = signal::Mean({x, length});
      for (size_t i = 0; i < length; ++i) frames[i * kLanes + l] = (x[i] - mean) * window[i];
    }
    fft.Forward(frames, real, imaginary);
    for (size_t b = 0; b < bands_; ++b) {
      for (size_t k = bin(bands[b].low); k < bin(bands[b].high); ++k) {
        for (size_t l = 0; l < count; ++l) {
          const double re = real[k * kLanes + l], im = imaginary[k * kLanes + l];
          powers_[(first + l) * bands_ + b] += scale * (re * re + im * im);
        }
      }
    }
  }
}

}  // namespace montage::analysis
