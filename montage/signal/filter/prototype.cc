#include "montage/signal/filter/prototype.h"

#include <cmath>
#include <numbers>

namespace montage::signal {
namespace {

using Complex = std::complex<double>;
constexpr double kPi = std::numbers::pi;

double FromDecibels(double db) { return std::pow(10.0, db / 20.0); }

/// 10^(db / 10) - 1 without loss of digits for a small ripple.
double PowerLessOne(double db) { return std::expm1(db * std::numbers::ln10 / 10.0); }

/// Ripple in the pass band: an even order begins at the bottom of it.
double RippleAtZero(int order, double ripple_db) {
  return order % 2 == 0 ? 1.0 / FromDecibels(ripple_db) : 1.0;
}

AnalogueLowPass Build(const ButterworthShape& /*shape*/, int order) {
  AnalogueLowPass filter;
  for (int m = order - 1; m >= 0; m -= 2) {
    const double angle = kPi * m / (2.0 * order);
    filter.factors.push_back({m == 0 ? Complex(-1.0, 0.0) : -std::polar(1.0, -angle), {}});
  }
  return filter;
}

/// Zverev 1967; poles on an ellipse.
AnalogueLowPass Build(const ChebyshevShape& shape, int order) {
  const double ripple = std::sqrt(PowerLessOne(shape.ripple_db));
  const double mu = std::asinh(1.0 / ripple) / order;
  AnalogueLowPass filter;
  for (int m = order - 1; m >= 0; m -= 2) {
    const double angle = kPi * m / (2.0 * order);
    filter.factors.push_back(
        {{-std::sinh(mu) * std::cos(angle), std::cosh(mu) * std::sin(angle)}, {}});
  }
  filter.gain_at_zero = RippleAtZero(order, shape.ripple_db);
  return filter;
}

/// The reciprocal of Chebyshev's poles, and zeros where his polynomial touches its bound.
AnalogueLowPass Build(const InverseChebyshevShape& shape, int order) {
  const double mu = std::asinh(std::sqrt(PowerLessOne(shape.attenuation_db))) / order;
  AnalogueLowPass filter;
  for (int m = order - 1; m >= 0; m -= 2) {
    const double angle = kPi * m / (2.0 * order);
    const Complex on_ellipse(-std::sinh(mu) * std::cos(angle), -std::cosh(mu) * std::sin(angle));
    AnalogueFactor factor{1.0 / on_ellipse, {}};
    if (m > 0) factor.zero = 1.0 / std::sin(angle);
    filter.factors.push_back(factor);
  }
  return filter;
}

/// The arithmetic-geometric means that Jacobi's functions of one parameter are computed with
/// (Abramowitz, Stegun 1964, sections 16.4 and 17.6). The complement 1 - m is given, so that it
/// keeps its digits when m is near 1.
class JacobiFunctions {
 public:
  JacobiFunctions(double m, double complement) : m_(m) {
    double a = 1.0, b = std::sqrt(complement), c = std::sqrt(m);
    while (steps_ + 1 < kMaxSteps) {
      a_[steps_] = a, b_[steps_] = b, c_[steps_] = c;
      if (c <= kEnough * a) break;
      ++steps_;
      c = 0.5 * (a - b);
      const double mean = 0.5 * (a + b);
      b = std::sqrt(a * b);
      a = mean;
    }
  }

  /// The complete integral K(m).
  double Quarter() const { return kPi / (2.0 * a_[steps_]); }
  /// The incomplete integral F(amplitude | m) for 0 <= amplitude <= pi / 2.
  double Integral(double amplitude) const {
    double angle = amplitude;
    for (int n = 0; n < steps_; ++n) {
      const double turns = std::floor(angle / kPi + 0.5);
      angle += std::atan(b_[n] / a_[n] * std::tan(angle)) + kPi * turns;
    }
    return std::ldexp(angle, -steps_) / a_[steps_];
  }
  struct Values {
    double sn, cn, dn;
  };
  Values At(double u) const {
    double angle = std::ldexp(a_[steps_] * u, steps_);
    for (int n = steps_; n > 0; --n) {
      angle = 0.5 * (angle + std::asin(c_[n] / a_[n] * std::sin(angle)));
    }
    const double sn = std::sin(angle), cn = std::cos(angle);
    return {sn, cn, std::sqrt(cn * cn + (1.0 - m_) * sn * sn)};
  }

