#include "montage/recordings/edf_rewrite.h"

#include <cassert>
#include <vector>

#include <fmt/format.h>

namespace montage::recordings {

base::Result<formats::edf::WriteSummary> Rewrite(const EdfRecording& original,
                                                 const analysis::RecordingView& view,
                                                 formats::edf::ByteSink& sink,
                                                 base::Deadline deadline) {
  const formats::edf::Header& header = original.reader().header();
  if (formats::edf::IsDiscontinuous(header.variant)) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("the recording is {}, with gaps between its records; expected a "
                                  "contiguous one",
                                  formats::edf::ToString(header.variant)));
  }
  assert(view.channels.size() == original.view().channels.size());
  TRY(auto writer, formats::edf::Writer::Create(sink, header));
  TRY(const auto segments, original.reader().Segments());
  const double start_s = segments.empty() ? 0 : segments.front().start_s;
  if (formats::edf::IsPlus(header.variant) && start_s > 0) TRY(writer.SetNextOnset(start_s));
  for (const analysis::Annotation& annotation : original.view().annotations) {
    TRY(writer.Annotate({.onset_s = annotation.onset_s + start_s,
                         .duration_s = annotation.duration_s > 0
                                           ? std::optional(annotation.duration_s)
                                           : std::nullopt,
                         .text = annotation.text}));
  }
  std::vector<std::vector<double>> records;
  std::vector<double> units;  // per microvolt
  for (const size_t signal : original.reader().sample_signals()) {
    const formats::edf::Signal& described = header.signals[signal];
    records.emplace_back(described.samples_per_record);
    units.push_back(1.0 / described.microvolts_per_unit().value_or(1.0));
  }
  const std::vector<std::span<const double>> spans(records.begin(), records.end());
  for (int64_t record = 0; record < header.record_count; ++record) {
    for (size_t c = 0; c < records.size(); ++c) {
      const uint64_t first = static_cast<uint64_t>(record) * records[c].size();
      TRY(view.source->Read(c, first, records[c], deadline));
      for (double& value : records[c]) value *= units[c];
    }
    TRY(writer.WriteRecord(spans));
  }
  return writer.Finish();
}

}  // namespace montage::recordings
