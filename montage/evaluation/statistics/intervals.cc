#include "montage/evaluation/statistics/intervals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace montage::evaluation {
namespace {

/// The continued fraction of the incomplete beta function, evaluated by Lentz's method.
double BetaFraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr int kMostTerms = 10'000;
  double c = 1;
  double d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double value = d;
  for (int m = 1; m < kMostTerms; ++m) {
    const auto step = [&](double numerator) {
      d = 1 + numerator * d;
      d = 1 / (std::abs(d) < kTiny ? kTiny : d);
      c = 1 + numerator / c;
      if (std::abs(c) < kTiny) c = kTiny;
      value *= d * c;
      return d * c;
    };
    step(m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)));
    const double factor = step(-(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)));
    if (std::abs(factor - 1) < 1e-15) break;
  }
  return value;
}

/// The x at which a rising function reaches `target`, within [low, high].
template <typename Function>
double Solve(double low, double high, double target, Function function) {
  for (int i = 0; i < 200 && high - low > 1e-15 * std::max(1.0, high); ++i) {
    const double middle = (low + high) / 2;
    (function(middle) < target ? low : high) = middle;
  }
  return (low + high) / 2;
}

/// P(X <= k) of a Poisson distribution.
double PoissonCdf(uint64_t k, double mean) {
  double sum = 0;
  double log_term = -mean;
  for (uint64_t i = 0; i <= k; ++i) {
    if (i > 0) log_term += std::log(mean / static_cast<double>(i));
    sum += std::exp(log_term);
  }
  return std::min(1.0, sum);
}

}  // namespace

double Count::share() const {
  if (trials == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(hits) / static_cast<double>(trials);
}

double BetaCdf(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * BetaFraction(a, b, x) / a;
  return 1 - front * BetaFraction(b, a, 1 - x) / b;
}

double NormalQuantile(double p) {
  constexpr std::array<double, 6> kA = {-3.969683028665376e+01, 2.209460984245205e+02,
                                        -2.759285104469687e+02, 1.383577518672690e+02,
                                        -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr std::array<double, 5> kB = {-5.447609879822406e+01, 1.615858368580409e+02,
                                        -1.556989798598866e+02, 6.680131188771972e+01,
                                        -1.328068155288572e+01};
  constexpr std::array<double, 6> kC = {-7.784894002430293e-03, -3.223964580411365e-01,
                                        -2.400758277161838e+00, -2.549732539343734e+00,
                                        4.374664141464968e+00,  2.938163982698783e+00};
  constexpr std::array<double, 4> kD = {7.784695709041462e-03, 3.224671290700398e-01,
                                        2.445134137142996e+00, 3.754408661907416e+00};
  if (p > 0.5) return -NormalQuantile(1 - p);
  double x = 0;
  if (p < 0.02425) {
    const double q = std::sqrt(-2 * std::log(p));
    x = (((((kC[0] * q + kC[1]) * q + kC[2]) * q + kC[3]) * q + kC[4]) * q + kC[5]) /
        ((((kD[0] * q + kD[1]) * q + kD[2]) * q + kD[3]) * q + 1);
  } else {
    const double q = p - 0.5;
    const double r = q * q;
    x = (((((kA[0] * r + kA[1]) * r + kA[2]) * r + kA[3]) * r + kA[4]) * r + kA[5]) * q /
        (((((kB[0] * r + kB[1]) * r + kB[2]) * r + kB[3]) * r + kB[4]) * r + 1);
  }
  const double error = 0.5 * std::erfc(-x / std::numbers::sqrt2) - p;
  const double step = error * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
  return x - step / (1 + x * step / 2);
}

Interval WilsonInterval(Count count, double confidence) {
  if (count.trials == 0) return {};
  const double z = NormalQuantile(0.5 + confidence / 2);
  const auto n = static_cast<double>(count.trials);
  const double p = count.share();
  const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  // Exactly 0 and 1 at the ends, whatever rounding says.
  return {count.hits == 0 ? 0 : std::max(0.0, centre - half),
          count.hits == count.trials ? 1 : std::min(1.0, centre + half)};
}

Interval ClopperPearsonInterval(Count count, double confidence) {
  if (count.trials == 0) return {};
  const double tail = (1 - confidence) / 2;
  const auto k = static_cast<double>(count.hits);
  const auto n = static_cast<double>(count.trials);
  Interval out;
  if (count.hits > 0)
    out.low = Solve(0, 1, tail, [&](double x) { return BetaCdf(k, n - k + 1, x); });
  if (count.hits < count.trials)
    out.high = Solve(0, 1, 1 - tail, [&](double x) { return BetaCdf(k + 1, n - k, x); });
  return out;
}

Interval PoissonInterval(uint64_t events, double exposure, double confidence) {
  const double tail = (1 - confidence) / 2;
  const double most = 2 * static_cast<double>(events) + 50;
  Interval out{0, 0};
  if (events > 0) {
    out.low = Solve(0, most, tail, [&](double mean) { return 1 - PoissonCdf(events - 1, mean); });
  }
  out.high = Solve(0, most, 1 - tail, [&](double mean) { return 1 - PoissonCdf(events, mean); });
  return {out.low / exposure, out.high / exposure};
}

}  // namespace montage::evaluation
