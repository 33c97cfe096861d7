#pragma once
// What the components of a model show of themselves in windows of the recording.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "montage/analysis/artifacts/component_rules.h"
#include "montage/signal/fft.h"
#include "montage/signal/ica/ica.h"

namespace montage::analysis {

/// Power of a source in one segment, by range of frequencies in Hz.
struct SegmentPower {
  double all = 0;    ///< 1 to 100
  double low = 0;    ///< 1 to 45
  double slow = 0;   ///< 1 to 7.5
  double fast = 0;   ///< 20 to 100, without mains
  double mains = 0;  ///< within 1 of the mains frequency
  double rhythmicity = 0;
};

/// Spectra of the segments of a window (Hann), all at once.
class SegmentSpectra {
 public:
  /// Windows of `window` samples; those shorter than 2 s are one segment. Requires: window > 0.
  SegmentSpectra(size_t window, double rate_hz, double line_hz);

  /// Appends the power of each segment of the window.
  void Add(std::span<const double> window, std::vector<SegmentPower>& powers);

 private:
  std::vector<double> Lags(std::span<const double> x) const;
  void AddRhythmicity(std::span<SegmentPower> powers);

  size_t length_, lanes_;
  double rate_hz_, line_hz_;
  signal::RealFft fft_;
  std::vector<double> taper_, frames_, real_, imaginary_, taper_lags_;
};

/// Sets the spectral measures. Mains count over all segments; the rest over the twentieth of them
/// with the most power, because a source that is active now and then shows what it is where it is
/// strongest.
void MeasureSpectrum(std::vector<SegmentPower> powers, ComponentMeasures& measures);

/// Sums over windows from which the measures of all components follow. The model must outlive it.
class ComponentMeter {
 public:
  /// `comparisons` channels (EOG, ECG) follow the model's in each window of `window` samples.
  ComponentMeter(const signal::IcaModel& model, size_t comparisons, size_t window, double rate_hz,
                 double line_hz);

  /// The model's channels first, then the channels to compare with.
  void Add(std::span<const std::vector<double>> window);
  /// Of one component, without those of its field; `eog` and `ecg` are comparisons.
  ComponentMeasures Finish(size_t component, std::span<const size_t> eog,
                           std::optional<size_t> ecg) const;

 private:
  void AddSource(size_t k, std::span<const std::vector<double>> window);
  double CorrelationWith(size_t k, size_t comparison) const;

  const signal::IcaModel& model_;
  double rate_hz_;
  SegmentSpectra spectra_;
  double observed_s_ = 0;
  std::vector<std::vector<double>> sources_;
  std::vector<double> fourth_, square_;
  std::vector<Beats> beats_;
  std::vector<std::vector<double>> products_;  ///< [component][channel to compare with]
  std::vector<double> energy_;                 ///< of the channels to compare with
  std::vector<std::vector<SegmentPower>> powers_;
};

}  // namespace montage::analysis
