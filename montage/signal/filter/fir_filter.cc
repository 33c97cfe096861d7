#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "montage/signal/fft.h"
#include "montage/signal/filter/fir.h"
#include "montage/signal/filter/polyphase.h"
#include "montage/signal/finite.h"
#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

/// Frames that a streaming filter works on together.
constexpr size_t kBlock = 512;

/// out = kernel * z.
MONTAGE_SIMD_CLONES void MultiplySpectra(const double* kernel_real, const double* kernel_imaginary,
                                         Fft::Parts z, size_t count, Fft::Parts out) {
  size_t k = 0;
  for (; k + kOct <= count; k += kOct) {
    const Oct a = In<Oct>(kernel_real + k).v, b = In<Oct>(kernel_imaginary + k).v;
    const Oct x = In<Oct>(z.real + k).v, y = In<Oct>(z.imaginary + k).v;
    Out<Oct>(out.real + k).v = a * x - b * y;
    Out<Oct>(out.imaginary + k).v = a * y + b * x;
  }
  for (; k < count; ++k) {
    const double a = kernel_real[k], b = kernel_imaginary[k], x = z.real[k], y = z.imaginary[k];
    out.real[k] = a * x - b * y;
    out.imaginary[k] = a * y + b * x;
  }
}

/// Length of the transforms that makes the cost of an output least.
size_t TransformLength(size_t taps, size_t samples) {
  size_t best = std::bit_ceil(2 * taps);
  double best_cost = 0.0;
  for (size_t length = best; length < 64 * taps + 64; length *= 2) {
    const size_t useful = length - taps + 1;
    const auto blocks = static_cast<double>((samples + useful - 1) / useful);
    // Passes grow with the logarithm; beyond the first-level cache each costs about twice as much.
    const double cost =
        blocks * static_cast<double>(length * std::bit_width(length)) * (length > 2048 ? 1.5 : 1.0);
    if (best_cost == 0.0 || cost < best_cost) {
      best_cost = cost;
      best = length;
    }
  }
  return best;
}

/// One channel with its odd reflections and zeros beyond them.
class Extended {
 public:
  Extended(std::span<const double> samples, size_t reflected)
      : samples_(samples), reflected_(static_cast<ptrdiff_t>(reflected)) {}

  /// Samples from `at` on, which may be negative.
  void Read(ptrdiff_t at, std::span<double> out) const {
    const auto n = static_cast<ptrdiff_t>(samples_.size());
    const auto count = static_cast<ptrdiff_t>(out.size());
    const ptrdiff_t from = std::clamp<ptrdiff_t>(-at, 0, count);
    const ptrdiff_t to = std::clamp<ptrdiff_t>(n - at, from, count);
    for (ptrdiff_t i = 0; i < from; ++i) out[static_cast<size_t>(i)] = Before(-(at + i));
    if (to > from) {
      std::copy_n(samples_.begin() + at + from, to - from, out.begin() + from);
    }
    for (ptrdiff_t i = to; i < count; ++i) out[static_cast<size_t>(i)] = After(at + i - n);
  }

 private:
  double Before(ptrdiff_t distance) const {
    if (distance > reflected_) return 0.0;
    return 2.0 * samples_.front() - samples_[static_cast<size_t>(distance)];
  }
  double After(ptrdiff_t distance) const {
    if (distance >= reflected_) return 0.0;
    return 2.0 * samples_.back() - samples_[samples_.size() - 2 - static_cast<size_t>(distance)];
  }

  std::span<const double> samples_;
  ptrdiff_t reflected_;
};

/// Overlap-save: every block of inputs is transformed, multiplied and transformed back, and what
/// did not wrap around is kept.
class BlockConvolution {
 public:
  BlockConvolution(std::span<const double> taps, size_t samples)
      : taps_(taps.size()),
        fft_(TransformLength(taps.size(), samples)),
        kernel_real_(fft_.length(), 0.0),
        kernel_imaginary_(fft_.length(), 0.0),
        real_(fft_.length()),
        imaginary_(fft_.length()),
        kept_real_(taps.size() - 1),
        kept_imaginary_(taps.size() - 1) {
    const double scale = 1.0 / static_cast<double>(fft_.length());
    for (size_t k = 0; k < taps.size(); ++k) kernel_real_[k] = taps[k] * scale;
    fft_.Forward(kernel_real_, kernel_imaginary_);
  }

  /// Two channels, which may be one.
  void Run(std::span<const std::span<const double>> inputs,
           std::span<const std::span<double>> outputs) {
    const size_t n = inputs.front().size();
    const size_t reflected = std::min(taps_, n) - 1;
    const Extended first(inputs.front(), reflected), second(inputs.back(), reflected);
    const size_t useful = fft_.length() - taps_ + 1;
    const auto half = static_cast<ptrdiff_t>(taps_ / 2);
    first.Read(-half, kept_real_);
    second.Read(-half, kept_imaginary_);
    for (size_t at = 0; at < n; at += useful) {
      Load(first, kept_real_, static_cast<ptrdiff_t>(at) + half, real_);
      Load(second, kept_imaginary_, static_cast<ptrdiff_t>(at) + half, imaginary_);
      MultiplySpectra(kernel_real_.data(), kernel_imaginary_.data(),
                      fft_.ForwardAnywhere(real_, imaginary_), fft_.length(),
                      {real_.data(), imaginary_.data()});
      const Fft::Parts result = fft_.ForwardAnywhere(imaginary_, real_);  // the inverse, swapped
      const size_t count = std::min(useful, n - at);
      std::copy_n(result.imaginary + taps_ - 1, count, outputs.front().data() + at);
      if (outputs.size() > 1) {
        std::copy_n(result.real + taps_ - 1, count, outputs.back().data() + at);
      }
    }
  }

