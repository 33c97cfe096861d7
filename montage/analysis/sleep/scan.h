#pragma once
// Internal to the sleep analysis: one pass over the recording that measures every epoch and finds
// what may be counted. Memory: some 300 bytes an epoch, a float a second, and the figures found (a
// slow wave takes at least half a second, so at most 2 a second); blocks of five minutes besides.

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "montage/analysis/sleep/figures/figures.h"

namespace montage::analysis {

/// What an epoch is staged by. "ln share" is the natural logarithm of the power of a band over that
/// of 0.4 to 30 Hz; bands as YASA's (Vallat, Walker 2021): slow 0.4-1, delta 1-4, theta 4-8, alpha
/// 8-12, sigma 12-16, beta 16-30 Hz. The mean of the logarithms over windows of 4 s, which bursts
/// hardly shift.
enum SleepFeature : size_t {
  kSlowShare,  ///< ln share, central, as the five that follow
  kDeltaShare,
  kThetaShare,
  kAlphaShare,
  kSigmaShare,
  kBetaShare,
  kAmplitude,  ///< ln rms in uV of 0.4 to 30 Hz, central
  kBackDelta,  ///< ln share of 0.4 to 4 Hz, posterior, as the three that follow
  kBackTheta,
  kBackAlpha,
  kBackBeta,
  kSlowWaves,  ///< square root of the share of the epoch that slow waves fill (AASM: N3 from 0.2)
  kSpindles,   ///< square root of their number in the epoch
  kRapidEyes,  ///< square root of the number of rapid eye movements
  kSlowEyes,   ///< square root of the number of slow eye movements
  kChin,       ///< ln rms in uV of the chin electromyogram from 10 Hz
  kDepthOfNight,      ///< ln (slow + delta) / beta, normalised over the night
  kAmplitudeOfNight,  ///< kAmplitude, normalised over the night
  kChinOfNight,       ///< kChin less its median over the night
  kSleepFeatures
};
inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
/// NaN where the recording does not say.
using EpochFeatures = std::array<double, kSleepFeatures>;

struct NightScan {
  std::vector<EpochFeatures> epochs = {};
  std::vector<uint8_t> measured = {};  ///< by epoch: enough of a central derivation is usable
  std::vector<Spindle> spindles = {};  ///< in order of onset, as the lists that follow
  std::vector<SlowWave> slow_waves = {};
  std::vector<EyeMovement> eye_movements = {};
  std::vector<Arousal> shifts = {};  ///< candidates, asleep or not
  std::vector<float> chin_uv = {};   ///< by second; empty without chin, NaN where unknown
  size_t stand_in_epochs = 0;        ///< measured on the second central derivation
};

/// Errors of the source, cancellation and deadline only. Progress is reported in [0, 1].
/// Requires: derivations.CanStage().
base::Result<NightScan> ScanNight(const RecordingView& recording, const QualityReport* quality,
                                  const SleepDerivations& derivations, const Control& control);

}  // namespace montage::analysis
