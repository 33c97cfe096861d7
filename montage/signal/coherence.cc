#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/filter/window.h"
#include "montage/signal/finite.h"
#include "montage/signal/simd.h"
#include "montage/signal/spectrum.h"
#include "montage/signal/statistics.h"

namespace montage::signal {
namespace {

constexpr size_t kLanes = 8;

/// Adds conj(x) y over the lanes to the bins' sums.
MONTAGE_SIMD_CLONES void AddCross(const double* x_real, const double* x_imaginary,
                                  const double* y_real, const double* y_imaginary, size_t bins,
                                  double* real, double* imaginary) {
  for (size_t k = 0; k < bins; ++k) {
    double re[kLanes];
    double im[kLanes];
    for (size_t l = 0; l < kLanes; ++l) {
      const size_t i = k * kLanes + l;
      re[l] = x_real[i] * y_real[i] + x_imaginary[i] * y_imaginary[i];
      im[l] = x_real[i] * y_imaginary[i] - x_imaginary[i] * y_real[i];
    }
    real[k] += ((re[0] + re[4]) + (re[1] + re[5])) + ((re[2] + re[6]) + (re[3] + re[7]));
    imaginary[k] += ((im[0] + im[4]) + (im[1] + im[5])) + ((im[2] + im[6]) + (im[3] + im[7]));
  }
}

/// Spectra of up to kLanes segments of every channel, and the sums over all segments.
class PairSums {
 public:
  PairSums(size_t channels, size_t segment)
      : channels_(channels),
        fft_(segment, kLanes),
        window_(Hann(segment, Symmetry::kPeriodic)),
        frames_(segment * kLanes),
        real_(channels, std::vector<double>(fft_.bins() * kLanes)),
        imaginary_(real_),
        cross_real_(channels * (channels + 1) / 2, std::vector<double>(fft_.bins(), 0.0)),
        cross_imaginary_(cross_real_) {}

  /// Adds `count` segments that begin at first, first + step, ...
  void Add(std::span<const std::span<const double>> channels, size_t first, size_t step,
           size_t count) {
    for (size_t c = 0; c < channels_; ++c) Transform(channels[c], first, step, count, c);
    size_t pair = 0;
    for (size_t a = 0; a < channels_; ++a) {
      for (size_t b = a; b < channels_; ++b, ++pair) {
        AddCross(real_[a].data(), imaginary_[a].data(), real_[b].data(), imaginary_[b].data(),
                 fft_.bins(), cross_real_[pair].data(), cross_imaginary_[pair].data());
      }
    }
  }

  std::vector<std::vector<double>> Coherence() const {
    std::vector<std::vector<double>> coherence;
    for (size_t a = 0; a < channels_; ++a) {
      for (size_t b = a + 1; b < channels_; ++b) {
        const size_t pair = PairIndex(a, b);
        std::vector<double> bins(fft_.bins(), 0.0);
        for (size_t k = 0; k < bins.size(); ++k) {
          const double re = cross_real_[pair][k], im = cross_imaginary_[pair][k];
          const double power = cross_real_[PairIndex(a, a)][k] * cross_real_[PairIndex(b, b)][k];
          if (power > 0.0) bins[k] = (re * re + im * im) / power;
        }
        coherence.push_back(std::move(bins));
      }
    }
    return coherence;
  }

 private:
  size_t PairIndex(size_t a, size_t b) const {
    return a * channels_ - a * (a + 1) / 2 + b;  // rows of the upper triangle, diagonal included
  }

  void Transform(std::span<const double> channel, size_t first, size_t step, size_t count,
                 size_t row) {
    const size_t n = fft_.length();
    for (size_t l = 0; l < kLanes; ++l) {
      if (l >= count) {
        for (size_t i = 0; i < n; ++i) frames_[i * kLanes + l] = 0.0;
        continue;
      }
      const auto segment = channel.subspan(first + l * step, n);
      const double mean = Mean(segment);
      for (size_t i = 0; i < n; ++i) frames_[i * kLanes + l] = (segment[i] - mean) * window_[i];
    }
    fft_.Forward(frames_, real_[row], imaginary_[row]);
  }

  size_t channels_;
  RealFft fft_;
  std::vector<double> window_;
  std::vector<double> frames_;
  std::vector<std::vector<double>> real_;
  std::vector<std::vector<double>> imaginary_;
  std::vector<std::vector<double>> cross_real_;
  std::vector<std::vector<double>> cross_imaginary_;
};

}  // namespace

base::Result<std::vector<std::vector<double>>> CoherenceOfPairs(
    std::span<const std::span<const double>> channels, double rate_hz, WelchOptions options) {
  if (channels.empty()) return std::vector<std::vector<double>>{};
  const size_t length = channels.front().size();
  if (length == 0 || !(rate_hz > 0.0) || options.segment == 0 ||
      options.overlap >= options.segment) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("cannot compare {} samples at {} Hz in segments of {} with "
                                  "overlap {}",
                                  length, rate_hz, options.segment, options.overlap));
  }
  for (const auto& channel : channels) {
    if (channel.size() != length) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("channels of {} and {} samples cannot be compared, expected "
                                    "equal lengths",
                                    length, channel.size()));
    }
    TRY(CheckFinite(channel));
  }
  const size_t segment = std::min(options.segment, length);
  const size_t step = segment < options.segment ? segment : options.segment - options.overlap;
  const size_t segments = (length - segment) / step + 1;
  PairSums sums(channels.size(), segment);
  for (size_t first = 0; first < segments; first += kLanes) {
    sums.Add(channels, first * step, step, std::min(kLanes, segments - first));
  }
  return sums.Coherence();
}

}  // namespace montage::signal
