#include <algorithm>
#include <cmath>

#include <Eigen/Eigenvalues>
#include <Eigen/LU>

#include "montage/signal/ica/likelihood.h"
#include "montage/signal/ica/solver.h"

namespace montage::signal {
namespace {

constexpr double kLeastCurvature = 0.01;
/// A fixed-point step must bring the residual down to this part to be followed by another.
constexpr double kQuick = 0.5;

/// (W W')^(-1/2) W: the orthogonal matrix nearest to W.
Dense Decorrelated(const Dense& w) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(w * w.transpose());
  return solver.operatorInverseSqrt() * w;
}

/// Hyvarinen's step. A component less peaked than the normal changes its sign in it, which does not
/// matter.
Dense FixedPointStep(const Point& point) {
  Dense next = View(point.cross);
  next -= point.slope.asDiagonal() * point.w;
  return Decorrelated(next);
}

/// Of the sum of sign_i E[log cosh y_i], by rotations: 0 at every fixed point of FastICA.
Dense Gradient(const Point& point, const Eigen::VectorXd& signs) {
  const Dense moment = signs.asDiagonal() * point.tanh_moment;
  return 0.5 * (moment - moment.transpose());
}

/// The diagonal of its Hessian when the sources are independent.
Dense Curvature(const Point& point, const Eigen::VectorXd& signs) {
  const Eigen::VectorXd gain =
      signs.cwiseProduct(point.slope - Eigen::VectorXd(point.tanh_moment.diagonal()));
  Dense h = Dense::Zero(gain.size(), gain.size());
  h.colwise() += gain;
  h.rowwise() += gain.transpose();
  return (0.5 * h).cwiseMax(kLeastCurvature);
}

/// A rotation by the antisymmetric step, to second order its exponential (Cayley).
Dense Rotated(const Dense& step, const Dense& w) {
  const Dense unit = Dense::Identity(w.rows(), w.rows());
  const Dense back = unit - 0.5 * step;
  return back.partialPivLu().solve(Dense((unit + 0.5 * step) * w));
}

}  // namespace

Found SearchFastIca(const SampleBlocks& z, const Matrix& start, SearchLimit limit,
                    StepMemory& memory) {
  Found found;
  Evaluator evaluator(z);
  Point point = evaluator.At(Decorrelated(View(start)));
  Eigen::VectorXd signs = point.Signs();
  bool quick = memory.empty();
  double before = 0;
  const auto loss = [&](const Point& at) { return signs.dot(at.log_cosh); };
  while (true) {
    const Dense gradient = Gradient(point, signs);
    found.residual = gradient.cwiseAbs().maxCoeff();
    found.converged = found.residual < limit.tolerance;
    if (found.converged || found.iterations == limit.iterations) break;
    quick = quick && (found.iterations == 0 || found.residual < kQuick * before);
    before = found.residual;
    ++found.iterations;
    if (quick) {
      Dense next = FixedPointStep(point);
      if (next.allFinite()) {
        point = evaluator.At(next);
        signs = point.Signs();
        continue;
      }
      quick = false;
    }
    const Dense h = Curvature(point, signs);
    Dense step =
        memory.Direction(gradient, [&](const Dense& q) -> Dense { return q.cwiseQuotient(h); });
    if (!Descend(evaluator, Rotated, loss, step, point)) {
      if (memory.empty()) break;  // rounding is reached: nothing leads down any more
      memory.Forget();
      continue;
    }
    const Eigen::VectorXd now = point.Signs();
    if (now == signs) {
      memory.Remember(step, Gradient(point, signs) - gradient);
    } else {
      signs = now;
      memory.Forget();
    }
  }
  found.unmixing = Copy(point.w);
  found.passes = evaluator.passes();
  return found;
}

}  // namespace montage::signal
