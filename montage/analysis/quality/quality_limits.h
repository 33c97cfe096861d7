#pragma once
// The limits that quality is judged by. Amplitudes follow the ranges in use for scalp EEG (PREP
// pipeline, Bigdely-Shamlo et al. 2015; ACNS guideline 1, 2016) and are for a bandwidth of about
// 0.5 to 100 Hz.

#include <cstddef>

namespace montage::analysis {

/// An epoch has the artifact when its measure reaches the limit. Microvolts unless stated.
struct EpochLimits {
  double flat_deviation = 0.5;   ///< below: no signal
  double fast_deviation = 20.0;  ///< above: muscle
  double line_deviation = 12.0;
  double slow_deviation = 120.0;  ///< above: movement
  double peak_to_peak = 700.0;    ///< above: movement
  double step = 100.0;            ///< within 4 ms: electrode pop
  double step_over_roughness = 12.0;
  double stuck_fraction = 0.1;        ///< at the epoch's own extremes
  double rail_stuck_fraction = 0.01;  ///< at extremes that the channel reaches again and again
  double rail_epochs = 0.1;  ///< fraction of the epochs that end at one value: it is a rail
  double blink_swing = 80.0;
  double blink_over_median = 1.7;  ///< over the usual swing of the rest of the head
  double blink_over_rest = 1.3;    ///< over the larger swings elsewhere in the epoch
  double blink_over_fast = 5.0;    ///< over the deviation of the fast activity
};

/// A channel is bad when its median over the epochs, or its fraction of epochs, passes the limit.
struct ChannelLimits {
  double missing_fraction = 0.05;
  double flat_fraction = 0.5;
  double disconnected_fraction = 0.2;
  double pop_fraction = 0.3;
  double saturated_fraction = 0.25;  ///< of epochs that clip
  double noisy_deviation = 150.0;
  double noisy_fraction = 0.25;  ///< of epochs above noisy_deviation
  double weak_ratio = 0.1;       ///< deviation over the median channel's, and below weak_deviation
  double weak_deviation = 2.0;
  double outlier_z = 5.0;       ///< robust, of the logarithm
  double outlier_ratio = 3.0;   ///< over the median channel
  double outlier_spread = 0.2;  ///< least spread of the logarithm, so that equal channels differ
  double outlier_deviation = 75.0;   ///< a noisy outlier must also be this loud
  double outlier_correlation = 0.8;  ///< and not do what its neighbours do, as a seizure does
  double fast_deviation = 10.0;      ///< a fast outlier must also be this loud
  double line_ratio = 5.0;
  double line_deviation = 8.0;
  double line_always = 60.0;
  double dc_warning = 100.0;
  double dc_difference = 200.0;       ///< from the median channel
  double dc_offset = 1000.0;          ///< of its own: no AC-coupled amplifier lets it pass
  double dc_coupled_spread = 100.0;   ///< robust spread of the offsets: the amplifier is DC-coupled
  double dc_coupled_offset = 150e3;   ///< what an amplifier must bear, IEC 60601-2-26:2012
  double correlation = 0.3;           ///< or, when that is less,
  double correlation_ratio = 0.35;    ///< over the median channel: sparse montages agree less
  double typical_correlation = 0.35;  ///< the median channel must reach this for a comparison
  int correlation_channels = 6;       ///< and there must be this many without fault of their own
  double white_tilt = 2.0;            ///< spectrum as level as that of white noise
  double white_correlation = 0.4;     ///< and its own: nothing of it comes from a brain
};

/// Contact of an electrode (neuro-monitoring practice: good below 10 kOhm, unusable above 50 kOhm).
inline constexpr double kGoodImpedanceOhm = 10e3;
inline constexpr double kBadImpedanceOhm = 50e3;

/// The share of bad channels that an acceptable recording may have at most.
inline constexpr double kMaxBadFraction = 0.30;
/// What a result lists at most, so that a day of artifacts stays a page.
inline constexpr size_t kMaxReportedArtifacts = 1000;
inline constexpr size_t kMaxReportedEpochs = 1000;

}  // namespace montage::analysis