 private:
  /// The inputs that the last block ended with, which its outputs may have replaced, and new ones.
  void Load(const Extended& channel, LineVector& kept, ptrdiff_t at, LineVector& frame) {
    std::ranges::copy(kept, frame.begin());
    channel.Read(at, std::span(frame).subspan(kept.size()));
    std::copy_n(frame.end() - static_cast<ptrdiff_t>(kept.size()), kept.size(), kept.begin());
  }

  size_t taps_;
  Fft fft_;
  LineVector kernel_real_;
  LineVector kernel_imaginary_;
  LineVector real_;
  LineVector imaginary_;
  LineVector kept_real_;
  LineVector kept_imaginary_;
};

base::Result<void> CheckSymmetric(std::span<const double> taps) {
  TRY(CheckFinite(taps));
  double largest = 0.0, difference = 0.0;
  for (size_t k = 0; k < taps.size(); ++k) {
    largest = std::max(largest, std::abs(taps[k]));
    difference = std::max(difference, std::abs(taps[k] - taps[taps.size() - 1 - k]));
  }
  if (taps.size() % 2 == 1 && difference <= 1e-9 * largest) return {};
  return base::Fail(base::Error{
      .code = base::ErrorCode::kInvalid,
      .message = fmt::format("{} taps that differ by {} from their mirror image have a delay, "
                             "expected an odd number of symmetric ones",
                             taps.size(), difference),
      .hint = "use FirFilter for taps with another phase"});
}

}  // namespace

FirFilter::FirFilter(std::span<const double> taps, size_t lanes)
    : lanes_(lanes), taps_(taps.rbegin(), taps.rend()) {
  assert(!taps.empty() && lanes > 0);
  Reset();
}

void FirFilter::Reset() { history_.assign((taps_.size() - 1) * lanes_, 0.0); }

base::Result<void> FirFilter::Process(std::span<double> samples) {
  assert(samples.size() % lanes_ == 0);
  TRY(CheckFinite(samples));
  const size_t past = (taps_.size() - 1) * lanes_;
  // Zeros in front of the oldest tap make their number a multiple of four.
  const size_t padded = (taps_.size() + 3) / 4 * 4;
  std::vector<double> padded_taps(padded - taps_.size(), 0.0);
  padded_taps.insert(padded_taps.end(), taps_.begin(), taps_.end());
  const size_t margin = (padded - taps_.size()) * lanes_;
  std::vector<double> frames(margin + past + kBlock * lanes_, 0.0);
  std::ranges::copy(history_, frames.begin() + static_cast<ptrdiff_t>(margin));
  const PolyphaseRun run{padded_taps.data(), padded, 1, 1, 0};
  while (!samples.empty()) {
    const size_t count = std::min(kBlock * lanes_, samples.size());
    const auto block = samples.first(count);
    std::ranges::copy(block, frames.begin() + static_cast<ptrdiff_t>(margin + past));
    for (size_t l = 0; l < lanes_;) {
      const size_t width = lanes_ - l >= kOct ? kOct : 1;
      RunPolyphase(run, frames.data() + l, lanes_, width, block.data() + l, lanes_, count / lanes_);
      l += width;
    }
    std::copy_n(frames.begin() + static_cast<ptrdiff_t>(count + margin), past,
                frames.begin() + static_cast<ptrdiff_t>(margin));
    samples = samples.subspan(count);
  }
  std::copy_n(frames.begin() + static_cast<ptrdiff_t>(margin), past, history_.begin());
  return {};
}

base::Result<void> FilterZeroPhase(std::span<const double> taps,
                                   std::span<const std::span<const double>> inputs,
                                   std::span<const std::span<double>> outputs) {
  assert(inputs.size() == outputs.size());
  TRY(CheckSymmetric(taps));
  for (size_t c = 0; c < inputs.size(); ++c) {
    assert(inputs[c].size() == inputs.front().size() && outputs[c].size() == inputs[c].size());
    if (inputs[c].empty()) {
      return base::Fail(base::ErrorCode::kInvalid, "no samples to filter");
    }
    TRY(CheckFinite(inputs[c]));
  }
  if (inputs.empty()) return {};
  BlockConvolution convolution(taps, inputs.front().size());
  for (size_t c = 0; c < inputs.size(); c += 2) {
    const size_t count = std::min<size_t>(2, inputs.size() - c);
    convolution.Run(inputs.subspan(c, count), outputs.subspan(c, count));
  }
  return {};
}

}  // namespace montage::signal
