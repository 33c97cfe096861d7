#include "montage/signal/filter/iir.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "montage/signal/finite.h"
#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

/// Lanes of the many-channel path: two AVX registers, enough to hide the latency of the recursion.
constexpr size_t kLanes = 8;
/// Frames that are worked on together; 16 KiB, half a first-level cache.
constexpr size_t kBlock = 256;

/// Direct form II transposed; z is [section][2].
void RunSingle(std::span<const Biquad> sections, double* z, double* samples, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    double x = samples[i];
    double* state = z;
    for (const Biquad& s : sections) {
      const double y = s.b0 * x + state[0];
      state[0] = (s.b1 * x + state[1]) - s.a1 * y;
      state[1] = s.b2 * x - s.a2 * y;
      state += 2;
      x = y;
    }
    samples[i] = x;
  }
}

/// Four lanes; arithmetic is lane by lane, so results do not depend on the vector unit.
using Quad [[gnu::vector_size(32), gnu::aligned(8), gnu::may_alias]] = double;

/// The same operations in the same order for kLanes sequences; z is [section][2][lane].
MONTAGE_SIMD_CLONES void RunSection(const Biquad& section, double* z, double* samples,
                                    size_t count) {
  const Biquad s = section;
  Quad* state = reinterpret_cast<Quad*>(z);
  Quad p0 = state[0], q0 = state[1], p1 = state[2], q1 = state[3];
  Quad* frame = reinterpret_cast<Quad*>(samples);
  for (size_t i = 0; i < count; ++i, frame += 2) {
    const Quad px = frame[0], qx = frame[1];
    const Quad py = s.b0 * px + p0, qy = s.b0 * qx + q0;
    p0 = (s.b1 * px + p1) - s.a1 * py;
    q0 = (s.b1 * qx + q1) - s.a1 * qy;
    p1 = s.b2 * px - s.a2 * py;
    q1 = s.b2 * qx - s.a2 * qy;
    frame[0] = py;
    frame[1] = qy;
  }
  state[0] = p0, state[1] = q0, state[2] = p1, state[3] = q1;
}

/// Two sections in one loop: their recursions overlap in the pipeline. Four lanes at a time.
MONTAGE_SIMD_CLONES void RunTwoSections(const Biquad& first, const Biquad& second, double* z,
                                        double* samples, size_t count) {
  const Biquad s = first, t = second;
  for (size_t half = 0; half < 2; ++half) {
    Quad* state = reinterpret_cast<Quad*>(z) + half;
    Quad s0 = state[0], s1 = state[2], t0 = state[4], t1 = state[6];
    Quad* frame = reinterpret_cast<Quad*>(samples) + half;
    for (size_t i = 0; i < count; ++i, frame += 2) {
      const Quad x = *frame;
      const Quad y = s.b0 * x + s0;
      s0 = (s.b1 * x + s1) - s.a1 * y;
      s1 = s.b2 * x - s.a2 * y;
      const Quad v = t.b0 * y + t0;
      t0 = (t.b1 * y + t1) - t.a1 * v;
      t1 = t.b2 * y - t.a2 * v;
      *frame = v;
    }
    state[0] = s0, state[2] = s1, state[4] = t0, state[6] = t1;
  }
}

void RunLanes(std::span<const Biquad> sections, double* z, double* samples, size_t count) {
  size_t k = 0;
  for (; k + 2 <= sections.size(); k += 2) {
    RunTwoSections(sections[k], sections[k + 1], z + 2 * k * kLanes, samples, count);
  }
  if (k < sections.size()) RunSection(sections[k], z + 2 * k * kLanes, samples, count);
}

/// Section by section over blocks that stay in the first-level cache.
void RunBlocks(std::span<const Biquad> sections, size_t lanes, double* z, double* samples,
               size_t count) {
  if (lanes == kLanes) {
    for (size_t first = 0; first < count; first += kBlock) {
      RunLanes(sections, z, samples + first * kLanes, std::min(kBlock, count - first));
    }
  } else if (lanes == 1) {
    RunSingle(sections, z, samples, count);
  } else {
    for (size_t i = 0; i < count; ++i) {
      for (size_t l = 0; l < lanes; ++l) {
        double x = samples[i * lanes + l];
        for (size_t k = 0; k < sections.size(); ++k) {
          const Biquad& s = sections[k];
          double* z0 = z + 2 * k * lanes + l;
          double* z1 = z0 + lanes;
          const double y = s.b0 * x + *z0;
          *z0 = (s.b1 * x + *z1) - s.a1 * y;
          *z1 = s.b2 * x - s.a2 * y;
          x = y;
        }
        samples[i * lanes + l] = x;
      }
    }
  }
}

/// The state [section][2][lane] that a constant input of level[lane] leads to.
void SettleState(std::span<const Biquad> sections, std::span<const double> level,
                 std::span<double> state) {
  const size_t lanes = level.size();
  double scale = 1.0;
  for (size_t k = 0; k < sections.size(); ++k) {
    const Biquad& s = sections[k];
    const double gain = (s.b0 + s.b1 + s.b2) / (1.0 + s.a1 + s.a2);
    const double z1 = s.b2 - s.a2 * gain;
    const double z0 = s.b1 - s.a1 * gain + z1;
    for (size_t l = 0; l < lanes; ++l) {
      state[2 * k * lanes + l] = scale * z0 * level[l];
      state[(2 * k + 1) * lanes + l] = scale * z1 * level[l];
    }
    scale *= gain;
  }
}

