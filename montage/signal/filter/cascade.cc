#include "montage/signal/filter/cascade.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

/// Frames of one call of the kernels, in memory from the first one that is filtered on.
struct Frames {
  double* first;
  ptrdiff_t step;  ///< from one to the next, negative when they run backwards
  size_t count;
};

/// The last and the last but one value of the input and of every section's output.
template <typename V, size_t kSections>
struct History {
  static constexpr size_t kWidth = sizeof(V) / sizeof(double);

  MONTAGE_SIMD_INLINE void Load(const double* from) {
    for (size_t k = 0; k <= kSections; ++k) {
      last[k] = In<V>(from + 2 * k * kWidth).v;
      older[k] = In<V>(from + (2 * k + 1) * kWidth).v;
    }
  }
  MONTAGE_SIMD_INLINE void Store(double* to) const {
    for (size_t k = 0; k <= kSections; ++k) {
      Out<V>(to + 2 * k * kWidth).v = last[k];
      Out<V>(to + (2 * k + 1) * kWidth).v = older[k];
    }
  }

  V last[kSections + 1];
  V older[kSections + 1];
};

/// One frame through the sections, in place.
template <typename V, size_t kSections, bool kBandPass>
MONTAGE_SIMD_INLINE void Step(const Biquad* sections, History<V, kSections>& history, V& frame) {
  V x = frame;
#pragma clang loop unroll(full)
  for (size_t k = 0; k < kSections; ++k) {
    const Biquad& s = sections[k];
    // What waits for the newest output comes last: one fused operation a sample.
    V y = kBandPass ? x - history.older[k]
                    : s.b0 * x + s.b1 * history.last[k] + s.b2 * history.older[k];
    y = y - s.a2 * history.older[k + 1];
    y = y - s.a1 * history.last[k + 1];
    history.older[k] = history.last[k];
    history.last[k] = x;
    x = y;
  }
  history.older[kSections] = history.last[kSections];
  history.last[kSections] = x;
  frame = x;
}

template <typename V, size_t kSections, bool kBandPass>
MONTAGE_SIMD_INLINE void RunSections(const Biquad* sections, double gain, double* state,
                                     Frames frames) {
  History<V, kSections> history;
  history.Load(state);
  double* frame = frames.first;
#pragma clang loop unroll_count(2)
  for (size_t i = 0; i < frames.count; ++i, frame += frames.step) {
    V x = gain * In<V>(frame).v;
    Step<V, kSections, kBandPass>(sections, history, x);
    Out<V>(frame).v = x;
  }
  history.Store(state);
}

/// Which squares are turned: those read from rows into frames, those written from frames into rows.
struct Turns {
  bool in;
  bool out;
};

/// As many samples of as many rows become frames in registers, are filtered and turned back.
template <typename V, size_t kSections, bool kBandPass, bool kBackward>
MONTAGE_SIMD_INLINE void RunBlocks(const Biquad* sections, double gain, double* state,
                                   const Rows& rows, size_t count, Turns turns) {
  constexpr size_t kWidth = sizeof(V) / sizeof(double);
  History<V, kSections> history;
  history.Load(state);
  for (size_t done = 0; done < count; done += kWidth) {
    const size_t at = kBackward ? count - kWidth - done : done;
    V block[kWidth];
    for (size_t l = 0; l < kWidth; ++l) block[l] = In<V>(rows.in[l] + at).v;
    if (turns.in) Transpose(block);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < kWidth; ++i) {
      V& frame = block[kBackward ? kWidth - 1 - i : i];
      frame = gain * frame;
      Step<V, kSections, kBandPass>(sections, history, frame);
    }
    if (turns.out) Transpose(block);
    for (size_t l = 0; l < kWidth; ++l) Out<V>(rows.out[l] + at).v = block[l];
  }
  history.Store(state);
}

