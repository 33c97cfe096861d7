#pragma once
// Principal components scaled to unit variance: what every decomposition starts from.

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/ica/matrix.h"

namespace montage::signal {

/// How many principal components to keep; the smallest of the three limits counts.
struct ComponentLimit {
  size_t count = 0;                ///< 0: no limit
  double variance_fraction = 1.0;  ///< the fewest that explain at least this part, in (0, 1]
};

/// z = sphere * (x - means) has the identity as its covariance; means + desphere * z is x but for
/// what the left out components explain.
struct Whitening {
  std::vector<double> means = {};        ///< [channel], microvolts
  std::vector<double> eigenvalues = {};  ///< all of the covariance, descending, microvolt^2
  size_t rank = 0;                       ///< eigenvalues above kRankTolerance of the largest
  double explained = 0;                  ///< part of the variance in the kept components
  Matrix sphere = {};                    ///< kept components x channels, per microvolt
  Matrix desphere = {};                  ///< channels x kept components, microvolts
};

/// An average reference or an interpolated channel takes a dimension away; what is left of it is
/// rounding, about 1e-15 of the largest eigenvalue. Quantisation at 0.1 uV beside 10 mV is 1e-10.
inline constexpr double kRankTolerance = 1e-12;

/// Covariance divided by the number of samples; eigenvectors by Eigen's symmetric solver, each
/// turned so that its largest entry is positive. Error kInvalid: no channel, channels of different
/// lengths, a sample that is not finite, channels that are all constant, a limit outside its range.
base::Result<Whitening> Whiten(std::span<const std::span<const double>> channels,
                               ComponentLimit limit);

}  // namespace montage::signal
