#include "montage/analysis/quality/thresholds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "lib/base/random.h"
#include "montage/signal/simd.h"

namespace montage::analysis {
namespace {

constexpr uint64_t kFoldSeed = 2017;
constexpr size_t kLanes = 8;

/// Adds the trial to the sum, then gives the squared distance of sum * factor to the median.
MONTAGE_SIMD_CLONES
double AddAndCompare(const float* trial, const float* median, double factor, size_t points,
                     double* sum) {
  double squares[kLanes] = {};
  size_t p = 0;
  for (; p + kLanes <= points; p += kLanes) {
    for (size_t l = 0; l < kLanes; ++l) {
      sum[p + l] += static_cast<double>(trial[p + l]);
      const double difference = sum[p + l] * factor - static_cast<double>(median[p + l]);
      squares[l] += difference * difference;
    }
  }
  double total = std::accumulate(std::begin(squares), std::end(squares), 0.0);
  for (; p < points; ++p) {
    sum[p] += static_cast<double>(trial[p]);
    const double difference = sum[p] * factor - static_cast<double>(median[p]);
    total += difference * difference;
  }
  return total;
}

/// Losses of every threshold, by fold.
class Search {
 public:
  Search(const Trials& trials, const ThresholdOptions& options)
      : trials_(trials), folds_(options.folds) {
    const size_t count = trials.swings.size();
    fold_ = DealFolds(trials.measured, folds_);
    const std::vector<size_t> rest = DealFolds(count - trials.measured, folds_);
    fold_.insert(fold_.end(), rest.begin(), rest.end());
    order_.resize(count);
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::ranges::sort(order_, {}, [&](size_t t) { return std::pair(trials.swings[t], t); });
    FindCandidates(options.floor_uv);
    losses_.assign(candidates_.size() * folds_, std::numeric_limits<double>::infinity());
    for (size_t fold = 0; fold < folds_; ++fold) Validate(fold);
  }

  double Choose(double standard_errors) const {
    size_t best = 0;
    for (size_t c = 1; c < candidates_.size(); ++c) {
      if (MeanLoss(c) < MeanLoss(best)) best = c;
    }
    size_t chosen = best;
    for (size_t c = candidates_.size(); c-- > best + 1;) {
      const Excess excess = ExcessOver(Losses(c), Losses(best));
      if (excess.mean <= standard_errors * excess.error) {
        chosen = c;
        break;
      }
    }
    return static_cast<double>(trials_.swings[order_[candidates_[chosen]]]);
  }

 private:
  /// Positions in order_ of the last trial of each distinct swing, from the floor on.
  void FindCandidates(double floor_uv) {
    for (size_t at = 0; at < order_.size(); ++at) {
      const float swing = trials_.swings[order_[at]];
      const bool last = at + 1 == order_.size();
      if (!last && trials_.swings[order_[at + 1]] == swing) continue;
      if (last || static_cast<double>(swing) >= floor_uv) candidates_.push_back(at);
    }
  }

  void Validate(size_t fold) {
    std::vector<size_t> validation;
    for (size_t t = 0; t < fold_.size(); ++t) {
      if (fold_[t] == fold) validation.push_back(t);
    }
    std::vector<float> median(trials_.points);
    MedianTrial(trials_.samples, validation, median);
    std::vector<double> sum(trials_.points, 0.0);
    size_t kept = 0;
    double squares = std::numeric_limits<double>::infinity();
    size_t next = 0;
    for (size_t at = 0; at < order_.size(); ++at) {
      const size_t trial = order_[at];
      if (fold_[trial] != fold) {
        ++kept;
        squares = AddAndCompare(trials_.samples.data() + trial * trials_.points, median.data(),
                                1.0 / static_cast<double>(kept), trials_.points, sum.data());
      }
      if (next < candidates_.size() && candidates_[next] == at) {
        losses_[next * folds_ + fold] = std::sqrt(squares / static_cast<double>(trials_.points));
        ++next;
      }
    }
  }

  std::span<const double> Losses(size_t candidate) const {
    return std::span(losses_).subspan(candidate * folds_, folds_);
  }
  double MeanLoss(size_t candidate) const {
    const auto losses = Losses(candidate);
    return std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(folds_);
  }

  const Trials& trials_;
  size_t folds_;
  std::vector<size_t> fold_;        ///< of each trial
  std::vector<size_t> order_;       ///< trials by swing
  std::vector<size_t> candidates_;  ///< positions in order_
  std::vector<double> losses_;      ///< [candidate][fold]
};

}  // namespace

std::vector<size_t> DealFolds(size_t count, size_t folds) {
  std::vector<size_t> shuffled(count);
  std::iota(shuffled.begin(), shuffled.end(), size_t{0});
  base::Random random(kFoldSeed);
  for (size_t i = count; i > 1; --i) std::swap(shuffled[i - 1], shuffled[random.Below(i)]);
  std::vector<size_t> fold(count);
  for (size_t i = 0; i < count; ++i) fold[shuffled[i]] = i % folds;
  return fold;
}

void MedianTrial(std::span<const float> samples, std::span<const size_t> trials,
                 std::span<float> out) {
  const size_t count = trials.size();
  std::vector<float> column(count);
  const auto middle = column.begin() + static_cast<ptrdiff_t>(count / 2);
  for (size_t p = 0; p < out.size(); ++p) {
    for (size_t t = 0; t < count; ++t) column[t] = samples[trials[t] * out.size() + p];
    std::ranges::nth_element(column, middle);
    out[p] =
        count % 2 == 1 ? *middle : 0.5F * (*middle + *std::max_element(column.begin(), middle));
  }
}

Excess ExcessOver(std::span<const double> loss, std::span<const double> least) {
  const auto count = static_cast<double>(loss.size());
  double sum = 0, squares = 0;
  for (size_t f = 0; f < loss.size(); ++f) sum += loss[f] - least[f];
  const double mean = sum / count;
  for (size_t f = 0; f < loss.size(); ++f) {
    const double difference = loss[f] - least[f] - mean;
    squares += difference * difference;
  }
  return {mean, std::sqrt(squares / (count * std::max(count - 1.0, 1.0)))};
}

double CrossValidatedThreshold(const Trials& trials, const ThresholdOptions& options) {
  if (trials.swings.empty()) return 0.0;
  if (trials.measured < 2 * options.folds) {
    return static_cast<double>(std::ranges::max(trials.swings));
  }
  return Search(trials, options).Choose(options.standard_errors);
}

}  // namespace montage::analysis
