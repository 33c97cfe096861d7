#pragma once
// Writes a recording record by record; the same calls give the same bytes.

#include <deque>
#include <span>
#include <vector>

#include "lib/base/result.h"
#include "lib/formats/edf/annotations.h"
#include "lib/formats/edf/bytes.h"
#include "lib/formats/edf/header.h"

namespace formats::edf {

struct WriterOptions {
  /// Room for annotations in each data record, when the header brings no annotation signal itself.
  uint32_t annotation_bytes = 120;
};

/// What came out; clipped samples lay outside the physical range and were moved to its end.
struct WriteSummary {
  uint64_t records = 0;
  uint64_t bytes = 0;
  std::vector<uint64_t> clipped;  ///< by signal of the header
  uint64_t padded_samples = 0;    ///< added by Finish to complete the last record, all signals
};

/// Usage: Create; any mix of Annotate and (Append | WriteRecord | WriteDigitalRecord); Finish.
class Writer {
 public:
  /// Writes the header. A "+" variant without an annotation signal gets one as the last signal.
  /// With record_count -1 the count is patched in by Finish; a sink that cannot patch keeps -1.
  /// The sink must outlive the writer.
  static base::Result<Writer> Create(ByteSink& sink, const Header& header,
                                     WriterOptions options = {});

  /// As written: numbers rounded to their 8 characters, annotation signal included.
  const Header& header() const { return header_; }
  /// How many spans the calls below expect: signals that are not annotations.
  size_t sample_signal_count() const { return sample_signals_.size(); }

  /// One complete data record in physical units: values[i] has samples_per_record values of the
  /// i-th signal that is not annotations. Not-a-number is an error.
  base::Result<void> WriteRecord(std::span<const std::span<const double>> values);
  /// The same in digital values, which must lie within the digital range.
  base::Result<void> WriteDigitalRecord(std::span<const std::span<const int32_t>> values);
  /// Any number of samples a signal; records are written as soon as every signal has enough.
  /// Do not mix with WriteRecord.
  base::Result<void> Append(std::span<const std::span<const double>> values);

  /// Queues an annotation; it is stored in the next data record with room.
  base::Result<void> Annotate(const Annotation& annotation);
  /// When the next record starts, in seconds from the header's start (EDF+D and BDF+D: gaps; others
  /// only before the first record, 0 to 1: the fraction of the start second).
  base::Result<void> SetNextOnset(double onset_s);

  /// Completes the last record of Append with the last value of each signal, patches the record
  /// count. An annotation that found no room, or a count other than announced, is an error.
  base::Result<WriteSummary> Finish();

 private:
  Writer() = default;
  base::Result<void> CheckShape(size_t given) const;
  void PutSample(uint8_t*& at, int32_t digital) const;
  base::Result<void> FlushRecord();
  base::Result<void> PutAnnotations();
  base::Result<void> WriteBuffered();

  ByteSink* sink_ = nullptr;
  Header header_;
  std::vector<size_t> sample_signals_;
  std::vector<uint64_t> offsets_;
  std::vector<uint8_t> record_;
  std::vector<std::vector<double>> buffered_;
  std::deque<std::string> tals_;
  uint64_t tal_capacity_ = 0;  ///< most bytes that one annotation may take
  double next_onset_s_ = 0;
  double first_onset_s_ = 0;
  WriteSummary summary_;
  bool finished_ = false;
};

}  // namespace formats::edf
