#pragma once
// The header of EDF (Kemp et al. 1992), EDF+ (Kemp & Olivan 2003) and BDF (BioSemi, 24 bit).
//
//   256 bytes: version | patient | recording | date | time | header bytes | reserved | records |
//              seconds a record | signals
//   256 bytes a signal, field by field: all labels, all transducers, ... (field order in header.cc)
//   data records: for each signal its samples, little endian, two's complement, 2 or 3 bytes

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/formats/edf/bytes.h"

namespace formats::edf {

/// C: one contiguous recording. D: data records carry their own times and may leave gaps.
enum class Variant { kEdf, kEdfPlusC, kEdfPlusD, kBdf, kBdfPlusC, kBdfPlusD };

/// `EDF`, `EDF+C`, `EDF+D`, `BDF`, `BDF+C`, `BDF+D`.
std::string_view ToString(Variant variant);
bool IsBdf(Variant variant);
bool IsPlus(Variant variant);
bool IsDiscontinuous(Variant variant);
/// 2 for EDF, 3 for BDF.
uint32_t BytesPerSample(Variant variant);

/// EDF+ "local patient identification". Empty means unknown (`X` in the file); spaces are kept here
/// and become underscores in the file.
struct PatientFields {
  std::string code;
  std::string sex;  ///< `F`, `M` or empty
  std::optional<std::chrono::year_month_day> birthdate;
  std::string name;
  std::string additional;
  bool operator==(const PatientFields&) const = default;
};

/// EDF+ "local recording identification".
struct RecordingFields {
  std::optional<std::chrono::year_month_day> startdate;
  std::string admin_code;
  std::string technician;
  std::string equipment;
  std::string additional;
  bool operator==(const RecordingFields&) const = default;
};

/// One signal (channel) of the header.
struct Signal {
  std::string label;
  std::string transducer;
  std::string physical_dimension;
  double physical_min = -3276.8;
  double physical_max = 3276.7;  ///< may be below physical_min: inverted polarity
  int32_t digital_min = -32768;
  int32_t digital_max = 32767;
  std::string prefiltering;
  uint32_t samples_per_record = 0;
  std::string reserved;

  /// Holds annotations (TALs) instead of samples.
  bool is_annotations() const;
  /// Physical units for each digital step.
  double gain() const;
  /// physical = (digital - digital_min) * gain + physical_min, the form that hits both ends
  /// exactly.
  double ToPhysical(int32_t digital) const;
  /// Microvolts for each physical unit (uV, mV, V, nV; also the micro signs of Latin-1 and UTF-8);
  /// nothing when the dimension is not a voltage.
  std::optional<double> microvolts_per_unit() const;
  bool operator==(const Signal&) const = default;
};

struct Header {
  Variant variant = Variant::kEdfPlusC;
  /// The 80-byte fields as text. Written only for plain EDF and BDF; EDF+ writes the subfields.
  std::string patient_text;
  std::string recording_text;
  PatientFields patient;      ///< EDF+ and BDF+ only
  RecordingFields recording;  ///< EDF+ and BDF+ only
  /// Local time of the recording site; the format has no zone.
  std::chrono::local_seconds start;
  int64_t record_count = -1;  ///< -1: unknown, the recording was not closed
  double record_duration_s = 1.0;
  std::vector<Signal> signals;

  uint64_t header_bytes() const { return 256 * (uint64_t{1} + signals.size()); }
  uint64_t record_bytes() const;
  /// 0 for an annotation signal or a record without duration.
  double rate_hz(size_t signal) const;
  bool operator==(const Header&) const = default;
};

/// Something tolerated: where it stands and what was made of it.
struct Warning {
  uint64_t offset = 0;
  std::string message;
};

struct ParsedHeader {
  Header header;
  std::vector<Warning> warnings;
};

/// Reads and checks the header at the start of `source`; the data records are not looked at.
base::Result<ParsedHeader> ReadHeader(const ByteSource& source);
base::Result<ParsedHeader> ParseHeader(std::span<const uint8_t> bytes);

/// The bytes of a header. Refuses what does not fit: text over its field, characters outside
/// US-ASCII, numbers over 8 characters. Numbers that need more than 8 characters are rounded to
/// what fits; read the result back to know the exact scale.
base::Result<std::string> EncodeHeader(const Header& header);

/// The annotation signal of a "+" variant, with room for `bytes` a data record (rounded up to whole
/// samples).
Signal MakeAnnotationSignal(Variant variant, uint32_t bytes);

/// ASCII spelling of Latin letters with marks (u-umlaut -> `ue`), `?` for anything else: what
/// EDF asks of names.
std::string ToAscii(std::string_view utf8);

}  // namespace formats::edf
