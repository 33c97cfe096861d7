#include "lib/stats/sample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace stats {
namespace {

double Polynomial(std::span<const double> coefficients, double x) {
  double value = 0;
  for (const double c : coefficients) value = value * x + c;
  return value;
}

double LowerTail(double p) {
  constexpr std::array kNumerator = {-7.784894002430293e-03, -3.223964580411365e-01,
                                     -2.400758277161838e+00, -2.549732539343734e+00,
                                     4.374664141464968e+00,  2.938163982698783e+00};
  constexpr std::array kDenominator = {7.784695709041462e-03, 3.224671290700398e-01,
                                       2.445134137142996e+00, 3.754408661907416e+00, 1.0};
  const double q = std::sqrt(-2 * std::log(p));
  return Polynomial(kNumerator, q) / Polynomial(kDenominator, q);
}

double Middle(double p) {
  constexpr std::array kNumerator = {-3.969683028665376e+01, 2.209460984245205e+02,
                                     -2.759285104469687e+02, 1.383577518672690e+02,
                                     -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr std::array kDenominator = {-5.447609879822406e+01, 1.615858368580409e+02,
                                       -1.556989798598866e+02, 6.680131188771972e+01,
                                       -1.328068155288572e+01, 1.0};
  const double q = p - 0.5;
  return q * Polynomial(kNumerator, q * q) / Polynomial(kDenominator, q * q);
}

// P(|T| < t) with t = tan(theta) * sqrt(freedom).
double StudentMiddle(double theta, size_t freedom) {
  const double cosine = std::cos(theta);
  const bool odd = freedom % 2 == 1;
  double term = odd ? cosine : 1;
  double sum = 0;
  // Factors 2/3, 4/5, ... of the odd sum, 1/2, 3/4, ... of the even one.
  for (size_t k = odd ? 3 : 2; k <= freedom; k += 2) {
    sum += term;
    const auto above = static_cast<double>(k - 1);
    term *= above / static_cast<double>(k) * cosine * cosine;
  }
  if (odd) return 2 / std::numbers::pi * (theta + std::sin(theta) * sum);
  return std::sin(theta) * sum;
}

}  // namespace

double QuantileOfSorted(std::span<const double> sorted, double q) {
  const double at = std::clamp(q, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

double Quantile(std::vector<double> sample, double q) {
  if (sample.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::ranges::sort(sample);
  return QuantileOfSorted(sample, q);
}

double Median(std::vector<double> sample) { return Quantile(std::move(sample), 0.5); }

double RobustDeviation(std::vector<double> sample) {
  constexpr double kNormal = 1.4826022185056018;  // 1 / the normal quantile of 3/4
  const double center = Median(sample);
  for (double& value : sample) value = std::abs(value - center);
  return kNormal * Median(std::move(sample));
}

double FewValuesFactor(size_t count) {
  constexpr std::array kFactors = {1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107};
  if (count < 2 + kFactors.size()) return kFactors[std::max<size_t>(count, 2) - 2];
  return static_cast<double>(count) / (static_cast<double>(count) - 0.8);
}

double RobustDeviationOfFew(std::vector<double> sample) {
  const double factor = FewValuesFactor(sample.size());
  return factor * RobustDeviation(std::move(sample));
}

double StudentQuantile(double p, size_t freedom) {
  if (p == 0.5) return 0;
  const double middle = std::abs(2 * p - 1);
  double low = 0;
  double high = std::numbers::pi / 2;
  for (int step = 0; step < 100; ++step) {
    const double theta = (low + high) / 2;
    (StudentMiddle(theta, freedom) < middle ? low : high) = theta;
  }
  const double t = std::tan(low) * std::sqrt(static_cast<double>(freedom));
  return p < 0.5 ? -t : t;
}

double NormalQuantile(double p) {
  constexpr double kTail = 0.02425;
  double x = p < kTail ? LowerTail(p) : (p > 1 - kTail ? -LowerTail(1 - p) : Middle(p));
  const double miss = 0.5 * std::erfc(-x / std::numbers::sqrt2) - p;
  const double step = miss * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
  x -= step / (1 + x * step / 2);
  return x;
}

}  // namespace stats
