#pragma once
// Spherical-spline weights for many different sets of missing electrodes at the price of one matrix
// inversion.
//
// The spline through the sources G is solved with the matrix A (kernel values, smoothing, and the
// constant's row). With M = A^-1 over all electrodes, and B those that are missing, A M = 1 gives
//   weights of B from G  =  A_BG (A_GG)^-1  =  -(M_BB)^-1 M_BG
// so that a set costs an inversion of its own small size only. The weights are those of
// signal::SplineWeights (Perrin et al. 1989).

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "montage/signal/scalp/electrodes.h"

namespace montage::analysis {

/// Fewest electrodes that a missing one is interpolated from.
inline constexpr size_t kMinSources = 4;

/// Interpolates between the rows of a table.
class ScalpInterpolator {
 public:
  /// A row without position is never a source and never interpolated.
  explicit ScalpInterpolator(std::span<const std::optional<signal::Position>> positions);

  size_t rows() const { return index_.size(); }
  bool HasPosition(size_t row) const { return index_[row].has_value(); }

  /// weights[m * rows() + row] of every row for missing[m]; 0 for missing rows. Empty when fewer
  /// than kMinSources rows with a position remain. Requires: distinct rows with a position.
  std::vector<double> Weights(std::span<const size_t> missing) const;

 private:
  std::vector<std::optional<size_t>> index_;  ///< of each row in the matrix
  size_t electrodes_ = 0;
  std::vector<double> inverse_;  ///< (electrodes + 1)^2, the constant last
};

}  // namespace montage::analysis
