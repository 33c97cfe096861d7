#include "montage/analysis/abnormality/measures.h"

#include <algorithm>
#include <cmath>

#include "montage/analysis/events/suppression.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr double kLeastShare = 0.5;
constexpr double kEventWeight = 0.5;
constexpr double kExpectedPosteriorHz = 9.5;
constexpr size_t kBandReach = 2;       ///< windows on both sides: 10 s in all
constexpr size_t kPosteriorReach = 6;  ///< 30 s
constexpr size_t kFocalReach = 14;     ///< 60 s
/// A second with this index (survey.h) holds a spindle; so many of them within the time around make
/// sleep.
constexpr float kSpindle = 3.0F;
constexpr size_t kSpindlesNear = 8;
constexpr size_t kNearSeconds = 300;

/// Mean over neighbouring windows that are known; NaN where none is.
std::vector<double> Smooth(const std::vector<double>& values, size_t reach) {
  std::vector<double> out(values.size(), NAN);
  double sum = 0;
  size_t count = 0, from = 0, to = 0;
  for (size_t w = 0; w < values.size(); ++w) {
    for (; to < std::min(values.size(), w + reach + 1); ++to) {
      if (std::isnan(values[to])) continue;
      sum += values[to];
      ++count;
    }
    for (; from + reach < w; ++from) {
      if (std::isnan(values[from])) continue;
      sum -= values[from];
      --count;
    }
    if (count > 0) out[w] = sum / static_cast<double>(count);
  }
  return out;
}

double MedianOrNan(std::vector<double>& values) {
  return values.empty() ? NAN : signal::Median(values);
}

double Log(double power) { return std::log(std::max(power, 1e-3)); }

class WindowMeter {
 public:
  WindowMeter(const Survey& survey, const std::vector<Event>& events)
      : survey_(survey), events_(events), windows_(survey.windows) {}

  std::vector<WindowMeasures> Run() {
    MeasureBands();
    MeasureFocal();
    MeasureSuppression();
    MarkEvents();
    MarkSleep();
    return std::move(windows_);
  }

 private:
  double& At(size_t window, Measure measure) {
    return windows_[window].values[static_cast<size_t>(measure)];
  }

  void Store(Measure measure, const std::vector<double>& values, double without) {
    for (size_t w = 0; w < windows_.size(); ++w) {
      At(w, measure) = std::isnan(values[w]) ? without : values[w];
    }
  }

  void MeasureBands() {
    const size_t count = windows_.size();
    const size_t rows = survey_.layout.rows.size();
    std::vector<double> level(count, NAN), ratio(count, NAN);
    std::vector<double> posterior(count, NAN);
    for (size_t w = 0; w < count; ++w) {
      std::vector<double> levels, ratios;
      for (const WindowBands& bands : survey_.BandsAt(w)) {
        if (!bands.IsKnown()) continue;
        levels.push_back(Log(bands.Slow()));
        ratios.push_back(Log(bands.Slow()) - Log(bands.Fast()));
      }
      windows_[w].weight = static_cast<double>(levels.size()) / static_cast<double>(rows);
      windows_[w].usable = windows_[w].weight >= kLeastShare;
      if (!windows_[w].usable) continue;
      level[w] = MedianOrNan(levels);
      ratio[w] = MedianOrNan(ratios);
      const auto hz = static_cast<double>(survey_.posterior_hz[w]);
      posterior[w] = kExpectedPosteriorHz - hz;
    }
    Store(Measure::kSlowLevel, Smooth(level, kBandReach), MedianKnown(level));
    Store(Measure::kSlowRatio, Smooth(ratio, kBandReach), MedianKnown(ratio));
    auto smooth = Smooth(posterior, kPosteriorReach);
    for (double& value : smooth) value = std::isnan(value) ? 0.0 : std::max(0.0, value);
    Store(Measure::kPosteriorSlow, smooth, 0.0);
  }

  static double MedianKnown(std::vector<double> values) {
    std::erase_if(values, [](double value) { return std::isnan(value); });
    return values.empty() ? 0.0 : signal::Median(values);
  }

  void MeasureFocal() {
    std::vector<double> largest(windows_.size(), 0.0);
    std::vector<double> ratio(windows_.size());
    for (size_t row = 0; row < survey_.layout.rows.size(); ++row) {
      const ScalpRow& here = survey_.layout.rows[row];
      if (here.side != Side::kLeft || !here.opposite) continue;
      for (size_t w = 0; w < windows_.size(); ++w) {
        const auto bands = survey_.BandsAt(w);
        const bool known = bands[row].IsKnown() && bands[*here.opposite].IsKnown();
        ratio[w] = known ? Log(bands[row].Slow()) - Log(bands[*here.opposite].Slow()) : NAN;
      }
      const auto smooth = Smooth(ratio, kFocalReach);
      for (size_t w = 0; w < windows_.size(); ++w) {
        if (!std::isnan(smooth[w])) largest[w] = std::max(largest[w], std::abs(smooth[w]));
      }
    }
    Store(Measure::kFocalSlow, largest, 0.0);
  }

  void MeasureSuppression() {
    const auto frames = static_cast<size_t>(kWindowS / kFrameS);
    for (size_t w = 0; w < windows_.size(); ++w) {
      const auto first = static_cast<size_t>(kWindowStrideS / kFrameS) * w;
      size_t quiet = 0;
      for (size_t f = first; f < std::min(first + frames, survey_.amplitude.size()); ++f) {
        quiet += survey_.amplitude[f] < kSuppressedRmsUv ? 1U : 0U;
      }
      At(w, Measure::kSuppressed) = static_cast<double>(quiet) / static_cast<double>(frames);
    }
  }

