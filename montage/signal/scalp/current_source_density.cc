#include "montage/signal/scalp/current_source_density.h"

#include <cmath>
#include <numbers>
#include <utility>

#include <Eigen/Dense>
#include <fmt/format.h>

namespace montage::signal {
namespace {

/// 1 / (4 pi) * sum over n = 1..terms of (2n + 1) / (n (n + 1))^power * P_n(cosine): the kernel of
/// the potential with power m, that of its Laplacian with m - 1.
double LegendreSeries(double cosine, int power, int terms) {
  double previous = 1.0, current = cosine, sum = 0.0;
  for (int n = 1; n <= terms; ++n) {
    const double product = static_cast<double>(n) * (n + 1);
    sum += (2.0 * n + 1.0) / std::pow(product, power) * current;
    const double next = ((2.0 * n + 1.0) * cosine * current - n * previous) / (n + 1.0);
    previous = std::exchange(current, next);
  }
  return sum / (4.0 * std::numbers::pi);
}

base::Result<void> CheckOptions(const CurrentSourceOptions& options) {
  if (!(options.smoothing >= 0.0) || options.smoothing >= 1.0 || options.stiffness < 2 ||
      options.stiffness > 6 || options.terms < 1 || options.terms > 200 ||
      !(options.radius_m > 0.0) || !std::isfinite(options.radius_m)) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("smoothing {}, stiffness {}, {} terms and radius {} m, expected "
                    "[0, 1), 2 to 6, 1 to 200 and more than 0",
                    options.smoothing, options.stiffness, options.terms, options.radius_m));
  }
  return {};
}

/// Rows of unit length.
base::Result<Eigen::MatrixXd> Directions(std::span<const Position> electrodes) {
  Eigen::MatrixXd directions(static_cast<Eigen::Index>(electrodes.size()), 3);
  for (size_t i = 0; i < electrodes.size(); ++i) {
    const Eigen::RowVector3d position(electrodes[i].x, electrodes[i].y, electrodes[i].z);
    const double distance = position.norm();
    if (!(distance > 0.0) || !std::isfinite(distance)) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("electrode {} is at ({}, {}, {}), expected a place other than "
                                    "the centre",
                                    i, electrodes[i].x, electrodes[i].y, electrodes[i].z));
    }
    directions.row(static_cast<Eigen::Index>(i)) = position / distance;
  }
  return directions;
}

}  // namespace

base::Result<std::vector<double>> CurrentSourceWeights(std::span<const Position> electrodes,
                                                       const CurrentSourceOptions& options) {
  TRY(CheckOptions(options));
  if (electrodes.size() < 2) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} electrodes, expected at least two", electrodes.size()));
  }
  TRY(const Eigen::MatrixXd directions, Directions(electrodes));
  const Eigen::MatrixXd cosines =
      (directions * directions.transpose()).cwiseMin(1.0).cwiseMax(-1.0);
  Eigen::MatrixXd potential = cosines.unaryExpr(
      [&](double c) { return LegendreSeries(c, options.stiffness, options.terms); });
  const Eigen::MatrixXd laplacian = cosines.unaryExpr(
      [&](double c) { return LegendreSeries(c, options.stiffness - 1, options.terms); });
  potential.diagonal().array() += options.smoothing;
  const Eigen::FullPivLU<Eigen::MatrixXd> solver(potential);
  if (!solver.isInvertible()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      "two electrodes are in one direction, so no spline runs through both");
  }
  // Coefficients C = G^-1 (V - mean V) - (what makes their sum 0) for each unit potential V.
  const Eigen::Index n = potential.rows();
  const Eigen::MatrixXd inverse = solver.inverse();
  const Eigen::RowVectorXd sums = inverse.colwise().sum();
  const Eigen::MatrixXd centred =
      Eigen::MatrixXd::Identity(n, n).array() - 1.0 / static_cast<double>(n);
  Eigen::MatrixXd coefficients = inverse * centred;
  const Eigen::RowVectorXd constant = coefficients.colwise().sum() / sums.sum();
  coefficients -= sums.transpose() * constant;
  const Eigen::MatrixXd densities =
      laplacian * coefficients / (options.radius_m * options.radius_m);
  std::vector<double> weights;
  weights.reserve(electrodes.size() * electrodes.size());
  for (Eigen::Index row = 0; row < n; ++row) {
    for (Eigen::Index column = 0; column < n; ++column) weights.push_back(densities(row, column));
  }
  return weights;
}

}  // namespace montage::signal
