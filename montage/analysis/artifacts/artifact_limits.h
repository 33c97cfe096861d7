#pragma once
// The limits that artifacts are found by. Microvolts unless stated; for a bandwidth of about 0.5 to
// 100 Hz and any reference on the head.

#include <cstddef>

namespace montage::analysis {

/// An epoch of a channel has the artifact when a measure reaches its limit.
struct AmplitudeLimits {
  double peak_to_peak;
  double gradient_per_ms;  ///< largest difference of neighbouring samples
  double flat_deviation;   ///< standard deviation below
  double line_deviation;   ///< within 1 Hz of the mains frequency
};
// Peak to peak: limits in common use for rejection by amplitude. Gradient: half of the 50 uV/ms
// that acquisition software calls a step, because the anti-alias filter has softened it. Flat and
// line: as in quality control.
inline constexpr AmplitudeLimits kEegLimits{150, 25, 0.5, 12};
inline constexpr AmplitudeLimits kEogLimits{250, 25, 0.5, 20};
inline constexpr AmplitudeLimits kEmgLimits{500, 100, 0.5, 50};

/// Robust z of a measure over the epochs of its channel. FASTER (Nolan, Whelan, Reilly 2010) takes
/// 3 for the mean and deviation of some hundred epochs; with thousands of cells, 3 is passed by
/// chance, and median and MAD do not grow with the outliers themselves.
struct StatisticalLimits {
  double z = 5.0;
  double least_log_spread = 0.15;  ///< of logarithms, so that steady signals do not make outliers
  double least_kurtosis_spread = 0.5;
  size_t least_epochs = 20;  ///< fewer say nothing about what is usual
};

/// What a decomposition is fitted on.
struct FitLimits {
  double window_s = 10;
  double high_pass_hz = 1.0;         ///< Winkler, Debener, Mueller, Tangermann 2015
  double seconds = 240;              ///< at most
  size_t samples = 30'720;           ///< at most, a channel; windows with more are thinned
  size_t samples_per_weight = 20;    ///< at least, for each squared component (Onton, Makeig 2006)
  size_t components = 20;            ///< at most
  size_t least_components = 4;       ///< below that topographies say nothing
  double gross_peak_to_peak = 1000;  ///< an epoch above is not the head's; its window is left out
};

/// A component is active where its field at its strongest channel reaches the limit, in bins of
/// this length: the largest deflection for deflections, the root mean square for what lasts.
inline constexpr double kActivityBinS = 0.25;
inline constexpr double kActivityGapS = 0.5;  ///< shorter pauses do not end an interval
inline constexpr double kCardiacGapS = 1.5;   ///< a beat is at most that far from the next
inline constexpr double kEyeDeflection = 50;
inline constexpr double kMuscleRms = 10;
inline constexpr double kCardiacDeflection = 15;
inline constexpr double kLineRms = 5;
inline constexpr double kChannelDeflection = 60;

inline constexpr size_t kMaxReportedFindings = 1000;  ///< of each method, in the published form

}  // namespace montage::analysis
