#pragma once
// What eeg/analyze and batch/analyze have in common: reading what is asked for, and how jobs and
// files look in answers.

#include <boost/json/object.hpp>

#include "montage/api/request/json_fields.h"
#include "montage/api/routes.h"

namespace montage::api {

/// What the fields analysis_type, options and priority say.
struct Submission {
  analysis::Request request;
  std::string analysis_type;
  std::string parameters;  ///< JSON, for jobs::JobRequest
  jobs::Priority priority = jobs::Priority::kNormal;

  jobs::JobRequest ForFile(const identity::Principal& who, std::string_view file_id) const;
};

/// Options are taken from the object `options` and from the top level; what is wrong is told by
/// `fields.Finish()`.
Submission ReadSubmission(JsonFields& fields);
/// 503 with Retry-After while nothing can be submitted. Comes before the recordings are looked up:
/// whether they exist is of no use to a caller who is to come again.
std::optional<Problem> RefuseUnavailable(const Services& services, const Call& call);
/// 501 naming the stages that were asked for and are not built in.
std::optional<Problem> RefuseMissing(const analysis::Registry& analyses,
                                     const analysis::Request& request);

/// The schema of the request body, `files` being the member that names one or many.
boost::json::object SubmissionSchema(schema::Member files);

boost::json::object JobJson(const jobs::Job& job);
boost::json::object JobSchema();

/// A text for `created_at` and its like.
std::string TimeText(int64_t since_epoch_ns);
boost::json::value TimeOrNull(std::optional<int64_t> since_epoch_ns);

/// The stored result of an analysis.
boost::json::object ResultSchema();

/// limit (1 to 500, else 100) and offset of a listing; a problem when they are no such numbers.
struct Page {
  int64_t limit = 100;
  int64_t offset = 0;
};
std::variant<Page, Problem> ReadPage(const http::Request& request);
std::vector<QueryDoc> PageQuery();
/// `{<name>: items, next: offset of the next page or null}` of at most limit + 1 items.
boost::json::object PageJson(std::string_view name, boost::json::array items, const Page& page);
boost::json::object PageSchema(std::string_view name, boost::json::object item);

/// The recording when the caller may see it; kNotFound for foreign ones as for unknown ones.
base::Result<recordings::Recording> FindVisible(const Services& services, const Call& call,
                                                std::string_view file_id);
base::Result<jobs::Job> FindVisibleJob(const Services& services, const Call& call,
                                       std::string_view job_id);

}  // namespace montage::api
