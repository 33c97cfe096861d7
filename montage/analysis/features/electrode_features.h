#pragma once
// The measures of the electrodes of one window, as columns of lanes. Internal to this folder.

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "montage/analysis/features/feature_layout.h"
#include "montage/signal/fft.h"

namespace montage::analysis {

/// Channels that are transformed side by side.
inline constexpr size_t kFeatureLanes = 8;

/// Measures a window that is already limited to kFeatureBand, at kFeatureRateHz.
class ElectrodeMeasures {
 public:
  ElectrodeMeasures();

  /// Powers of the bands of each lane, which the head's measures need as well, microvolt^2.
  using BandPowers = std::array<double, kFeatureBands.size()>;

  /// `samples`: kFeatureSamples of kFeatureLanes interleaved lanes. Fills all measures but the last
  /// (mean_correlation, which needs the other electrodes) of the first `count` lanes.
  /// Requires: into.size() == count * kFeaturesPerElectrode, powers.size() == count.
  void Measure(std::span<const double> samples, size_t count, std::span<float> into,
               std::span<BandPowers> powers);

 private:
  void Spectrum(std::span<const double> samples);
  void SpectralMeasures(size_t lane, float* into, BandPowers& powers) const;
  void ShapeMeasures(std::span<const double> samples, size_t lane, float* into);

  signal::RealFft fft_;
  std::vector<double> window_;
  std::vector<double> frame_;
  std::vector<double> real_;
  std::vector<double> imaginary_;
  std::vector<double> density_;  ///< [bin][lane], microvolt^2 / Hz
  std::vector<double> one_;      ///< one lane's samples
};

}  // namespace montage::analysis
