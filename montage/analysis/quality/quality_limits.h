#pragma once
// The limits that quality is judged by. Amplitudes follow the ranges in use for scalp EEG (PREP
// pipeline, Bigdely-Shamlo et al. 2015; ACNS guideline 1, 2016) and are for a bandwidth of about
// 0.5 to 100 Hz.

namespace montage::analysis {

/// An epoch has the artifact when its measure reaches the limit. Microvolts unless stated.
struct EpochLimits {
  double flat_deviation = 0.5;   ///< below: no signal
  double fast_deviation = 25.0;  ///< above: muscle
  double line_deviation = 12.0;
  double slow_deviation = 120.0;  ///< above: movement
  double peak_to_peak = 700.0;    ///< above: movement
  double step = 100.0;            ///< between neighbouring samples: electrode pop
  double step_over_roughness = 12.0;
  double stuck_fraction = 0.1;
  double blink_peak_to_peak = 80.0;
  double blink_over_median = 2.0;  ///< over the channel's usual peak-to-peak
};

/// A channel is bad when its median over the epochs, or its fraction of epochs, passes the limit.
struct ChannelLimits {
  double missing_fraction = 0.05;
  double flat_fraction = 0.5;
  double disconnected_fraction = 0.2;
  double pop_fraction = 0.3;
  double saturated_fraction = 0.5;  ///< of epochs that clip
  double noisy_deviation = 150.0;
  double weak_ratio = 0.1;  ///< deviation over the median channel's, and below weak_deviation
  double weak_deviation = 2.0;
  double outlier_z = 5.0;        ///< robust, of the logarithm
  double outlier_ratio = 3.0;    ///< over the median channel
  double outlier_spread = 0.2;   ///< least spread of the logarithm, so that equal channels differ
  double fast_deviation = 10.0;  ///< an outlier must also be this loud
  double line_ratio = 5.0;
  double line_deviation = 10.0;
  double line_always = 60.0;
  double dc_warning = 100.0;
  double dc_offset = 1000.0;  ///< from the median channel
  double correlation = 0.3;
  double typical_correlation = 0.5;  ///< the median channel must reach this for a comparison
  int correlation_channels = 8;      ///< and there must be this many channels
};

/// What an acceptable recording may have at most (bad) and must have at least.
inline constexpr double kMaxBadFraction = 0.30;
inline constexpr int kMaxReportedArtifacts = 1000;

}  // namespace montage::analysis
