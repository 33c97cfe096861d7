#pragma once
// What the background activity is made of: band powers, rhythms, symmetry.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/control.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"
#include "montage/signal/spectrum.h"

namespace montage::analysis {

inline constexpr Method kSpectralMethod{"montage-spectral-welch", "1.0"};

struct NamedBand {
  std::string_view name = {};
  signal::FrequencyRange range;
};
/// Delta to gamma, contiguous; both edges belong to a band.
inline constexpr NamedBand kBands[] = {{"delta", {0.5, 4}},
                                       {"theta", {4, 8}},
                                       {"alpha", {8, 13}},
                                       {"beta", {13, 30}},
                                       {"gamma", {30, 100}}};
inline constexpr size_t kBandCount = std::size(kBands);
/// What gamma is made of.
inline constexpr NamedBand kGammaParts[] = {{"low_gamma", {30, 50}}, {"high_gamma", {50, 100}}};
/// Bands and total end at half the rate when that is lower.
inline constexpr signal::FrequencyRange kTotalRange{0.5, 100};
/// What edge and entropy are read from: below the mains frequency.
inline constexpr signal::FrequencyRange kShapeRange{0.5, 45};

struct BandPowers {
  double absolute[kBandCount] = {};  ///< microvolt^2
  double relative[kBandCount] = {};  ///< of the power from 0.5 to 100 Hz
};

/// A rhythm that stands out of the background.
struct Rhythm {
  double hz = 0;
  double prominence = 0;  ///< density at the peak over the fitted background there
};

struct ChannelSpectrum {
  std::string name = {};
  BandPowers bands = {};
  double total = 0;                                 ///< microvolt^2, 0.5 to 100 Hz
  double gamma_parts[std::size(kGammaParts)] = {};  ///< microvolt^2
  std::optional<Rhythm> peak_alpha = {};
  double edge95_hz = 0;
  double entropy = 0;  ///< in [0, 1]
  size_t segments = 0;
  bool with_artifacts = false;    ///< too few clean segments, so that all were used
  std::vector<double> plot = {};  ///< density at SpectralReport::plot_step_hz, microvolt^2 / Hz
};

/// Symmetric pair: (right - left) / (right + left), and ln right - ln left.
struct Asymmetry {
  std::string left = {};
  std::string right = {};
  std::string_view band = {};
  double index = 0;
  double log_ratio = 0;
};

struct SpectralReport {
  std::vector<ChannelSpectrum> channels =
      {};  ///< EEG channels that are not bad, in recording order
  std::optional<ChannelSpectrum> average =
      {};  ///< of the channels' densities; none without channel
  std::vector<Asymmetry> asymmetry = {};
  std::optional<Rhythm> posterior_rhythm =
      {};  ///< dominant rhythm over the back of the head, 4-14 Hz
  std::vector<std::string> posterior_channels = {};
  double segment_s = 0;
  double plot_step_hz = 0;
};

struct SpectralOptions {
  double segment_s = 4.0;  ///< Hann, half overlapping
  double plot_to_hz = 50;
  double plot_step_hz = 0.5;
};

/// `quality` (may be null) leaves out bad channels and segments with artifacts. Recordings shorter
/// than a segment are one segment. Error kInvalid when no channel can be analysed.
base::Result<SpectralReport> AnalyseSpectrum(const RecordingView& recording,
                                             const QualityReport* quality,
                                             const SpectralOptions& options,
                                             const Control& control);

/// Peak of the range over a straight line in log-log that is fitted beside it (1/f background,
/// Donoghue et al. 2020, simplified to one peak); none when it stands out less than twofold.
std::optional<Rhythm> FindRhythm(const signal::Spectrum& spectrum, signal::FrequencyRange range);

}  // namespace montage::analysis
