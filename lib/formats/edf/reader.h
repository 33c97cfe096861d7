#pragma once
// Reads a recording record by record in bounded memory.

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "lib/formats/edf/annotations.h"
#include "lib/formats/edf/bytes.h"
#include "lib/formats/edf/header.h"

namespace formats::edf {

struct ReaderOptions {
  /// Accept a file that ends before its last data record; the whole records are read and the cut
  /// is reported as a warning.
  bool allow_truncated = false;
  uint64_t max_annotations = 1'000'000;
};

/// A stretch without gaps. Seconds count from the start time of the header.
struct Segment {
  double start_s = 0;
  double length_s = 0;
  uint64_t first_record = 0;
  uint64_t record_count = 0;
};

/// Time between two segments that was not recorded.
struct Gap {
  double start_s = 0;
  double length_s = 0;
};

struct AnnotationList {
  std::vector<Annotation> annotations;  ///< by onset
  std::vector<Warning> warnings;        ///< malformed TALs, the first 100
};

/// An opened recording. Const functions may be called from several threads when the source allows.
class Reader {
 public:
  static base::Result<Reader> Open(std::unique_ptr<ByteSource> source, ReaderOptions options = {});

  /// record_count is the number of records that are there, also when the file says -1.
  const Header& header() const { return header_; }
  const std::vector<Warning>& warnings() const { return warnings_; }
  uint64_t record_count() const { return static_cast<uint64_t>(header_.record_count); }
  /// Recorded time, without gaps.
  double duration_s() const {
    return static_cast<double>(header_.record_count) * header_.record_duration_s;
  }
  uint64_t sample_count(size_t signal) const;
  double rate_hz(size_t signal) const { return header_.rate_hz(signal); }
  /// Indices of the signals that are not annotations.
  const std::vector<size_t>& sample_signals() const { return sample_signals_; }
  /// The first signal with exactly this label.
  std::optional<size_t> FindSignal(std::string_view label) const;

  /// Samples `first`, `first + 1`, ... of a signal, counted over all data records (gaps are not
  /// filled). An index or range that does not exist is an error.
  base::Result<void> ReadDigital(size_t signal, uint64_t first, std::span<int32_t> into) const;
  base::Result<void> ReadPhysical(size_t signal, uint64_t first, std::span<double> into) const;
  base::Result<void> ReadPhysical(size_t signal, uint64_t first, std::span<float> into) const;
  /// The same in microvolts; an error when the physical dimension is not a voltage.
  base::Result<void> ReadMicrovolts(size_t signal, uint64_t first, std::span<double> into) const;
  base::Result<void> ReadMicrovolts(size_t signal, uint64_t first, std::span<float> into) const;

  /// Calls `visit(record, bytes)` for each of the records, reading about a megabyte at a time; the
  /// fast way to read many signals. Decode with DecodePhysical and SignalOffset.
  base::Result<void> VisitRecords(
      uint64_t first, uint64_t count,
      const std::function<base::Result<void>(uint64_t, std::span<const uint8_t>)>& visit) const;
  /// All samples of the given signals, in physical units, in one pass over the file:
  /// result[i] belongs to signals[i].
  base::Result<std::vector<std::vector<float>>> ReadAll(std::span<const size_t> signals) const;

  /// Where the bytes of a signal stand within a data record, and how many there are.
  uint64_t signal_offset(size_t signal) const { return offsets_[signal]; }
  uint64_t signal_bytes(size_t signal) const;

  base::Result<AnnotationList> Annotations() const;
  /// One segment for a contiguous recording; for EDF+D and BDF+D from the time-keeping TALs.
  base::Result<std::vector<Segment>> Segments() const;

 private:
  Reader() = default;
  base::Result<void> Adopt(const ReaderOptions& options);
  base::Result<void> CheckRange(size_t signal, uint64_t first, uint64_t count) const;
  base::Result<double> RecordOnset(uint64_t record) const;
  template <typename Out, typename Convert>
  base::Result<void> Read(size_t signal, uint64_t first, std::span<Out> into,
                          Convert convert) const;

  std::unique_ptr<ByteSource> source_;
  ReaderOptions options_;
  Header header_;
  std::vector<Warning> warnings_;
  std::vector<uint64_t> offsets_;
  std::vector<size_t> sample_signals_;
};

/// The gaps between segments.
std::vector<Gap> GapsBetween(std::span<const Segment> segments);

/// Little-endian samples of 2 or 3 bytes to integers; `bytes` holds exactly `into.size()` samples.
void DecodeDigital(std::span<const uint8_t> bytes, Variant variant, std::span<int32_t> into);

}  // namespace formats::edf
