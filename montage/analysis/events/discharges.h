#pragma once
// Sharp transients: what a reader's eye stops at.
//
// A spike lasts 20 to 70 ms, a sharp wave 70 to 200 ms; both stand out from the background, have
// two steep sides, and a field over more than one electrode (Kane et al. 2017, revised glossary of
// the IFCN; Gotman, Gloor 1976 for amplitude relative to the surroundings). The measure is the
// curvature over a distance s,
//
//   c_s(t) = x(t) - (x(t - s) + x(t + s)) / 2
//
// with s = 40 ms. It is large for sharp waves and small for everything slow; its scale is the
// median |c| of the channel over the chunk. A maximum of |c| is a discharge when it is
//   large      at least kLeastZ robust deviations and kLeastUv
//   two-sided  both sides fall (an electrode pop has one steep side)
//   brief      c_40ms is at least kLeastSharpness of c_100ms (blinks, slow waves are wider)
//   alone      it exceeds what surrounds it within half a second (not one wave of a rhythm)
// Simultaneous ones of several channels are one discharge, with its largest channel in front.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "montage/analysis/events/conditioning.h"
#include "montage/analysis/events/scalp_layout.h"

namespace montage::analysis {

struct Discharge {
  double time_s = 0;        ///< of the peak
  double start_s = 0;       ///< where the first side begins
  uint16_t row = 0;         ///< the largest
  uint16_t rows = 0;        ///< how many see it, beyond 2.5 deviations with the same sign
  uint64_t seen = 0;        ///< a bit for each of the first 64 rows that do
  float amplitude_uv = 0;   ///< the smaller of the two sides, signed as the peak
  float z = 0;              ///< curvature over its robust deviation
  float sharpness = 0;      ///< c_40ms / c_100ms: about 1 for spikes, 0.4 for 250 ms waves
  float isolation = 0;      ///< |c| over the upper quartile of its surroundings
  float half_width_s = 0;   ///< at half height
  float slow_wave = 0;      ///< mean 100 to 300 ms after over amplitude; positive: same sign
  float left_uv = 0;        ///< mean curvature towards the peak's sign over the left rows
  float right_uv = 0;
  float field = 0;          ///< mean of the neighbours' curvature over its own

  /// In [-1, 1]: 1 is left only, 0 equal; 0 without rows on both sides.
  double Laterality() const {
    const double sum = static_cast<double>(left_uv) + static_cast<double>(right_uv);
    return sum <= 0 ? 0.0 : static_cast<double>(left_uv - right_uv) / sum;
  }
  bool IsNegative() const { return amplitude_uv < 0; }
};

/// A step of one channel that decays.
struct ElectrodePop {
  double time_s = 0;
  size_t row = 0;
};

struct ChunkDischarges {
  std::vector<Discharge> discharges = {};  ///< by time, within the chunk's own part
  std::vector<ElectrodePop> pops = {};
};

/// Robust deviation of the curvature of each row over a chunk, and the discharges in it.
class DischargeFinder {
 public:
  explicit DischargeFinder(const ScalpLayout& layout) : layout_(layout) {}
  ChunkDischarges Find(const ConditionedChunk& chunk);

 private:
  struct Candidate {
    size_t sample;
    size_t row;
    Discharge shape;
  };
  void Scan(const ConditionedChunk& chunk, size_t row, ChunkDischarges& found);
  bool Describe(const ConditionedChunk& chunk, Candidate& candidate, ChunkDischarges& found) const;
  void DescribeField(const ConditionedChunk& chunk, Candidate& candidate) const;
  std::span<const float> Curvature(size_t row, size_t samples) const {
    return std::span(curvature_).subspan(row * samples, samples);
  }
  float Deviation(size_t row, size_t sample) const {
    return deviation_[row * blocks_ + sample / block_samples_];
  }
  float DeviationWithin(size_t row, size_t samples, size_t from, size_t until);

  const ScalpLayout& layout_;
  std::vector<float> curvature_;   ///< [row][sample]
  std::vector<float> deviation_;   ///< robust, [row][block]
  size_t blocks_ = 0;
  size_t block_samples_ = 1;
  std::vector<float> scratch_;
  std::vector<Candidate> candidates_;
};

}  // namespace montage::analysis
