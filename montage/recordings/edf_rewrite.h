#pragma once
// A stored recording written again with other samples: what cleaning makes of it.

#include "lib/formats/edf/bytes.h"
#include "lib/formats/edf/writer.h"
#include "montage/analysis/recording_view.h"
#include "montage/recordings/edf_recording.h"

namespace montage::recordings {

/// Writes the samples of `view`, whose channels are those of the original in the same order, with
/// the header, scales and annotations of the original. Samples outside a signal's physical range
/// are moved to its end and counted. Memory: one data record.
/// Error kInvalid for a recording with gaps (EDF+D, BDF+D).
base::Result<formats::edf::WriteSummary> Rewrite(const EdfRecording& original,
                                                 const analysis::RecordingView& view,
                                                 formats::edf::ByteSink& sink,
                                                 base::Deadline deadline);

}  // namespace montage::recordings
