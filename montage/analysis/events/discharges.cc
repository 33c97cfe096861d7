#include "montage/analysis/events/discharges.h"

#include <algorithm>
#include <cmath>

#include "montage/signal/simd.h"
#include "montage/signal/statistics.h"

namespace montage::analysis {
namespace {

constexpr double kNearS = 0.04;
constexpr double kFarS = 0.1;
constexpr float kLeastZ = 4.5F;
constexpr float kLeastUv = 16.0F;
/// The deviation of a chunk is a poor guide where a part of it is suppressed; there the deviation
/// of the block of 10 s counts, up to what a lively background has.
constexpr double kBlockS = 10.0;
constexpr float kLivelyUv = 16.0F;
constexpr float kLeastSharpness = 0.42F;
constexpr float kLeastIsolation = 2.2F;
/// A strong one may have neighbours in a train.
constexpr float kStrongZ = 8.0F;
constexpr float kStrongIsolation = 1.5F;
constexpr float kRowShare = 0.5F;
constexpr float kLeastBalance = 0.35F;
/// Within this time both sides of a spike have come down alike; a pop has on one side only.
constexpr double kFlankS = 0.032;
constexpr double kLongestHalfWidthS = 0.11;
constexpr float kFieldZ = 2.5F;
/// A pop is large and leaves the neighbours alone.
constexpr float kPopUv = 60.0F;
constexpr float kPopField = 0.06F;
constexpr double kPopApartS = 0.5;
/// Discharges closer than this are one.
constexpr double kMergeS = 0.15;
/// Electrodes that see the same discharge differ by conduction along the cortex.
constexpr double kFieldS = 0.016;

size_t SamplesOf(double seconds, double rate_hz) {
  return std::max<size_t>(1, static_cast<size_t>(std::llround(seconds * rate_hz)));
}

MONTAGE_SIMD_CLONES void Curve(const float* __restrict x, size_t step, float* __restrict out,
                               size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = x[i + step] - 0.5F * (x[i] + x[i + 2 * step]);
}

/// Is there a wave of the same sign and nearly its size on both sides, 60 to 110 ms away? Then it
/// is one of a rhythm of 9 to 16 Hz: a spindle, alpha.
bool IsOneOfARow(std::span<const float> curve, size_t sample, float sign, double rate_hz) {
  float before = 0, after = 0;
  for (size_t k = SamplesOf(0.06, rate_hz); k <= SamplesOf(0.11, rate_hz); ++k) {
    before = std::max(before, sign * curve[sample - k]);
    after = std::max(after, sign * curve[sample + k]);
  }
  return std::min(before, after) > kRowShare * std::abs(curve[sample]);
}

}  // namespace

ChunkDischarges DischargeFinder::Find(const ConditionedChunk& chunk) {
  ChunkDischarges found;
  candidates_.clear();
  const size_t rows = layout_.rows.size();
  const size_t step = SamplesOf(kNearS, chunk.rate_hz);
  curvature_.assign(rows * chunk.samples, 0.0F);
  if (chunk.samples <= 2 * step) return found;
  // Beyond the ends of the recording there is nothing to measure by.
  const auto recorded_from =
      static_cast<size_t>(std::max(0.0, std::ceil(-chunk.first_s * chunk.rate_hz)));
  const double recorded_s = layout_.duration_s() - chunk.first_s;
  const size_t recorded_until =
      std::min(chunk.samples, static_cast<size_t>(std::max(0.0, recorded_s * chunk.rate_hz)));
  block_samples_ = SamplesOf(kBlockS, chunk.rate_hz);
  blocks_ = (chunk.samples + block_samples_ - 1) / block_samples_;
  deviation_.assign(rows * blocks_, 0.0F);
  for (size_t row = 0; row < rows; ++row) {
    float* curve = curvature_.data() + row * chunk.samples + step;
    Curve(chunk.Low(row).data(), step, curve, chunk.samples - 2 * step);
    const float all = DeviationWithin(row, chunk.samples, recorded_from, recorded_until);
    std::vector<float> here(blocks_);
    for (size_t block = 0; block < blocks_; ++block) {
      const size_t from = std::max(block * block_samples_, recorded_from);
      const size_t until = std::min((block + 1) * block_samples_, recorded_until);
      here[block] = from < until ? DeviationWithin(row, chunk.samples, from, until) : 0.0F;
    }
    for (size_t block = 0; block < blocks_; ++block) {
      // With its neighbours, for a block may be suppressed in part.
      float largest = here[block];
      if (block > 0) largest = std::max(largest, here[block - 1]);
      if (block + 1 < blocks_) largest = std::max(largest, here[block + 1]);
      deviation_[row * blocks_ + block] = std::max({all, std::min(largest, kLivelyUv), 0.1F});
    }
  }
  for (size_t row = 0; row < rows; ++row) Scan(chunk, row, found);
  // The largest of what happens at once stands for it.
  std::ranges::sort(candidates_, {}, [](const Candidate& c) { return c.shape.time_s; });
  for (Candidate& candidate : candidates_) {
    DescribeField(chunk, candidate);
    const auto size = [](const Discharge& d) { return std::abs(d.amplitude_uv); };
    if (!found.discharges.empty() &&
        candidate.shape.time_s - found.discharges.back().time_s < kMergeS) {
      if (size(candidate.shape) > size(found.discharges.back())) {
        const double start = found.discharges.back().start_s;
        found.discharges.back() = candidate.shape;
        found.discharges.back().start_s = std::min(start, candidate.shape.start_s);
      }
      continue;
    }
    found.discharges.push_back(candidate.shape);
  }
  std::erase_if(found.discharges, [&](const Discharge& d) {
    return d.time_s < chunk.begin_s || d.time_s >= chunk.end_s;
  });
  return found;
}

float DischargeFinder::DeviationWithin(size_t row, size_t samples, size_t from, size_t until) {
  const auto curve = Curvature(row, samples);
  scratch_.clear();
  for (size_t i = from; i < until; i += 4) scratch_.push_back(std::abs(curve[i]));
  return 1.4826F * signal::OrderStatistic(scratch_, 0.5);
}

void DischargeFinder::Scan(const ConditionedChunk& chunk, size_t row, ChunkDischarges& found) {
  const auto curve = Curvature(row, chunk.samples);
  const size_t reach = SamplesOf(kNearS, chunk.rate_hz);
  const size_t margin = SamplesOf(0.6, chunk.rate_hz);
  for (size_t i = margin; i + margin < chunk.samples; ++i) {
    const float size = std::abs(curve[i]);
    if (size < kLeastUv || size < kLeastZ * Deviation(row, i)) continue;
    bool largest = true;
    for (size_t k = 1; k <= reach && largest; ++k) {
      largest = std::abs(curve[i - k]) <= size && std::abs(curve[i + k]) < size;
    }
    if (!largest) continue;
    Candidate candidate{i, row, {}};
    if (Describe(chunk, candidate, found)) candidates_.push_back(candidate);
    i += reach;
  }
}

bool DischargeFinder::Describe(const ConditionedChunk& chunk, Candidate& candidate,
                               ChunkDischarges& found) const {
  const auto x = chunk.Low(candidate.row);
  const auto curve = Curvature(candidate.row, chunk.samples);
  const float sign = curve[candidate.sample] < 0 ? -1.0F : 1.0F;
  const size_t near = SamplesOf(kNearS, chunk.rate_hz);
  const size_t far = SamplesOf(kFarS, chunk.rate_hz);
  size_t peak = candidate.sample;
  for (size_t i = candidate.sample - near / 2; i <= candidate.sample + near / 2; ++i) {
    if (sign * x[i] > sign * x[peak]) peak = i;
  }
  // Down both sides to the lowest point within 120 ms.
  const size_t side = SamplesOf(0.12, chunk.rate_hz);
  size_t left = peak, right = peak;
  for (size_t k = 1; k <= side; ++k) {
    if (sign * x[peak - k] < sign * x[left]) left = peak - k;
    if (sign * x[peak + k] < sign * x[right]) right = peak + k;
  }
  const float rise = sign * (x[peak] - x[left]);
  const float fall = sign * (x[peak] - x[right]);
  const float amplitude = std::min(rise, fall);
  const size_t flank = SamplesOf(kFlankS, chunk.rate_hz);
  const float up = sign * (x[peak] - x[peak - flank]), down = sign * (x[peak] - x[peak + flank]);
  const float balance = std::min(amplitude / std::max(std::max(rise, fall), 1e-6F),
                                 std::min(up, down) / std::max(std::max(up, down), 1e-6F));
  Discharge& shape = candidate.shape;
  shape.row = static_cast<uint16_t>(candidate.row);
  shape.time_s = chunk.TimeOf(peak);
  shape.start_s = chunk.TimeOf(left);
  shape.amplitude_uv = sign * amplitude;
  shape.z = std::abs(curve[candidate.sample]) / Deviation(candidate.row, candidate.sample);
  const float wide = sign * (x[peak] - 0.5F * (x[peak - far] + x[peak + far]));
  shape.sharpness = sign * curve[candidate.sample] / std::max(wide, 1e-6F);
  if (wide <= 0) shape.sharpness = 4.0F;
  shape.sharpness = std::min(shape.sharpness, 4.0F);
  size_t from = peak, to = peak;
  while (from > left && sign * (x[peak] - x[from]) < 0.5F * amplitude) --from;
  while (to < right && sign * (x[peak] - x[to]) < 0.5F * amplitude) ++to;
  shape.half_width_s = static_cast<float>(static_cast<double>(to - from) / chunk.rate_hz);

  float around = 0;
  const auto& neighbours = layout_.rows[candidate.row].neighbours;
  for (const size_t other : neighbours) {
    around += sign * Curvature(other, chunk.samples)[candidate.sample];
  }
  shape.field = neighbours.empty() ? 1.0F
                                   : around / static_cast<float>(neighbours.size()) /
                                         std::abs(curve[candidate.sample]);
  if (balance < kLeastBalance) {
    // One steep side: the other is the slow decay of a step, which neighbours do not share.
    if (std::max(rise, fall) > kPopUv && shape.field < kPopField && shape.time_s >= chunk.begin_s &&
        shape.time_s < chunk.end_s) {
      const bool known = std::ranges::any_of(found.pops, [&](const ElectrodePop& pop) {
        return pop.row == candidate.row && std::abs(pop.time_s - shape.time_s) < kPopApartS;
      });
      if (!known) found.pops.push_back({shape.time_s, candidate.row});
    }
    return false;
  }
  if (shape.sharpness < kLeastSharpness || shape.half_width_s > kLongestHalfWidthS) return false;
  std::vector<float> surroundings;
  const size_t gap = SamplesOf(0.12, chunk.rate_hz);
  const size_t reach = SamplesOf(0.5, chunk.rate_hz);
  for (size_t k = gap; k <= reach; ++k) {
    surroundings.push_back(std::abs(curve[peak - k]));
    surroundings.push_back(std::abs(curve[peak + k]));
  }
  shape.isolation = std::abs(curve[candidate.sample]) /
                    std::max(signal::OrderStatistic(surroundings, 0.75), 0.5F);
  const bool strong = shape.z >= kStrongZ;
  if (shape.isolation < (strong ? kStrongIsolation : kLeastIsolation)) return false;
  if (IsOneOfARow(curve, candidate.sample, sign, chunk.rate_hz)) return false;
  float slow = 0;
  const size_t slow_from = SamplesOf(0.1, chunk.rate_hz);
  const size_t slow_to = SamplesOf(0.3, chunk.rate_hz);
  for (size_t k = slow_from; k <= slow_to; ++k) slow += sign * x[peak + k];
  slow /= static_cast<float>(slow_to - slow_from + 1);
  shape.slow_wave = slow / std::max(amplitude, 1e-6F);
  return true;
}

void DischargeFinder::DescribeField(const ConditionedChunk& chunk, Candidate& candidate) const {
  const float sign = candidate.shape.amplitude_uv < 0 ? -1.0F : 1.0F;
  const size_t reach = SamplesOf(kFieldS, chunk.rate_hz);
  const auto at = [&](size_t row) {
    const auto curve = Curvature(row, chunk.samples);
    float best = sign * curve[candidate.sample];
    for (size_t k = 1; k <= reach; ++k) {
      best =
          std::max({best, sign * curve[candidate.sample - k], sign * curve[candidate.sample + k]});
    }
    return best;
  };
  size_t rows = 0;
  for (size_t row = 0; row < layout_.rows.size(); ++row) {
    if (at(row) <= kFieldZ * Deviation(row, candidate.sample)) continue;
    ++rows;
    if (row < 64) candidate.shape.seen |= uint64_t{1} << row;
  }
  const auto mean_over = [&](std::span<const size_t> side) {
    float sum = 0;
    for (const size_t row : side) sum += std::max(at(row), 0.0F);
    return side.empty() ? 0.0F : sum / static_cast<float>(side.size());
  };
  candidate.shape.rows = static_cast<uint16_t>(rows);
  candidate.shape.left_uv = mean_over(layout_.left);
  candidate.shape.right_uv = mean_over(layout_.right);
}

}  // namespace montage::analysis
