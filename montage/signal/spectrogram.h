#pragma once
// Power spectra along a recording.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/fft.h"
#include "montage/signal/simd.h"
#include "montage/signal/spectrum.h"

namespace montage::signal {

/// The one-sided density of every segment of a signal that arrives in pieces (Hann window, mean
/// removed from each: scipy.signal.spectrogram with window "hann" and detrend "constant"). Any
/// split of the input into calls gives the same columns, bit for bit. Holds two segments.
class Spectrogram {
 public:
  /// Error kInvalid for a rate or segment of 0 or overlap >= segment.
  static base::Result<Spectrogram> Make(double rate_hz, WelchOptions options);

  size_t bins() const { return fft_.length() / 2 + 1; }
  double step_hz() const { return rate_hz_ / static_cast<double>(fft_.length()); }
  /// Middle of the segment of a column, counted from 0, in seconds from the first sample.
  double TimeOf(uint64_t column) const;

  /// Appends the columns that are ready, bins() densities each in unit^2 / Hz; two segments are
  /// transformed together, so the last column may come with the next call. Error kInvalid, with the
  /// state unchanged, when a sample is not finite.
  base::Result<void> Push(std::span<const double> samples, std::vector<double>& columns);
  /// Appends the last column, if one is left, and starts afresh. Samples after the last whole
  /// segment have none, as in SciPy.
  void Finish(std::vector<double>& columns);

 private:
  Spectrogram(double rate_hz, WelchOptions options);
  void TransformPair(size_t segments, std::vector<double>& columns);

  double rate_hz_;
  size_t step_;
  Fft fft_;
  LineVector window_;
  double scale_ = 0.0;
  LineVector first_;
  LineVector second_;
  std::vector<double> held_;  ///< samples from the first segment without a column on
};

}  // namespace montage::signal
