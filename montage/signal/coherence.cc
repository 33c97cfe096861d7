#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/filter/window.h"
#include "montage/signal/finite.h"
#include "montage/signal/segment.h"
#include "montage/signal/simd.h"
#include "montage/signal/spectrum.h"

namespace montage::signal {
namespace {

/// Values before and after a transform that reads of whole vectors may touch.
constexpr size_t kMargin = 16;

/// Transforms of four pairs of channels, each pair as Z = X1 + i X2.
struct PairTransforms {
  const double* real[kOct / 2];
  const double* imaginary[kOct / 2];
  size_t length;
};

/// 2 X1 = Z[k] + conj Z[n - k] and 2 X2 = (Z[k] - conj Z[n - k]) / i of bins first to first +
/// count, which is a multiple of 8. Bin k of eight channels goes to real + k * stride, imaginary +
/// k * stride.
MONTAGE_SIMD_CLONES void TakeApart(const PairTransforms& z, size_t first, size_t count,
                                   double* real, double* imaginary, size_t stride) {
  for (size_t b = 0; b < count; b += kOct) {
    const size_t k = first + b;
    Oct re[kOct];
    Oct im[kOct];
    for (size_t p = 0; p < kOct / 2; ++p) {
      // Z[n - k - 7] to Z[n - k]; the margin makes Z[n] = Z[0].
      Oct mirror_re = In<Oct>(z.real[p] + z.length - k - (kOct - 1)).v;
      Oct mirror_im = In<Oct>(z.imaginary[p] + z.length - k - (kOct - 1)).v;
      Reverse(mirror_re);
      Reverse(mirror_im);
      const Oct here_re = In<Oct>(z.real[p] + k).v;
      const Oct here_im = In<Oct>(z.imaginary[p] + k).v;
      re[2 * p] = here_re + mirror_re;
      im[2 * p] = here_im - mirror_im;
      re[2 * p + 1] = here_im + mirror_im;
      im[2 * p + 1] = mirror_re - here_re;
    }
    Transpose(re);
    Transpose(im);
    for (size_t i = 0; i < kOct; ++i) {
      Out<Oct>(real + (b + i) * stride).v = re[i];
      Out<Oct>(imaginary + (b + i) * stride).v = im[i];
    }
  }
}

/// Adds conj(x_i) x_j over `count` segments to a block of 8 x 8 sums, [i][j] real, then imaginary.
/// x is [segment][real, imaginary][channel], `channels` of them.
MONTAGE_SIMD_INLINE void AddBlock(const double* rows, const double* columns, size_t channels,
                                  size_t count, double* sums) {
  Oct re[kOct];
  Oct im[kOct];
  for (size_t i = 0; i < kOct; ++i) {
    re[i] = In<Oct>(sums + i * kOct).v;
    im[i] = In<Oct>(sums + (kOct + i) * kOct).v;
  }
  for (size_t s = 0; s < count; ++s) {
    const Oct y_re = In<Oct>(columns).v;
    const Oct y_im = In<Oct>(columns + channels).v;
    for (size_t i = 0; i < kOct; ++i) {
      const double x_re = rows[i];
      const double x_im = rows[channels + i];
      re[i] = re[i] + x_re * y_re;
      im[i] = im[i] + x_re * y_im;
      re[i] = re[i] + x_im * y_im;
      im[i] = im[i] - x_im * y_re;
    }
    rows += 2 * channels;
    columns += 2 * channels;
  }
  for (size_t i = 0; i < kOct; ++i) {
    Out<Oct>(sums + i * kOct).v = re[i];
    Out<Oct>(sums + (kOct + i) * kOct).v = im[i];
  }
}

/// All blocks of one bin on and above the diagonal, row by row.
MONTAGE_SIMD_CLONES void AddProducts(const double* x, size_t channels, size_t count, double* sums) {
  for (size_t i = 0; i < channels; i += kOct) {
    for (size_t j = i; j < channels; j += kOct, sums += 2 * kOct * kOct) {
      AddBlock(x + i, x + j, channels, count, sums);
    }
  }
}

size_t RoundUp(size_t count) { return (count + kOct - 1) / kOct * kOct; }

}  // namespace

CrossAverager::CrossAverager(size_t channels, size_t segment, double rate_hz, FrequencyRange range)
    : channels_(channels),
      padded_(RoundUp(channels)),
      fft_(segment),
      step_hz_(rate_hz / static_cast<double>(segment)) {
  assert(channels > 0 && segment > 0 && rate_hz > 0.0);
  const auto window = Hann(segment, Symmetry::kPeriodic);
  window_.assign(window.begin(), window.end());
  bins_ = BinsIn(step_hz_, segment / 2 + 1, range);
  const size_t bins = bins_.last - bins_.first;
  transforms_.resize(kOct * (segment + 2 * kMargin));
  bin_stride_ = 2 * padded_ * kBatch + kOct;  // not a power of two: bins share no cache sets
  spectra_.resize(RoundUp(bins) * bin_stride_);
  const size_t rows = padded_ / kOct;
  bin_sums_ = rows * (rows + 1) * kOct * kOct;
  sums_.resize(bins * bin_sums_);
}

void CrossAverager::Add(std::span<const std::span<const double>> segments) {
  assert(segments.size() == channels_);
  ++segments_;
  if (bins_.first == bins_.last) return;
  for (size_t first = 0; first < channels_; first += kOct) {
    TransformEight(segments.subspan(first, std::min(kOct, channels_ - first)), first);
  }
  if (++pending_ == kBatch) Flush();
}

void CrossAverager::TransformEight(std::span<const std::span<const double>> channels,
                                   size_t first) {
  const size_t n = fft_.length();
  PairTransforms pairs{.real = {}, .imaginary = {}, .length = n};
  for (size_t c = 0; c < kOct; ++c) {
    double* frame = transforms_.data() + c * (n + 2 * kMargin) + kMargin;
    if (c < channels.size()) {
      TaperSegment(channels[c], window_, frame);
    } else {
      std::fill_n(frame, n, 0.0);
    }
    if (c % 2 == 0) {
      pairs.real[c / 2] = frame;
      continue;
    }
    double* real = frame - (n + 2 * kMargin);
    fft_.Forward({real, n}, {frame, n});
    real[n] = real[0];
    frame[n] = frame[0];
    pairs.imaginary[c / 2] = frame;
  }
  double* out = spectra_.data() + 2 * padded_ * pending_ + first;
  TakeApart(pairs, bins_.first, RoundUp(bins_.last - bins_.first), out, out + padded_, bin_stride_);
}

void CrossAverager::Flush() {
  for (size_t b = 0; b < bins_.last - bins_.first && pending_ > 0; ++b) {
    AddProducts(spectra_.data() + b * bin_stride_, padded_, pending_, sums_.data() + b * bin_sums_);
  }
  pending_ = 0;
}

void CrossAverager::Merge(CrossAverager& other) {
  assert(channels_ == other.channels_ && fft_.length() == other.fft_.length() &&
         sums_.size() == other.sums_.size());
  Flush();
  other.Flush();
  for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += other.sums_[i];
  segments_ += other.segments_;
  other.Reset();
}

void CrossAverager::Reset() {
  std::ranges::fill(sums_, 0.0);
  segments_ = pending_ = 0;
}

template <typename Measure>
std::vector<std::vector<double>> CrossAverager::OfPairs(Measure measure) {
  Flush();
  const size_t bins = bins_.last - bins_.first;
  std::vector<std::vector<double>> rows;
  rows.reserve(channels_ * (channels_ - 1) / 2);
  for (size_t a = 0; a < channels_; ++a) {
    for (size_t b = a + 1; b < channels_; ++b) {
      std::vector<double>& row = rows.emplace_back(bins, 0.0);
      const size_t own_a = Place(a, a), own_b = Place(b, b), both = Place(a, b);
      for (size_t k = 0; k < bins; ++k) {
        const double* sums = sums_.data() + k * bin_sums_;
        const double power = sums[own_a] * sums[own_b];
        if (power > 0.0) row[k] = measure(sums[both], sums[both + kOct * kOct], power);
      }
    }
  }
  return rows;
}

size_t CrossAverager::Place(size_t a, size_t b) const {
  const size_t blocks = padded_ / kOct, row = a / kOct, column = b / kOct;
  const size_t block = row * blocks - row * (row + 1) / 2 + column;
  return (2 * block * kOct + a % kOct) * kOct + b % kOct;
}

std::vector<std::vector<double>> CrossAverager::Coherence() {
  return OfPairs([](double real, double imaginary, double power) {
    return (real * real + imaginary * imaginary) / power;
  });
}

std::vector<std::vector<double>> CrossAverager::ImaginaryCoherence() {
  return OfPairs(
      [](double /*real*/, double imaginary, double power) { return imaginary / std::sqrt(power); });
}

base::Result<std::vector<std::vector<double>>> CoherenceOfPairs(
    std::span<const std::span<const double>> channels, double rate_hz, WelchOptions options,
    FrequencyRange range) {
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
  CrossAverager averager(channels.size(), segment, rate_hz, range);
  std::vector<std::span<const double>> segments(channels.size());
  for (size_t at = 0; at + segment <= length; at += step) {
    for (size_t c = 0; c < channels.size(); ++c) segments[c] = channels[c].subspan(at, segment);
    averager.Add(segments);
  }
  return averager.Coherence();
}

}  // namespace montage::signal
