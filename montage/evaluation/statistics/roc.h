#pragma once
// How well a score tells two classes apart, and whether it means what it says.

#include <span>
#include <vector>

#include "montage/evaluation/statistics/intervals.h"

namespace montage::evaluation {

/// A score and what was true. Higher scores speak for `positive`.
struct Scored {
  double score = 0;
  bool positive = false;
};

struct RocArea {
  double area = 0;  ///< P(score of a positive > that of a negative) + half of P(equal)
  /// DeLong, DeLong and Clarke-Pearson 1988; 0 when the classes are separated, NaN with fewer than
  /// two of a class.
  double standard_error = 0;
  /// Method 5 of Newcombe 2006 (Statistics in Medicine 25:559): the areas that differ from `area`
  /// by no more than z of their own standard errors (Hanley and McNeil 1982). Unlike DeLong's it is
  /// not empty when the classes are separated.
  Interval interval = {};
  size_t positives = 0;
  size_t negatives = 0;
};
/// Mann-Whitney. The area is NaN and the interval [0, 1] without both classes.
RocArea AreaUnderRoc(std::span<const Scored> items, double confidence = 0.95);

struct Calibration {
  double brier = 0;           ///< mean squared difference of score and outcome (Brier 1950)
  double expected_error = 0;  ///< ECE (Naeini et al. 2015): mean |share - score| over equal bins
  struct Bin {
    size_t count = 0;
    double mean_score = 0;
    double share = 0;  ///< of positives
  };
  std::vector<Bin> bins = {};
};
/// Scores are probabilities in [0, 1]. NaN without items.
Calibration Calibrate(std::span<const Scored> items, size_t bins = 10);

}  // namespace montage::evaluation
