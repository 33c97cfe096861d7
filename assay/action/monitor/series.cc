#include "assay/action/monitor/series.h"

#include <algorithm>

namespace assay::action {
namespace {

// Weighs the means by their samples.
Series::Point Joined(const Series::Point& a, const Series::Point& b) {
  const auto weight_a = static_cast<double>(a.samples);
  const auto weight_b = static_cast<double>(b.samples);
  return {.at = a.at,
          .mean = (a.mean * weight_a + b.mean * weight_b) / (weight_a + weight_b),
          .min = std::min(a.min, b.min),
          .max = std::max(a.max, b.max),
          .samples = a.samples + b.samples};
}

}  // namespace

void Series::Add(base::Duration at, double value) {
  if (samples_ == 0) {
    first_ = min_ = max_ = value;
  }
  ++samples_;
  last_ = value;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += value;
  const Point one{.at = at, .mean = value, .min = value, .max = value, .samples = 1};
  if (!points_.empty() && points_.back().samples < per_point_) {
    points_.back() = Joined(points_.back(), one);
    return;
  }
  if (points_.size() == most_) Halve();
  if (points_.empty() || points_.back().samples >= per_point_) {
    points_.push_back(one);
  } else {
    points_.back() = Joined(points_.back(), one);
  }
}

void Series::Halve() {
  for (size_t i = 0; i + 1 < points_.size(); i += 2) {
    points_[i / 2] = Joined(points_[i], points_[i + 1]);
  }
  points_.resize(points_.size() / 2);
  per_point_ *= 2;
}

double Series::mean() const { return samples_ == 0 ? 0 : sum_ / static_cast<double>(samples_); }

}  // namespace assay::action
