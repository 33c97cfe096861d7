#include "montage/analysis/artifacts/component_rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr double kLeastScore = 0.5;
constexpr double kFrontY = 0.75, kBackY = -0.2, kRimZ = 0.4;
constexpr double kShortestBeat = 60.0 / 120, kLongestBeat = 60.0 / 40;  // seconds
constexpr size_t kLeastBeats = 10;

/// 0 at `from`, 1 at `to` and beyond; `from` may be the larger one.
double Ramp(double value, double from, double to) {
  return std::clamp((value - from) / (to - from), 0.0, 1.0);
}
/// A condition on a measure that may be unknown (-1), which then decides nothing.
double RampIfKnown(double value, double from, double to) {
  return value < 0.0 ? 1.0 : Ramp(value, from, to);
}

double EyeScore(const ComponentMeasures& m) {
  // A steady frontal slow rhythm is the brain's; what eyes do comes in deflections.
  return std::min({RampIfKnown(m.frontal_ratio, 0.55, 0.8), Ramp(m.slow_fraction, 0.45, 0.75),
                   Ramp(m.eye_correlation, 0.25, 0.6), Ramp(m.kurtosis, 0.5, 3.0),
                   Ramp(m.rhythmicity, 0.6, 0.4)});
}

double MuscleScore(const ComponentMeasures& m) {
  return std::min({Ramp(m.fast_fraction, 0.45, 0.75), RampIfKnown(m.rim_fraction, 0.35, 0.7),
                   Ramp(m.line_fraction, 0.8, 0.4), Ramp(m.channel_fraction, 0.02, 0.1)});
}

double CardiacScore(const ComponentMeasures& m) {
  if (m.ecg_correlation >= 0.0) return Ramp(m.ecg_correlation, 0.3, 0.6);
  if (m.beats_per_min == 0.0) return 0.0;
  // A QRS complex is narrow and small on the scalp; periodic discharges are neither.
  return std::min({Ramp(m.beat_irregularity, 0.2, 0.08), Ramp(m.kurtosis, 1.0, 4.0),
                   Ramp(m.beat_width_s, 0.08, 0.05), Ramp(m.channel_fraction, 0.8, 0.5),
                   Ramp(m.slow_fraction, 0.65, 0.45)});
}

double LineScore(const ComponentMeasures& m) { return Ramp(m.line_fraction, 0.3, 0.7); }

double ChannelScore(const ComponentMeasures& m) {
  return std::min(Ramp(m.focality, 0.94, 0.99), Ramp(m.channel_fraction, 0.1, 0.4));
}

/// Local maxima of |x|, the largest of those that are less than `apart` samples from each other.
std::vector<size_t> Maxima(std::span<const double> x, size_t apart) {
  std::vector<size_t> peaks;
  for (size_t i = 1; i + 1 < x.size(); ++i) {
    const double size = std::abs(x[i]);
    if (size < std::abs(x[i - 1]) || size <= std::abs(x[i + 1])) continue;
    if (!peaks.empty() && i - peaks.back() < apart) {
      if (size > std::abs(x[peaks.back()])) peaks.back() = i;
    } else {
      peaks.push_back(i);
    }
  }
  return peaks;
}

/// Samples around a peak that keep half its height.
size_t WidthOf(std::span<const double> x, size_t peak) {
  const double half = 0.5 * std::abs(x[peak]);
  size_t first = peak, last = peak;
  while (first > 0 && std::abs(x[first - 1]) >= half) --first;
  while (last + 1 < x.size() && std::abs(x[last + 1]) >= half) ++last;
  return last - first + 1;
}

}  // namespace

std::string_view ToString(ComponentLabel label) {
  switch (label) {
    case ComponentLabel::kOther:
      return "other";
    case ComponentLabel::kEye:
      return "eye";
    case ComponentLabel::kMuscle:
      return "muscle";
    case ComponentLabel::kCardiac:
      return "cardiac";
    case ComponentLabel::kLine:
      return "line";
    case ComponentLabel::kChannelNoise:
      return "channel_noise";
  }
  return "other";
}

void MeasureField(std::span<const double> field,
                  std::span<const std::optional<signal::Position>> positions,
                  ComponentMeasures& measures) {
  // A reference that holds part of a loose electrode shows it everywhere, with one weight.
  std::vector<double> scratch(field.begin(), field.end());
  const double common = signal::Median(scratch);
  double energy = 0, top = 0, rim = 0, placed = 0;
  double front = 0, back = 0, fronts = 0, backs = 0;
  for (size_t c = 0; c < field.size(); ++c) {
    const double square = field[c] * field[c];
    const double local = (field[c] - common) * (field[c] - common);
    energy += local;
    top = std::max(top, local);
    if (!positions[c]) continue;
    placed += square;
    if (positions[c]->z < kRimZ) rim += square;
    if (positions[c]->y > kFrontY) {
      front += std::abs(field[c]);
      fronts += 1;
    } else if (positions[c]->y < kBackY) {
      back += std::abs(field[c]);
      backs += 1;
    }
  }
  if (energy > 0.0) measures.focality = top / energy;
  if (placed > 0.0) measures.rim_fraction = rim / placed;
  if (fronts > 0.0 && backs > 0.0) {
    front /= fronts;
    back /= backs;
    if (front + back > 0.0) measures.frontal_ratio = front / (front + back);
  }
}

Labelled LabelOf(const ComponentMeasures& measures) {
  const std::array<Labelled, 5> candidates = {
      Labelled{ComponentLabel::kEye, EyeScore(measures)},
      Labelled{ComponentLabel::kMuscle, MuscleScore(measures)},
      Labelled{ComponentLabel::kCardiac, CardiacScore(measures)},
      Labelled{ComponentLabel::kLine, LineScore(measures)},
      Labelled{ComponentLabel::kChannelNoise, ChannelScore(measures)}};
  const Labelled best = *std::ranges::max_element(candidates, {}, &Labelled::score);
  if (best.score >= kLeastScore) return best;
  return {ComponentLabel::kOther, 1.0 - best.score};
}

std::vector<SharpPeak> FindSharpPeaks(std::span<const double> x, double rate_hz) {
  constexpr double kApartS = 0.2, kStandOut = 5.0;
  constexpr size_t kLeast = 3;
  const auto maxima = Maxima(x, static_cast<size_t>(kApartS * rate_hz));
  std::vector<double> scratch(x.begin(), x.end());
  const double usual = signal::RobustDeviation(scratch);
  std::vector<double> heights;
  for (const size_t at : maxima) {
    if (std::abs(x[at]) > kStandOut * usual) heights.push_back(std::abs(x[at]));
  }
  if (heights.size() < kLeast) return {};
  const double height = signal::Median(heights);
  std::vector<SharpPeak> peaks;
  for (const size_t at : maxima) {
    if (std::abs(x[at]) >= 0.5 * height) peaks.push_back({at, WidthOf(x, at)});
  }
  return peaks;
}

void MeasureBeats(const Beats& beats, double observed_s, ComponentMeasures& measures) {
  if (beats.intervals_s.size() < kLeastBeats) return;
  std::vector<double> intervals = beats.intervals_s, widths = beats.widths_s;
  const double usual = signal::Median(intervals);
  if (usual < kShortestBeat || usual > kLongestBeat) return;
  // A heart does not pause: its beats fill what was observed.
  if (static_cast<double>(intervals.size()) * usual < 0.6 * observed_s) return;
  measures.beats_per_min = 60.0 / usual;
  measures.beat_irregularity = signal::RobustDeviation(intervals) / usual;
  measures.beat_width_s = signal::Median(widths);
}

}  // namespace montage::analysis
