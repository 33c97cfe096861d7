#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/base/utf8.h"
#include "lib/http/multipart.h"
#include "montage/api/idempotent.h"
#include "montage/api/request/upload_spool.h"
#include "montage/api/submission.h"

namespace montage::api {
namespace {

using base::ErrorCode;

constexpr uint64_t kFormOverhead =
    uint64_t{64} * 1024;  // delimiters, part headers, other small fields
constexpr size_t kChunk = size_t{256} * 1024;
constexpr size_t kMaxName = 255;
constexpr base::Duration kStoreTime = std::chrono::minutes(10);

/// The last segment of what the client called the file; never used as a path.
std::string NameOf(std::string_view sent) {
  const size_t slash = sent.find_last_of("/\\");
  if (slash != std::string_view::npos) sent.remove_prefix(slash + 1);
  const bool is_printable =
      std::ranges::none_of(sent, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (sent.empty() || sent.size() > kMaxName || !is_printable || !base::IsUtf8(sent))
    return "unnamed";
  return std::string(sent);
}

/// Keeps the content of the part `file`; other parts are read and forgotten.
class FileSink final : public http::PartSink {
 public:
  explicit FileSink(UploadSpool& spool) : spool_(spool) {}

  base::Result<void> OnPart(const http::PartHead& head) override {
    inside_ = head.name == "file";
    if (!inside_) return {};
    if (found_) return base::Fail(ErrorCode::kInvalid, "the field file is there more than once");
    found_ = true;
    name_ = NameOf(head.filename);
    return {};
  }
  base::Result<void> OnContent(std::string_view bytes) override {
    if (!inside_) return {};
    return spool_.Append(bytes);
  }
  base::Result<void> OnPartEnd() override { return {}; }

  bool found() const { return found_; }
  const std::string& name() const { return name_; }

 private:
  UploadSpool& spool_;
  bool inside_ = false;
  bool found_ = false;
  std::string name_;
};

/// Sealing and the disk stay off the loop; a slow sender holds no thread of the pool.
net::Task<base::Result<void>> ReceiveForm(net::ThreadPool& pool, http::BodyReader& body,
                                          http::MultipartParser& parser) {
  std::vector<std::byte> chunk(kChunk);
  while (true) {
    CO_TRY(const size_t count, co_await body.Read(chunk, base::Deadline::Never()));
    if (count == 0) break;
    const std::string_view bytes(reinterpret_cast<const char*>(chunk.data()), count);
    CO_TRY(co_await net::Offload(pool, [&] { return parser.Feed(bytes); }));
  }
  co_return parser.Finish();
}

/// What is wrong with the form is 400; what is wrong with the recording in it is 422.
Problem RefuseForm(const Api& api, const base::Error& error, const Call& call) {
  switch (error.code) {
    case ErrorCode::kInvalid:
    case ErrorCode::kCorrupt:
      return {.status = 400, .error = "bad_request", .message = error.message};
    case ErrorCode::kTimeout:
      return {.status = 408, .error = "timeout", .message = "the body did not arrive in time"};
    default:
      return api.Refuse(error, call);
  }
}

boost::json::object FileJson(const recordings::Recording& recording) {
  return {{"file_id", recording.file_id}, {"sha256", recording.sha256},
          {"size", recording.size},       {"format", recording.format},
          {"name", recording.name},       {"created_at", TimeText(recording.created_at_ns)}};
}

Outcome Store(const Api& api, Services& services, Call& call, UploadSpool& spool,
              const std::string& name) {
  const auto uploaded = services.recordings.Upload(
      {.tenant = call.principal.site, .owner_id = call.principal.user_id}, name, spool,
      services.validate_recording, base::Deadline::After(kStoreTime));
  if (!uploaded) return api.Refuse(uploaded.error(), call);
  if (uploaded->is_new)
    api.parts().metrics.CountUpload(static_cast<uint64_t>(uploaded->recording.size));
  Reply reply{.body = FileJson(uploaded->recording), .audit_object = uploaded->recording.file_id};
  reply.body.get_object()["duplicate"] = !uploaded->is_new;
  return reply;
}

net::Task<Outcome> Upload(const Api& api, Services& services, Call& call) {
  const auto header = call.request.headers.Get("Content-Type");
  auto boundary = http::MultipartBoundary(header.value_or(""));
  if (!boundary) {
    const bool malformed = boundary.error().code != ErrorCode::kUnsupported && header.has_value();
    co_return Problem{.status = malformed ? 400 : 415,
                      .error = malformed ? "bad_request" : "unsupported_media_type",
                      .message = header ? boundary.error().message
                                        : "the body is of no named type; expected "
                                          "multipart/form-data"};
  }
  UploadSpool spool(services.spool_dir);
  FileSink sink(spool);
  http::MultipartParser parser(*std::move(boundary), sink,
                               {.max_parts = 16, .max_part = services.max_upload_bytes});
  const auto received = co_await ReceiveForm(api.parts().pool, *call.request.reader, parser);
  if (!received) co_return RefuseForm(api, received.error(), call);
  if (!sink.found()) {
    co_return Problem{.status = 400,
                      .error = "bad_request",
                      .message = "the form has no field file; expected the recording in it"};
  }
  co_return co_await net::Offload(api.parts().pool,
                                  [&] { return Store(api, services, call, spool, sink.name()); });
}

Outcome Analyze(const Api& api, Services& services, Call& call, const std::string& job_id) {
  JsonFields fields(call.request);
  const std::string file_id = fields.RequiredText("file_id");
  const Submission submission = ReadSubmission(fields);
  if (auto problem = fields.Finish()) return *std::move(problem);
  if (auto problem = RefuseUnavailable(services, call)) return *std::move(problem);
  if (const auto file = FindVisible(services, call, file_id); !file)
    return api.Refuse(file.error(), call);
  if (auto problem = RefuseMissing(services.analyses, submission.request))
    return *std::move(problem);
  jobs::JobRequest request = submission.ForFile(call.principal, file_id);
  request.job_id = job_id;
  const auto job = services.jobs.Submit(request, call.deadline);
  if (!job) return api.Refuse(job.error(), call);
  if (services.wake_workers) services.wake_workers();
  return Reply{
      .status = 202,
      .body = boost::json::object{{"job_id", job->job_id}, {"status", jobs::ToString(job->status)}},
      .audit_object = job->job_id};
}

Outcome ListFiles(const Api& api, Services& services, Call& call) {
  const auto found = services.recordings.List(
      {.tenant = call.principal.site, .owner_id = call.principal.user_id}, call.deadline);
  if (!found) return api.Refuse(found.error(), call);
  boost::json::array files;
  for (const recordings::Recording& recording : *found) files.push_back(FileJson(recording));
  return Reply{.body = boost::json::object{{"files", std::move(files)}}};
}

Outcome GetFile(const Api& api, Services& services, Call& call) {
  const auto file = FindVisible(services, call, call.request.params.Get("file_id"));
  if (!file) return api.Refuse(file.error(), call);
  return Reply{.body = FileJson(*file)};
}

Outcome GetContent(const Api& api, Services& services, Call& call) {
  const auto file = FindVisible(services, call, call.request.params.Get("file_id"));
  if (!file) return api.Refuse(file.error(), call);
  auto content = services.recordings.Open(file->file_id, call.deadline);
  if (!content) return api.Refuse(content.error(), call);
  const bool is_bdf = file->format.starts_with("bdf");
  http::Headers headers;
  headers.Set("Content-Disposition",
              fmt::format("attachment; filename=\"{}.{}\"", file->file_id, is_bdf ? "bdf" : "edf"));
  return Reply{.headers = std::move(headers),
               .audit_object = file->file_id,
               .bytes = Reply::Bytes{.media_type = "application/octet-stream",
                                     .source = *std::move(content),
                                     .length = static_cast<uint64_t>(file->size)}};
}

Outcome DeleteFile(const Api& api, Services& services, Call& call) {
  const std::string& file_id = call.request.params.Get("file_id");
  if (const auto file = FindVisible(services, call, file_id); !file)
    return api.Refuse(file.error(), call);
  // Before anything is gone, so that a second attempt can repair a first one that failed here.
  if (const auto forgotten = services.cache.InvalidateFile(file_id, call.deadline); !forgotten)
    return api.Refuse(forgotten.error(), call);
  if (const auto deleted = services.recordings.Delete(file_id, call.deadline); !deleted)
    return api.Refuse(deleted.error(), call);
  // What was computed between the two. Should this fail, the cache's sweep removes it later.
  if (const auto forgotten = services.cache.InvalidateFile(file_id, call.deadline); !forgotten)
    api.parts().error_sink(forgotten.error());
  return Reply{.status = 204, .audit_object = file_id};
}

std::vector<schema::Member> FileMembers() {
  return {{"file_id", schema::Text()},
          {"sha256", schema::Text("of the uploaded bytes, hexadecimal")},
          {"size", schema::Integer(1)},
          {"format", schema::Word({"edf", "edf+c", "edf+d", "bdf", "bdf+c", "bdf+d"})},
          {"name", schema::Text("as uploaded, without folders")},
          {"created_at", schema::Time()}};
}

Operation UploadOperation(const Services& services) {
  boost::json::object file = schema::Text("an EDF, EDF+, BDF or BDF+ recording");
  file["format"] = "binary";
  boost::json::object form = schema::Object({{"file", std::move(file)}});
  form["additionalProperties"] = true;
  auto members = FileMembers();
  members.push_back({"duplicate", schema::Boolean()});
  return {.method = http::Method::kPost,
          .path = "/api/v1/eeg/upload",
          .id = "uploadRecording",
          .tag = "eeg",
          .summary = "Store a recording; the same bytes again get the same file_id.",
          .permission = identity::Permission::kUploadRecording,
          .audit_action = "eeg.upload",
          .body_schema = std::move(form),
          .body_media_type = "multipart/form-data",
          .responses = {{200, {"Stored, or stored before.", schema::Object(std::move(members))}},
                        {400, {"The form cannot be read or has no field file."}},
                        {408, {"The body did not arrive in time."}},
                        {422, {"The file is empty, truncated or no EDF or BDF recording."}}},
          .streams_body = true,
          .max_body = services.max_upload_bytes + kFormOverhead};
}

Operation AnalyzeOperation() {
  return {.method = http::Method::kPost,
          .path = "/api/v1/eeg/analyze",
          .id = "analyzeRecording",
          .tag = "eeg",
          .summary = "Submit the analysis of a recording.",
          .permission = identity::Permission::kAnalyze,
          .audit_action = "eeg.analyze",
          .body_schema = SubmissionSchema({"file_id", schema::Text()}),
          .responses = {{202,
                         {"Submitted.", schema::Object({{"job_id", schema::Text()},
                                                        {"status", schema::Word({"pending"})}})}},
                        {404, {"There is no such recording."}},
                        {501, {"A stage that was asked for is not in this version."}}}};
}

}  // namespace

void AddEegRoutes(Api& api, Services& services) {
  using identity::Permission;
  api.AddStreaming(UploadOperation(services),
                   [&api, &services](Call& call) { return Upload(api, services, call); });
  api.Add(AnalyzeOperation(), [&api, &services](Call& call) {
    return CreateOnce(api, services, call,
                      [&](const std::string& id) { return Analyze(api, services, call, id); });
  });
  api.Add(
      {.path = "/api/v1/eeg/files",
       .id = "listRecordings",
       .tag = "eeg",
       .summary = "The caller's own recordings, newest first.",
       .permission = Permission::kReadOwn,
       .responses = {{200,
                      {"The recordings.",
                       schema::Object({{"files", schema::List(schema::Object(FileMembers()))}})}}}},
      [&api, &services](Call& call) { return ListFiles(api, services, call); });
  api.Add({.path = "/api/v1/eeg/files/{file_id}",
           .id = "getRecording",
           .tag = "eeg",
           .summary = "What is known about a recording.",
           .permission = Permission::kReadOwn,
           .responses = {{200, {"The recording.", schema::Object(FileMembers())}},
                         {404, {"There is no such recording."}}}},
          [&api, &services](Call& call) { return GetFile(api, services, call); });
  api.Add({.path = "/api/v1/eeg/files/{file_id}/content",
           .id = "downloadRecording",
           .tag = "eeg",
           .summary = "The bytes of a recording.",
           .permission = Permission::kReadOwn,
           .audit_action = "eeg.download",
           .responses = {{200, {"The file.", schema::Text(), "application/octet-stream"}},
                         {404, {"There is no such recording."}}}},
          [&api, &services](Call& call) { return GetContent(api, services, call); });
  api.Add({.method = http::Method::kDelete,
           .path = "/api/v1/eeg/files/{file_id}",
           .id = "deleteRecording",
           .tag = "eeg",
           .summary = "Remove a recording with its jobs and results.",
           .permission = Permission::kDeleteRecording,
           .audit_action = "eeg.delete",
           .responses = {{204, {"It is gone."}},
                         {404, {"There is no such recording."}},
                         {409, {"The recording has unfinished jobs."}}}},
          [&api, &services](Call& call) { return DeleteFile(api, services, call); });
}

}  // namespace montage::api
