#pragma once
// What detection looks at: the usable channels in chunks, band-limited to about 0.5 to 35 Hz and
// brought to a rate of 120 to 240 Hz, and the energy above that band for muscle.
//
//   samples --missing held--> low-pass FIR, every d-th sample --> minus its running mean --> low
//                                     '--> what it took away, rms by frames of 0.25 s --> fast
//
// Both filters are symmetric, so nothing is delayed or skewed. Low-pass: Kaiser window, 45 dB down
// from 48 Hz on, so that mains of 50 and 60 Hz are gone. High-pass: minus the running mean over
// 1 s taken twice (gain sinc^2: 0.6 at 0.5 Hz, 0.9 at 0.75 Hz, 1 from 1 Hz on).

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/control.h"
#include "montage/analysis/events/scalp_layout.h"
#include "montage/analysis/recording_view.h"

namespace montage::analysis {

/// Chunks advance by this; margins on both sides give context to what lies at their edges.
inline constexpr double kChunkS = 60.0;
inline constexpr double kChunkMarginS = 4.0;
inline constexpr double kFrameS = 0.25;

/// One stretch of all rows. Sample 0 is at first_s, which may be before the recording.
struct ConditionedChunk {
  double first_s = 0;
  double begin_s = 0;  ///< the part that belongs to this chunk and to no other
  double end_s = 0;
  double rate_hz = 0;
  size_t samples = 0;  ///< of each row, a whole number of frames
  size_t frames = 0;
  size_t frame_samples = 0;
  std::vector<float> low;   ///< [row][sample], microvolts
  std::vector<float> fast;  ///< [row][frame], microvolts rms above about 41 Hz

  std::span<const float> Low(size_t row) const {
    return std::span(low).subspan(row * samples, samples);
  }
  std::span<const float> Fast(size_t row) const {
    return std::span(fast).subspan(row * frames, frames);
  }
  double TimeOf(size_t sample) const { return first_s + static_cast<double>(sample) / rate_hz; }
};

/// Holds scratch memory: one object a thread.
class Conditioner {
 public:
  /// Requires: a layout with rows.
  Conditioner(const RecordingView& recording, const ScalpLayout& layout);

  size_t chunk_count() const;
  double rate_hz() const { return rate_hz_; }
  /// Reads and filters a chunk; samples outside the recording are 0.
  base::Result<void> Read(size_t chunk, ConditionedChunk& into, const Control& control);

 private:
  void Filter(std::span<const double> samples, std::span<float> low);
  void MeasureFast(std::span<const double> samples, std::span<const float> low,
                   size_t frame_samples, std::span<float> fast) const;

  const RecordingView& recording_;
  const ScalpLayout& layout_;
  size_t decimation_ = 1;
  double rate_hz_ = 0;
  std::vector<float> taps_;      ///< odd, symmetric
  std::vector<double> samples_;  ///< as read, with the filter's support on both sides
  std::vector<float> phase_;
  std::vector<double> sums_;
};

}  // namespace montage::analysis
