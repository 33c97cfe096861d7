#include "montage/signal/ica/likelihood.h"

namespace montage::signal {
namespace {

constexpr size_t kMemory = 15;  ///< steps; more of them saved no pass

}  // namespace

Eigen::VectorXd Point::Signs() const {
  const Eigen::VectorXd stable = slope.cwiseProduct(variance.diagonal()) - tanh_moment.diagonal();
  return stable.unaryExpr([](double value) { return value >= 0.0 ? 1.0 : -1.0; });
}

Point Evaluator::At(const Dense& w) {
  ++passes_;
  Scores scores = z_.ScoresOf(Copy(w));
  const auto size = w.rows();
  Point point{.w = w, .variance = w * covariance_ * w.transpose()};
  point.tanh_moment = View(scores.cross) * w.transpose();
  point.slope = Eigen::Map<const Eigen::VectorXd>(scores.slope.data(), size);
  point.log_cosh = Eigen::Map<const Eigen::VectorXd>(scores.log_cosh.data(), size);
  point.cross = std::move(scores.cross);
  return point;
}

void StepMemory::Remember(const Dense& step, const Dense& change) {
  const double curvature = Product(step, change);
  if (!(curvature > 0.0)) return;  // would cost the positive definiteness
  steps_.push_back({step, change, 1.0 / curvature});
  if (steps_.size() > kMemory) steps_.pop_front();
}

}  // namespace montage::signal
