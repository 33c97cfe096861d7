#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/api/submission.h"

namespace montage::api {
namespace {

Outcome ListJobs(const Api& api, Services& services, Call& call, std::string_view name,
                 const std::string& owner_id) {
  const auto read = ReadPage(call.request);
  if (const auto* problem = std::get_if<Problem>(&read)) return *problem;
  const Page& page = std::get<Page>(read);
  const auto found = services.jobs.List({.tenant = call.principal.site,
                                         .owner_id = owner_id,
                                         .file_id = call.request.QueryValue("file_id").value_or(""),
                                         .after = page.offset,
                                         .limit = page.limit + 1},
                                        call.deadline);
  if (!found) return api.Refuse(found.error(), call);
  boost::json::array items;
  for (const jobs::Job& job : *found) items.push_back(JobJson(job));
  return Reply{.body = PageJson(name, std::move(items), page)};
}

Outcome GetJob(const Api& api, Services& services, Call& call) {
  const auto job = FindVisibleJob(services, call, call.request.params.Get("job_id"));
  if (!job) return api.Refuse(job.error(), call);
  return Reply{.body = JobJson(*job)};
}

Outcome CancelJob(const Api& api, Services& services, Call& call) {
  const std::string& job_id = call.request.params.Get("job_id");
  if (const auto job = FindVisibleJob(services, call, job_id); !job)
    return api.Refuse(job.error(), call);
  const auto cancelled = services.jobs.Cancel(job_id, call.deadline);
  if (!cancelled) return api.Refuse(cancelled.error(), call);
  return Reply{.body = JobJson(*cancelled), .audit_object = job_id};
}

Outcome GetResult(const Api& api, Services& services, Call& call) {
  const auto job = FindVisibleJob(services, call, call.request.params.Get("job_id"));
  if (!job) return api.Refuse(job.error(), call);
  if (job->status == jobs::JobStatus::kCompleted)
    return Reply{.text = {{"application/json", job->results}}};
  Problem problem{.status = 409,
                  .error = "conflict",
                  .message = fmt::format("job \"{}\" is {}; there is a result once it is completed",
                                         job->job_id, jobs::ToString(job->status)),
                  .details = {{"status", jobs::ToString(job->status)}}};
  if (!job->error.empty()) problem.details["error"] = job->error;
  return problem;
}

Operation Listing(std::string path, std::string id, std::string summary, std::string_view name) {
  Operation operation{.path = std::move(path),
                      .id = std::move(id),
                      .tag = "jobs",
                      .summary = std::move(summary),
                      .permission = identity::Permission::kReadOwn,
                      .query = PageQuery(),
                      .responses = {{200, {"A page of them.", PageSchema(name, JobSchema())}}}};
  operation.query.push_back({"file_id", "Only jobs of this recording.", schema::Text()});
  return operation;
}

}  // namespace

void AddJobRoutes(Api& api, Services& services) {
  using identity::Permission;
  api.Add(Listing("/api/v1/jobs", "listJobs", "The jobs that the caller may see, newest first.",
                  "jobs"),
          [&api, &services](Call& call) {
            const bool whole_site = call.principal.May(Permission::kReadSite);
            return ListJobs(api, services, call, "jobs", whole_site ? "" : call.principal.user_id);
          });
  api.Add(Listing("/api/v1/user/analyses", "listOwnAnalyses",
                  "The caller's own jobs, newest first.", "analyses"),
          [&api, &services](Call& call) {
            return ListJobs(api, services, call, "analyses", call.principal.user_id);
          });
  api.Add({.path = "/api/v1/jobs/{job_id}",
           .id = "getJob",
           .tag = "jobs",
           .summary = "How far a job is.",
           .permission = Permission::kReadOwn,
           .responses = {{200, {"The job.", JobSchema()}}, {404, {"There is no such job."}}}},
          [&api, &services](Call& call) { return GetJob(api, services, call); });
  api.Add({.method = http::Method::kDelete,
           .path = "/api/v1/jobs/{job_id}",
           .id = "cancelJob",
           .tag = "jobs",
           .summary = "Cancel a job: at once while it is pending, else when its worker notices.",
           .permission = Permission::kAnalyze,
           .audit_action = "jobs.cancel",
           .responses = {{200, {"The job.", JobSchema()}},
                         {404, {"There is no such job."}},
                         {409, {"The job is over."}}}},
          [&api, &services](Call& call) { return CancelJob(api, services, call); });
  api.Add({.path = "/api/v1/results/{job_id}",
           .id = "getResult",
           .tag = "jobs",
           .summary = "The result of a completed job.",
           .permission = Permission::kReadOwn,
           .responses = {{200, {"The result.", ResultSchema()}},
                         {404, {"There is no such job."}},
                         {409, {"The job is not completed; details has its status and error."}}}},
          [&api, &services](Call& call) { return GetResult(api, services, call); });
}

}  // namespace montage::api