/// Sample i of the odd extension: 2 x[0] - x[k] before the samples, 2 x[n-1] - x[n-1-k] after them.
double Extended(std::span<const double> samples, size_t padding, size_t i) {
  const size_t n = samples.size();
  if (i < padding) return 2.0 * samples.front() - samples[padding - i];
  if (i < padding + n) return samples[i - padding];
  return 2.0 * samples.back() - samples[2 * n - 2 - (i - padding)];
}

/// Frames first to first + count of the extended channels, one lane each.
void Interleave(std::span<const std::span<double>> channels, size_t padding, size_t lanes,
                size_t first, size_t count, double* frames) {
  for (size_t l = 0; l < channels.size(); ++l) {
    const auto samples = channels[l];
    const bool inside = first >= padding && first + count <= padding + samples.size();
    double* out = frames + l;
    if (inside) {
      const double* in = samples.data() + (first - padding);
      for (size_t i = 0; i < count; ++i) out[i * lanes] = in[i];
    } else {
      for (size_t i = 0; i < count; ++i) out[i * lanes] = Extended(samples, padding, first + i);
    }
  }
  for (size_t l = channels.size(); l < lanes; ++l) {
    for (size_t i = 0; i < count; ++i) frames[i * lanes + l] = 0.0;
  }
}

/// Turns the order of whole frames around.
void Reverse(double* frames, size_t count, size_t lanes) {
  for (size_t i = 0; i < count / 2; ++i) {
    std::swap_ranges(frames + i * lanes, frames + (i + 1) * lanes,
                     frames + (count - 1 - i) * lanes);
  }
}

/// Writes frames that run backwards from extended sample `last` to the channels.
void Scatter(const double* frames, size_t count, size_t lanes, size_t last, size_t padding,
             std::span<const std::span<double>> channels) {
  for (size_t l = 0; l < channels.size(); ++l) {
    const auto samples = channels[l];
    for (size_t i = 0; i < count; ++i) {
      const size_t at = last - i;
      if (at >= padding && at - padding < samples.size()) {
        samples[at - padding] = frames[i * lanes + l];
      }
    }
  }
}

/// One group of at most kLanes channels: forward block by block into `frames`, then backward block
/// by block, each block being reversed, filtered and written out while it is in the cache.
void FilterGroup(std::span<const Biquad> sections, std::span<const std::span<double>> channels,
                 size_t padding, std::vector<double>& frames) {
  const size_t lanes = channels.size() == 1 ? 1 : kLanes;
  const size_t total = channels.front().size() + 2 * padding;
  frames.resize(total * lanes);
  std::vector<double> state(sections.size() * 2 * lanes);
  for (size_t first = 0; first < total; first += kBlock) {
    const size_t count = std::min(kBlock, total - first);
    double* block = frames.data() + first * lanes;
    Interleave(channels, padding, lanes, first, count, block);
    if (first == 0) SettleState(sections, std::span(block, lanes), state);
    RunBlocks(sections, lanes, state.data(), block, count);
  }
  for (size_t end = total; end > 0; end -= std::min(kBlock, end)) {
    const size_t count = std::min(kBlock, end);
    double* block = frames.data() + (end - count) * lanes;
    Reverse(block, count, lanes);
    if (end == total) SettleState(sections, std::span(block, lanes), state);
    RunBlocks(sections, lanes, state.data(), block, count);
    Scatter(block, count, lanes, end - 1, padding, channels);
  }
}

}  // namespace

SosFilter::SosFilter(Sections sections, size_t lanes)
    : sections_(std::move(sections)), lanes_(lanes), state_(sections_.size() * 2 * lanes, 0.0) {
  assert(lanes > 0);
}

base::Result<void> SosFilter::Process(std::span<double> samples) {
  assert(samples.size() % lanes_ == 0);
  TRY(CheckFinite(samples));
  RunBlocks(sections_, lanes_, state_.data(), samples.data(), samples.size() / lanes_);
  return {};
}

void SosFilter::Reset() { std::ranges::fill(state_, 0.0); }

void SosFilter::Settle(std::span<const double> level) {
  assert(level.size() == lanes_);
  SettleState(sections_, level, state_);
}

size_t ZeroPhasePadding(std::span<const Biquad> sections) {
  const auto zeros = std::ranges::count(sections, 0.0, &Biquad::b2);
  const auto poles = std::ranges::count(sections, 0.0, &Biquad::a2);
  return 3 * (2 * sections.size() + 1 - static_cast<size_t>(std::min(zeros, poles)));
}

base::Result<void> FilterZeroPhase(std::span<const Biquad> sections, std::span<double> samples) {
  return FilterZeroPhase(sections, std::span<const std::span<double>>(&samples, 1));
}

base::Result<void> FilterZeroPhase(std::span<const Biquad> sections,
                                   std::span<const std::span<double>> channels) {
  if (channels.empty()) return {};
  const size_t padding = ZeroPhasePadding(sections);
  const size_t n = channels.front().size();
  if (n <= padding) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{} samples are too few for zero-phase filtering, expected more "
                                  "than {}",
                                  n, padding));
  }
  for (const auto& channel : channels) {
    assert(channel.size() == n);
    TRY(CheckFinite(channel));
  }
  std::vector<double> frames;
  for (size_t first = 0; first < channels.size(); first += kLanes) {
    FilterGroup(sections, channels.subspan(first, std::min(kLanes, channels.size() - first)),
                padding, frames);
  }
  return {};
}

}  // namespace montage::signal
