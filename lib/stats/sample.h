#pragma once
// Order statistics of small samples that are held in memory.

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

/// The value below which a standard normal variable is with probability `p` in (0, 1). P. J.
/// Acklam's rational approximation with one step of Halley's method: error below 1e-14.
double NormalQuantile(double p);

}  // namespace stats
