#include "lib/stats/robust_line.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lib/stats/sample.h"

namespace stats {
namespace {

using base::ErrorCode;

// The sum of t(t-1)(2t+5) over groups of equal values, which ties take from Kendall's variance.
double Ties(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  double sum = 0;
  for (size_t i = 0; i < sorted.size();) {
    size_t end = i;
    while (end < sorted.size() && sorted[end] == sorted[i]) ++end;
    const auto t = static_cast<double>(end - i);
    sum += t * (t - 1) * (2 * t + 5);
    i = end;
  }
  return sum;
}

base::Result<void> Check(std::span<const double> xs, std::span<const double> ys,
                         double confidence) {
  if (xs.size() != ys.size()) return base::Fail(ErrorCode::kInvalid, "xs and ys differ in length");
  if (xs.size() < 3) return base::Fail(ErrorCode::kInvalid, "a robust line needs three points");
  if (xs.size() > kMostPoints) return base::Fail(ErrorCode::kTooLarge, "too many points");
  if (!(confidence > 0 && confidence < 1)) {
    return base::Fail(ErrorCode::kInvalid, "expected a confidence between 0 and 1");
  }
  const auto finite = [](double v) { return std::isfinite(v); };
  if (!std::ranges::all_of(xs, finite) || !std::ranges::all_of(ys, finite)) {
    return base::Fail(ErrorCode::kInvalid, "a point is not finite");
  }
  return {};
}

}  // namespace

base::Result<RobustLine> TheilSen(std::span<const double> xs, std::span<const double> ys,
                                  double confidence) {
  TRY(Check(xs, ys, confidence));
  std::vector<double> slopes;
  slopes.reserve(xs.size() * (xs.size() - 1) / 2);
  for (size_t i = 0; i < xs.size(); ++i) {
    for (size_t j = i + 1; j < xs.size(); ++j) {
      if (xs[i] != xs[j]) slopes.push_back((ys[j] - ys[i]) / (xs[j] - xs[i]));
    }
  }
  if (slopes.empty()) return base::Fail(ErrorCode::kInvalid, "all xs are equal");
  std::ranges::sort(slopes);
  RobustLine line;
  line.points = xs.size();
  line.slope = QuantileOfSorted(slopes, 0.5);
  std::vector<double> rests(xs.size());
  for (size_t i = 0; i < xs.size(); ++i) rests[i] = ys[i] - line.slope * xs[i];
  line.intercept = Median(rests);
  const auto n = static_cast<double>(xs.size());
  const double variance = (n * (n - 1) * (2 * n + 5) - Ties(xs) - Ties(ys)) / 18;
  const double spread = NormalQuantile(0.5 + confidence / 2) * std::sqrt(std::max(0.0, variance));
  const auto pairs = static_cast<double>(slopes.size());
  const auto pick = [&](double rank) {
    return slopes[static_cast<size_t>(std::clamp(rank, 0.0, pairs - 1))];
  };
  line.slope_low = pick(std::round((pairs - spread) / 2) - 1);
  line.slope_high = pick(std::round((pairs + spread) / 2));
  return line;
}

}  // namespace stats
