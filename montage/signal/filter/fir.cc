#include "montage/signal/filter/fir.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include <fmt/format.h>

#include "montage/signal/filter/window.h"
#include "montage/signal/finite.h"
#include "montage/signal/simd.h"

namespace montage::signal {
namespace {

double Sinc(double x) {
  const double angle = std::numbers::pi * x;
  return x == 0.0 ? 1.0 : std::sin(angle) / angle;
}

struct PassBand {
  double low;   ///< fraction of half the rate
  double high;  ///< fraction of half the rate
};

std::vector<PassBand> PassBands(Band band, Edges edges, double nyquist) {
  switch (band) {
    case Band::kLowPass:
      return {{0.0, edges.low / nyquist}};
    case Band::kHighPass:
      return {{edges.low / nyquist, 1.0}};
    case Band::kBandPass:
      return {{edges.low / nyquist, edges.high / nyquist}};
    case Band::kBandStop:
      return {{0.0, edges.low / nyquist}, {edges.high / nyquist, 1.0}};
  }
  return {};
}

/// Windowed ideal response, scaled at the centre of the first pass band.
std::vector<double> WindowMethod(std::span<const PassBand> bands, std::span<const double> window) {
  const double middle = 0.5 * static_cast<double>(window.size() - 1);
  std::vector<double> taps(window.size(), 0.0);
  for (size_t i = 0; i < taps.size(); ++i) {
    const double m = static_cast<double>(i) - middle;
    for (const auto& [low, high] : bands) taps[i] += high * Sinc(high * m) - low * Sinc(low * m);
    taps[i] *= window[i];
  }
  const PassBand& first = bands.front();
  double centre = 0.5 * (first.low + first.high);
  if (first.low == 0.0)
    centre = 0.0;
  else if (first.high == 1.0)
    centre = 1.0;
  double gain = 0.0;
  for (size_t i = 0; i < taps.size(); ++i) {
    gain += taps[i] * std::cos(std::numbers::pi * centre * (static_cast<double>(i) - middle));
  }
  for (double& tap : taps) tap /= gain;
  return taps;
}

/// Taps split by phase, each reversed so that the inner product runs forward over the samples.
std::vector<std::vector<double>> ReversedPhases(std::span<const double> taps, size_t up) {
  std::vector<std::vector<double>> phases(up);
  for (size_t k = 0; k < taps.size(); ++k) phases[k % up].push_back(taps[k]);
  for (auto& phase : phases) std::ranges::reverse(phase);
  return phases;
}

/// Four products at once in memory that need not be aligned to them.
using Quad [[gnu::vector_size(32), gnu::aligned(8), gnu::may_alias]] = double;

/// Position i * down + half on the grid of the higher rate is newest * up + offset; the last tap of
/// the reversed phase `offset` meets sample `newest`. Both ends are clipped to the input.
MONTAGE_SIMD_CLONES void Interpolate(std::span<const double> samples,
                                     std::span<const std::vector<double>> phases, size_t down,
                                     size_t half, std::span<double> resampled) {
  const size_t up = phases.size();
  size_t newest = half / up;
  size_t offset = half % up;
  double* const out = resampled.data();
  for (size_t i = 0; i < resampled.size(); ++i) {
    const std::vector<double>& phase = phases[offset];
    const size_t skip_new = newest < samples.size() ? 0 : newest - samples.size() + 1;
    const size_t skip_old = newest + 1 < phase.size() ? phase.size() - newest - 1 : 0;
    const size_t used = phase.size() - skip_old - skip_new;
    const double* taps = phase.data() + skip_old;
    const double* x = samples.data() + (newest + skip_old + 1 - phase.size());
    Quad sums[2] = {};  // partial sums, so that the additions need not wait for each other
    size_t k = 0;
    for (; k + 8 <= used; k += 8) {
      sums[0] += *reinterpret_cast<const Quad*>(taps + k) * *reinterpret_cast<const Quad*>(x + k);
      sums[1] +=
          *reinterpret_cast<const Quad*>(taps + k + 4) * *reinterpret_cast<const Quad*>(x + k + 4);
    }
    const Quad sum = sums[0] + sums[1];
    double value = (sum[0] + sum[2]) + (sum[1] + sum[3]);
    for (; k < used; ++k) value += taps[k] * x[k];
    out[i] = value;
    newest += down / up;
    offset += down % up;
    if (offset >= up) {
      offset -= up;
      ++newest;
    }
  }
}

}  // namespace

base::Result<std::vector<double>> FirDesign(Band band, Edges edges, double rate_hz,
                                            std::span<const double> window) {
  const double nyquist = rate_hz / 2.0;
  const bool two_edges = band == Band::kBandPass || band == Band::kBandStop;
  const bool inside = edges.low > 0.0 && edges.low < nyquist &&
                      (!two_edges || (edges.high > edges.low && edges.high < nyquist));
  if (!inside) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("filter edges {} and {} Hz are not ascending inside (0, {}) Hz",
                                  edges.low, edges.high, nyquist));
  }
  const bool passes_nyquist = band == Band::kHighPass || band == Band::kBandStop;
  if (window.empty() || (passes_nyquist && window.size() % 2 == 0)) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("{} taps cannot pass half the rate, expected an odd number", window.size()));
  }
  return WindowMethod(PassBands(band, edges, nyquist), window);
}

base::Result<std::vector<double>> Resample(std::span<const double> samples, size_t up,
                                           size_t down) {
  if (up == 0 || down == 0 || samples.empty()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("cannot resample {} samples by {}/{}, expected positive numbers",
                                  samples.size(), up, down));
  }
  TRY(CheckFinite(samples));
  const size_t divisor = std::gcd(up, down);
  up /= divisor;
  down /= divisor;
  if (up == 1 && down == 1) return std::vector<double>(samples.begin(), samples.end());
  const size_t slower = std::max(up, down);
  const size_t half = 10 * slower;
  const PassBand band{0.0, 1.0 / static_cast<double>(slower)};
  std::vector<double> taps = WindowMethod(std::span(&band, 1), Kaiser(2 * half + 1, 5.0));
  for (double& tap : taps) tap *= static_cast<double>(up);
  const auto phases = ReversedPhases(taps, up);

  std::vector<double> resampled((samples.size() * up + down - 1) / down);
  Interpolate(samples, phases, down, half, resampled);
  return resampled;
}

}  // namespace montage::signal
