#pragma once
// Which channels go together, band by band: by their spectra (coherence and its imaginary part) and
// by the phases of their rhythms (phase locking and weighted phase lag).
//
// Neighbouring electrodes see the same sources, so coherence and phase locking are high between
// them whatever the brain does; imaginary coherence and phase lag leave out what has no delay
// (Nolte et al. 2004; Vinck et al. 2011). All depend on the reference of the recording.
//
// Work and memory do not grow with the recording: of a long one, segments are taken at even
// distances.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "lib/base/result.h"
#include "montage/analysis/control.h"
#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"
#include "montage/analysis/spectral.h"

namespace montage::analysis {

inline constexpr Method kConnectivityMethod{"montage-connectivity", "1.0"};

struct ConnectivityAnalysisOptions {
  double segment_s = 2.0;       ///< of spectra: Hann, half overlapping
  size_t max_segments = 1200;   ///< 20 minutes of them
  double epoch_s = 4.0;         ///< of phases
  double epoch_margin_s = 1.0;  ///< filtered with each epoch on both sides
  size_t max_epochs = 40;
};

/// Values of all pairs (0, 1), (0, 2), ... (1, 2), ... of ConnectivityReport::channels.
struct BandConnectivity {
  NamedBand band = {};
  /// Means over the band's bins.
  std::vector<double> coherence = {};            ///< |Pxy|^2 / (Pxx Pyy), in [0, 1]
  std::vector<double> imaginary_coherence = {};  ///< mean of |Im Cxy|, in [0, 1]
  /// Means over epochs.
  std::vector<double> phase_locking = {};       ///< in [0, 1] (Lachaux et al. 1999)
  std::vector<double> weighted_phase_lag = {};  ///< in [0, 1] (Vinck et al. 2011)
};

struct ConnectivityReport {
  std::vector<std::string> channels = {};  ///< EEG channels that are not bad, of one rate
  std::vector<std::string> left_out = {};  ///< bad, or of another rate than most
  double rate_hz = 0;
  size_t segments = 0;                       ///< behind the coherences
  size_t epochs = 0;                         ///< behind the phase measures
  bool with_artifacts = false;               ///< too few clean segments, so that all were used
  std::vector<BandConnectivity> bands = {};  ///< those below half the rate

  size_t pairs() const { return channels.size() * (channels.size() - 1) / 2; }
};

/// `quality` (may be null) leaves out bad channels and segments with artifacts. Error kInvalid with
/// fewer than two channels, or a recording shorter than a segment.
base::Result<ConnectivityReport> AnalyseConnectivity(const RecordingView& recording,
                                                     const QualityReport* quality,
                                                     const ConnectivityAnalysisOptions& options,
                                                     const Control& control);

/// Pairs in the order of the report, four digits; the ten strongest of each band by name.
boost::json::object ToJson(const ConnectivityReport& report);

}  // namespace montage::analysis
