#pragma once
// Statistics of one signal in the time domain. Units: those of the samples unless stated.
//
// None of these checks for NaN: callers that take outside input call CheckFinite first. Every
// function of an empty span gives 0.

#include <cstddef>
#include <span>

namespace montage::signal {

/// First four moments of the samples; population convention (divided by n).
struct Moments {
  double mean = 0;
  double variance = 0;
  double skewness = 0;         ///< m3 / m2^1.5 (scipy.stats.skew), 0 for a constant
  double excess_kurtosis = 0;  ///< m4 / m2^2 - 3 (scipy.stats.kurtosis), 0 for a constant
};
Moments MomentsOf(std::span<const double> samples);

double Mean(std::span<const double> samples);
double StandardDeviation(std::span<const double> samples);
double RootMeanSquare(std::span<const double> samples);
/// Largest minus smallest.
double PeakToPeak(std::span<const double> samples);

/// Reorders its argument. The mean of the middle two for even counts.
double Median(std::span<double> samples);
/// 1.4826 * median |x - median|: the standard deviation of normal samples (Hampel 1974). Reorders
/// and overwrites its argument.
double RobustDeviation(std::span<double> samples);
/// Linear interpolation between order statistics (numpy.percentile); fraction in [0, 1]. Reorders.
double Percentile(std::span<double> samples, double fraction);
/// The same without interpolation: the lower of two order statistics. Reorders.
float OrderStatistic(std::span<float> samples, double fraction);

/// Sum of |x[i] - x[i-1]| (Esteller et al. 2001).
double LineLength(std::span<const double> samples);
/// Changes of sign about the mean; a sample equal to the mean counts as positive.
size_t ZeroCrossings(std::span<const double> samples);

/// Hjorth 1970: variance; sqrt(var x' / var x); mobility of x' / mobility of x. The derivative is
/// the first difference, so mobility is per sample.
struct Hjorth {
  double activity = 0;
  double mobility = 0;
  double complexity = 0;
};
Hjorth HjorthOf(std::span<const double> samples);

/// Pearson's r; 0 when either is constant. Requires equal lengths.
double Correlation(std::span<const double> a, std::span<const double> b);

/// Subtracts the mean in place.
void RemoveMean(std::span<double> samples);
/// Subtracts the least-squares line in place (scipy.signal.detrend).
void RemoveTrend(std::span<double> samples);

}  // namespace montage::signal
