#pragma once
// The `chbNN-summary.txt` of the CHB-MIT Scalp EEG Database (physionet.org/content/chbmit/1.0.0).
//
//   File Name: chb01_03.edf
//   ...
//   Number of Seizures in File: 1
//   Seizure Start Time: 2996 seconds          (or "Seizure 1 Start Time: ...")
//   Seizure End Time: 3036 seconds

#include <map>
#include <string>

#include "lib/base/result.h"
#include "montage/evaluation/truth/truth.h"

namespace montage::evaluation {

/// The seizures of each file that the summary names, also of those without any. Errors are kInvalid
/// and point at file, line and column: times without a file, an end before its start, a number of
/// seizures that is not that of the times.
base::Result<std::map<std::string, Truth>> ReadChbMitSummary(std::string name, std::string text);

}  // namespace montage::evaluation
