#include "montage/signal/filter/interleave.h"

#include <cassert>

#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

MONTAGE_SIMD_CLONES void GatherEight(const double* const* rows, size_t count, double* frames) {
  size_t i = 0;
  for (; i + kOct <= count; i += kOct) {
    Oct block[kOct];
    for (size_t l = 0; l < kOct; ++l) block[l] = In<Oct>(rows[l] + i).v;
    Transpose(block);
    for (size_t l = 0; l < kOct; ++l) Out<Oct>(frames + (i + l) * kOct).v = block[l];
  }
  for (; i < count; ++i) {
    for (size_t l = 0; l < kOct; ++l) frames[i * kOct + l] = rows[l][i];
  }
}

MONTAGE_SIMD_CLONES void ScatterEight(const double* frames, size_t count, double* const* rows,
                                      size_t used) {
  size_t i = 0;
  for (; i + kOct <= count; i += kOct) {
    Oct block[kOct];
    for (size_t l = 0; l < kOct; ++l) block[l] = In<Oct>(frames + (i + l) * kOct).v;
    Transpose(block);
    for (size_t l = 0; l < used; ++l) Out<Oct>(rows[l] + i).v = block[l];
  }
  for (; i < count; ++i) {
    for (size_t l = 0; l < used; ++l) rows[l][i] = frames[i * kOct + l];
  }
}

}  // namespace

void Gather(std::span<const std::span<const double>> channels, size_t at, size_t lanes,
            std::span<double> frames) {
  assert(!channels.empty() && channels.size() <= lanes && frames.size() % lanes == 0);
  const size_t count = frames.size() / lanes;
  if (lanes == kOct) {
    const double* rows[kOct];
    for (size_t l = 0; l < kOct; ++l) rows[l] = channels[l < channels.size() ? l : 0].data() + at;
    return GatherEight(rows, count, frames.data());
  }
  for (size_t l = 0; l < lanes; ++l) {
    const double* row = channels[l < channels.size() ? l : 0].data() + at;
    for (size_t i = 0; i < count; ++i) frames[i * lanes + l] = row[i];
  }
}

void Scatter(std::span<const double> frames, size_t lanes, std::span<const std::span<double>> rows,
             size_t at) {
  assert(rows.size() <= lanes && frames.size() % lanes == 0);
  const size_t count = frames.size() / lanes;
  if (lanes == kOct) {
    double* targets[kOct] = {};
    for (size_t l = 0; l < rows.size(); ++l) targets[l] = rows[l].data() + at;
    return ScatterEight(frames.data(), count, targets, rows.size());
  }
  for (size_t l = 0; l < rows.size(); ++l) {
    for (size_t i = 0; i < count; ++i) rows[l][at + i] = frames[i * lanes + l];
  }
}

}  // namespace montage::signal
