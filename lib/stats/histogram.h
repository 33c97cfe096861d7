#pragma once
// High dynamic range histogram: counts of integers with a bounded relative error in constant
// memory.
//
// Layout after G. Tene, "HdrHistogram": every power of two from 2^k on is cut into the same number
// of equal steps, so that a step is never wider than 10^-digits of the values in it.
//
//   values   0 ........ 2047 | 2048 .... 4095 | 4096 ......... 8191 | ...
//   step     1               | 2              | 4                   |      (3 digits)
//   counts   2048            | 1024           | 1024                | ...
//
// Two histograms of the same range are merged without loss: the sum is what one histogram would
// have counted.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "lib/base/result.h"

namespace stats {

/// Which values are told apart. The unit is the caller's.
struct HistogramRange {
  uint64_t lowest = 1;               ///< smallest value that is told from zero; at least 1
  uint64_t highest = 3'600'000'000;  ///< at least 2 * lowest; one hour in microseconds
  int digits = 3;                    ///< significant decimal digits, 1 to 5
  bool operator==(const HistogramRange&) const = default;
};

/// Not thread-safe. Recording allocates nothing.
class Histogram {
 public:
  /// One microsecond to one hour with three digits: 23,552 counts.
  Histogram() : Histogram(HistogramRange{}) {}
  /// Requires: the range is one that Create accepts.
  explicit Histogram(const HistogramRange& range);
  /// kInvalid names what is wrong with the range.
  static base::Result<Histogram> Create(const HistogramRange& range);

  /// A value over the range is counted as the highest one, see clamped().
  void Record(uint64_t value, uint64_t times = 1);
  /// Adds what `other` counted. Requires: the same range.
  void Add(const Histogram& other);
  /// As new, memory kept.
  void Clear();

  uint64_t count() const { return count_; }
  /// Values that were over the range.
  uint64_t clamped() const { return clamped_; }
  /// Exact; 0 without values.
  uint64_t min() const { return count_ == 0 ? 0 : min_; }
  uint64_t max() const { return max_; }
  /// Within the resolution of the range; 0 without values.
  double mean() const;
  /// Of the whole population (divided by n).
  double stddev() const;
  /// The largest value of the step that holds the value of rank ceil(quantile * count), never more
  /// than max(). 0 without values. `quantile` in [0, 1].
  uint64_t ValueAt(double quantile) const;
  /// How many values are at most `value`, or in its step.
  uint64_t CountUpTo(uint64_t value) const;

  const HistogramRange& range() const { return range_; }
  size_t memory_bytes() const { return counts_.size() * sizeof(uint64_t); }
  bool operator==(const Histogram& other) const {
    return range_ == other.range_ && count_ == other.count_ && counts_ == other.counts_;
  }

  /// Calls with the first and last value of each step that is not empty, in order, and its count.
  void EachStep(const std::function<void(uint64_t low, uint64_t high, uint64_t count)>& call) const;

  // For the codec: the counts as they are laid out, up to the last one that is not zero.
  size_t used() const { return count_ == 0 ? 0 : last_ + 1; }
  size_t size() const { return counts_.size(); }
  uint64_t At(size_t index) const { return counts_[index]; }
  /// Adds to a count; min and max become the ends of its step.
  void AddAt(size_t index, uint64_t times);

 private:
  size_t IndexOf(uint64_t value) const;
  uint64_t LowOf(size_t index) const;
  uint64_t WidthOf(size_t index) const;
  void Note(size_t index, uint64_t times);

  HistogramRange range_;
  int unit_shift_ = 0;  // log2 of the width of the first steps
  int half_bits_ = 0;   // log2 of the steps in a power of two
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t clamped_ = 0;
  uint64_t min_ = ~uint64_t{0};
  uint64_t max_ = 0;
  size_t first_ = 0;  // of the counts that are not zero
  size_t last_ = 0;
};

}  // namespace stats
