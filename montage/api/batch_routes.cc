#include <algorithm>
#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/json/parse.h"
#include "montage/api/idempotent.h"
#include "montage/api/submission.h"

namespace montage::api {
namespace {

base::Result<jobs::Batch> FindVisibleBatch(const Services& services, const Call& call,
                                           const std::string& batch_id) {
  TRY(jobs::Batch batch, services.jobs.GetBatch(batch_id, call.deadline));
  const identity::Principal& who = call.principal;
  if (batch.owner_id == who.user_id && who.May(identity::Permission::kReadOwn)) return batch;
  // A batch belongs to the site of its jobs.
  TRY(const auto some,
      services.jobs.List({.tenant = who.site, .batch_id = batch_id, .limit = 1}, call.deadline));
  if (!some.empty() && who.MayRead(batch.owner_id, who.site)) return batch;
  return base::Fail(base::ErrorCode::kNotFound, fmt::format("there is no batch \"{}\"", batch_id));
}

/// 422 naming the file ids that the caller cannot use.
base::Result<std::optional<Problem>> RefuseUnknown(const Services& services, const Call& call,
                                                   const std::vector<std::string>& file_ids) {
  boost::json::array unknown;
  for (const std::string& file_id : file_ids) {
    const auto found = FindVisible(services, call, file_id);
    if (found) continue;
    if (found.error().code != base::ErrorCode::kNotFound) return base::Fail(found.error());
    unknown.push_back(boost::json::string(file_id));
  }
  if (unknown.empty()) return std::nullopt;
  return Problem{.status = 422,
                 .error = "invalid",
                 .message = fmt::format("there is no recording \"{}\"",
                                        std::string_view(unknown[0].get_string())),
                 .details = {{"unknown_file_ids", unknown}}};
}

Outcome Submit(const Api& api, Services& services, Call& call, const std::string& batch_id) {
  JsonFields fields(call.request);
  const auto file_ids = fields.RequiredTexts("file_ids", services.max_batch_files);
  std::set<std::string_view> seen;
  for (const std::string& file_id : file_ids) {
    if (!seen.insert(file_id).second)
      fields.Wrong("file_ids", fmt::format("names \"{}\" more than once", file_id));
  }
  const Submission submission = ReadSubmission(fields);
  if (auto problem = fields.Finish()) return *std::move(problem);
  if (auto problem = RefuseUnavailable(services, call)) return *std::move(problem);
  auto unknown = RefuseUnknown(services, call, file_ids);
  if (!unknown) return api.Refuse(unknown.error(), call);
  if (*unknown) return **std::move(unknown);
  if (auto problem = RefuseMissing(services.analyses, submission.request))
    return *std::move(problem);
  std::vector<jobs::JobRequest> requests;
  for (const std::string& file_id : file_ids)
    requests.push_back(submission.ForFile(call.principal, file_id));
  const auto batch = services.jobs.SubmitBatch(requests, batch_id, call.deadline);
  if (!batch) return api.Refuse(batch.error(), call);
  if (services.wake_workers) services.wake_workers();
  return Reply{.status = 202,
               .body = boost::json::object{{"batch_id", batch->batch_id}, {"total", batch->total}},
               .audit_object = batch->batch_id};
}

bool IsFinished(const jobs::Batch& batch) { return batch.completed + batch.failed >= batch.total; }

Outcome GetStatus(const Api& api, Services& services, Call& call) {
  const auto batch = FindVisibleBatch(services, call, call.request.params.Get("batch_id"));
  if (!batch) return api.Refuse(batch.error(), call);
  return Reply{
      .body = boost::json::object{{"batch_id", batch->batch_id},
                                  {"total", batch->total},
                                  {"completed", batch->completed},
                                  {"failed", batch->failed},
                                  {"progress", batch->progress()},
                                  {"status", IsFinished(*batch) ? "completed" : "processing"}}};
}

base::Result<boost::json::array> Entries(const std::vector<jobs::Job>& newest_first) {
  boost::json::array entries;
  for (auto job = newest_first.rbegin(); job != newest_first.rend(); ++job) {
    boost::json::object entry{{"file_id", job->request.file_id},
                              {"job_id", job->job_id},
                              {"status", jobs::ToString(job->status)},
                              {"result", nullptr},
                              {"error", nullptr}};
    if (job->status == jobs::JobStatus::kCompleted) {
      TRY(entry["result"], json::Parse(job->results));
    } else {
      entry["error"] = job->error.empty() ? "the job was cancelled" : job->error;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Outcome GetResults(const Api& api, Services& services, Call& call) {
  const std::string& batch_id = call.request.params.Get("batch_id");
  const auto batch = FindVisibleBatch(services, call, batch_id);
  if (!batch) return api.Refuse(batch.error(), call);
  if (!IsFinished(*batch)) {
    return Problem{.status = 409,
                   .error = "conflict",
                   .message = fmt::format("{} of {} jobs of batch \"{}\" are finished",
                                          batch->completed + batch->failed, batch->total, batch_id),
                   .details = {{"progress", batch->progress()}}};
  }
  // Whoever sees the batch has its site, or owns it there.
  const auto found = services.jobs.List(
      {.tenant = call.principal.site, .batch_id = batch_id, .limit = batch->total}, call.deadline);
  if (!found) return api.Refuse(found.error(), call);
  auto entries = Entries(*found);
  if (!entries) return api.Refuse(entries.error(), call);
  return Reply{.body = boost::json::object{{"analyses", *std::move(entries)}}};
}

boost::json::object StatusSchema() {
  return schema::Object({{"batch_id", schema::Text()},
                         {"total", schema::Integer(1)},
                         {"completed", schema::Integer(0)},
                         {"failed", schema::Integer(0)},
                         {"progress", schema::Integer(0, 100)},
                         {"status", schema::Word({"processing", "completed"})}});
}

boost::json::object ResultsSchema() {
  auto entry = schema::Object({{"file_id", schema::Text()},
                               {"job_id", schema::Text()},
                               {"status", schema::Word({"completed", "failed", "cancelled"})},
                               {"result", schema::Nullable(ResultSchema())},
                               {"error", schema::Nullable(schema::Text())}});
  return schema::Object({{"analyses", schema::List(std::move(entry))}});
}

}  // namespace

void AddBatchRoutes(Api& api, Services& services) {
  using identity::Permission;
  boost::json::object ids = schema::List(schema::Text());
  ids["minItems"] = 1;
  ids["maxItems"] = services.max_batch_files;
  ids["uniqueItems"] = true;
  api.Add({.method = http::Method::kPost,
           .path = "/api/v1/batch/analyze",
           .id = "analyzeBatch",
           .tag = "batch",
           .summary = "Submit one analysis of each of many recordings.",
           .permission = Permission::kAnalyze,
           .audit_action = "batch.submit",
           .body_schema = SubmissionSchema({"file_ids", std::move(ids)}),
           .responses = {{202,
                          {"Submitted.", schema::Object({{"batch_id", schema::Text()},
                                                         {"total", schema::Integer(1)}})}},
                         {501, {"A stage that was asked for is not in this version."}}}},
          [&api, &services](Call& call) {
            return CreateOnce(api, services, call, [&](const std::string& id) {
              return Submit(api, services, call, id);
            });
          });
  api.Add(
      {.path = "/api/v1/batch/{batch_id}/status",
       .id = "getBatchStatus",
       .tag = "batch",
       .summary = "How far a batch is.",
       .permission = Permission::kReadOwn,
       .responses = {{200, {"The figures.", StatusSchema()}}, {404, {"There is no such batch."}}}},
      [&api, &services](Call& call) { return GetStatus(api, services, call); });
  api.Add({.path = "/api/v1/batch/{batch_id}/results",
           .id = "getBatchResults",
           .tag = "batch",
           .summary = "The results of a finished batch, in the order of submission.",
           .permission = Permission::kReadOwn,
           .responses = {{200, {"One entry for each recording.", ResultsSchema()}},
                         {404, {"There is no such batch."}},
                         {409, {"Some jobs are not finished."}}}},
          [&api, &services](Call& call) { return GetResults(api, services, call); });
}

}  // namespace montage::api
