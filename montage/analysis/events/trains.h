#pragma once
// Discharges that repeat: periodic discharges and spike-and-wave.
//
// Criteria of the ACNS standardised terminology of critical care EEG (Hirsch et al. 2021): periodic
// is a waveform of about the same form, at least six times, at nearly regular intervals with a
// recognisable pause between; the rate of 0.3 to 3 a second follows clinical use. Spike-and-wave is a
// spike followed by a slow wave, over and over, with no pause; above 2.5 Hz and 10 s it meets the
// criterion of an electrographic seizure, which is reported as a feature. Lateralised or generalised
// is decided by the amplitude on both sides.

#include <cstddef>
#include <span>
#include <vector>

#include "montage/analysis/events/survey.h"

namespace montage::analysis {

struct DischargeTrain {
  enum class Form { kPeriodic, kSpikeWave };
  Form form = Form::kPeriodic;
  std::vector<size_t> members = {};  ///< indices of the discharges, ascending
  double start_s = 0;
  double end_s = 0;
  double rate_hz = 0;
  double irregularity = 0;  ///< mean |difference of successive intervals| over the mean interval
  double laterality = 0;    ///< mean of the members, in [-1, 1]
  double slow_wave = 0;     ///< median of the members
  double amplitude_uv = 0;  ///< median
  double z = 0;             ///< median
};

/// A mean laterality beyond this is one-sided: more than twice as large there.
inline constexpr double kLateralised = 0.35;

std::vector<DischargeTrain> FindTrains(std::span<const Discharge> discharges);

}  // namespace montage::analysis
