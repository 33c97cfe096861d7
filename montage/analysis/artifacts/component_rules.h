#pragma once
// What an independent component shows of itself, and which kind of source that is.
//
// Rules, not a trained classifier, so that a reader sees why: each label has conditions, a
// condition rises from 0 to 1 between two limits, the label's score is its weakest condition, and
// the label with the largest score counts when that is at least 1/2. Measures follow ADJUST (Mognon
// et al. 2011), SASICA (Chaumon, Bishop, Busch 2015) and ICLabel's training guide (Pion-Tonachini
// et al. 2019); the limits are ours, set on generated recordings (artifact_detection_test.cc).
//
//   eye            field at the front, slow, goes with EOG or frontopolar channels, in deflections
//                  that are no rhythm
//   muscle         most power above 20 Hz, field at the rim of the head, not only mains
//   cardiac        goes with the ECG channel; without one narrow peaks at an even 40 to 120 a
//   minute
//                  that no channel is dominated by
//   line           power at the mains frequency
//   channel_noise  field at a single electrode, of which it explains much
//
// Doubt is resolved for the brain: rhythmic delta, seizures and periodic discharges resemble eyes
// and hearts in one measure or two, and must stay `other`.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "montage/signal/scalp/electrodes.h"

namespace montage::analysis {

enum class ComponentLabel { kOther, kEye, kMuscle, kCardiac, kLine, kChannelNoise };
/// `other`, `eye`, ...
std::string_view ToString(ComponentLabel label);

/// Fractions are in [0, 1]. Slow and fast are those of the twentieth of the stretches of 2 s in
/// which the source is strongest.
struct ComponentMeasures {
  double kurtosis = 0;        ///< excess
  double slow_fraction = 0;   ///< of the power from 1 to 45 Hz, below 7.5 Hz
  double fast_fraction = 0;   ///< of the power from 1 to 100 Hz without mains, above 20 Hz
  double line_fraction = 0;   ///< of the power from 1 to 100 Hz, within 1 Hz of the mains frequency
  double frontal_ratio = -1;  ///< front / (front + back), mean magnitudes of the field; -1: unknown
  double rim_fraction = -1;   ///< of the squared field, at the lowest electrodes; -1: unknown
  double focality = 0;  ///< of the squared field without its median, at the strongest electrode
  double channel_fraction = 0;  ///< of the variance of its strongest channel, explained by it
  double rhythmicity = 0;       ///< autocorrelation after one period, where the source is strongest
  double eye_correlation = 0;   ///< largest |r| with EOG, frontopolar mean or F7 - F8
  double ecg_correlation = -1;  ///< |r| with the ECG channel; -1: there is none
  double beats_per_min = 0;     ///< of regular sharp peaks; 0: none
  double beat_irregularity = 1;  ///< spread of the intervals over their median
  double beat_width_s = 0;       ///< median width of the peaks at half their height
};

struct ComponentReport {
  ComponentLabel label = ComponentLabel::kOther;
  double score = 0;  ///< in [0, 1], like a confidence; of `other`: 1 - the best artifact's
  double explained_fraction = 0;  ///< of the variance of the fitted samples
  ComponentMeasures measures = {};
  std::string strongest_channel = {};
  std::vector<double> topography = {};  ///< microvolts a deviation of the source, a channel
  double active_fraction = 0;           ///< of the recording; of artifacts only
};

/// The field's part of the measures. `positions` has an entry a channel, none where unknown.
void MeasureField(std::span<const double> field,
                  std::span<const std::optional<signal::Position>> positions,
                  ComponentMeasures& measures);

struct Labelled {
  ComponentLabel label = ComponentLabel::kOther;
  double score = 0;
};
Labelled LabelOf(const ComponentMeasures& measures);

struct SharpPeak {
  size_t at = 0;     ///< sample
  size_t width = 0;  ///< samples at half the height and above
};
/// Peaks of |x| that stand out of it: maxima a fifth of a second and more apart, above half of the
/// usual height of those that reach five deviations (robust). Empty when fewer than three do.
std::vector<SharpPeak> FindSharpPeaks(std::span<const double> x, double rate_hz);

/// Peaks of a component, found stretch by stretch.
struct Beats {
  std::vector<double> intervals_s = {};
  std::vector<double> widths_s = {};
};
/// Sets the measures of beats when there are enough, at a rate that a heart has and without pauses
/// in the `observed_s` seconds.
void MeasureBeats(const Beats& beats, double observed_s, ComponentMeasures& measures);

}  // namespace montage::analysis