  static std::optional<Measure> MeasureOf(EventType type) {
    switch (type) {
      case EventType::kEpileptiform:
        return Measure::kEpileptiform;
      case EventType::kPled:
      case EventType::kGped:
        return Measure::kPeriodic;
      case EventType::kSeizure:
        return Measure::kSeizure;
      case EventType::kBurstSuppression:
        return Measure::kBurstSuppression;
      case EventType::kArtifact:
        return std::nullopt;
    }
    return std::nullopt;
  }

  void MarkEvents() {
    for (const Event& event : events_) {
      const auto measure = MeasureOf(event.type);
      if (!measure) continue;
      const double from = std::max(0.0, (event.onset_s - kWindowS) / kWindowStrideS);
      const auto first = static_cast<size_t>(std::floor(from)) + (event.onset_s > kWindowS ? 1 : 0);
      for (size_t w = first; w < windows_.size(); ++w) {
        if (kWindowStrideS * static_cast<double>(w) >= event.end_s()) break;
        At(w, *measure) = std::max(At(w, *measure), event.confidence);
        windows_[w].usable = true;
        windows_[w].weight = std::max(windows_[w].weight, kEventWeight);
      }
    }
  }

  void MarkSleep() {
    std::vector<size_t> spindles(survey_.spindle.size() + 1, 0);
    for (size_t s = 0; s < survey_.spindle.size(); ++s) {
      spindles[s + 1] = spindles[s] + (survey_.spindle[s] >= kSpindle ? 1U : 0U);
    }
    for (size_t w = 0; w < windows_.size(); ++w) {
      const auto middle = static_cast<size_t>(kWindowStrideS) * w;
      const size_t from = middle > kNearSeconds ? middle - kNearSeconds : 0;
      const size_t to = std::min(survey_.spindle.size(), middle + kNearSeconds);
      windows_[w].asleep = to > from && spindles[to] - spindles[from] >= kSpindlesNear;
    }
  }

  const Survey& survey_;
  const std::vector<Event>& events_;
  std::vector<WindowMeasures> windows_;
};

}  // namespace

std::string_view ToString(Measure measure) {
  switch (measure) {
    case Measure::kSlowLevel:
      return "slow_level";
    case Measure::kSlowRatio:
      return "slow_ratio";
    case Measure::kFocalSlow:
      return "focal_slowing";
    case Measure::kPosteriorSlow:
      return "posterior_slowing";
    case Measure::kSuppressed:
      return "suppressed";
    case Measure::kEpileptiform:
      return "epileptiform";
    case Measure::kPeriodic:
      return "periodic";
    case Measure::kSeizure:
      return "seizure";
    case Measure::kBurstSuppression:
      return "burst_suppression";
  }
  return "unknown";
}

std::vector<WindowMeasures> MeasureWindows(const Survey& survey, const std::vector<Event>& events) {
  return WindowMeter(survey, events).Run();
}

SlowingSummary SummariseSlowing(const Survey& survey, const std::vector<WindowMeasures>& windows) {
  SlowingSummary summary;
  const auto& rows = survey.layout.rows;
  std::vector<double> delta(rows.size(), 0.0), theta(delta), fast(delta);
  std::vector<size_t> known(rows.size(), 0);
  double asleep = 0, quiet = 0;
  for (size_t w = 0; w < windows.size(); ++w) {
    asleep += windows[w].asleep ? 1 : 0;
    quiet += windows[w][Measure::kSuppressed];
    for (size_t row = 0; row < rows.size(); ++row) {
      const WindowBands& bands = survey.BandsAt(w)[row];
      if (!bands.IsKnown()) continue;
      delta[row] += static_cast<double>(bands.delta);
      theta[row] += static_cast<double>(bands.theta);
      fast[row] += bands.Fast();
      ++known[row];
    }
  }
  std::vector<double> slow_shares, theta_shares, delta_shares;
  for (size_t row = 0; row < rows.size(); ++row) {
    const double total = delta[row] + theta[row] + fast[row];
    if (known[row] == 0 || total <= 0) continue;
    slow_shares.push_back((delta[row] + theta[row]) / total);
    theta_shares.push_back(theta[row] / total);
    delta_shares.push_back(delta[row] / total);
    const auto other = rows[row].opposite;
    if (!other || known[*other] == 0) continue;
    const double here = (delta[row] + theta[row]) / static_cast<double>(known[row]);
    const double there = (delta[*other] + theta[*other]) / static_cast<double>(known[*other]);
    const double ratio = here / std::max(there, 1e-3);
    if (ratio > summary.focal_ratio) {
      summary.focal_ratio = ratio;
      summary.focal_row = row;
    }
  }
  summary.slow_share = signal::Median(slow_shares);
  summary.theta_share = signal::Median(theta_shares);
  summary.delta_share = signal::Median(delta_shares);
  const auto count = static_cast<double>(std::max<size_t>(1, windows.size()));
  summary.asleep_fraction = asleep / count;
  summary.suppressed_fraction = quiet / count;
  // A peak stands out from its surroundings once the aperiodic slope is taken off.
  const double step = survey.density_step_hz;
  if (step > 0) {
    const auto whitened = [&](double hz) {
      const auto k = static_cast<size_t>(hz / step);
      return k < survey.posterior_density.size() ? survey.posterior_density[k] * hz : 0.0;
    };
    double best = 0, at = 0, sum = 0;
    size_t bins = 0;
    for (double hz = 4; hz <= 13; hz += step, ++bins) {
      sum += whitened(hz);
      if (whitened(hz) > best) {
        best = whitened(hz);
        at = hz;
      }
    }
    constexpr double kProminence = 1.6;
    const bool inside = at > 4 + step && at < 13 - step;
    if (inside && best > kProminence * sum / static_cast<double>(bins)) summary.posterior_hz = at;
  }
  return summary;
}

}  // namespace montage::analysis
