#include <algorithm>
#include <cmath>

#include <Eigen/LU>

#include "montage/signal/ica/likelihood.h"
#include "montage/signal/ica/solver.h"

namespace montage::signal {
namespace {

/// Of the Hessian approximation, as in the paper.
constexpr double kLeastCurvature = 0.01;

/// Minus the mean log likelihood.
double Loss(const Point& point, const Eigen::VectorXd& signs) {
  const Eigen::PartialPivLU<Dense> lu(point.w);
  const double log_determinant = lu.matrixLU().diagonal().array().abs().log().sum();
  return 0.5 * point.variance.trace() + signs.dot(point.log_cosh) - log_determinant;
}

/// Of the loss, by E in W + E W.
Dense Gradient(const Point& point, const Eigen::VectorXd& signs) {
  Dense gradient = signs.asDiagonal() * point.tanh_moment + point.variance;
  gradient.diagonal().array() -= 1.0;
  return gradient;
}

/// h(i, j) = E[score'(y_i)] E[y_j^2], the first approximation of the paper, where the least
/// eigenvalue of [[h(i, j), 1], [1, h(j, i)]] is raised to the least curvature.
Dense Curvature(const Point& point, const Eigen::VectorXd& signs) {
  const Eigen::VectorXd steepness = (signs.cwiseProduct(point.slope).array() + 1.0).matrix();
  Dense h = steepness * point.variance.diagonal().transpose();
  for (Eigen::Index i = 0; i < h.rows(); ++i) {
    for (Eigen::Index j = 0; j < i; ++j) {
      const double least = 0.5 * (h(i, j) + h(j, i) - std::hypot(h(i, j) - h(j, i), 2.0));
      const double lift = std::max(kLeastCurvature - least, 0.0);
      h(i, j) += lift;
      h(j, i) += lift;
    }
  }
  return h;
}

/// Solves h(i, j) x(i, j) + x(j, i) = q(i, j).
Dense Solve(const Dense& h, const Dense& q) {
  Dense x(q.rows(), q.cols());
  for (Eigen::Index i = 0; i < q.rows(); ++i) {
    for (Eigen::Index j = 0; j < q.cols(); ++j) {
      x(i, j) = i == j ? q(i, i) / (h(i, i) + 1.0)
                       : (h(j, i) * q(i, j) - q(j, i)) / (h(i, j) * h(j, i) - 1.0);
    }
  }
  return x;
}

}  // namespace

Found SearchInfomax(const SampleBlocks& z, const Matrix& start, SearchLimit limit,
                    StepMemory& memory) {
  Found found;
  Evaluator evaluator(z);
  Point point = evaluator.At(View(start));
  Eigen::VectorXd signs = point.Signs();
  const auto move = [](const Dense& step, const Dense& w) -> Dense { return w + step * w; };
  const auto loss = [&](const Point& at) { return Loss(at, signs); };
  while (true) {
    const Dense gradient = Gradient(point, signs);
    found.residual = gradient.cwiseAbs().maxCoeff();
    found.converged = found.residual < limit.tolerance;
    if (found.converged || found.iterations == limit.iterations) break;
    ++found.iterations;
    const Dense h = Curvature(point, signs);
    Dense step = memory.Direction(gradient, [&](const Dense& q) { return Solve(h, q); });
    if (!Descend(evaluator, move, loss, step, point)) {
      if (memory.empty()) break;  // rounding is reached: nothing leads down any more
      memory.Forget();
      continue;
    }
    const Eigen::VectorXd now = point.Signs();
    if (now == signs) {
      memory.Remember(step, Gradient(point, signs) - gradient);
    } else {  // another density, so another loss
      signs = now;
      memory.Forget();
    }
  }
  found.unmixing = Copy(point.w);
  found.passes = evaluator.passes();
  return found;
}

}  // namespace montage::signal
