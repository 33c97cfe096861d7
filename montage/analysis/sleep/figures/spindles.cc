#include <algorithm>
#include <cmath>
#include <optional>

#include "montage/analysis/sleep/figures/figures.h"
#include "montage/signal/filter/iir.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr double kWindowS = 0.3, kStepS = 0.1, kBaselineS = 30.0;
constexpr double kLeastPower = 1.25, kLeastShareZ = 1.6, kLeastCovarianceZ = 1.3,
                 kLeastCorrelation = 0.69;
constexpr double kEdgeFraction = 0.3;    ///< of the largest amplitude, at onset and end
constexpr double kEdgeOverUsual = 1.25;  ///< and over the usual amplitude
constexpr double kPeakOverUsual = 2.5;   ///< amplitude of the largest window
constexpr double kShortestS = 0.5, kLongestS = 2.0, kTolerance = 0.05;
constexpr double kLeastDeviation = 0.05;  ///< of a logarithm, so that a steady rhythm has no z

/// What the four criteria look at, one value a window.
struct Windows {
  std::vector<double> power, share, covariance, correlation;
  size_t size() const { return power.size(); }
};

struct Bands {
  std::vector<double> sigma, wide;
};

base::Result<Bands> Filter(const Trace& trace) {
  Bands bands{trace.samples, trace.samples};
  TRY(const auto sigma, signal::Butterworth(3, signal::Band::kBandPass, {11, 16}, trace.rate_hz));
  TRY(const auto wide, signal::Butterworth(2, signal::Band::kBandPass, {4.5, 30}, trace.rate_hz));
  TRY(signal::FilterZeroPhase(sigma, bands.sigma));
  TRY(signal::FilterZeroPhase(wide, bands.wide));
  return bands;
}

Windows Measure(const Trace& trace, const Bands& bands) {
  const double rate = trace.rate_hz;
  const auto length = static_cast<size_t>(std::llround(kWindowS * rate));
  const auto n = static_cast<double>(length);
  Windows out;
  for (size_t w = 0;; ++w) {
    const auto at = static_cast<size_t>(std::llround(static_cast<double>(w) * kStepS * rate));
    if (at + length > trace.samples.size()) break;
    double x = 0, xx = 0, s = 0, ss = 0, xs = 0;
    for (size_t i = at; i < at + length; ++i) {
      const double wide = bands.wide[i], sigma = bands.sigma[i];
      x += wide;
      xx += wide * wide;
      s += sigma;
      ss += sigma * sigma;
      xs += wide * sigma;
    }
    constexpr double kTiny = 1e-9;
    const double covariance = (xs - x * s / n) / n;
    const double spread = (xx - x * x / n) / n * (ss - s * s / n) / n;
    out.power.push_back(std::log10(ss / n + kTiny));
    out.share.push_back(std::log10((ss + kTiny) / (xx + kTiny)));
    out.covariance.push_back(std::log10(std::max(covariance, kTiny)));
    out.correlation.push_back(spread > kTiny ? covariance / std::sqrt(spread) : 0.0);
  }
  return out;
}

/// Where a value stands among those of the 30 s around it. Baselines are computed every 5 s.
class Baseline {
 public:
  explicit Baseline(std::span<const double> values) {
    const auto reach = static_cast<size_t>(kBaselineS / kStepS / 2);
    for (size_t at = 0; at < values.size(); at += kEvery) {
      const size_t begin = at + kEvery / 2 > reach ? at + kEvery / 2 - reach : 0;
      const size_t end = std::min(values.size(), at + kEvery / 2 + reach);
      scratch_.assign(values.begin() + static_cast<ptrdiff_t>(begin),
                      values.begin() + static_cast<ptrdiff_t>(end));
      medians_.push_back(signal::Median(scratch_));
      deviations_.push_back(std::max(signal::RobustDeviation(scratch_), kLeastDeviation));
    }
  }
  double median(size_t window) const { return medians_[window / kEvery]; }
  double Z(double value, size_t window) const {
    return (value - median(window)) / deviations_[window / kEvery];
  }

 private:
  static constexpr size_t kEvery = 50;
  std::vector<double> medians_, deviations_, scratch_;
};

class Finder {
 public:
  Finder(const Trace& trace, const Bands& bands)
      : trace_(trace),
        sigma_(bands.sigma),
        windows_(Measure(trace, bands)),
        power_(windows_.power),
        share_(windows_.share),
        covariance_(windows_.covariance) {}

