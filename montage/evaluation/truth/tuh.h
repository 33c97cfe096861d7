#pragma once
// Annotation files of the Temple University Hospital EEG corpora (TUSZ, TUEV, TUAR). Pure: text in,
// truth out. Errors are kInvalid and point at file, line and column.
//
//   .tse, .tse_bi   version = tse_v1.0.0          start stop label probability, by white space
//   .csv, .csv_bi   # version = csv_v1.0.0        channel,start_time,stop_time,label,confidence
//   .rec            (TUEV)                        channel,start,stop,code 1 to 6
//
// Formats: TUSZ v1.5.2 and v2.0.0 documentation (AAREADME.txt), TUEV v2.0.0 (AAREADME.txt), TUAR
// v3.0.0. Codes of .rec: 1 spsw, 2 gped, 3 pled, 4 eyem, 5 artf, 6 bckg.

#include <string>

#include "lib/base/result.h"
#include "montage/evaluation/truth/truth.h"

namespace montage::evaluation {

/// Which of the formats a name belongs to, by its extension.
bool IsTuhAnnotation(std::string_view file_name);

/// Reads any of them, by the extension of `name`. Labels that nothing is compared for are part of
/// what was reviewed. The whole recording counts as reviewed for .tse, .csv and their binary forms,
/// only the annotated stretches for .rec.
base::Result<Truth> ReadTuhAnnotation(std::string name, std::string text);

}  // namespace montage::evaluation
