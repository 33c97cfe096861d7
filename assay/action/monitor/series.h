#pragma once
// A measured quantity over time, in bounded memory.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/base/clock.h"

namespace assay::action {

/// Keeps at most `most_points` points. When they are used up, every two neighbours become one, and
/// from then on a point stands for twice as many samples: a series of any length keeps its shape,
/// its lowest and its highest value. Statistics count every sample.
class Series {
 public:
  struct Point {
    base::Duration at{};  ///< of its first sample, since the monitor began
    double mean = 0;
    double min = 0;
    double max = 0;
    uint64_t samples = 0;
  };

  /// `most_points` is even and at least 2.
  explicit Series(size_t most_points = 600) : most_(most_points) {}

  void Add(base::Duration at, double value);

  const std::vector<Point>& points() const { return points_; }
  uint64_t samples() const { return samples_; }
  // Of all samples; 0 without any.
  double first() const { return first_; }
  double last() const { return last_; }
  double min() const { return min_; }
  double max() const { return max_; }
  double mean() const;

 private:
  void Halve();

  size_t most_;
  uint64_t per_point_ = 1;
  std::vector<Point> points_;
  uint64_t samples_ = 0;
  double first_ = 0;
  double last_ = 0;
  double min_ = 0;
  double max_ = 0;
  double sum_ = 0;
};

}  // namespace assay::action
