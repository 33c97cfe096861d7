#pragma once
// Internal to the codec: the fixed-width text fields of a header.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/formats/edf/header.h"

namespace formats::edf {

/// One field of the header as it stands in the file; carries what error messages need.
struct Field {
  std::string name;  ///< `number of signals`, `digital minimum of signal 3 "EEG Fz"`
  uint64_t offset = 0;
  std::string_view bytes;

  /// `<name> at byte <offset> is "<value>", expected <expected>` as an error.
  std::unexpected<base::Error> Wrong(std::string_view expected) const;
  /// The value quoted with unprintable bytes escaped.
  std::string Quoted() const;
};

/// Text without its padding, as UTF-8. Bytes outside printable US-ASCII are kept when they are
/// UTF-8, else taken for Latin-1; both are reported.
std::string DecodeText(const Field& field, std::vector<Warning>& warnings);

/// A decimal integer; `1.0` and `+1` are accepted.
base::Result<int64_t> ParseInteger(const Field& field, int64_t low, int64_t high,
                                   std::vector<Warning>& warnings);
/// A decimal number; a decimal comma is accepted with a warning.
base::Result<double> ParseNumber(const Field& field, std::vector<Warning>& warnings);

/// At most `width` characters, no exponent; nothing when the integer part does not fit.
std::optional<std::string> FormatNumber(double value, size_t width);

/// Reads `X Y Z ...` of an EDF+ field; unknown parts stay empty.
PatientFields ParsePatient(std::string_view text, std::vector<std::string>& problems);
RecordingFields ParseRecording(std::string_view text, std::vector<std::string>& problems);
std::string FormatPatient(const PatientFields& patient);
std::string FormatRecording(const RecordingFields& recording);

}  // namespace formats::edf
