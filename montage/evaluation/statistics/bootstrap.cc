#include "montage/evaluation/statistics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "lib/base/random.h"

namespace montage::evaluation {

Interval ClusterBootstrap(size_t clusters,
                          const std::function<double(std::span<const size_t>)>& figure,
                          const BootstrapOptions& options) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (clusters == 0) return {kNan, kNan};
  base::Random random = base::Random::ForPart(options.seed, "bootstrap");
  std::vector<double> values;
  std::vector<size_t> chosen(clusters);
  for (size_t i = 0; i < options.resamples; ++i) {
    for (size_t& one : chosen) one = random.Below(clusters);
    const double value = figure(chosen);
    if (std::isfinite(value)) values.push_back(value);
  }
  if (values.empty()) return {kNan, kNan};
  std::ranges::sort(values);
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(place);
    const size_t above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - std::floor(place)) * (values[above] - values[below]);
  };
  const double tail = (1 - options.confidence) / 2;
  return {at(tail), at(1 - tail)};
}

}  // namespace montage::evaluation
