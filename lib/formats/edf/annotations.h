#pragma once
// EDF+ annotations: time-stamped annotation lists (TAL), EDF+ specification clause 2.2.2.
//
//   +12.5 [0x15 0.8] 0x14 text 0x14 text 0x14 0x00
//
// The first TAL of the first annotation signal of each data record has an empty text: it says when
// the data record starts.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace formats::edf {

/// A remark on the recording. Seconds count from the start time of the header.
struct Annotation {
  double onset_s = 0;
  std::optional<double> duration_s;
  std::string text;  ///< UTF-8
  bool operator==(const Annotation&) const = default;
};

/// What one data record's annotation bytes say.
struct TalRecord {
  /// Onset of the first TAL when its first text is empty: start of the data record.
  std::optional<double> record_onset_s;
  std::vector<Annotation> annotations;
  /// One entry a malformed TAL: offset within the bytes and what is wrong.
  std::vector<std::pair<size_t, std::string>> problems;
};

/// Parses the annotation bytes of one data record. `timekeeping`: this is the record's first
/// annotation signal. Never fails: a malformed TAL is skipped up to its end and reported.
TalRecord ParseTals(std::span<const uint8_t> bytes, bool timekeeping);

/// `+onset 0x14 0x14 0x00`
std::string EncodeTimekeepingTal(double onset_s);
/// Refuses text with the bytes 0x00, 0x14 or 0x15, and numbers that are not finite.
base::Result<std::string> EncodeTal(const Annotation& annotation);

/// Seconds as EDF+ wants them: no exponent, at most 9 decimals, no trailing zeros (`12.5`).
std::string FormatSeconds(double seconds);

}  // namespace formats::edf
