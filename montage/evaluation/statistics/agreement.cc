#include "montage/evaluation/statistics/agreement.h"

#include <limits>
#include <numeric>

namespace montage::evaluation {

ConfusionMatrix& ConfusionMatrix::operator+=(const ConfusionMatrix& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  return *this;
}

uint64_t ConfusionMatrix::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
}

uint64_t ConfusionMatrix::truth_total(size_t of) const {
  uint64_t sum = 0;
  for (size_t found = 0; found < classes_; ++found) sum += at(of, found);
  return sum;
}

uint64_t ConfusionMatrix::found_total(size_t of) const {
  uint64_t sum = 0;
  for (size_t truth = 0; truth < classes_; ++truth) sum += at(truth, of);
  return sum;
}

Count ConfusionMatrix::Accuracy() const {
  uint64_t right = 0;
  for (size_t i = 0; i < classes_; ++i) right += at(i, i);
  return {right, total()};
}

Count ConfusionMatrix::Sensitivity(size_t of) const { return {at(of, of), truth_total(of)}; }

Count ConfusionMatrix::Precision(size_t of) const { return {at(of, of), found_total(of)}; }

Count ConfusionMatrix::Specificity(size_t of) const {
  const uint64_t others = total() - truth_total(of);
  return {others - (found_total(of) - at(of, of)), others};
}

double F1Score(uint64_t hits, uint64_t missed, uint64_t false_alarms) {
  const auto all = static_cast<double>(2 * hits + missed + false_alarms);
  if (all == 0) return std::numeric_limits<double>::quiet_NaN();
  return 2 * static_cast<double>(hits) / all;
}

double ConfusionMatrix::F1(size_t of) const {
  return F1Score(at(of, of), truth_total(of) - at(of, of), found_total(of) - at(of, of));
}

double ConfusionMatrix::MacroF1() const {
  double sum = 0;
  size_t count = 0;
  for (size_t i = 0; i < classes_; ++i) {
    if (truth_total(i) + found_total(i) == 0) continue;
    sum += F1(i);
    ++count;
  }
  if (count == 0) return std::numeric_limits<double>::quiet_NaN();
  return sum / static_cast<double>(count);
}

double ConfusionMatrix::Kappa() const {
  const auto n = static_cast<double>(total());
  if (n == 0) return std::numeric_limits<double>::quiet_NaN();
  double expected = 0;
  for (size_t i = 0; i < classes_; ++i) {
    expected += static_cast<double>(truth_total(i)) / n * static_cast<double>(found_total(i)) / n;
  }
  if (expected >= 1) return 1;
  return (Accuracy().share() - expected) / (1 - expected);
}

}  // namespace montage::evaluation
