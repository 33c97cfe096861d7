// A recording without its bad channels, spoiled epochs and blinks, as a recording of its own.

#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/analysis/quality/cleaning.h"
#include "montage/analysis/report_json.h"
#include "montage/api/request/upload_spool.h"
#include "montage/api/submission.h"
#include "montage/recordings/edf_rewrite.h"

namespace montage::api {
namespace {

constexpr base::Duration kCleaningTime = std::chrono::minutes(10);

boost::json::array Names(std::span<const std::string> names) {
  return boost::json::array(names.begin(), names.end());
}

struct Cleaning {
  recordings::Uploaded stored;
  analysis::QualityReport quality;
  std::vector<std::string> interpolated;
  std::vector<std::string> left_bad;
  size_t repaired_epochs = 0;
  size_t removed_blinks = 0;
};

/// Reads the recording twice: to assess it, and to write it again.
base::Result<Cleaning> CleanFile(const Api& api, Services& services, const Call& call,
                                 const recordings::Recording& file) {
  const base::Deadline deadline = base::Deadline::After(kCleaningTime);
  const analysis::Control control{.deadline = deadline, .clock = &api.parts().clock};
  TRY(const auto content, services.recordings.Open(file.file_id, deadline));
  TRY(const auto original, recordings::EdfRecording::Open(*content, services.spool_dir, deadline));
  Cleaning cleaning;
  TRY(cleaning.quality, analysis::AssessQuality(original->view(), {}, control));
  TRY(const auto cleaned, analysis::Clean(original->view(), cleaning.quality, control));
  cleaning.interpolated = cleaned.interpolated();
  cleaning.left_bad = cleaned.left_bad();
  cleaning.repaired_epochs = cleaned.repaired_epochs();
  cleaning.removed_blinks = cleaned.removed_blinks();
  UploadSpool spool(services.spool_dir);
  formats::edf::FunctionSink sink([&](std::span<const uint8_t> bytes) {
    return spool.Append({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  });
  TRY(recordings::Rewrite(*original, cleaned.view(), sink, deadline));
  TRY(cleaning.stored, services.recordings.Upload(
                           {.tenant = call.principal.site, .owner_id = call.principal.user_id},
                           "cleaned-" + file.name, spool, services.validate_recording, deadline));
  return cleaning;
}

Outcome CleanRecording(const Api& api, Services& services, Call& call) {
  const auto file = FindVisible(services, call, call.request.params.Get("file_id"));
  if (!file) return api.Refuse(file.error(), call);
  const auto cleaning = CleanFile(api, services, call, *file);
  if (!cleaning) return api.Refuse(cleaning.error(), call);
  boost::json::object body{{"file_id", cleaning->stored.recording.file_id},
                           {"source_file_id", file->file_id},
                           {"changed", cleaning->stored.recording.sha256 != file->sha256},
                           {"bad_channels", Names(cleaning->quality.bad_channels)},
                           {"interpolated_channels", Names(cleaning->interpolated)},
                           {"left_bad_channels", Names(cleaning->left_bad)},
                           {"repaired_epochs", cleaning->repaired_epochs},
                           {"removed_blinks", cleaning->removed_blinks},
                           {"is_acceptable", cleaning->quality.is_acceptable},
                           {"reasons", Names(cleaning->quality.reasons)}};
  return Reply{.body = analysis::WithMethod(std::move(body), analysis::kQualityMethod),
               .audit_object = cleaning->stored.recording.file_id};
}

boost::json::object CleaningSchema() {
  return schema::Object(
      {{"file_id", schema::Text("of the cleaned recording; the source's when nothing changed")},
       {"source_file_id", schema::Text()},
       {"changed", schema::Boolean()},
       {"bad_channels", schema::List(schema::Text())},
       {"interpolated_channels", schema::List(schema::Text())},
       {"left_bad_channels", schema::List(schema::Text())},
       {"repaired_epochs", schema::Integer(0)},
       {"removed_blinks", schema::Integer(0)},
       {"is_acceptable", schema::Boolean()},
       {"reasons", schema::List(schema::Text())},
       {"method", schema::Object({{"name", schema::Text()}, {"version", schema::Text()}})},
       {"disclaimer", schema::Text()}});
}

}  // namespace

void AddCleaningRoutes(Api& api, Services& services) {
  api.Add(
      {.method = http::Method::kPost,
       .path = "/api/v1/eeg/files/{file_id}/clean",
       .id = "cleanRecording",
       .tag = "eeg",
       .summary = "Interpolate bad channels, repair epochs, remove blinks; stored as a recording "
                  "of its own.",
       .permission = identity::Permission::kUploadRecording,
       .audit_action = "eeg.clean",
       .responses = {{200, {"The cleaned recording.", CleaningSchema()}},
                     {404, {"There is no such recording."}},
                     {422, {"The recording has gaps between its records."}}}},
      [&api, &services](Call& call) { return CleanRecording(api, services, call); });
}

}  // namespace montage::api
