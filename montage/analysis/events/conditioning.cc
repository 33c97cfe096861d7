#include "montage/analysis/events/conditioning.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "montage/signal/filter/window.h"
#include "montage/signal/finite.h"
#include "montage/signal/simd.h"

namespace montage::analysis {
namespace {

constexpr double kLeastRateHz = 120.0;
constexpr double kCutHz = 41.0;
constexpr double kTransitionHz = 14.0;  ///< from 34 to 48 Hz
constexpr double kStopDb = 45.0;
constexpr double kMeanS = 1.0;

/// Low-pass by the window method with Kaiser's formulas for length and shape (1974).
std::vector<float> LowPass(double rate_hz) {
  const double wanted = (kStopDb - 7.95) / (14.36 * kTransitionHz / rate_hz);
  const auto half = static_cast<size_t>(std::ceil(wanted / 2));
  const double beta = 0.5842 * std::pow(kStopDb - 21, 0.4) + 0.07886 * (kStopDb - 21);
  const auto window = signal::Kaiser(2 * half + 1, beta);
  const double cut = std::min(kCutHz / rate_hz, 0.45);
  std::vector<double> taps(window.size());
  double sum = 0;
  for (size_t k = 0; k < taps.size(); ++k) {
    const double m = static_cast<double>(k) - static_cast<double>(half);
    const double angle = 2 * std::numbers::pi * cut * m;
    taps[k] = window[k] * (m == 0 ? 2 * cut : std::sin(angle) / (std::numbers::pi * m));
    sum += taps[k];
  }
  std::vector<float> out(taps.size());
  for (size_t k = 0; k < taps.size(); ++k) out[k] = static_cast<float>(taps[k] / sum);
  return out;
}

MONTAGE_SIMD_CLONES void AddScaled(const float* __restrict source, float factor,
                                   float* __restrict into, size_t count) {
  for (size_t i = 0; i < count; ++i) into[i] += factor * source[i];
}

/// Minus the mean over `width` samples around each, taken twice. `sums` is scratch.
void RemoveRunningMean(std::span<float> samples, size_t width, std::vector<double>& sums) {
  const size_t n = samples.size();
  const size_t half = width / 2;
  std::vector<double>& cumulative = sums;
  std::vector<float> mean(samples.begin(), samples.end());
  for (int pass = 0; pass < 2; ++pass) {
    cumulative.assign(n + 1, 0.0);
    for (size_t i = 0; i < n; ++i) cumulative[i + 1] = cumulative[i] + static_cast<double>(mean[i]);
    for (size_t i = 0; i < n; ++i) {
      const size_t from = i > half ? i - half : 0;
      const size_t to = std::min(n, i + half + 1);
      mean[i] =
          static_cast<float>((cumulative[to] - cumulative[from]) / static_cast<double>(to - from));
    }
  }
  for (size_t i = 0; i < n; ++i) samples[i] -= mean[i];
}

}  // namespace

Conditioner::Conditioner(const RecordingView& recording, const ScalpLayout& layout)
    : recording_(recording), layout_(layout) {
  decimation_ = std::max<size_t>(1, static_cast<size_t>(layout.rate_hz / kLeastRateHz));
  rate_hz_ = layout.rate_hz / static_cast<double>(decimation_);
  taps_ = LowPass(layout.rate_hz);
}

size_t Conditioner::chunk_count() const {
  return std::max<size_t>(1, static_cast<size_t>(std::ceil(layout_.duration_s() / kChunkS - 1e-9)));
}

base::Result<void> Conditioner::Read(size_t chunk, ConditionedChunk& into, const Control& control) {
  into.begin_s = kChunkS * static_cast<double>(chunk);
  into.end_s = std::min(into.begin_s + kChunkS, layout_.duration_s());
  into.rate_hz = rate_hz_;
  into.frame_samples = std::max<size_t>(1, static_cast<size_t>(std::llround(kFrameS * rate_hz_)));
  const auto decimation = static_cast<int64_t>(decimation_);
  // Starts on a kept sample, whichever chunk reads it.
  const int64_t first = std::llround((into.begin_s - kChunkMarginS) * rate_hz_);
  into.first_s = static_cast<double>(first) / rate_hz_;
  const double length_s = into.end_s - into.begin_s + 2 * kChunkMarginS;
  into.frames = static_cast<size_t>(length_s * rate_hz_) / into.frame_samples;
  into.samples = into.frames * into.frame_samples;
  into.low.assign(layout_.rows.size() * into.samples, 0.0F);
  into.fast.assign(layout_.rows.size() * into.frames, 0.0F);

  const auto half = static_cast<int64_t>(taps_.size() / 2);
  const int64_t from = first * decimation - half;
  const int64_t until = (first + static_cast<int64_t>(into.samples) - 1) * decimation + half + 1;
  const auto total = static_cast<int64_t>(layout_.samples);
  const int64_t inside_from = std::clamp<int64_t>(from, 0, total);
  const int64_t inside_until = std::clamp<int64_t>(until, inside_from, total);
  for (size_t row = 0; row < layout_.rows.size(); ++row) {
    TRY(control.Check());
    samples_.assign(static_cast<size_t>(until - from), 0.0);
    const auto inside = std::span(samples_).subspan(
        static_cast<size_t>(inside_from - from), static_cast<size_t>(inside_until - inside_from));
    TRY(recording_.source->Read(layout_.rows[row].channel, static_cast<uint64_t>(inside_from),
                                inside, control.deadline));
    signal::HoldMissing(inside);
    // Beyond the ends the first and last value go on, so that an offset makes no step there.
    if (!inside.empty()) {
      std::fill(samples_.begin(), samples_.begin() + (inside_from - from), inside.front());
      std::fill(samples_.begin() + (inside_until - from), samples_.end(), inside.back());
    }
    const auto low = std::span(into.low).subspan(row * into.samples, into.samples);
    Filter(samples_, low);
    MeasureFast(samples_, low, into.frame_samples,
                std::span(into.fast).subspan(row * into.frames, into.frames));
    RemoveRunningMean(low, static_cast<size_t>(std::llround(kMeanS * rate_hz_)), sums_);
  }
  return {};
}

void Conditioner::Filter(std::span<const double> samples, std::span<float> low) {
  std::ranges::fill(low, 0.0F);
  const double offset = samples.empty() ? 0.0 : samples[samples.size() / 2];
  // Phase by phase, so that the inner loop runs over neighbouring samples.
  for (size_t phase = 0; phase < std::min(decimation_, taps_.size()); ++phase) {
    phase_.resize((samples.size() - phase + decimation_ - 1) / decimation_);
    for (size_t i = 0; i < phase_.size(); ++i) {
      phase_[i] = static_cast<float>(samples[i * decimation_ + phase] - offset);
    }
    constexpr size_t kBlock = 1024;  // stays in the first-level cache
    for (size_t start = 0; start < low.size(); start += kBlock) {
      const size_t count = std::min(kBlock, low.size() - start);
      for (size_t k = phase, m = 0; k < taps_.size(); k += decimation_, ++m) {
        AddScaled(phase_.data() + start + m, taps_[k], low.data() + start, count);
      }
    }
  }
  for (float& value : low) value += static_cast<float>(offset);
}

void Conditioner::MeasureFast(std::span<const double> samples, std::span<const float> low,
                              size_t frame_samples, std::span<float> fast) const {
  const size_t half = taps_.size() / 2;
  for (size_t frame = 0; frame < fast.size(); ++frame) {
    double squares = 0;
    for (size_t i = frame * frame_samples; i < (frame + 1) * frame_samples; ++i) {
      const double rest = samples[i * decimation_ + half] - static_cast<double>(low[i]);
      squares += rest * rest;
    }
    fast[frame] = static_cast<float>(std::sqrt(squares / static_cast<double>(frame_samples)));
  }
}

}  // namespace montage::analysis
