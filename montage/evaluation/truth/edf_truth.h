#pragma once
// Truth from EDF+ annotations: remarks of the recording itself, and hypnogram files of Sleep-EDF.

#include <span>

#include "lib/base/result.h"
#include "lib/formats/edf/annotations.h"
#include "montage/evaluation/truth/truth.h"

namespace montage::evaluation {

/// Reads annotations of a recording of `duration_s` seconds. Texts `Sleep stage W`, `1` to `4`,
/// `N1` to `N3`, `R` (EDF+ specification, standard texts) set the epochs that they cover for at
/// least half; `Sleep stage ?` and `Movement time` leave them unscored, also where another text
/// covers them. An onset is shifted by `offset_s`: start of the annotation file minus time of
/// the first sample of the recording. Other texts count when MeaningOf knows them, without case and
/// with words joined by
/// `_`.
///
/// Errors, all kInvalid: two stages for one epoch; a stage without duration.
base::Result<Truth> ReadEdfTruth(std::span<const formats::edf::Annotation> annotations,
                                 double duration_s, double offset_s = 0);

}  // namespace montage::evaluation
