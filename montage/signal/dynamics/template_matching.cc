// Sample and approximate entropy: which short templates of a signal recur within a tolerance.
//
// Whether two samples are within r of each other is a bit. A row of bits is one sample against
// kColumns consecutive ones; templates of m samples that match are the conjunction of m rows, each
// shifted by one more:
//
//   matches of template i:  row[i] & row[i + 1] >> 1 & row[i + 2] >> 2 ...
//
// so that 64 pairs are compared at a time. Rows come cheaply in the order of their samples' values:
// from one to the next, a few bits enter at the top of the tolerance and leave at its bottom.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/dynamics/entropy.h"
#include "montage/signal/finite.h"
#include "montage/signal/simd.h"
#include "montage/signal/statistics.h"

namespace montage::signal {
namespace {

constexpr size_t kLongestTemplate = 16;
constexpr size_t kWordBits = 64;
constexpr size_t kColumns = 2048;
constexpr size_t kWords = kColumns / kWordBits;
/// A row also holds the samples that the last templates of its columns reach.
constexpr size_t kStride = kWords + 1;
static_assert(kLongestTemplate <= kWordBits);

/// How many templates of m and of m + 1 samples match one.
struct Matches {
  size_t shorter = 0;
  size_t longer = 0;
};

/// Columns that count for a row: [first, last), not empty.
struct Columns {
  size_t first = 0;
  size_t last = kColumns;
};

/// Clears the bits of the columns that do not count, in the words that hold one that does.
void Mask(std::array<uint64_t, kWords>& match, Columns columns) {
  if (columns.first % kWordBits != 0) {
    match[columns.first / kWordBits] &= ~uint64_t{0} << columns.first % kWordBits;
  }
  if (columns.last % kWordBits != 0) {
    match[columns.last / kWordBits] &= ~(~uint64_t{0} << columns.last % kWordBits);
  }
}

/// Matches of the template of m = `length` samples that starts with `row`.
MONTAGE_SIMD_CLONES Matches CountRow(const uint64_t* row, size_t length, Columns columns) {
  std::array<uint64_t, kWords> match;
  const size_t first = columns.first / kWordBits;
  const size_t last = (columns.last + kWordBits - 1) / kWordBits;
  for (size_t w = first; w < last; ++w) match[w] = row[w];
  for (size_t k = 1; k < length; ++k) {
    const uint64_t* next = row + k * kStride;
    for (size_t w = first; w < last; ++w) {
      match[w] &= next[w] >> k | next[w + 1] << (kWordBits - k);
    }
  }
  Mask(match, columns);
  const uint64_t* end = row + length * kStride;
  uint64_t shorter = 0, longer = 0;
  for (size_t w = first; w < last; ++w) {
    const uint64_t both = match[w] & (end[w] >> length | end[w + 1] << (kWordBits - length));
    shorter += static_cast<uint64_t>(std::popcount(match[w]));
    longer += static_cast<uint64_t>(std::popcount(both));
  }
  return {shorter, longer};
}

class TemplateMatcher {
 public:
  TemplateMatcher(std::span<const double> samples, const MatchingOptions& options)
      : samples_(samples),
        length_(options.length),
        radius_(options.tolerance * StandardDeviation(samples)),
        sorted_(samples.size()),
        rows_((samples.size() + 1) * kStride, 0) {
    std::iota(sorted_.begin(), sorted_.end(), 0U);
    std::ranges::sort(sorted_, [&](uint32_t a, uint32_t b) {
      return samples[a] < samples[b] || (samples[a] == samples[b] && a < b);
    });
  }

  /// For each of the first `starts` templates, how many of the first `starts` match it: all, itself
  /// included, or only those that start later. Longer ones that would end beyond the signal match
  /// nothing.
  std::vector<Matches> Count(size_t starts, bool only_later) {
    std::vector<Matches> matches(starts);
    for (size_t column = 0; column < starts; column += kColumns) {
      const size_t end = only_later ? std::min(starts, column + kColumns) : starts;
      FillRows(column, std::min(samples_.size(), end + length_));
      for (size_t i = 0; i < end; ++i) {
        Columns columns{0, std::min(kColumns, starts - column)};
        if (only_later && i >= column) columns.first = i - column + 1;
        if (columns.first >= columns.last) continue;
        const Matches found = CountRow(&rows_[i * kStride], length_, columns);
        matches[i].shorter += found.shorter;
        matches[i].longer += found.longer;
      }
    }
    return matches;
  }

