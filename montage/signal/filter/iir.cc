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

/// Direct form II transposed; z is [section][2].
void RunSingle(std::span<const Biquad> sections, double* z, double* samples, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    double x = samples[i];
    double* state = z;
    for (const Biquad& s : sections) {
      const double y = s.b0 * x + state[0];
      state[0] = s.b1 * x - s.a1 * y + state[1];
      state[1] = s.b2 * x - s.a2 * y;
      state += 2;
      x = y;
    }
    samples[i] = x;
  }
}

/// The same operations in the same order for kLanes sequences; z is [section][2][lane].
MONTAGE_SIMD_CLONES void RunLanes(const Biquad* sections, size_t section_count, double* z,
                                  double* samples, size_t count) {
  for (size_t k = 0; k < section_count; ++k) {
    const Biquad s = sections[k];
    double z0[kLanes];
    double z1[kLanes];
    for (size_t l = 0; l < kLanes; ++l) z0[l] = z[2 * k * kLanes + l];
    for (size_t l = 0; l < kLanes; ++l) z1[l] = z[(2 * k + 1) * kLanes + l];
    for (size_t i = 0; i < count; ++i) {
      double* __restrict sample = samples + i * kLanes;
      for (size_t l = 0; l < kLanes; ++l) {
        const double x = sample[l];
        const double y = s.b0 * x + z0[l];
        z0[l] = s.b1 * x - s.a1 * y + z1[l];
        z1[l] = s.b2 * x - s.a2 * y;
        sample[l] = y;
      }
    }
    for (size_t l = 0; l < kLanes; ++l) z[2 * k * kLanes + l] = z0[l];
    for (size_t l = 0; l < kLanes; ++l) z[(2 * k + 1) * kLanes + l] = z1[l];
  }
}

/// Section by section over blocks that stay in the first-level cache.
void RunBlocks(std::span<const Biquad> sections, size_t lanes, double* z, double* samples,
               size_t count) {
  if (lanes == kLanes) {
    constexpr size_t kBlock = 256;
    for (size_t first = 0; first < count; first += kBlock) {
      RunLanes(sections.data(), sections.size(), z, samples + first * kLanes,
               std::min(kBlock, count - first));
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
          *z0 = s.b1 * x - s.a1 * y + *z1;
          *z1 = s.b2 * x - s.a2 * y;
          x = y;
        }
        samples[i * lanes + l] = x;
      }
    }
  }
}

void ReverseFrames(std::vector<double>& frames, size_t lanes) {
  const size_t count = frames.size() / lanes;
  for (size_t i = 0; i < count / 2; ++i) {
    std::swap_ranges(frames.begin() + static_cast<ptrdiff_t>(i * lanes),
                     frames.begin() + static_cast<ptrdiff_t>((i + 1) * lanes),
                     frames.begin() + static_cast<ptrdiff_t>((count - 1 - i) * lanes));
  }
}

/// Frames of odd extension, samples, odd extension: 2 x[0] - x[k] before, 2 x[n-1] - x[n-1-k]
/// after.
void Extend(std::span<const double> samples, size_t padding, size_t lanes, size_t lane,
            std::vector<double>& frames) {
  const size_t n = samples.size();
  double* out = frames.data() + lane;
  for (size_t k = 0; k < padding; ++k) {
    out[k * lanes] = 2.0 * samples.front() - samples[padding - k];
    out[(padding + n + k) * lanes] = 2.0 * samples.back() - samples[n - 2 - k];
  }
  for (size_t i = 0; i < n; ++i) out[(padding + i) * lanes] = samples[i];
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
  double scale = 1.0;
  for (size_t k = 0; k < sections_.size(); ++k) {
    const Biquad& s = sections_[k];
    const double gain = (s.b0 + s.b1 + s.b2) / (1.0 + s.a1 + s.a2);
    const double z1 = s.b2 - s.a2 * gain;
    const double z0 = s.b1 - s.a1 * gain + z1;
    for (size_t l = 0; l < lanes_; ++l) {
      state_[2 * k * lanes_ + l] = scale * z0 * level[l];
      state_[(2 * k + 1) * lanes_ + l] = scale * z1 * level[l];
    }
    scale *= gain;
  }
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
  for (size_t first = 0; first < channels.size(); first += kLanes) {
    const size_t used = std::min(kLanes, channels.size() - first);
    const size_t lanes = used == 1 ? 1 : kLanes;
    std::vector<double> frames((n + 2 * padding) * lanes, 0.0);
    for (size_t l = 0; l < used; ++l) Extend(channels[first + l], padding, lanes, l, frames);
    SosFilter filter(Sections(sections.begin(), sections.end()), lanes);
    for (int pass = 0; pass < 2; ++pass) {
      filter.Settle(std::span(frames).first(lanes));
      RunBlocks(filter.sections_, lanes, filter.state_.data(), frames.data(), n + 2 * padding);
      ReverseFrames(frames, lanes);
    }
    for (size_t l = 0; l < used; ++l) {
      for (size_t i = 0; i < n; ++i) channels[first + l][i] = frames[(padding + i) * lanes + l];
    }
  }
  return {};
}

}  // namespace montage::signal
