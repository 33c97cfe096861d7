#pragma once
// Is the recording technically sound? Which channels are bad and why, which stretches hold
// artifacts, and one score.
//
// Score. Each 2 s epoch of a channel has a spoilage r: the largest ratio of a measure to its limit
// (table in quality/quality_limits.h). Its goodness is 1 up to r = 1/2 and falls linearly to 0 at r
// = 1; with a blink it is at most 1/2. A channel's goodness is the mean of its epochs, 0 when the
// channel is bad. The score is the mean over the EEG channels,
//   score = sum of goodness / channels = fraction of good channels * mean goodness of those,
// so that a reader can recompute it from what the result lists. Worse input never raises it,
// because every ratio grows with its artifact.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/control.h"
#include "montage/analysis/quality/epochs.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

/// Named in every result, so that numbers can be traced to what computed them.
struct Method {
  std::string_view name;
  std::string_view version;
};
inline constexpr Method kQualityMethod{"montage-quality-control", "1.0"};

enum class ChannelFault {
  kMissingSamples,
  kFlat,
  kDisconnected,
  kNoisy,
  kHighFrequencyNoise,
  kLineNoise,
  kClipping,
  kElectrodePop,
  kDcOffset,
  kLowCorrelation,
  kNoBrainSignal,  ///< spectrum of white noise that no other channel shares
  kHighImpedance,
};
/// `missing_samples`, `flat`, ...
std::string_view ToString(ChannelFault fault);

/// How well an electrode touches the skin.
enum class Contact { kGood, kFair, kBad };
/// `good`, `fair`, `bad`.
std::string_view ToString(Contact contact);
/// Good below 10 kOhm, bad above 50 kOhm.
Contact ContactOf(double impedance_ohm);

enum class Artifact { kFlat, kClipping, kPop, kMovement, kMuscle, kLine, kBlink };
inline constexpr size_t kArtifactKinds = 7;
/// `flat`, `clipping`, ...
std::string_view ToString(Artifact artifact);

enum class Grade { kExcellent, kGood, kFair, kPoor };
/// `excellent`, ...
std::string_view ToString(Grade grade);

/// Medians over epochs, in microvolts; fractions in [0, 1].
struct ChannelQuality {
  std::string name = {};
  std::string label = {};
  bool bad = false;
  std::vector<ChannelFault> faults = {};    ///< why it is bad; empty when it is not
  std::vector<ChannelFault> warnings = {};  ///< seen, but not bad for it
  double goodness = 0;                      ///< share of the score
  double mean = 0;
  double deviation = 0;
  double peak_to_peak = 0;
  double high_frequency = 0;
  double line = 0;
  double tilt = 0;         ///< power density within 1 to 15 Hz over that within 20 to 45 Hz
  double correlation = 0;  ///< with its best neighbour; -1 without neighbour
  double flat_fraction = 0;
  double clipped_fraction = 0;
  double artifact_fraction = 0;  ///< epochs with any artifact but a blink
  /// Peak-to-peak above which an epoch of the channel may be spoiled; NaN where none was fitted.
  double threshold_uv = std::numeric_limits<double>::quiet_NaN();
  std::optional<double> impedance_ohm = {};  ///< none: not known
};

/// Consecutive epochs with one kind of artifact in the same channels.
struct ArtifactInterval {
  Artifact kind = Artifact::kFlat;
  double start_s = 0;
  double end_s = 0;
  std::vector<std::string> channels = {};
};

/// Bits by Artifact of every channel and epoch; what later stages leave out.
struct ArtifactMask {
  double epoch_s = 0;
  size_t epochs = 0;
  std::vector<size_t> channels = {};  ///< index in the recording of each row
  std::vector<uint8_t> bits = {};     ///< [row][epoch]

  bool Has(size_t row, size_t epoch, Artifact kind) const {
    return (bits[row * epochs + epoch] >> static_cast<unsigned>(kind) & 1U) != 0;
  }
  bool IsClean(size_t row, size_t epoch) const { return bits[row * epochs + epoch] == 0; }
};

/// What local rejection makes of an epoch, see quality/local_rejection.h.
enum class EpochLabel : uint8_t { kGood, kRepaired, kRejected };
/// `good`, `repaired`, `rejected`.
std::string_view ToString(EpochLabel label);

/// An epoch that is good when some of its channels are interpolated. Rows of
/// QualityReport::channels.
struct RepairedEpoch {
  size_t epoch = 0;
  std::vector<size_t> interpolated = {};
  std::vector<size_t> left = {};  ///< spoiled too, but beyond the number that is interpolated
};

struct LocalRejection {
  std::vector<double> thresholds_uv = {};  ///< peak-to-peak, a row; NaN where none was fitted
  double consensus = 0;    ///< kappa: fraction of spoiled channels at which an epoch is rejected
  size_t interpolate = 0;  ///< rho: most channels interpolated in one epoch
  std::vector<EpochLabel> labels = {};       ///< by epoch
  std::vector<RepairedEpoch> repaired = {};  ///< by epoch, those labelled so

  size_t Count(EpochLabel label) const {
    return static_cast<size_t>(std::ranges::count(labels, label));
  }
};

struct QualityReport {
  std::vector<ChannelQuality> channels = {};  ///< analysed EEG channels, in recording order
  std::vector<std::string> bad_channels = {};
  double score = 0;  ///< in [0, 1]
  Grade grade = Grade::kPoor;
  bool is_acceptable = false;
  std::vector<std::string> reasons = {};  ///< why not acceptable
  std::vector<std::string> notes = {};    ///< shortcomings that do not decide, excluded channels
  double epoch_s = 0;
  size_t epochs = 0;
  double good_epoch_fraction =
      0;  ///< epochs with artifacts in at most a fifth of the good channels
  double line_hz = 50;
  std::vector<ArtifactInterval> artifacts = {};
  ArtifactMask mask = {};
  LocalRejection local = {};

  double BadChannelFraction() const {
    if (channels.empty()) return 1.0;
    return static_cast<double>(bad_channels.size()) / static_cast<double>(channels.size());
  }
  /// Mean over the channels that are not bad; 0 without any.
  double GoodChannelGoodness() const {
    const size_t good = channels.size() - bad_channels.size();
    return good == 0 ? 0.0
                     : score * static_cast<double>(channels.size()) / static_cast<double>(good);
  }
};

/// Whether the report says so; nothing is bad without one.
bool IsBad(const QualityReport* quality, std::string_view channel);

struct QualityOptions {
  double epoch_s = 2.0;
  double line_hz = 0;  ///< 0: found out
};

/// Never fails for what the recording holds; only for I/O, cancellation and deadlines.
base::Result<QualityReport> AssessQuality(const RecordingView& recording,
                                          const QualityOptions& options, const Control& control);

}  // namespace montage::analysis
