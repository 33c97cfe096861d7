#include <algorithm>
#include <cmath>

#include "montage/analysis/sleep/figures/figures.h"
#include "montage/signal/filter/iir.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr double kLeastUv = 75.0;
constexpr double kShortestHalfS = 0.25, kLongestHalfS = 1.0;
constexpr double kShortestS = 0.5, kLongestS = 2.0;
constexpr double kOcular = 0.7;
constexpr double kTolerance = 0.02;  ///< seconds; crossings move a little under noise

/// The negative half wave [first, middle) and the positive one [middle, end).
SlowWave Describe(const Trace& trace, std::span<const double> slow, size_t first, size_t middle,
                  size_t end) {
  const auto lowest = std::min_element(slow.begin() + static_cast<ptrdiff_t>(first),
                                       slow.begin() + static_cast<ptrdiff_t>(middle));
  const double highest = *std::max_element(slow.begin() + static_cast<ptrdiff_t>(middle),
                                           slow.begin() + static_cast<ptrdiff_t>(end));
  const auto rise = static_cast<double>(slow.begin() + static_cast<ptrdiff_t>(middle) - lowest);
  return {.onset_s = trace.TimeAt(first),
          .duration_s = static_cast<double>(end - first) / trace.rate_hz,
          .amplitude_uv = highest - *lowest,
          .negative_uv = -*lowest,
          .slope_uv_per_s = -*lowest * trace.rate_hz / std::max(rise, 1.0)};
}

base::Result<std::vector<double>> SlowPart(const Trace& trace) {
  std::vector<double> slow = trace.samples;
  TRY(const auto band, signal::Butterworth(2, signal::Band::kBandPass, {0.3, 4}, trace.rate_hz));
  TRY(signal::FilterZeroPhase(band, slow));
  return slow;
}

/// Peak to peak of the eyes while the wave lasts.
double SwingIn(const Trace& eyes, std::span<const double> part, const SlowWave& wave) {
  const size_t first = eyes.IndexAt(wave.onset_s);
  const size_t end = eyes.IndexAt(wave.onset_s + wave.duration_s);
  return signal::PeakToPeak(part.subspan(first, end - first));
}

}  // namespace

base::Result<std::vector<SlowWave>> FindSlowWaves(const Trace& trace, const Trace* eyes,
                                                  double from_s, double to_s) {
  TRY(const std::vector<double> slow, SlowPart(trace));
  std::vector<double> eye_part;
  if (eyes != nullptr) {
    TRY(eye_part, SlowPart(*eyes));
  }
  std::vector<size_t> crossings;
  for (size_t i = 1; i < slow.size(); ++i) {
    if ((slow[i - 1] < 0) != (slow[i] < 0)) crossings.push_back(i);
  }
  std::vector<SlowWave> out;
  const auto seconds = [&](size_t from, size_t to) {
    return static_cast<double>(to - from) / trace.rate_hz;
  };
  for (size_t k = 0; k + 2 < crossings.size(); ++k) {
    const size_t first = crossings[k], middle = crossings[k + 1], end = crossings[k + 2];
    if (slow[first] >= 0) continue;
    const double half = seconds(first, middle), whole = seconds(first, end);
    if (half < kShortestHalfS - kTolerance || half > kLongestHalfS + kTolerance) continue;
    if (whole < kShortestS - kTolerance || whole > kLongestS + kTolerance) continue;
    const SlowWave wave = Describe(trace, slow, first, middle, end);
    if (wave.amplitude_uv < kLeastUv || wave.onset_s < from_s || wave.onset_s >= to_s) continue;
    if (!trace.IsUsable(wave.onset_s, wave.onset_s + wave.duration_s)) continue;
    if (eyes != nullptr && SwingIn(*eyes, eye_part, wave) >= kOcular * wave.amplitude_uv) continue;
    out.push_back(wave);
  }
  return out;
}

}  // namespace montage::analysis
