#pragma once
// Intervals of figures whose items belong together: epochs of one night, events of one recording.

#include <cstdint>
#include <functional>
#include <span>

#include "montage/evaluation/statistics/intervals.h"

namespace montage::evaluation {

struct BootstrapOptions {
  size_t resamples = 2000;
  uint64_t seed = 1;  ///< the same seed gives the same interval
  double confidence = 0.95;
};

/// Percentile interval of a figure under resampling of whole clusters with replacement (Davison and
/// Hinkley 1997, section 3.8): items of a recording are alike, recordings are independent. `figure`
/// gets the numbers of the chosen clusters, as many as there are, some repeatedly; values that are
/// not finite are left out. [NaN, NaN] when none was finite or without clusters.
Interval ClusterBootstrap(size_t clusters,
                          const std::function<double(std::span<const size_t>)>& figure,
                          const BootstrapOptions& options = {});

}  // namespace montage::evaluation
