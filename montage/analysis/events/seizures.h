#pragma once
// Seizures: rhythmic activity of at least 10 s that stands out from what the channel shows
// otherwise and evolves in frequency, amplitude or place (ACNS 2021; IFCN glossary 2017).
//
//   a second of a channel is ictal-like   its level is well above the channel's usual one and most
//                                         of its whitened power lies within 1 Hz of one frequency
//   a run                                 ictal-like seconds whose frequency moves smoothly
//   a seizure                             a run of 10 s and more that evolves, with all runs of
//                                         other channels that overlap it

#include <cstddef>
#include <vector>

#include "montage/analysis/events/survey.h"

namespace montage::analysis {

struct Seizure {
  double start_s = 0;
  double end_s = 0;
  std::vector<size_t> rows = {};  ///< those with a run, the loudest first
  double from_hz = 0;
  double to_hz = 0;
  double growth = 1;       ///< largest level over the level at the onset
  double purity = 0;       ///< mean
  double over_usual = 1;   ///< median level over the channel's usual
  size_t spread_rows = 0;  ///< rows that joined after the first fifth
};

std::vector<Seizure> FindSeizures(const Survey& survey);

}  // namespace montage::analysis
