#pragma once
// Which number stands where in a window's feature vector. The names are published and stable: a
// change of order or meaning is a new version of the method.
//
//   0 .. 759   40 measures of each of the 19 electrodes of the 10-20 system, electrode by electrode
//   760 .. 767 8 measures of the whole head

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "montage/signal/spectrum.h"

namespace montage::analysis {

inline constexpr double kFeatureWindowS = 8.0;
inline constexpr double kFeatureStrideS = 4.0;

/// Every window is brought to this rate, so that vectors of recordings of any rate compare.
inline constexpr double kFeatureRateHz = 128.0;
inline constexpr size_t kFeatureSamples = 1024;
/// What the window is limited to, by leaving out the other bins of its transform.
inline constexpr signal::FrequencyRange kFeatureBand{0.5, 45.0};

inline constexpr size_t kFeatureElectrodes = 19;
inline constexpr size_t kFeaturesPerElectrode = 40;
inline constexpr size_t kHeadFeatures = 8;
inline constexpr size_t kFeatureCount = kFeatureElectrodes * kFeaturesPerElectrode + kHeadFeatures;
static_assert(kFeatureCount == 768);

struct FeatureBand {
  std::string_view name;
  signal::FrequencyRange range;
};
/// Upper ends belong to the band above, except the last one's.
inline constexpr std::array<FeatureBand, 8> kFeatureBands = {{{"delta_low", {0.5, 2}},
                                                              {"delta_high", {2, 4}},
                                                              {"theta", {4, 8}},
                                                              {"alpha_low", {8, 10}},
                                                              {"alpha_high", {10, 13}},
                                                              {"beta_low", {13, 20}},
                                                              {"beta_high", {20, 30}},
                                                              {"gamma", {30, 45}}}};

/// A measure and what it is, for documentation.
struct FeatureDoc {
  std::string_view name;
  std::string_view unit;
  std::string_view doc;
};
/// The 40 measures of an electrode, in order.
std::span<const FeatureDoc> ElectrodeFeatures();
/// The 8 measures of the head, in order.
std::span<const FeatureDoc> HeadFeatures();

/// The 768 names in order: `Fp1.log_delta_low`, ..., `head.synchrony`.
std::span<const std::string> FeatureNames();

}  // namespace montage::analysis