template <typename V, bool kBandPass, bool kBackward>
MONTAGE_SIMD_INLINE void RunBlocksCount(std::span<const Biquad> sections, double gain,
                                        double* state, const Rows& rows, size_t count,
                                        Turns turns) {
  switch (sections.size()) {
    case 1:
      return RunBlocks<V, 1, kBandPass, kBackward>(sections.data(), gain, state, rows, count,
                                                   turns);
    case 2:
      return RunBlocks<V, 2, kBandPass, kBackward>(sections.data(), gain, state, rows, count,
                                                   turns);
    default:
      return RunBlocks<V, 4, kBandPass, kBackward>(sections.data(), gain, state, rows, count,
                                                   turns);
  }
}

template <typename V>
MONTAGE_SIMD_INLINE void RunRowsOf(std::span<const Biquad> sections, bool band_pass, bool backward,
                                   double gain, double* state, const Rows& rows, size_t count,
                                   Turns turns) {
  if (band_pass && backward) {
    RunBlocksCount<V, true, true>(sections, gain, state, rows, count, turns);
  } else if (band_pass) {
    RunBlocksCount<V, true, false>(sections, gain, state, rows, count, turns);
  } else if (backward) {
    RunBlocksCount<V, false, true>(sections, gain, state, rows, count, turns);
  } else {
    RunBlocksCount<V, false, false>(sections, gain, state, rows, count, turns);
  }
}

MONTAGE_SIMD_CLONES void RunRows(std::span<const Biquad> sections, bool band_pass, bool backward,
                                 double gain, double* state, const Rows& rows, size_t count,
                                 Turns turns) {
  if (rows.width == kOct) {
    RunRowsOf<Oct>(sections, band_pass, backward, gain, state, rows, count, turns);
  } else {
    RunRowsOf<Quad>(sections, band_pass, backward, gain, state, rows, count, turns);
  }
}

template <typename V, bool kBandPass>
MONTAGE_SIMD_INLINE void RunCount(std::span<const Biquad> sections, double gain, double* history,
                                  Frames frames) {
  switch (sections.size()) {
    case 1:
      return RunSections<V, 1, kBandPass>(sections.data(), gain, history, frames);
    case 2:
      return RunSections<V, 2, kBandPass>(sections.data(), gain, history, frames);
    default:
      return RunSections<V, 4, kBandPass>(sections.data(), gain, history, frames);
  }
}

template <typename V>
MONTAGE_SIMD_INLINE void RunGroupOf(std::span<const Biquad> sections, bool band_pass, double gain,
                                    double* history, Frames frames) {
  if (band_pass) {
    RunCount<V, true>(sections, gain, history, frames);
  } else {
    RunCount<V, false>(sections, gain, history, frames);
  }
}

MONTAGE_SIMD_CLONES void RunGroup(std::span<const Biquad> sections, bool band_pass, double gain,
                                  size_t width, double* history, Frames frames) {
  if (width == kOct) {
    RunGroupOf<Oct>(sections, band_pass, gain, history, frames);
  } else if (width == kQuad) {
    RunGroupOf<Quad>(sections, band_pass, gain, history, frames);
  } else {
    RunGroupOf<double>(sections, band_pass, gain, history, frames);
  }
}

bool IsBandPass(const Biquad& s) { return s.b0 == 1.0 && s.b1 == 0.0 && s.b2 == -1.0; }

}  // namespace

Cascade::Cascade(std::span<const Biquad> sections) : sections_(sections.begin(), sections.end()) {
  double gain = 1.0;
  for (const Biquad& s : sections) gain *= s.b0;
  if (std::isnormal(gain)) {
    gain_ = gain;
    for (Biquad& s : sections_) {
      s.b1 /= s.b0;
      s.b2 /= s.b0;
      s.b0 = 1.0;
    }
  }
  for (size_t first = 0; first < sections_.size();) {
    const size_t left = sections_.size() - first;
    const size_t count = left >= 4 ? 4 : std::min<size_t>(left, 2);
    const auto run = std::span(sections_).subspan(first, count);
    groups_.push_back({first, count, std::ranges::all_of(run, IsBandPass)});
    first += count;
  }
}

