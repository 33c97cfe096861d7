#pragma once
// One pass over a recording in chunks: a few numbers for each channel and epoch, from which quality
// is judged. Memory: 40 bytes a channel and epoch, plus one chunk of all channels.

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/control.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

/// What is measured in one epoch of one channel. Microvolts unless stated; deviations are of the
/// epoch without its mean.
struct Epoch {
  float mean = 0;
  float deviation = 0;  ///< standard deviation
  float peak_to_peak = 0;
  float step = 0;         ///< largest difference of neighbouring samples
  float roughness = 0;    ///< mean difference of neighbouring samples
  float fast = 0;         ///< deviation within 20 to 100 Hz, without the line frequency
  float line = 0;         ///< deviation within 1 Hz of the line frequency
  float slow = 0;         ///< deviation below 4 Hz
  float stuck = 0;        ///< fraction of samples repeated at the largest or smallest value
  float correlation = 0;  ///< largest |r| with a neighbour within 1 to 30 Hz; -1 without neighbour
};

/// Epochs of the analysed channels.
struct EpochTable {
  std::vector<size_t> channels;  ///< index in the recording of each row
  size_t epochs = 0;
  double epoch_s = 0;
  double line_hz = 50;
  std::vector<Epoch> cells;                     ///< [row][epoch]
  std::vector<size_t> missing;                  ///< samples that were not numbers, a row
  std::vector<std::vector<size_t>> neighbours;  ///< rows compared with each row

  std::span<const Epoch> Row(size_t row) const {
    return std::span(cells).subspan(row * epochs, epochs);
  }
  const Epoch& At(size_t row, size_t epoch) const { return cells[row * epochs + epoch]; }
};

/// Measures the given channels. Epochs are `epoch_s` long, or as long as the recording when that is
/// shorter; a rest shorter than an epoch is left out. `line_hz` 0: 50 or 60, whichever is stronger
/// in the first minutes. Samples that are not numbers count as 0 and are counted in `missing`.
base::Result<EpochTable> MeasureEpochs(const RecordingView& recording,
                                       std::span<const size_t> channels, double epoch_s,
                                       double line_hz, const Control& control);

}  // namespace montage::analysis
