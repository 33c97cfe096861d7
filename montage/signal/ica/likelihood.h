#pragma once
// Internal to this folder: what both searches measure at an unmixing, and how they step from it.

#include <cstddef>
#include <deque>
#include <vector>

#include "montage/signal/ica/blocks.h"
#include "montage/signal/ica/dense.h"

namespace montage::signal {

/// Moments of the sources y = w z.
struct Point {
  Dense w;
  Dense variance;         ///< E[y y']
  Dense tanh_moment;      ///< E[tanh(y) y']
  Matrix cross;           ///< E[tanh(y) z']
  Eigen::VectorXd slope;  ///< E[1 - tanh^2 y]
  Eigen::VectorXd log_cosh;

  /// 1 for components that are more peaked than the normal, -1 for less, by the stability criterion
  /// of Lee, Girolami, Sejnowski 1999: sign(E[1 - tanh^2 y] E[y^2] - E[y tanh y]).
  Eigen::VectorXd Signs() const;
};

/// Evaluates unmixings of the same samples, one pass each.
class Evaluator {
 public:
  explicit Evaluator(const SampleBlocks& z) : z_(z), covariance_(View(z.Covariance())) {}
  Point At(const Dense& w);
  size_t passes() const { return passes_; }

 private:
  const SampleBlocks& z_;
  Dense covariance_;
  size_t passes_ = 0;
};

/// The last steps of L-BFGS (Nocedal, Wright 2006, algorithm 7.4).
class StepMemory {
 public:
  bool empty() const { return steps_.empty(); }
  void Forget() { steps_.clear(); }
  /// `change` is what the step did to the gradient.
  void Remember(const Dense& step, const Dense& change);
  /// Where to go from here; `solve` divides by an approximation of the Hessian.
  template <typename Solve>
  Dense Direction(Dense gradient, Solve solve) const {
    std::vector<double> alphas(steps_.size());
    for (size_t k = steps_.size(); k-- > 0;) {
      alphas[k] = steps_[k].inverse * Product(steps_[k].step, gradient);
      gradient -= alphas[k] * steps_[k].change;
    }
    Dense direction = solve(gradient);
    for (size_t k = 0; k < steps_.size(); ++k) {
      const double beta = steps_[k].inverse * Product(steps_[k].change, direction);
      direction += (alphas[k] - beta) * steps_[k].step;
    }
    return -direction;
  }

 private:
  static double Product(const Dense& a, const Dense& b) { return a.cwiseProduct(b).sum(); }

  struct Step {
    Dense step, change;
    double inverse;
  };
  std::deque<Step> steps_;
};

/// Goes to the first of 1, 1/2, 1/4, ... along the direction that does not raise the loss, and
/// shortens the direction to what was gone. False, with the point unchanged, when none does.
template <typename Move, typename Loss>
bool Descend(Evaluator& evaluator, const Move& move, const Loss& loss, Dense& direction,
             Point& point) {
  constexpr int kHalvings = 10;
  // Losses are sums over many samples: what differs by less is equal.
  constexpr double kNoise = 1e-13;
  const double before = loss(point);
  const double allowed = before + kNoise * std::max(1.0, std::abs(before));
  for (int halving = 0; halving <= kHalvings; ++halving) {
    Point next = evaluator.At(move(direction, point.w));
    const double after = loss(next);
    if (std::isfinite(after) && after <= allowed) {
      point = std::move(next);
      return true;
    }
    direction *= 0.5;
  }
  return false;
}

}  // namespace montage::signal
