#pragma once
// Where the channels that detection works on lie, and which belong together.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "montage/analysis/quality/quality.h"
#include "montage/analysis/recording_view.h"
#include "montage/signal/scalp/electrodes.h"

namespace montage::analysis {

enum class Side { kLeft, kMidline, kRight, kUnknown };

/// One usable channel.
struct ScalpRow {
  size_t channel = 0;  ///< index in the recording
  std::string name = {};
  bool bipolar = false;
  /// Of the electrode, or of the middle between the two of a bipolar channel (`Fp1-F7`).
  std::optional<signal::Position> position = {};
  Side side = Side::kUnknown;
  std::string_view region = "unknown position";  ///< `left temporal`, `frontal midline`, ...
  std::vector<size_t> neighbours = {};           ///< up to four nearest rows
  std::optional<size_t> opposite = {};           ///< the row at the mirror position
  std::optional<size_t> quality = {};            ///< row of the quality report's artifact mask
};

/// The usable channels of one rate: EEG, not bad. A channel that is bad for its offset only is
/// usable, for the offset is filtered out.
struct ScalpLayout {
  double rate_hz = 0;     ///< the most frequent rate among them
  uint64_t samples = 0;   ///< of the shortest
  std::vector<ScalpRow> rows = {};
  std::vector<size_t> left = {}, right = {};  ///< rows beside the midline
  std::vector<size_t> front = {};      ///< rows beside the eyes
  std::vector<size_t> posterior = {};  ///< rows over the parietal, posterior temporal, occipital lobes
  std::vector<size_t> central = {};    ///< rows around the vertex

  double duration_s() const { return rate_hz > 0 ? static_cast<double>(samples) / rate_hz : 0; }
};

ScalpLayout LayOut(const RecordingView& recording, const QualityReport& quality);

}  // namespace montage::analysis
