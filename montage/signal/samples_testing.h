#pragma once
// Samples that the tests of this module share.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "lib/base/random.h"

namespace montage::signal {

inline std::vector<double> Noise(size_t count, uint64_t seed, double deviation = 1,
                                 double mean = 0) {
  base::Random random(seed);
  std::vector<double> samples(count);
  for (double& sample : samples) sample = deviation * random.Normal() + mean;
  return samples;
}

inline std::vector<double> Sine(size_t count, double cycles_per_sample) {
  std::vector<double> samples(count);
  for (size_t i = 0; i < count; ++i) {
    samples[i] = std::sin(2 * std::numbers::pi * cycles_per_sample * static_cast<double>(i));
  }
  return samples;
}

}  // namespace montage::signal
