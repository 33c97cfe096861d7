#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "montage/signal/filter/iir.h"
#include "montage/signal/filter/prototype.h"

namespace montage::signal {
namespace {

using Complex = std::complex<double>;
constexpr double kPi = std::numbers::pi;
constexpr int kMaxOrder = 16;

/// Analogue frequency that the bilinear transform with step 2 maps to `hz`.
double Prewarp(double hz, double rate_hz) { return 4.0 * std::tan(kPi * hz / rate_hz); }

Complex Bilinear(Complex s) { return (4.0 + s) / (4.0 - s); }

/// 1 + b1/z + b2/z^2 with zeros on the unit circle where the bilinear transform puts +-i s.
Biquad WithZeros(double s) { return {1.0, -2.0 * Bilinear({0.0, s}).real(), 1.0, 0.0, 0.0}; }

Biquad WithPoles(Biquad section, Complex sum, Complex product) {
  section.a1 = -sum.real();
  section.a2 = product.real();
  return section;
}
Biquad WithPair(Biquad section, Complex pole) {
  return WithPoles(section, 2.0 * pole.real(), std::norm(pole));
}

/// Low- or high-pass: s becomes s / edge or edge / s.
Sections OneEdge(const AnalogueLowPass& filter, Band band, double edge) {
  const bool low = band == Band::kLowPass;
  const double zero = low ? -1.0 : 1.0;  // where zeros at infinity go
  Sections sections;
  for (const auto& [prototype, prototype_zero] : filter.factors) {
    const Complex pole = Bilinear(low ? prototype * edge : edge / prototype);
    if (prototype.imag() == 0.0) {
      sections.push_back({1.0, -zero, 0.0, -pole.real(), 0.0});
    } else if (prototype_zero) {
      sections.push_back(
          WithPair(WithZeros(low ? *prototype_zero * edge : edge / *prototype_zero), pole));
    } else {
      sections.push_back(WithPair({1.0, -2.0 * zero, 1.0}, pole));
    }
  }
  return sections;
}

/// Band-pass or band-stop: s becomes (s^2 + low high) / (s width) or the reciprocal, so that each
/// prototype pole and zero becomes two.
Sections TwoEdges(const AnalogueLowPass& filter, Band band, double low, double high) {
  const bool pass = band == Band::kBandPass;
  const double width = high - low;
  const double centre_squared = low * high;
  // Zeros at infinity become one at 0 Hz and one at half the rate, or a pair between the edges.
  const Biquad plain = pass ? Biquad{1.0, 0.0, -1.0} : WithZeros(std::sqrt(centre_squared));
  Sections sections;
  for (const auto& [prototype, zero] : filter.factors) {
    const Complex half = (pass ? prototype * width : width / prototype) / 2.0;
    const Complex root = std::sqrt(half * half - centre_squared);
    const Complex first = Bilinear(half + root);
    const Complex second = Bilinear(half - root);
    if (prototype.imag() == 0.0) {
      sections.push_back(WithPoles(plain, first + second, first * second));
      continue;
    }
    Biquad lower = plain, upper = plain;
    if (zero) {
      const double half_zero = (pass ? *zero * width : width / *zero) / 2.0;
      const double zero_root = std::sqrt(half_zero * half_zero + centre_squared);
      upper = WithZeros(zero_root + half_zero);
      lower = WithZeros(zero_root - half_zero);
    }
    const bool ascending = std::abs(std::arg(first)) < std::abs(std::arg(second));
    sections.push_back(WithPair(lower, ascending ? first : second));
    sections.push_back(WithPair(upper, ascending ? second : first));
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

base::Result<void> CheckEdges(Band band, Edges edges, double rate_hz) {
  TRY(CheckEdge(edges.low, rate_hz));
  if (band == Band::kLowPass || band == Band::kHighPass) return {};
  TRY(CheckEdge(edges.high, rate_hz));
  if (edges.low < edges.high) return {};
  return base::Fail(
      base::ErrorCode::kInvalid,
      fmt::format("filter edges {} and {} Hz are not ascending", edges.low, edges.high));
}

base::Result<void> CheckDecibels(const char* what, double db, double above, double up_to) {
  if (db > above && db <= up_to) return {};
  return base::Fail(base::Error{
      .code = base::ErrorCode::kInvalid,
      .message = fmt::format("{} of {} dB is outside ({}, {}] dB", what, db, above, up_to),
      .hint = "0.1 dB of ripple and 40 to 80 dB of attenuation are usual"});
}

constexpr double kMostRipple = 20.0;
constexpr double kMostAttenuation = 200.0;

base::Result<void> Check(const ButterworthShape& /*shape*/) { return {}; }
base::Result<void> Check(const BesselShape& /*shape*/) { return {}; }
base::Result<void> Check(const ChebyshevShape& shape) {
  return CheckDecibels("pass-band ripple", shape.ripple_db, 0.0, kMostRipple);
}
base::Result<void> Check(const InverseChebyshevShape& shape) {
  return CheckDecibels("stop-band attenuation", shape.attenuation_db, 0.0, kMostAttenuation);
}
base::Result<void> Check(const EllipticShape& shape) {
  TRY(CheckDecibels("pass-band ripple", shape.ripple_db, 0.0, kMostRipple));
  return CheckDecibels("stop-band attenuation", shape.attenuation_db, shape.ripple_db,
                       kMostAttenuation);
}

/// Both poles inside the unit circle (Jury's conditions); false for anything that is not a number.
bool IsStable(const Biquad& s) {
  return std::abs(s.a2) < 1.0 && std::abs(s.a1) < 1.0 + s.a2 && std::isfinite(s.b0) &&
         std::isfinite(s.b1) && std::isfinite(s.b2);
}

}  // namespace

base::Result<Sections> IirDesign(const IirShape& shape, int order, Band band, Edges edges,
                                 double rate_hz) {
  if (order < 1 || order > kMaxOrder) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("filter order {} is outside 1 to {}", order, kMaxOrder));
  }
  TRY(CheckEdges(band, edges, rate_hz));
  TRY(std::visit([](const auto& each) { return Check(each); }, shape));
  const bool two_edges = band == Band::kBandPass || band == Band::kBandStop;
  const AnalogueLowPass prototype = PrototypeOf(shape, order);
  const double low = Prewarp(edges.low, rate_hz);
  const double high = two_edges ? Prewarp(edges.high, rate_hz) : 0.0;
  Sections sections =
      two_edges ? TwoEdges(prototype, band, low, high) : OneEdge(prototype, band, low);
  std::ranges::sort(sections, {}, [](const Biquad& s) { return std::abs(s.a2); });
  double reference = 0.0;  // radians a sample that stand for the prototype's 0
  if (band == Band::kHighPass) reference = kPi;
  if (band == Band::kBandPass) reference = 2.0 * std::atan(std::sqrt(low * high) / 4.0);
  const double gain = prototype.gain_at_zero / std::abs(ResponseAt(sections, reference));
  sections.front().b0 *= gain;
  sections.front().b1 *= gain;
  sections.front().b2 *= gain;
  if (std::ranges::all_of(sections, IsStable) && gain > 0.0) return sections;
  return base::Fail(base::Error{
      .code = base::ErrorCode::kInvalid,
      .message = fmt::format("a filter of order {} with edges {} and {} Hz at {} Hz has no stable "
                             "form in double precision",
                             order, edges.low, edges.high, rate_hz),
      .hint = "lower the order, widen the band, or resample to a lower rate first"});
}

base::Result<Sections> Butterworth(int order, Band band, Edges edges, double rate_hz) {
  return IirDesign(ButterworthShape{}, order, band, edges, rate_hz);
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
