#pragma once
// Internal to this folder: matrices of Eigen over those of the interfaces, without a copy.

#include <Eigen/Dense>

#include "montage/signal/ica/matrix.h"

namespace montage::signal {

using Dense = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

inline Eigen::Map<const Dense> View(const Matrix& matrix) {
  return {matrix.values.data(), static_cast<Eigen::Index>(matrix.rows),
          static_cast<Eigen::Index>(matrix.columns)};
}

inline Matrix Copy(const Dense& dense) {
  Matrix matrix =
      Matrix::Zero(static_cast<size_t>(dense.rows()), static_cast<size_t>(dense.cols()));
  Eigen::Map<Dense>(matrix.values.data(), dense.rows(), dense.cols()) = dense;
  return matrix;
}

}  // namespace montage::signal
