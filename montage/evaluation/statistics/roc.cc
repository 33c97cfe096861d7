#include "montage/evaluation/statistics/roc.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace montage::evaluation {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Ranks from 1, equal values share their mean.
std::vector<double> MidRanks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return values[a] != values[b] ? values[a] < values[b] : a < b;
  });
  std::vector<double> ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    for (size_t i = first; i < last; ++i)
      ranks[order[i]] = 0.5 * static_cast<double>(first + last + 1);
    first = last;
  }
  return ranks;
}

double Variance(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / (n - 1);
}

/// The standard error of an area in the exponential model of Hanley and McNeil, with Newcombe's
/// common n* in place of the two class sizes.
double ModelError(double area, double positives, double negatives) {
  const double n = (positives + negatives) / 2 - 1;
  const double extra = (1 - area) / (2 - area) + area / (1 + area);
  return std::sqrt(std::max(0.0, area * (1 - area) * (1 + n * extra) / (positives * negatives)));
}

Interval NewcombeInterval(double area, double positives, double negatives, double confidence) {
  const double z = NormalQuantile(0.5 + confidence / 2);
  const auto distance = [&](double candidate) {
    return std::abs(candidate - area) - z * ModelError(candidate, positives, negatives);
  };
  // From the area outwards the distance goes from at most 0 to at least 0 at the end.
  const auto limit = [&](double end) {
    double inside = area;
    double outside = end;
    if (distance(outside) <= 0) return outside;
    for (int i = 0; i < 100; ++i) {
      const double middle = (inside + outside) / 2;
      (distance(middle) <= 0 ? inside : outside) = middle;
    }
    return inside;
  };
  return {limit(0), limit(1)};
}

}  // namespace

// The components of DeLong by mid-ranks, after Sun and Xu 2014: with the rank of item i among all
// (T) and within its class (X or Y), V10_i = (T_i - X_i) / n and V01_j = 1 - (T_j - Y_j) / m.
RocArea AreaUnderRoc(std::span<const Scored> items, double confidence) {
  std::vector<double> positives, negatives, all;
  for (const Scored& item : items) (item.positive ? positives : negatives).push_back(item.score);
  RocArea out{.area = kNan, .standard_error = kNan};
  out.positives = positives.size();
  out.negatives = negatives.size();
  if (positives.empty() || negatives.empty()) return out;
  const auto m = static_cast<double>(positives.size());
  const auto n = static_cast<double>(negatives.size());
  all = positives;
  all.insert(all.end(), negatives.begin(), negatives.end());
  const std::vector<double> of_all = MidRanks(all);
  const std::vector<double> of_positives = MidRanks(positives);
  const std::vector<double> of_negatives = MidRanks(negatives);
  std::vector<double> over, under;
  for (size_t i = 0; i < positives.size(); ++i) over.push_back((of_all[i] - of_positives[i]) / n);
  for (size_t j = 0; j < negatives.size(); ++j)
    under.push_back(1 - (of_all[positives.size() + j] - of_negatives[j]) / m);
  out.area = std::accumulate(over.begin(), over.end(), 0.0) / m;
  if (positives.size() > 1 && negatives.size() > 1)
    out.standard_error = std::sqrt(Variance(over) / m + Variance(under) / n);
  out.interval = NewcombeInterval(out.area, m, n, confidence);
  return out;
}

Calibration Calibrate(std::span<const Scored> items, size_t bins) {
  Calibration out{.brier = kNan, .expected_error = kNan};
  out.bins.resize(bins);
  if (items.empty()) return out;
  out.brier = 0;
  out.expected_error = 0;
  for (const Scored& item : items) {
    const double outcome = item.positive ? 1 : 0;
    out.brier += (item.score - outcome) * (item.score - outcome);
    const double place = std::clamp(item.score, 0.0, 1.0) * static_cast<double>(bins);
    Calibration::Bin& bin = out.bins[std::min(bins - 1, static_cast<size_t>(place))];
    bin.count += 1;
    bin.mean_score += item.score;
    bin.share += outcome;
  }
  const auto total = static_cast<double>(items.size());
  out.brier /= total;
  for (Calibration::Bin& bin : out.bins) {
    if (bin.count == 0) continue;
    const auto count = static_cast<double>(bin.count);
    bin.mean_score /= count;
    bin.share /= count;
    out.expected_error += count / total * std::abs(bin.share - bin.mean_score);
  }
  return out;
}

}  // namespace montage::evaluation