 private:
  /// Rows [0, end) against the samples from `column` on. The row behind the last sample stays 0.
  void FillRows(size_t column, size_t end) {
    const size_t last = std::min(samples_.size(), column + kStride * kWordBits);
    std::vector<uint32_t> members;  // of the columns, in order of their values
    for (const uint32_t i : sorted_) {
      if (i >= column && i < last) members.push_back(i);
    }
    std::array<uint64_t, kStride> bits{};
    const auto flip = [&](uint32_t member) {
      const size_t bit = member - column;
      bits[bit / kWordBits] ^= uint64_t{1} << bit % kWordBits;
    };
    size_t low = 0, high = 0;
    for (const uint32_t i : sorted_) {
      const double value = samples_[i];
      for (; high < members.size() && samples_[members[high]] - value <= radius_; ++high) {
        flip(members[high]);
      }
      for (; low < high && value - samples_[members[low]] > radius_; ++low) flip(members[low]);
      if (i < end) std::ranges::copy(bits, rows_.begin() + static_cast<ptrdiff_t>(i * kStride));
    }
  }

  std::span<const double> samples_;
  size_t length_;
  double radius_;
  std::vector<uint32_t> sorted_;
  std::vector<uint64_t> rows_;
};

base::Result<void> CheckMatching(std::span<const double> samples, const MatchingOptions& options) {
  if (options.length < 1 || options.length > kLongestTemplate) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("templates of {} samples, expected 1 to {}", options.length, kLongestTemplate));
  }
  if (!(options.tolerance > 0.0) || !std::isfinite(options.tolerance)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("tolerance of {} standard deviations, expected more than 0",
                                  options.tolerance));
  }
  if (samples.size() < options.length + 2) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} samples are too few for templates of {}, expected at least "
                                  "{}",
                                  samples.size(), options.length, options.length + 2));
  }
  if (samples.size() > kMostMatchedSamples) {
    return base::Fail(base::Error{
        .code = base::ErrorCode::kTooLarge,
        .message = fmt::format("{} samples, expected at most {} for the entropy of templates",
                               samples.size(), kMostMatchedSamples),
        .hint = "measure windows of the signal"});
  }
  return CheckFinite(samples);
}

}  // namespace

base::Result<double> SampleEntropy(std::span<const double> samples, MatchingOptions options) {
  TRY(CheckMatching(samples, options));
  const size_t starts = samples.size() - options.length;
  Matches pairs;
  for (const Matches& found : TemplateMatcher(samples, options).Count(starts, true)) {
    pairs.shorter += found.shorter;
    pairs.longer += found.longer;
  }
  if (pairs.longer == 0) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("no two of {} templates of {} samples match within {} standard deviations, so "
                    "sample entropy is undefined",
                    starts, options.length + 1, options.tolerance));
  }
  return -std::log(static_cast<double>(pairs.longer) / static_cast<double>(pairs.shorter));
}

base::Result<double> ApproximateEntropy(std::span<const double> samples, MatchingOptions options) {
  TRY(CheckMatching(samples, options));
  const size_t longer = samples.size() - options.length;
  const size_t shorter = longer + 1;
  const auto matches = TemplateMatcher(samples, options).Count(shorter, false);
  double shorter_sum = 0.0, longer_sum = 0.0;
  for (size_t i = 0; i < shorter; ++i) {
    const Matches& found = matches[i];
    shorter_sum += std::log(static_cast<double>(found.shorter) / static_cast<double>(shorter));
    if (i < longer) {
      longer_sum += std::log(static_cast<double>(found.longer) / static_cast<double>(longer));
    }
  }
  return shorter_sum / static_cast<double>(shorter) - longer_sum / static_cast<double>(longer);
}

}  // namespace montage::signal