size_t Cascade::StateSize(size_t width) const {
  return 2 * (sections_.size() + groups_.size()) * width;
}

void Cascade::Settle(std::span<const double> level, std::span<double> state) const {
  assert(state.size() == StateSize(level.size()));
  double* out = state.data();
  double scale = gain_;
  const auto write = [&] {
    for (size_t twice = 0; twice < 2; ++twice) {
      for (const double value : level) *out++ = scale * value;
    }
  };
  for (const Group& group : groups_) {
    write();
    for (const Biquad& s : std::span(sections_).subspan(group.first, group.count)) {
      scale *= (s.b0 + s.b1 + s.b2) / (1.0 + s.a1 + s.a2);
      write();
    }
  }
}

void Cascade::Run(Columns columns, size_t count, double* state, bool backward) const {
  assert(columns.width == 1 || columns.width == kQuad || columns.width == kOct);
  // Blocks that stay in the first-level cache while the groups pass over them.
  const size_t block = groups_.size() > 1 ? 256 : count;
  const auto stride = static_cast<ptrdiff_t>(columns.stride);
  for (size_t done = 0; done < count;) {
    const size_t part = std::min(block, count - done);
    const size_t first = backward ? count - 1 - done : done;
    double* history = state;
    double gain = gain_;
    for (const Group& group : groups_) {
      RunGroup(std::span(sections_).subspan(group.first, group.count), group.band_pass, gain,
               columns.width, history,
               {columns.frames + first * columns.stride, backward ? -stride : stride, part});
      history += 2 * (group.count + 1) * columns.width;
      gain = 1.0;
    }
    done += part;
  }
}

void Cascade::Run(const Rows& rows, size_t count, double* state, bool backward) const {
  assert(rows.width == kQuad || rows.width == kOct);
  constexpr size_t kBlock = 256;
  const size_t width = rows.width;
  const size_t whole = count - count % width;
  const auto filter_rest = [&] {  // the last frames, fewer than a block of registers
    double rest[kOct * kOct];
    for (size_t i = whole; i < count; ++i) {
      for (size_t l = 0; l < width; ++l) rest[(i - whole) * width + l] = rows.in[l][i];
    }
    Run(Columns{rest, width, width}, count - whole, state, backward);
    for (size_t i = whole; i < count; ++i) {
      for (size_t l = 0; l < width; ++l) rows.out[l][i] = rest[(i - whole) * width + l];
    }
  };
  if (backward) filter_rest();
  for (size_t done = 0; done < whole;) {
    const size_t part = std::min(kBlock, whole - done);
    const size_t first = backward ? whole - done - part : done;
    Rows block = rows;
    for (size_t l = 0; l < width; ++l) {
      block.in[l] += first;
      block.out[l] += first;
    }
    double* history = state;
    double gain = gain_;
    for (const Group& group : groups_) {
      const bool from_rows = backward ? !rows.turned : group.first == 0 || !rows.turned;
      const bool to_rows = !rows.turned || (backward && &group == &groups_.back());
      RunRows(std::span(sections_).subspan(group.first, group.count), group.band_pass, backward,
              gain, history, block, part, {from_rows, to_rows});
      history += 2 * (group.count + 1) * width;
      gain = 1.0;
      std::ranges::copy(block.out, block.in.begin());
    }
    done += part;
  }
  if (!backward) filter_rest();
}

void Cascade::Forward(Columns columns, size_t count, double* state) const {
  Run(columns, count, state, false);
}

void Cascade::Backward(Columns columns, size_t count, double* state) const {
  Run(columns, count, state, true);
}

void Cascade::Forward(const Rows& rows, size_t count, double* state) const {
  Run(rows, count, state, false);
}

void Cascade::Backward(const Rows& rows, size_t count, double* state) const {
  Run(rows, count, state, true);
}

}  // namespace montage::signal
