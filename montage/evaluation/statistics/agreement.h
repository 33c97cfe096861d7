#pragma once
// How far two readers agree on the classes of the same items.

#include <cstdint>
#include <span>
#include <vector>

#include "montage/evaluation/statistics/intervals.h"

namespace montage::evaluation {

/// Counts by true class (row) and found class (column), classes from 0.
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(size_t classes) : classes_(classes), counts_(classes * classes) {}

  /// Requires: both are less than classes().
  void Add(size_t truth, size_t found, uint64_t count = 1) {
    counts_[truth * classes_ + found] += count;
  }
  /// Requires: as many classes.
  ConfusionMatrix& operator+=(const ConfusionMatrix& other);

  size_t classes() const { return classes_; }
  uint64_t at(size_t truth, size_t found) const { return counts_[truth * classes_ + found]; }
  uint64_t total() const;
  uint64_t truth_total(size_t of) const;
  uint64_t found_total(size_t of) const;

  /// Those on the diagonal.
  Count Accuracy() const;
  /// Of one class: found of those that are, and are of those that were found.
  Count Sensitivity(size_t of) const;
  Count Precision(size_t of) const;
  /// Not found as `of` of those that are not.
  Count Specificity(size_t of) const;
  /// Harmonic mean of sensitivity and precision; 0 when nothing was right, NaN when the class
  /// neither is nor was found.
  double F1(size_t of) const;
  /// Mean over the classes that occur on either side.
  double MacroF1() const;
  /// Agreement beyond chance (Cohen 1960): (po - pe) / (1 - pe). NaN without items; 1 when both
  /// sides know a single class and agree on it.
  double Kappa() const;

 private:
  size_t classes_;
  std::vector<uint64_t> counts_;
};

/// F1 from counts: 2 hits / (2 hits + missed + false).
double F1Score(uint64_t hits, uint64_t missed, uint64_t false_alarms);

}  // namespace montage::evaluation