  std::vector<Spindle> Run(double from_s, double to_s) const {
    std::vector<Spindle> out;
    size_t end = 0;  // of the one before
    for (size_t w = 0; w < windows_.size();) {
      if (!IsCore(w)) {
        ++w;
        continue;
      }
      const auto [first, last] = Extend(w, end);
      w = end = last + 1;
      if (!StandsOut(first, last)) continue;
      const auto spindle = Describe(first, last);
      if (!spindle || spindle->onset_s < from_s || spindle->onset_s >= to_s) continue;
      if (!trace_.IsUsable(spindle->onset_s, spindle->onset_s + spindle->duration_s)) continue;
      out.push_back(*spindle);
    }
    return out;
  }

 private:
  bool IsCore(size_t w) const {
    return windows_.power[w] >= kLeastPower && windows_.correlation[w] >= kLeastCorrelation &&
           share_.Z(windows_.share[w], w) >= kLeastShareZ &&
           covariance_.Z(windows_.covariance[w], w) >= kLeastCovarianceZ;
  }

  /// Noise reaches the criteria too, but not far above what is usual.
  bool StandsOut(size_t first, size_t last) const {
    const auto begin = windows_.power.begin();
    const auto peak = std::max_element(begin + static_cast<ptrdiff_t>(first),
                                       begin + static_cast<ptrdiff_t>(last + 1));
    const double usual = power_.median(static_cast<size_t>(peak - begin));
    return *peak >= usual + 2 * std::log10(kPeakOverUsual);
  }

  /// Windows from `free` on around a core that belong to it.
  std::pair<size_t, size_t> Extend(size_t core, size_t free) const {
    // Upwards to the largest of this hump first, then down on both sides.
    size_t peak = core;
    const auto reach = static_cast<size_t>(kLongestS / kStepS);
    for (size_t w = core; w < std::min(windows_.size(), core + reach); ++w) {
      if (windows_.power[w] > windows_.power[peak]) peak = w;
      if (windows_.power[w] < windows_.power[peak] + 2 * std::log10(kEdgeFraction)) break;
    }
    const double edge = std::max(windows_.power[peak] + 2 * std::log10(kEdgeFraction),
                                 power_.median(peak) + 2 * std::log10(kEdgeOverUsual));
    size_t first = peak, last = peak;
    while (first > free && windows_.power[first - 1] >= edge) --first;
    while (last + 1 < windows_.size() && windows_.power[last + 1] >= edge) ++last;
    return {first, std::max(last, core)};
  }

  std::optional<Spindle> Describe(size_t first, size_t last) const {
    // A window stands for its middle.
    const double start = trace_.TimeAt(0) + static_cast<double>(first) * kStepS + kWindowS / 2;
    const double end = trace_.TimeAt(0) + static_cast<double>(last) * kStepS + kWindowS / 2;
    Spindle spindle{.onset_s = start, .duration_s = end - start};
    if (spindle.duration_s < kShortestS - kTolerance ||
        spindle.duration_s > kLongestS + kTolerance) {
      return std::nullopt;
    }
    const size_t begin = trace_.IndexAt(start), stop = trace_.IndexAt(end);
    double low = 0, high = 0, first_cross = -1, last_cross = -1;
    int crossings = 0;
    for (size_t i = begin + 1; i < stop; ++i) {
      const double before = sigma_[i - 1], now = sigma_[i];
      high = std::max(high, now);
      low = std::min(low, now);
      if ((before < 0) == (now < 0)) continue;
      spindle.amplitude_uv = std::max(spindle.amplitude_uv, high - low);
      (now < 0 ? low : high) = 0;
      last_cross = static_cast<double>(i - 1) + before / (before - now);
      if (first_cross < 0) first_cross = last_cross;
      ++crossings;
    }
    if (crossings < 4) return std::nullopt;
    spindle.hz = 0.5 * (crossings - 1) * trace_.rate_hz / (last_cross - first_cross);
    return spindle;
  }

  const Trace& trace_;
  const std::vector<double>& sigma_;
  Windows windows_;
  Baseline power_, share_, covariance_;
};

}  // namespace

base::Result<std::vector<Spindle>> FindSpindles(const Trace& trace, double from_s, double to_s) {
  TRY(const Bands bands, Filter(trace));
  return Finder(trace, bands).Run(from_s, to_s);
}

}  // namespace montage::analysis
