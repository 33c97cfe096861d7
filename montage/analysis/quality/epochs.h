#pragma once
// One pass over a recording in chunks: a few numbers for each channel and epoch, from which quality
// is judged. Memory: 56 bytes a channel and epoch, one chunk of all channels, and at most 5 MB of
// thinned epochs (64 channels and fewer; 10 kB for each further one).

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
  float step = 0;         ///< largest difference of samples 4 ms (or one sample) apart
  float roughness = 0;    ///< mean difference of such samples
  float fast = 0;         ///< deviation within 20 to 100 Hz, without the line frequency
  float line = 0;         ///< deviation within 1 Hz of 50 or 60 Hz, above the activity around
  float slow = 0;         ///< deviation below 4 Hz
  float stuck = 0;        ///< fraction of samples repeated at the largest or smallest value
  float lowest = 0;       ///< smallest sample
  float highest = 0;      ///< largest sample
  float tilt = 0;         ///< power density within 1 to 15 Hz over that within 20 to 45 Hz
  float swing = 0;        ///< peak-to-peak of the thinned epoch, see ThinnedEpochs
  float correlation = 0;  ///< largest |r| with a neighbour within 1 to 30 Hz; -1 without neighbour
};

/// Points that a thinned epoch has at any rate: 64 Hz for an epoch of 2 s.
inline constexpr size_t kThinnedPoints = 128;
/// Channels times epochs that are kept thinned: what bounds the memory and time of fitting.
inline constexpr size_t kThinnedCells = size_t{300} * 32;
inline constexpr size_t kMostThinnedEpochs = 300;
inline constexpr size_t kLeastThinnedEpochs = 20;

/// Evenly spaced epochs (all of them in short recordings) with their samples averaged over
/// kThinnedPoints equal stretches and without their least-squares line: what thresholds are fitted
/// to.
struct ThinnedEpochs {
  std::vector<size_t> epochs;  ///< which, ascending
  std::vector<float> samples;  ///< [row][index in epochs][point], microvolts

  std::span<const float> Row(size_t row) const {
    const size_t size = epochs.size() * kThinnedPoints;
    return std::span(samples).subspan(row * size, size);
  }
};
/// How many of `epochs` are kept for this many channels.
size_t ThinnedCount(size_t epochs, size_t channels);

/// Epochs of the analysed channels.
struct EpochTable {
  std::vector<size_t> channels;  ///< index in the recording of each row
  size_t epochs = 0;
  double epoch_s = 0;
  double line_hz = 50;
  std::vector<Epoch> cells;                     ///< [row][epoch]
  std::vector<double> missing;                  ///< fraction of samples that were not numbers
  std::vector<std::vector<size_t>> neighbours;  ///< rows compared with each row
  /// [row][index in neighbours]: mean over the epochs of r within 1 to 30 Hz. Noise of its own goes
  /// to 0 with the length of the recording, which the best |r| of an epoch does not.
  std::vector<std::vector<double>> agreement;
  ThinnedEpochs thinned;

  std::span<const Epoch> Row(size_t row) const {
    return std::span(cells).subspan(row * epochs, epochs);
  }
  const Epoch& At(size_t row, size_t epoch) const { return cells[row * epochs + epoch]; }
};

/// Measures the given channels. Epochs are `epoch_s` long, or as long as the recording when that is
/// shorter; a rest shorter than an epoch is left out. `line_hz` 0: not known; the table then has
/// the frequency that stands out, 50 or 60 Hz. Samples that are not numbers count as 0 and are
/// counted in `missing`.
base::Result<EpochTable> MeasureEpochs(const RecordingView& recording,
                                       std::span<const size_t> channels, double epoch_s,
                                       double line_hz, const Control& control);

}  // namespace montage::analysis
