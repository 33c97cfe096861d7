// Sample and approximate entropy: which short templates of a signal recur within a tolerance.
//
// The samples within r of a given one are those of a contiguous range of ranks, so that "differs by
// at most r" becomes a comparison of 16-bit ranks: four times as many in a vector register as
// doubles, and with exactly the outcome of |a - b| <= r.

#include <algorithm>
#include <array>
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
constexpr size_t kBlock = 4096;

/// The ranks of the samples within the tolerance of one: low, ..., low + width.
struct Range {
  uint16_t low;
  uint16_t width;
};

/// match[j] = 1 where rank[j] is in the range, else 0.
MONTAGE_SIMD_CLONES void Match(const uint16_t* rank, size_t count, Range range,
                               uint16_t* __restrict match) {
  for (size_t j = 0; j < count; ++j) {
    match[j] = static_cast<uint16_t>(rank[j] - range.low) <= range.width ? 1 : 0;
  }
}

/// Clears match[j] where rank[j] is not in the range. Returns how many are left; count <= kBlock.
MONTAGE_SIMD_CLONES uint16_t Narrow(const uint16_t* rank, size_t count, Range range,
                                    uint16_t* __restrict match) {
  uint16_t left = 0;
  for (size_t j = 0; j < count; ++j) {
    const uint16_t in = static_cast<uint16_t>(rank[j] - range.low) <= range.width ? 1 : 0;
    match[j] = static_cast<uint16_t>(match[j] & in);
    left = static_cast<uint16_t>(left + match[j]);
  }
  return left;
}

/// How many templates of m and of m + 1 samples match one.
struct Matches {
  size_t shorter = 0;
  size_t longer = 0;
};

class TemplateMatcher {
 public:
  TemplateMatcher(std::span<const double> samples, const MatchingOptions& options)
      : length_(options.length), ranks_(samples.size()), ranges_(samples.size()) {
    const double radius = options.tolerance * StandardDeviation(samples);
    std::vector<uint16_t> sorted(samples.size());
    std::iota(sorted.begin(), sorted.end(), static_cast<uint16_t>(0));
    std::ranges::sort(sorted, [&](uint16_t a, uint16_t b) {
      return samples[a] < samples[b] || (samples[a] == samples[b] && a < b);
    });
    size_t low = 0, high = 0;
    for (size_t p = 0; p < sorted.size(); ++p) {
      const double value = samples[sorted[p]];
      while (value - samples[sorted[low]] > radius) ++low;
      high = std::max(high, p);
      while (high + 1 < sorted.size() && samples[sorted[high + 1]] - value <= radius) ++high;
      ranks_[sorted[p]] = static_cast<uint16_t>(p);
      ranges_[sorted[p]] = {static_cast<uint16_t>(low), static_cast<uint16_t>(high - low)};
    }
  }

  /// Templates that start in [first, shorter_end), and longer ones in [first, longer_end), that
  /// match the one at `start`. Requires longer_end <= shorter_end.
  Matches Count(size_t start, size_t first, size_t shorter_end, size_t longer_end) {
    Matches matches;
    for (size_t j = first; j < shorter_end; j += kBlock) {
      const size_t count = std::min(kBlock, shorter_end - j);
      Match(&ranks_[j], count, ranges_[start], match_.data());
      size_t left = 0;
      if (length_ == 1) left = std::accumulate(match_.begin(), match_.begin() + count, size_t{0});
      for (size_t k = 1; k < length_; ++k) {
        left = Narrow(&ranks_[j + k], count, ranges_[start + k], match_.data());
        if (left == 0) break;
      }
      matches.shorter += left;
      if (left == 0 || j >= longer_end) continue;
      matches.longer += Narrow(&ranks_[j + length_], std::min(count, longer_end - j),
                               ranges_[start + length_], match_.data());
    }
    return matches;
  }

 private:
  size_t length_;
  std::vector<uint16_t> ranks_;
  std::vector<Range> ranges_;
  std::array<uint16_t, kBlock> match_;
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
  TemplateMatcher matcher(samples, options);
  const size_t starts = samples.size() - options.length;
  Matches pairs;
  for (size_t i = 0; i + 1 < starts; ++i) {
    const Matches found = matcher.Count(i, i + 1, starts, starts);
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
  TemplateMatcher matcher(samples, options);
  const size_t longer = samples.size() - options.length;
  const size_t shorter = longer + 1;
  double shorter_sum = 0.0, longer_sum = 0.0;
  for (size_t i = 0; i < shorter; ++i) {
    const Matches found = matcher.Count(i, 0, shorter, i < longer ? longer : 0);
    shorter_sum += std::log(static_cast<double>(found.shorter) / static_cast<double>(shorter));
    if (i < longer) {
      longer_sum += std::log(static_cast<double>(found.longer) / static_cast<double>(longer));
    }
  }
  return shorter_sum / static_cast<double>(shorter) - longer_sum / static_cast<double>(longer);
}

}  // namespace montage::signal
