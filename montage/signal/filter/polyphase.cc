#include "montage/signal/filter/polyphase.h"

#include <cassert>

#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

template <typename V>
MONTAGE_SIMD_INLINE void Run(const PolyphaseRun& run, const double* frames, size_t stride,
                             double* out, size_t out_stride, size_t count) {
  const size_t steps = run.down / run.up, rest = run.down % run.up;
  const size_t taps_of_phase = run.phase_taps;
  size_t phase = run.phase;
  for (size_t i = 0; i < count; ++i, out += out_stride) {
    const double* taps = run.taps + phase * taps_of_phase;
    const double* x = frames;
    V sums[4] = {};  // partial sums, so that the additions need not wait for each other
    for (size_t k = 0; k < taps_of_phase; k += 4, x += 4 * stride) {
      sums[0] = sums[0] + taps[k] * In<V>(x).v;
      sums[1] = sums[1] + taps[k + 1] * In<V>(x + stride).v;
      sums[2] = sums[2] + taps[k + 2] * In<V>(x + 2 * stride).v;
      sums[3] = sums[3] + taps[k + 3] * In<V>(x + 3 * stride).v;
    }
    Out<V>(out).v = (sums[0] + sums[2]) + (sums[1] + sums[3]);
    frames += steps * stride;
    phase += rest;
    if (phase >= run.up) {
      phase -= run.up;
      frames += stride;
    }
  }
}

}  // namespace

MONTAGE_SIMD_CLONES void RunPolyphase(const PolyphaseRun& run, const double* frames, size_t stride,
                                      size_t width, double* out, size_t out_stride, size_t count) {
  assert(width == 1 || width == kOct);
  if (width == kOct) {
    Run<Oct>(run, frames, stride, out, out_stride, count);
  } else {
    Run<double>(run, frames, stride, out, out_stride, count);
  }
}

}  // namespace montage::signal
