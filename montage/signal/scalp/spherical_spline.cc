#include "montage/signal/scalp/spherical_spline.h"

#include <cmath>
#include <numbers>

#include <Eigen/Dense>

#include "montage/signal/scalp/electrodes.h"

namespace montage::signal {
namespace {

constexpr int kTerms = 50;

double CosineBetween(const Position& a, const Position& b) { return std::cos(AngleBetween(a, b)); }

}  // namespace

double SplineKernel(double cosine) {
  double previous = 1.0;    // P_0
  double current = cosine;  // P_1
  double sum = 0.0;
  for (int n = 1; n <= kTerms; ++n) {
    const double product = static_cast<double>(n) * (n + 1);
    sum += (2.0 * n + 1.0) / (product * product * product * product) * current;
    const double next = ((2.0 * n + 1.0) * cosine * current - n * previous) / (n + 1.0);
    previous = current;
    current = next;
  }
  return sum / (4.0 * std::numbers::pi);
}

base::Result<std::vector<double>> SplineWeights(std::span<const Position> sources,
                                                std::span<const Position> targets,
                                                double smoothing) {
  if (sources.empty()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      "no good electrode to interpolate from, expected at least one");
  }
  // [G + smoothing, 1; 1', 0] [c; c0] = [values; 0], then value = g' c + c0.
  const auto n = static_cast<Eigen::Index>(sources.size());
  Eigen::MatrixXd system = Eigen::MatrixXd::Ones(n + 1, n + 1);
  system(n, n) = 0.0;
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index j = 0; j < n; ++j) {
      system(i, j) = SplineKernel(
          CosineBetween(sources[static_cast<size_t>(i)], sources[static_cast<size_t>(j)]));
    }
    system(i, i) += smoothing;
  }
  const Eigen::FullPivLU<Eigen::MatrixXd> solver(system);
  if (!solver.isInvertible()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      "two electrodes share one position, so no spline runs through both");
  }
  const Eigen::MatrixXd coefficients = solver.inverse().leftCols(n);
  std::vector<double> weights;
  weights.reserve(targets.size() * sources.size());
  for (const Position& target : targets) {
    Eigen::RowVectorXd row = Eigen::RowVectorXd::Ones(n + 1);
    for (Eigen::Index j = 0; j < n; ++j) {
      row(j) = SplineKernel(CosineBetween(target, sources[static_cast<size_t>(j)]));
    }
    const Eigen::RowVectorXd weight = row * coefficients;
    weights.insert(weights.end(), weight.begin(), weight.end());
  }
  return weights;
}

}  // namespace montage::signal
