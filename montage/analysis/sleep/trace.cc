#include "montage/analysis/sleep/trace.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "montage/signal/filter/window.h"

namespace montage::analysis {
namespace {

constexpr double kWorkingHz = 100.0;
constexpr double kPassHz = 35.0;
constexpr double kFlatUv = 0.2;
constexpr double kLargestUv = 1000.0;
constexpr double kPieceS = 10.0;

/// Windowed sinc that passes 35 Hz and stops what would alias onto it by 60 dB; the length is
/// Kaiser's estimate (1974).
std::vector<double> Decimator(double native_hz, int64_t factor) {
  if (factor == 1) return {1.0};
  const double stop_hz = native_hz / static_cast<double>(factor) - kPassHz;
  const double width = 2 * std::numbers::pi * (stop_hz - kPassHz) / native_hz;
  const auto half = static_cast<int64_t>(std::ceil((60.0 - 7.95) / (2.285 * width) / 2.0));
  const double cutoff = (stop_hz + kPassHz) / native_hz;  // of half the rate
  std::vector<double> taps = signal::Kaiser(static_cast<size_t>(2 * half + 1), 5.65);
  double sum = 0;
  for (int64_t i = -half; i <= half; ++i) {
    const double x = std::numbers::pi * cutoff * static_cast<double>(i);
    double& tap = taps[static_cast<size_t>(i + half)];
    tap *= i == 0 ? 1.0 : std::sin(x) / x;
    sum += tap;
  }
  for (double& tap : taps) tap /= sum;
  return taps;
}

double Dot(const double* a, const double* b, size_t count) {
  double sums[4] = {};
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (size_t l = 0; l < 4; ++l) sums[l] += a[i + l] * b[i + l];
  }
  for (; i < count; ++i) sums[0] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// Bits of the artifact mask that make a second unusable.
constexpr uint8_t kSpoiling = static_cast<uint8_t>(
    1U << static_cast<unsigned>(Artifact::kFlat) |
    1U << static_cast<unsigned>(Artifact::kClipping) | 1U << static_cast<unsigned>(Artifact::kPop) |
    1U << static_cast<unsigned>(Artifact::kMovement));

}  // namespace

size_t Trace::IndexAt(double seconds) const {
  const int64_t index = std::llround(seconds * rate_hz) - first;
  return static_cast<size_t>(std::clamp<int64_t>(index, 0, std::ssize(samples)));
}

bool Trace::IsUsable(double from_s, double to_s) const {
  const auto begin = static_cast<int64_t>(std::floor(from_s - usable_from_s + 1e-9));
  const auto end = static_cast<int64_t>(std::ceil(to_s - usable_from_s - 1e-9));
  if (begin < 0 || end > std::ssize(usable)) return false;
  return std::all_of(usable.begin() + begin, usable.begin() + end,
                     [](uint8_t good) { return good != 0; });
}

TraceReader::TraceReader(const RecordingView& recording, const QualityReport* quality,
                         Derivation derivation)
    : recording_(recording),
      quality_(quality),
      derivation_(std::move(derivation)),
      native_hz_(recording.channels[derivation_.active].rate_hz),
      factor_(std::max<int64_t>(1, static_cast<int64_t>(native_hz_ / kWorkingHz))),
      rate_hz_(native_hz_ / static_cast<double>(factor_)),
      taps_(Decimator(native_hz_, factor_)) {}

base::Result<void> TraceReader::ReadPiece(int64_t first, std::span<double> out,
                                          const Control& control) {
  const auto read = [&](size_t channel, std::span<double> into) -> base::Result<void> {
    const auto there = static_cast<int64_t>(recording_.channels[channel].samples);
    const int64_t begin = std::clamp<int64_t>(first, 0, there);
    const int64_t end = std::clamp<int64_t>(first + std::ssize(into), begin, there);
    std::ranges::fill(into, std::nan(""));
    if (begin == end) return {};
    return recording_.source->Read(
        channel, static_cast<uint64_t>(begin),
        into.subspan(static_cast<size_t>(begin - first), static_cast<size_t>(end - begin)),
        control.deadline);
  };
  TRY(read(derivation_.active, out));
  if (!derivation_.minus) return {};
  other_.resize(out.size());
  TRY(read(*derivation_.minus, other_));
  for (size_t i = 0; i < out.size(); ++i) out[i] -= other_[i];
  return {};
}

void TraceReader::MarkSeconds(std::span<const double> native, int64_t native_first, double from_s,
                              Trace& trace) const {
  const auto index = [&](double seconds) {
    return static_cast<size_t>(std::clamp<int64_t>(
        std::llround(seconds * native_hz_) - native_first, 0, std::ssize(native)));
  };
  const auto second = static_cast<size_t>(std::llround(from_s - trace.usable_from_s));
  for (size_t s = 0; s < static_cast<size_t>(kPieceS) && second + s < trace.usable.size(); ++s) {
    const double at_s = from_s + static_cast<double>(s);
    const auto cell = native.subspan(index(at_s), index(at_s + 1) - index(at_s));
    double low = 1e300, high = -1e300, sum = 0;
    for (const double value : cell) {
      low = value < low ? value : low;
      high = value > high ? value : high;
      sum += value;  // becomes NaN when one sample is
    }
    const double swing = high - low;
    trace.usable[second + s] = std::isfinite(sum) && swing >= kFlatUv && swing <= kLargestUv;
  }
}

void TraceReader::MarkArtifacts(Trace& trace) const {
  if (quality_ == nullptr || quality_->mask.epochs == 0) return;
  const ArtifactMask& mask = quality_->mask;
  for (size_t row = 0; row < mask.channels.size(); ++row) {
    const size_t channel = mask.channels[row];
    if (channel != derivation_.active && channel != derivation_.minus) continue;
    for (size_t s = 0; s < trace.usable.size(); ++s) {
      const double at_s = trace.usable_from_s + static_cast<double>(s);
      if (at_s < 0) continue;
      const auto epoch = static_cast<size_t>(at_s / mask.epoch_s + 1e-9);
      if (epoch >= mask.epochs) break;
      if ((mask.bits[row * mask.epochs + epoch] & kSpoiling) != 0) trace.usable[s] = 0;
    }
  }
}

base::Result<void> TraceReader::Read(double from_s, double to_s, const Control& control,
                                     Trace& trace) {
  trace.rate_hz = rate_hz_;
  trace.first = std::llround(from_s * rate_hz_);
  trace.usable_from_s = from_s;
  trace.usable.assign(static_cast<size_t>(std::llround(to_s - from_s)), 0);
  trace.samples.clear();
  const int64_t half = std::ssize(taps_) / 2;
  double sum = 0;
  size_t finite = 0;
  // Piece by piece, so that a channel of many kilohertz needs no large buffer.
  for (double at_s = from_s; at_s < to_s - 1e-9; at_s += kPieceS) {
    const int64_t begin = std::llround(at_s * rate_hz_);
    const int64_t end = std::llround(std::min(at_s + kPieceS, to_s) * rate_hz_);
    const int64_t native_first = begin * factor_ - half;
    native_.resize(static_cast<size_t>((end - begin) * factor_ + 2 * half));
    TRY(ReadPiece(native_first, native_, control));
    MarkSeconds(native_, native_first, at_s, trace);
    for (int64_t j = 0; j < end - begin; ++j) {
      const double value = Dot(native_.data() + j * factor_, taps_.data(), taps_.size());
      if (std::isfinite(value)) {
        sum += value;
        ++finite;
      }
      trace.samples.push_back(value);
    }
  }
  const double mean = finite > 0 ? sum / static_cast<double>(finite) : 0.0;
  for (double& value : trace.samples) value = std::isfinite(value) ? value - mean : 0.0;
  MarkArtifacts(trace);
  return {};
}

}  // namespace montage::analysis
