#include "lib/stats/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

namespace stats {
namespace {

// Steps that tell 10^digits values apart: the next power of two of 2 * 10^digits.
int StepBits(int digits) {
  uint64_t wanted = 2;
  for (int i = 0; i < digits; ++i) wanted *= 10;
  return static_cast<int>(std::bit_width(wanted - 1));
}

size_t CountsFor(const HistogramRange& range, int unit_shift, int step_bits) {
  size_t powers = 1;
  uint64_t below = uint64_t{1} << (step_bits + unit_shift);
  while (below <= range.highest) {
    ++powers;
    if (below > (~uint64_t{0} >> 1)) break;
    below <<= 1;
  }
  return (powers + 1) << (step_bits - 1);
}

}  // namespace

base::Result<Histogram> Histogram::Create(const HistogramRange& range) {
  const auto refuse = [](std::string what) {
    return base::Fail(base::ErrorCode::kInvalid, "the range of a histogram: " + std::move(what));
  };
  if (range.digits < 1 || range.digits > 5) {
    return refuse("expected 1 to 5 digits, found " + std::to_string(range.digits));
  }
  if (range.lowest < 1 || range.lowest > (uint64_t{1} << 40)) {
    return refuse("expected a lowest value of 1 to 2^40, found " + std::to_string(range.lowest));
  }
  if (range.highest < 2 * range.lowest || range.highest > (uint64_t{1} << 62)) {
    return refuse("expected a highest value of twice the lowest to 2^62, found " +
                  std::to_string(range.highest));
  }
  return Histogram(range);
}

Histogram::Histogram(const HistogramRange& range)
    : range_(range),
      unit_shift_(static_cast<int>(std::bit_width(range.lowest)) - 1),
      half_bits_(StepBits(range.digits) - 1),
      counts_(CountsFor(range, unit_shift_, half_bits_ + 1)) {}

size_t Histogram::IndexOf(uint64_t value) const {
  const uint64_t steps = uint64_t{2} << half_bits_;
  // The power of two that holds the value, counted from the first one with steps of unit width.
  const int width = static_cast<int>(std::bit_width(value | ((steps << unit_shift_) - 1)));
  const int power = width - (unit_shift_ + half_bits_ + 1);
  const uint64_t step = value >> (power + unit_shift_);
  return (static_cast<size_t>(power) << half_bits_) + static_cast<size_t>(step);
}

uint64_t Histogram::WidthOf(size_t index) const {
  const size_t power = index >> half_bits_;
  return uint64_t{1} << (unit_shift_ + static_cast<int>(power == 0 ? 0 : power - 1));
}

uint64_t Histogram::LowOf(size_t index) const {
  const size_t power = index >> half_bits_;
  const uint64_t half = uint64_t{1} << half_bits_;
  const uint64_t step = power <= 1 ? index : (index & (half - 1)) + half;
  return step * WidthOf(index);
}

void Histogram::Note(size_t index, uint64_t times) {
  if (count_ == 0) {
    first_ = last_ = index;
  } else {
    first_ = std::min(first_, index);
    last_ = std::max(last_, index);
  }
  counts_[index] += times;
  count_ += times;
}

void Histogram::Record(uint64_t value, uint64_t times) {
  if (times == 0) return;
  if (value > range_.highest) {
    clamped_ += times;
    value = range_.highest;
  }
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  Note(IndexOf(value), times);
}

void Histogram::AddAt(size_t index, uint64_t times) {
  if (times == 0) return;
  min_ = std::min(min_, LowOf(index));
  max_ = std::max(max_, LowOf(index) + WidthOf(index) - 1);
  Note(index, times);
}

void Histogram::Add(const Histogram& other) {
  if (other.count_ == 0) return;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  clamped_ += other.clamped_;
  for (size_t i = other.first_; i <= other.last_; ++i) {
    if (other.counts_[i] != 0) Note(i, other.counts_[i]);
  }
}

void Histogram::Clear() {
  if (count_ != 0) {
    std::fill(counts_.begin() + static_cast<ptrdiff_t>(first_),
              counts_.begin() + static_cast<ptrdiff_t>(last_) + 1, 0);
  }
  count_ = clamped_ = max_ = 0;
  min_ = ~uint64_t{0};
  first_ = last_ = 0;
}

double Histogram::mean() const {
  if (count_ == 0) return 0;
  double sum = 0;
  for (size_t i = first_; i <= last_; ++i) {
    if (counts_[i] == 0) continue;
    const auto middle = static_cast<double>(LowOf(i) + WidthOf(i) / 2);
    sum += middle * static_cast<double>(counts_[i]);
  }
  return sum / static_cast<double>(count_);
}

double Histogram::stddev() const {
  if (count_ == 0) return 0;
  const double center = mean();
  double sum = 0;
  for (size_t i = first_; i <= last_; ++i) {
    if (counts_[i] == 0) continue;
    const double away = static_cast<double>(LowOf(i) + WidthOf(i) / 2) - center;
    sum += away * away * static_cast<double>(counts_[i]);
  }
  return std::sqrt(sum / static_cast<double>(count_));
}

uint64_t Histogram::ValueAt(double quantile) const {
  if (count_ == 0) return 0;
  const double wanted =
      std::ceil(std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_) * (1 - 1e-15));
  const uint64_t rank = std::clamp<uint64_t>(static_cast<uint64_t>(wanted), 1, count_);
  uint64_t seen = 0;
  for (size_t i = first_; i <= last_; ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(max_, LowOf(i) + WidthOf(i) - 1);
  }
  return max_;
}

uint64_t Histogram::CountUpTo(uint64_t value) const {
  if (count_ == 0) return 0;
  const size_t end = std::min(last_, IndexOf(std::min(value, range_.highest)));
  uint64_t seen = 0;
  for (size_t i = first_; i <= end; ++i) seen += counts_[i];
  return seen;
}

void Histogram::EachStep(
    const std::function<void(uint64_t low, uint64_t high, uint64_t count)>& call) const {
  if (count_ == 0) return;
  for (size_t i = first_; i <= last_; ++i) {
    if (counts_[i] != 0) call(LowOf(i), LowOf(i) + WidthOf(i) - 1, counts_[i]);
  }
}

}  // namespace stats
