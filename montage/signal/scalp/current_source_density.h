#pragma once
// The surface Laplacian of the scalp potential by spherical splines (Perrin, Pernier, Bertrand,
// Echallier 1989): what flows out of the skull under each electrode, independent of the reference.

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/signal/scalp/electrodes.h"

namespace montage::signal {

struct CurrentSourceOptions {
  double smoothing = 1e-5;  ///< lambda^2, added to the diagonal; at least 0 and less than 1
  int stiffness = 4;        ///< m of the splines, 2 to 6; small ones give local detail and noise
  int terms = 50;           ///< of the Legendre series, 1 to 200
  double radius_m = 0.095;  ///< of the head
};

/// weights[row * n + column]: density at electrode `row` = sum of weight * potential at `column`,
/// in potential unit / m^2 (microvolts give uV / m^2), positive for sources. Each row sums to 0,
/// for the potentials' average is removed first. The numbers of
/// mne.preprocessing.compute_current_source_density for the same positions about the origin.
/// Positions need not be on the unit sphere; their directions count.
/// Error kInvalid: fewer than 2 electrodes, a position at the centre or not finite, options out of
/// range, or two electrodes in one direction when smoothing is 0.
base::Result<std::vector<double>> CurrentSourceWeights(std::span<const Position> electrodes,
                                                       const CurrentSourceOptions& options = {});

}  // namespace montage::signal
