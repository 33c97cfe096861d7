#pragma once
// What the components of a model show of themselves in windows of the recording.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "montage/analysis/artifacts/component_rules.h"
#include "montage/analysis/artifacts/segment_spectra.h"
#include "montage/signal/ica/ica.h"

namespace montage::analysis {

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
