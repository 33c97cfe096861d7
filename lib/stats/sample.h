#pragma once
// Order statistics of small samples that are held in memory.

#include <cstddef>
#include <span>
#include <vector>

namespace stats {

/// Linear interpolation between the order statistics at (n - 1) * q (Hyndman and Fan 1996, type 7,
/// what NumPy and R do). `sorted` is not empty; q in [0, 1].
double QuantileOfSorted(std::span<const double> sorted, double q);

/// NaN for an empty sample.
double Quantile(std::vector<double> sample, double q);
double Median(std::vector<double> sample);

/// Median of the distances from the median, times 1.4826: estimates the standard deviation of a
/// normal sample and ignores outliers. NaN for an empty sample.
double RobustDeviation(std::vector<double> sample);

/// RobustDeviation without the bias that it has for few values, by the factors of C. Croux and P.
/// J. Rousseeuw, "Time-efficient algorithms for two highly robust estimators of scale",
/// Computational Statistics 1 (1992). 0 for a single value, NaN for none.
double RobustDeviationOfFew(std::vector<double> sample);
/// That factor for `count` values, at least 2.
double FewValuesFactor(size_t count);

/// The value below which Student's t with `freedom` (at least 1) degrees of freedom is with
/// probability `p` in (0, 1). Inverts the finite sums of M. Abramowitz and I. Stegun, "Handbook of
/// Mathematical Functions" (1964), 26.7.3 and 26.7.4; relative error below 1e-9.
double StudentQuantile(double p, size_t freedom);

/// The value below which a standard normal variable is with probability `p` in (0, 1). P. J.
/// Acklam's rational approximation with one step of Halley's method: error below 1e-14.
double NormalQuantile(double p);

}  // namespace stats
