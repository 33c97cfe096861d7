#pragma once
// A small dense matrix that crosses interfaces, so that no header needs Eigen.

#include <cstddef>
#include <span>
#include <vector>

namespace montage::signal {

/// Row after row.
struct Matrix {
  size_t rows = 0;
  size_t columns = 0;
  std::vector<double> values = {};

  static Matrix Zero(size_t rows, size_t columns) {
    return {rows, columns, std::vector<double>(rows * columns, 0.0)};
  }
  static Matrix Identity(size_t size) {
    Matrix matrix = Zero(size, size);
    for (size_t i = 0; i < size; ++i) matrix(i, i) = 1.0;
    return matrix;
  }
  double& operator()(size_t row, size_t column) { return values[row * columns + column]; }
  double operator()(size_t row, size_t column) const { return values[row * columns + column]; }
  std::span<const double> Row(size_t row) const {
    return std::span(values).subspan(row * columns, columns);
  }
};

}  // namespace montage::signal
