#pragma once
// Stored EDF and BDF recordings as analyses see them.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lib/formats/edf/reader.h"
#include "lib/objects/byte_source.h"
#include "montage/analysis/recording_view.h"
#include "montage/recordings/recordings.h"

namespace montage::recordings {

/// Accepts whole EDF and BDF files and returns `edf`, `edf+c`, `edf+d`, `bdf`, `bdf+c` or `bdf+d`;
/// kInvalid with the reader's reason for everything else, truncated files included. `spool_folder`
/// exists.
Validation EdfValidation(std::filesystem::path spool_folder);

/// An opened recording. Names are canonical and unique (`Fp1`, a second one `Fp1#2`); voltages are
/// in microvolts, other quantities in their own unit and never kEeg; time that was not recorded
/// between the segments of EDF+D and BDF+D is NaN. Seconds count from the first sample.
class EdfRecording final : public analysis::SampleSource {
 public:
  static base::Result<std::unique_ptr<EdfRecording>> Open(
      std::unique_ptr<formats::edf::ByteSource> source);
  /// Spools `content` first, see SpoolAll. Errors of the content pass through; kInvalid for what
  /// the bytes say.
  static base::Result<std::unique_ptr<EdfRecording>> Open(objects::ByteSource& content,
                                                          const std::filesystem::path& spool_folder,
                                                          base::Deadline deadline);

  /// Valid as long as this object is.
  const analysis::RecordingView& view() const { return view_; }
  const formats::edf::Reader& reader() const { return reader_; }

  base::Result<void> Read(size_t channel, uint64_t first, std::span<double> out,
                          base::Deadline deadline) override;

 private:
  explicit EdfRecording(formats::edf::Reader reader) : reader_(std::move(reader)) {}
  base::Result<void> Describe();
  void AddChannel(size_t signal);

  formats::edf::Reader reader_;
  std::vector<formats::edf::Segment> segments_;
  std::vector<size_t> signals_;  // of each channel
  std::vector<bool> is_voltage_;
  double start_s_ = 0;  // of the first segment
  analysis::RecordingView view_;
};

}  // namespace montage::recordings
