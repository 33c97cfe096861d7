#include "montage/analysis/quality/interpolation.h"

#include <cmath>

#include <Eigen/Dense>

#include "montage/signal/scalp/spherical_spline.h"

namespace montage::analysis {
namespace {

constexpr double kSmoothing = 1e-5;  // as SplineWeights

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Index At(size_t index) { return static_cast<Eigen::Index>(index); }

}  // namespace

ScalpInterpolator::ScalpInterpolator(std::span<const std::optional<signal::Position>> positions) {
  std::vector<signal::Position> known;
  for (const auto& position : positions) {
    index_.push_back(position ? std::optional(known.size()) : std::nullopt);
    if (position) known.push_back(*position);
  }
  electrodes_ = known.size();
  const size_t size = electrodes_ + 1;
  Matrix system = Matrix::Ones(At(size), At(size));
  system(At(electrodes_), At(electrodes_)) = 0.0;
  for (size_t i = 0; i < electrodes_; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      const double value = signal::SplineKernel(std::cos(signal::AngleBetween(known[i], known[j])));
      system(At(i), At(j)) = value;
      system(At(j), At(i)) = value;
    }
    system(At(i), At(i)) += kSmoothing;
  }
  if (electrodes_ == 0) return;
  const Matrix inverse = system.partialPivLu().inverse();
  inverse_.assign(inverse.data(), inverse.data() + inverse.size());
}

std::vector<double> ScalpInterpolator::Weights(std::span<const size_t> missing) const {
  if (electrodes_ < missing.size() + kMinSources) return {};
  const size_t size = electrodes_ + 1;
  const Eigen::Map<const Matrix> inverse(inverse_.data(), At(size), At(size));
  const size_t count = missing.size();
  Matrix block(At(count), At(count));
  Matrix rest(At(count), At(electrodes_));
  for (size_t m = 0; m < count; ++m) {
    const size_t i = *index_[missing[m]];
    for (size_t k = 0; k < count; ++k)
      block(At(m), At(k)) = inverse(At(i), At(*index_[missing[k]]));
    rest.row(At(m)) = inverse.row(At(i)).head(At(electrodes_));
  }
  const Matrix solved = -block.partialPivLu().solve(rest);
  std::vector<double> weights(count * rows(), 0.0);
  std::vector<bool> is_missing(rows(), false);
  for (const size_t row : missing) is_missing[row] = true;
  for (size_t row = 0; row < rows(); ++row) {
    if (!index_[row] || is_missing[row]) continue;
    for (size_t m = 0; m < count; ++m) {
      weights[m * rows() + row] = solved(At(m), At(*index_[row]));
    }
  }
  return weights;
}

}  // namespace montage::analysis
