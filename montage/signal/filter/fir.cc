#include "montage/signal/filter/fir.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "montage/signal/filter/window.h"

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

/// Length in samples times transition in cycles a sample of a filter with a Hamming window.
constexpr double kHammingLength = 3.3;

/// One slope of a filter: a low-pass that is added or taken away.
struct Transition {
  double centre_hz;
  double width_hz;
  double sign;
};

size_t OddLength(double length) {
  const auto whole = static_cast<size_t>(length);
  return whole + (whole % 2 == 0 ? 1 : 0);
}
size_t OwnLength(const Transition& transition, double rate_hz) {
  return OddLength(std::nearbyint(kHammingLength * rate_hz / transition.width_hz));
}

base::Result<void> CheckEdges(Band band, Edges edges, double nyquist) {
  const bool two_edges = band == Band::kBandPass || band == Band::kBandStop;
  const bool inside = edges.low > 0.0 && edges.low < nyquist &&
                      (!two_edges || (edges.high > edges.low && edges.high < nyquist));
  if (inside) return {};
  return base::Fail(base::ErrorCode::kInvalid,
                    fmt::format("filter edges {} and {} Hz are not ascending inside (0, {}) Hz",
                                edges.low, edges.high, nyquist));
}

}  // namespace

base::Result<std::vector<double>> FirDesign(Band band, Edges edges, double rate_hz,
                                            std::span<const double> window) {
  const double nyquist = rate_hz / 2.0;
  TRY(CheckEdges(band, edges, nyquist));
  const bool passes_nyquist = band == Band::kHighPass || band == Band::kBandStop;
  if (window.empty() || (passes_nyquist && window.size() % 2 == 0)) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("{} taps cannot pass half the rate, expected an odd number", window.size()));
  }
  return WindowMethod(PassBands(band, edges, nyquist), window);
}

base::Result<std::vector<double>> DefaultFir(Band band, Edges edges, double rate_hz) {
  TRY(CheckEdges(band, edges, rate_hz / 2.0));
  const double nyquist = rate_hz / 2.0;
  // A low-pass has only an upper transition; its edge is `low` as everywhere.
  const double high = band == Band::kLowPass ? edges.low : edges.high;
  const double lower_hz = std::min(std::max(0.25 * edges.low, 2.0), edges.low);
  const double upper_hz = std::min(std::max(0.25 * high, 2.0), nyquist - high);
  const bool stop = band == Band::kBandStop;
  if (stop && edges.low + lower_hz > edges.high - upper_hz) {
    return base::Fail(base::Error{
        .code = base::ErrorCode::kInvalid,
        .message = fmt::format("transitions of {} and {} Hz do not fit between {} and {} Hz",
                               lower_hz, upper_hz, edges.low, edges.high),
        .hint = "set the edges farther apart, or use a recursive notch"});
  }
  std::vector<Transition> transitions;
  if (band != Band::kLowPass) {
    const double centre = edges.low + (stop ? 0.5 : -0.5) * lower_hz;
    transitions.push_back({centre, lower_hz, stop ? 1.0 : -1.0});
  }
  if (band != Band::kHighPass) {
    const double centre = high + (stop ? -0.5 : 0.5) * upper_hz;
    transitions.push_back({centre, upper_hz, stop ? -1.0 : 1.0});
  }
  double narrowest = nyquist;
  for (const Transition& transition : transitions) {
    narrowest = std::min(narrowest, transition.width_hz);
  }
  size_t length = OddLength(std::ceil(kHammingLength / narrowest * rate_hz));
  for (const Transition& t : transitions) length = std::max(length, OwnLength(t, rate_hz));
  std::vector<double> taps(length, 0.0);
  if (band == Band::kHighPass || stop) taps[length / 2] = 1.0;
  for (const Transition& transition : transitions) {
    const size_t own = OwnLength(transition, rate_hz);
    TRY(const auto low_pass, FirDesign(Band::kLowPass, {transition.centre_hz, 0.0}, rate_hz,
                                       Hamming(own, Symmetry::kSymmetric)));
    for (size_t i = 0; i < own; ++i) taps[(length - own) / 2 + i] += transition.sign * low_pass[i];
  }
  return taps;
}

}  // namespace montage::signal
