#pragma once
// Internal to the sleep analysis: what is counted in a night besides stages. Every function takes a
// trace and gives what begins in [from_s, to_s); the trace should reach ten seconds further on both
// sides. What touches an unusable second is left out.

#include <cstddef>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "montage/analysis/sleep/trace.h"

namespace montage::analysis {

/// Seconds from the start of the recording; microvolts.
struct Spindle {
  double onset_s = 0;
  double duration_s = 0;
  double hz = 0;            ///< mean frequency
  double amplitude_uv = 0;  ///< largest peak to peak between 11 and 16 Hz
};

/// Sleep spindles of 11 to 16 Hz and 0.5 to 2 s (AASM), by the four criteria of Lacourse et al.
/// 2019 (A7) in windows of 0.3 s that step by 0.1 s:
///
///   sigma power    log10 of the mean square of 11-16 Hz, uV^2            at least 1.25
///   its share      log10 of it over the mean square of 4.5-30 Hz, z      at least 1.6
///   covariance     log10 of that of 4.5-30 Hz and 11-16 Hz, z            at least 1.3
///   correlation    of 4.5-30 Hz and 11-16 Hz                             at least 0.69
///
/// z is over the 30 s around, by median and median deviation, which spindles themselves hardly
/// shift. Two things differ from A7: covariance and correlation are of 4.5-30 Hz, not 0.3-30 Hz, so
/// that a spindle on a slow wave counts as much, and the amplitude must reach 2.25 times the
/// median, which noise hardly does. Onset and end are where the amplitude of 11-16 Hz falls to 0.3
/// of its largest.
base::Result<std::vector<Spindle>> FindSpindles(const Trace& trace, double from_s, double to_s);

struct SlowWave {
  double onset_s = 0;
  double duration_s = 0;      ///< negative half and the positive one that follows
  double amplitude_uv = 0;    ///< peak to peak
  double negative_uv = 0;     ///< of the negative peak, as a positive number
  double slope_uv_per_s = 0;  ///< from the negative peak to the crossing of zero
};

/// Slow waves: in 0.3-4 Hz, a negative half wave of 0.25 to 1 s and the positive one after it, in
/// all 0.5 to 2 s (0.5 to 2 Hz), at least 75 uV peak to peak (AASM; half-wave method of Massimini
/// et al. 2004). A wave during which the eyes (left minus right, null when unknown) swing by 0.7 of
/// it or more is an eye movement seen from the scalp: waves of sleep reach both eyes alike.
base::Result<std::vector<SlowWave>> FindSlowWaves(const Trace& trace, const Trace* eyes,
                                                  double from_s, double to_s);

enum class EyeMovementKind { kRapid, kSlow };
struct EyeMovement {
  double onset_s = 0;
  double duration_s = 0;    ///< of the first deflection
  double amplitude_uv = 0;  ///< of it
  EyeMovementKind kind = EyeMovementKind::kRapid;
};

/// Deflections of at least `least_uv` in 0.3-10 Hz: rapid when the middle 80 % take less than
/// 0.25 s, slow when they take 0.5 to 3 s (AASM: the initial deflection of a rapid eye movement
/// usually lasts less than 500 ms, of a slow one more). A deflection that returns from the one
/// before belongs to it.
base::Result<std::vector<EyeMovement>> FindEyeMovements(const Trace& trace, double least_uv,
                                                        double from_s, double to_s);

struct Arousal {
  double onset_s = 0;
  double duration_s = 0;
};

/// Abrupt shifts of the EEG to alpha or above 16 Hz for at least 3 s after at least 10 s without
/// (AASM, chapter V): the power of 8-10.5 Hz or 16-30 Hz in windows of 1 s is at least four times
/// its median over the 10 s before. Sigma is left out, as the rule excludes spindles. Whether the
/// sleeper slept before is for the caller to judge.
base::Result<std::vector<Arousal>> FindShifts(const Trace& trace, double from_s, double to_s);

}  // namespace montage::analysis
