#pragma once
// Spectra of the 2 s from every whole second of a chunk, for all rows.

#include <cstddef>
#include <span>
#include <vector>

#include "montage/analysis/events/conditioning.h"
#include "montage/signal/fft.h"

namespace montage::analysis {

/// Hann-windowed power densities, uV^2 / Hz, up to kHighestHz. Holds scratch: one a thread.
class SecondSpectra {
 public:
  static constexpr double kHighestHz = 30.0;

  explicit SecondSpectra(double rate_hz);

  double step_hz() const { return step_hz_; }
  size_t bins() const { return bins_; }
  /// The first bin at or above a frequency.
  size_t BinOf(double hz) const;

  /// Densities of `count` seconds from `first_s` on, [second][bin], of one row of the chunk.
  void Measure(const ConditionedChunk& chunk, size_t row, double first_s, size_t count);
  std::span<const float> At(size_t second) const {
    return std::span(density_).subspan(second * bins_, bins_);
  }

 private:
  static constexpr size_t kLanes = 8;
  double rate_hz_;
  signal::RealFft fft_;
  double step_hz_;
  size_t bins_;
  double scale_ = 0;
  std::vector<double> window_;
  std::vector<double> frames_, real_, imaginary_;
  std::vector<float> density_;
};

}  // namespace montage::analysis
