#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/filter/iir.h"

namespace montage::signal {
namespace {

using Complex = std::complex<double>;
constexpr double kPi = std::numbers::pi;
constexpr int kMaxOrder = 16;

/// Analogue frequency that the bilinear transform with step 2 maps to `hz`.
double Prewarp(double hz, double rate_hz) { return 4.0 * std::tan(kPi * hz / rate_hz); }

Complex Bilinear(Complex s) { return (4.0 + s) / (4.0 - s); }

/// Left half-plane poles of the prototype with cut-off 1, upper half and the real one.
std::vector<Complex> PrototypePoles(int order) {
  std::vector<Complex> poles;
  for (int m = order - 1; m > 0; m -= 2) {
    poles.push_back(-std::polar(1.0, -kPi * m / (2.0 * order)));
  }
  if (order % 2 == 1) poles.emplace_back(-1.0, 0.0);
  return poles;
}

Biquad FromConjugatePair(Complex pole, double b0, double b1, double b2) {
  return {b0, b1, b2, -2.0 * pole.real(), std::norm(pole)};
}

/// Low- or high-pass: `zero` is -1 or 1.
Sections OneEdge(int order, Band band, double warped) {
  const double zero = band == Band::kLowPass ? -1.0 : 1.0;
  Sections sections;
  for (const Complex& prototype : PrototypePoles(order)) {
    const Complex pole = Bilinear(band == Band::kLowPass ? prototype * warped : warped / prototype);
    if (prototype.imag() == 0.0) {
      sections.push_back({1.0, -zero, 0.0, -pole.real(), 0.0});
    } else {
      sections.push_back(FromConjugatePair(pole, 1.0, -2.0 * zero, 1.0));
    }
  }
  return sections;
}

/// Band-pass or band-stop: each prototype pole becomes two.
Sections TwoEdges(int order, Band band, double low, double high) {
  const double width = high - low;
  const double centre_squared = low * high;
  // Band-stop zeros at +-i sqrt(low high) become a conjugate pair on the unit circle.
  const Complex notch = Bilinear(Complex(0.0, std::sqrt(centre_squared)));
  const auto section = [&](Complex pole_sum, Complex pole_product) {
    Biquad biquad{1.0, 0.0, -1.0, -pole_sum.real(), pole_product.real()};
    if (band == Band::kBandStop) {
      biquad.b1 = -2.0 * notch.real();
      biquad.b2 = 1.0;
    }
    return biquad;
  };
  Sections sections;
  for (const Complex& prototype : PrototypePoles(order)) {
    const Complex half = (band == Band::kBandPass ? prototype * width : width / prototype) / 2.0;
    const Complex root = std::sqrt(half * half - centre_squared);
    const Complex first = Bilinear(half + root);
    const Complex second = Bilinear(half - root);
    if (prototype.imag() == 0.0) {
      sections.push_back(section(first + second, first * second));
    } else {
      for (const Complex& pole : {first, second}) {
        sections.push_back(section(2.0 * pole.real(), std::norm(pole)));
      }
    }
  }
  return sections;
}

Complex ResponseAt(std::span<const Biquad> sections, double radians) {
  const Complex delay = std::polar(1.0, -radians);
  Complex response = 1.0;
  for (const Biquad& s : sections) {
    response *= (s.b0 + delay * (s.b1 + delay * s.b2)) / (1.0 + delay * (s.a1 + delay * s.a2));
  }
  return response;
}

base::Result<void> CheckEdge(double hz, double rate_hz) {
  if (hz > 0.0 && hz < rate_hz / 2.0) return {};
  return base::Fail(base::ErrorCode::kInvalid,
                    fmt::format("filter edge {} Hz is outside (0, {}) Hz, half the rate of {} Hz",
                                hz, rate_hz / 2.0, rate_hz));
}

}  // namespace

base::Result<Sections> Butterworth(int order, Band band, Edges edges, double rate_hz) {
  if (order < 1 || order > kMaxOrder) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("filter order {} is outside 1 to {}", order, kMaxOrder));
  }
  const bool two_edges = band == Band::kBandPass || band == Band::kBandStop;
  TRY(CheckEdge(edges.low, rate_hz));
  if (two_edges) {
    TRY(CheckEdge(edges.high, rate_hz));
    if (!(edges.low < edges.high)) {
      return base::Fail(
          base::ErrorCode::kInvalid,
          fmt::format("filter edges {} and {} Hz are not ascending", edges.low, edges.high));
    }
  }
  const double low = Prewarp(edges.low, rate_hz);
  const double high = two_edges ? Prewarp(edges.high, rate_hz) : 0.0;
  Sections sections = two_edges ? TwoEdges(order, band, low, high) : OneEdge(order, band, low);
  std::ranges::sort(sections, {}, [](const Biquad& s) { return std::abs(s.a2); });
  double reference = 0.0;  // radians a sample where the gain is 1
  if (band == Band::kHighPass) reference = kPi;
  if (band == Band::kBandPass) reference = 2.0 * std::atan(std::sqrt(low * high) / 4.0);
  const double gain = 1.0 / std::abs(ResponseAt(sections, reference));
  sections.front().b0 *= gain;
  sections.front().b1 *= gain;
  sections.front().b2 *= gain;
  return sections;
}

base::Result<Sections> Notch(double hz, double quality, double rate_hz) {
  TRY(CheckEdge(hz, rate_hz));
  if (!(quality > 0.0)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("notch quality {} is not positive", quality));
  }
  const double centre = 2.0 * kPi * hz / rate_hz;
  const double gain = 1.0 / (1.0 + std::tan(centre / quality / 2.0));
  const double cosine = std::cos(centre);
  return Sections{{gain, -2.0 * gain * cosine, gain, -2.0 * gain * cosine, 2.0 * gain - 1.0}};
}

double GainAt(std::span<const Biquad> sections, double hz, double rate_hz) {
  return std::abs(ResponseAt(sections, 2.0 * kPi * hz / rate_hz));
}

}  // namespace montage::signal