 private:
  static constexpr int kMaxSteps = 32;
  static constexpr double kEnough = 4e-16;  ///< a step squares the difference of the means
  double m_;
  int steps_ = 0;
  double a_[kMaxSteps] = {}, b_[kMaxSteps] = {}, c_[kMaxSteps] = {};
};

struct Parameter {
  double m;
  double complement;
};

/// The parameter whose nome is the order-th root of the nome of m1: the degree equation. Products
/// for both from Abramowitz, Stegun 1964, 16.38 and 16.37.
Parameter SolveDegree(int order, const JacobiFunctions& ripple, const JacobiFunctions& mirror) {
  const double nome = std::exp(-kPi * mirror.Quarter() / (ripple.Quarter() * order));
  double complement_root = 1.0, ratio = 1.0;
  double even = 1.0;  // nome^(2 n)
  for (int n = 1; n < 10000 && even > 1e-18; ++n) {
    const double odd = even * nome;
    even = odd * nome;
    complement_root *= (1.0 - odd) / (1.0 + odd);
    ratio *= (1.0 + even) / (1.0 + odd);
  }
  return {16.0 * nome * std::pow(ratio, 8), std::pow(complement_root, 8)};
}

/// Orfanidis 2005, Lecture Notes on Elliptic Filter Design.
AnalogueLowPass Build(const EllipticShape& shape, int order) {
  if (order == 1) return Build(ChebyshevShape{shape.ripple_db}, 1);
  const double ripple_squared = PowerLessOne(shape.ripple_db);
  const double discrimination = ripple_squared / PowerLessOne(shape.attenuation_db);
  const JacobiFunctions ripple(discrimination, 1.0 - discrimination);
  const JacobiFunctions mirror(1.0 - discrimination, discrimination);
  const auto [m, complement] = SolveDegree(order, ripple, mirror);
  const JacobiFunctions selectivity(m, complement);
  const JacobiFunctions opposite(complement, m);
  const double quarter = selectivity.Quarter();
  const double shift = quarter * mirror.Integral(std::atan(1.0 / std::sqrt(ripple_squared))) /
                       (order * ripple.Quarter());
  const auto v = opposite.At(shift);
  AnalogueLowPass filter;
  for (int j = order - 1; j >= 0; j -= 2) {
    const auto u = selectivity.At(j * quarter / order);
    const double below = 1.0 - u.dn * u.dn * v.sn * v.sn;
    AnalogueFactor factor{{-u.cn * u.dn * v.sn * v.cn / below, u.sn * v.dn / below}, {}};
    if (j > 0) {
      factor.zero = 1.0 / (std::sqrt(m) * u.sn);
    } else {
      factor.pole.imag(0.0);
    }
    filter.factors.push_back(factor);
  }
  filter.gain_at_zero = RippleAtZero(order, shape.ripple_db);
  return filter;
}

/// The reverse Bessel polynomial and its derivative by the recurrence
/// theta_n = (2 n - 1) theta_(n-1) + s^2 theta_(n-2), in extended precision.
struct BesselValue {
  std::complex<long double> value;
  std::complex<long double> slope;
};
BesselValue BesselAt(std::complex<long double> s, int order) {
  std::complex<long double> before = 1.0L, before_slope = 0.0L;
  std::complex<long double> now = s + 1.0L, slope = 1.0L;
  for (int n = 2; n <= order; ++n) {
    const auto factor = static_cast<long double>(2 * n - 1);
    const auto next = factor * now + s * s * before;
    const auto next_slope = factor * slope + s * s * before_slope + 2.0L * s * before;
    before = now, before_slope = slope;
    now = next, slope = next_slope;
  }
  return {now, slope};
}

/// All roots at once (Aberth 1973), from a half circle in the left half plane.
std::vector<std::complex<long double>> BesselRoots(int order) {
  const auto count = static_cast<size_t>(order);
  std::vector<std::complex<long double>> roots(count);
  for (size_t i = 0; i < count; ++i) {
    const long double angle = (0.5L + (static_cast<long double>(i) + 0.5L) / order) * kPi;
    roots[i] = std::polar(0.9L * order, angle);
  }
  for (int iteration = 0; iteration < 200; ++iteration) {
    long double largest = 0.0L;
    for (size_t i = 0; i < count; ++i) {
      const auto [value, slope] = BesselAt(roots[i], order);
      const auto newton = value / slope;
      std::complex<long double> repulsion = 0.0L;
      for (size_t j = 0; j < count; ++j) {
        if (j != i) repulsion += 1.0L / (roots[i] - roots[j]);
      }
      const auto step = newton / (1.0L - newton * repulsion);
      roots[i] -= step;
      largest = std::max(largest, std::abs(step) / std::abs(roots[i]));
    }
    if (largest < 1e-17L) break;
  }
  return roots;
}

/// Thomson 1949. Scaled so that the phase at high frequencies is that of a Butterworth filter of
/// the same edge: the product of the poles is 1.
AnalogueLowPass Build(const BesselShape& /*shape*/, int order) {
  long double product = 1.0L;  // (2 n)! / (2^n n!), the polynomial's value at 0
  for (int n = 1; n <= order; ++n) product *= static_cast<long double>(2 * n - 1);
  const long double scale = std::pow(product, -1.0L / order);
  AnalogueLowPass filter;
  for (const auto& root : BesselRoots(order)) {
    const Complex pole(static_cast<double>(root.real() * scale),
                       static_cast<double>(root.imag() * scale));
    if (std::abs(pole.imag()) < 1e-12) {
      filter.factors.push_back({{pole.real(), 0.0}, {}});
    } else if (pole.imag() > 0.0) {
      filter.factors.push_back({pole, {}});
    }
  }
  return filter;
}

}  // namespace

AnalogueLowPass PrototypeOf(const IirShape& shape, int order) {
  return std::visit([order](const auto& each) { return Build(each, order); }, shape);
}

}  // namespace montage::signal
