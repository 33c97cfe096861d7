#include "montage/signal/spectrogram.h"

#include <algorithm>

#include <fmt/format.h>

#include "montage/signal/filter/window.h"
#include "montage/signal/finite.h"
#include "montage/signal/segment.h"

namespace montage::signal {

Spectrogram::Spectrogram(double rate_hz, WelchOptions options)
    : rate_hz_(rate_hz),
      step_(options.segment - options.overlap),
      fft_(options.segment),
      first_(options.segment),
      second_(options.segment) {
  const auto window = Hann(options.segment, Symmetry::kPeriodic);
  window_.assign(window.begin(), window.end());
  scale_ = 1.0 / (rate_hz * SumOfSquares(window));
}

base::Result<Spectrogram> Spectrogram::Make(double rate_hz, WelchOptions options) {
  if (rate_hz > 0.0 && options.segment > 0 && options.overlap < options.segment) {
    return Spectrogram(rate_hz, options);
  }
  return base::Fail(base::ErrorCode::kInvalid,
                    fmt::format("no spectrogram at {} Hz of segments of {} that overlap by {}, "
                                "expected positive numbers and an overlap less than the segment",
                                rate_hz, options.segment, options.overlap));
}

double Spectrogram::TimeOf(uint64_t column) const {
  const double middle = 0.5 * static_cast<double>(fft_.length());
  return (middle + static_cast<double>(column) * static_cast<double>(step_)) / rate_hz_;
}

base::Result<void> Spectrogram::Push(std::span<const double> samples,
                                     std::vector<double>& columns) {
  TRY(CheckFinite(samples));
  held_.insert(held_.end(), samples.begin(), samples.end());
  const size_t n = fft_.length();
  size_t at = 0;
  for (; held_.size() >= at + step_ + n; at += 2 * step_) {
    const std::span<const double> held(held_);
    TaperSegment(held.subspan(at, n), window_, first_.data());
    TaperSegment(held.subspan(at + step_, n), window_, second_.data());
    TransformPair(2, columns);
  }
  held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(at));
  return {};
}

void Spectrogram::Finish(std::vector<double>& columns) {
  if (held_.size() >= fft_.length()) {
    TaperSegment(std::span<const double>(held_).first(fft_.length()), window_, first_.data());
    std::ranges::fill(second_, 0.0);
    TransformPair(1, columns);
  }
  held_.clear();
}

/// Two real segments are one complex one, Z = X1 + i X2: 2 X1[k] = Z[k] + conj Z[n - k] and
/// 2 i X2[k] = Z[k] - conj Z[n - k].
void Spectrogram::TransformPair(size_t segments, std::vector<double>& columns) {
  const size_t n = fft_.length();
  const Fft::Parts z = fft_.ForwardAnywhere(first_, second_);
  const size_t start = columns.size();
  columns.resize(start + segments * bins());
  double* first = columns.data() + start;
  double* second = segments == 2 ? first + bins() : nullptr;
  for (size_t k = 0; k < bins(); ++k) {
    const size_t mirror = k == 0 ? 0 : n - k;
    const double factor = 0.25 * DensityScale(k, n, scale_);
    const double re = z.real[k] + z.real[mirror], im = z.imaginary[k] - z.imaginary[mirror];
    first[k] = factor * (re * re + im * im);
    if (second == nullptr) continue;
    const double other_re = z.imaginary[k] + z.imaginary[mirror];
    const double other_im = z.real[mirror] - z.real[k];
    second[k] = factor * (other_re * other_re + other_im * other_im);
  }
}

}  // namespace montage::signal
