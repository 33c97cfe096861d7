#include "montage/signal/scalp/weighted_sum.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "montage/signal/finite.h"
#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

MONTAGE_SIMD_CLONES void AddOneScaled(double weight, const double* __restrict samples, size_t count,
                                      double* __restrict out) {
  for (size_t i = 0; i < count; ++i) out[i] += weight * samples[i];
}

/// Four inputs at a time, so that the output is loaded and stored a quarter as often.
MONTAGE_SIMD_CLONES void AddFourScaled(const double* weights, const double* __restrict a,
                                       const double* __restrict b, const double* __restrict c,
                                       const double* __restrict d, size_t count,
                                       double* __restrict out) {
  const double p = weights[0], q = weights[1], r = weights[2], s = weights[3];
  for (size_t i = 0; i < count; ++i) out[i] += (p * a[i] + q * b[i]) + (r * c[i] + s * d[i]);
}

}  // namespace

void AddScaled(double weight, std::span<const double> samples, std::span<double> out) {
  assert(samples.size() == out.size());
  AddOneScaled(weight, samples.data(), out.size(), out.data());
}

base::Result<void> ApplyWeights(std::span<const double> weights,
                                std::span<const std::span<const double>> in,
                                std::span<const std::span<double>> out) {
  if (weights.size() != in.size() * out.size()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} weights for {} channels into {}, expected {}", weights.size(),
                                  in.size(), out.size(), in.size() * out.size()));
  }
  if (out.empty()) return {};
  const size_t length = out.front().size();
  for (size_t c = 0; c < in.size(); ++c) {
    if (in[c].size() != length) {
      return base::Fail(base::ErrorCode::kInvalid,
                        fmt::format("channel {} has {} samples, expected "
                                    "{}",
                                    c, in[c].size(), length));
    }
    if (auto finite = CheckFinite(in[c]); !finite) {
      return base::Fail(std::move(finite).error().While(fmt::format("reading channel {}", c)));
    }
  }
  for (const auto& row : out) {
    if (row.size() == length) continue;
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("rows of {} and {} samples, expected equal lengths", length, row.size()));
  }
  // Blocks of all channels stay in the second level cache while every row passes over them.
  constexpr size_t kBlock = 512;
  for (size_t first = 0; first < length; first += kBlock) {
    const size_t count = std::min(kBlock, length - first);
    const auto at = [&](size_t channel) { return in[channel].data() + first; };
    for (size_t row = 0; row < out.size(); ++row) {
      const double* of = &weights[row * in.size()];
      double* sums = out[row].data() + first;
      std::fill(sums, sums + count, 0.0);
      size_t c = 0;
      for (; c + 4 <= in.size(); c += 4) {
        AddFourScaled(of + c, at(c), at(c + 1), at(c + 2), at(c + 3), count, sums);
      }
      for (; c < in.size(); ++c) AddOneScaled(of[c], at(c), count, sums);
    }
  }
  return {};
}

}  // namespace montage::signal
