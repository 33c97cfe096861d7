#include "montage/api/submission.h"

#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace montage::api {
namespace {

const std::vector<std::string>& TypeWords() {
  static const std::vector<std::string> kWords = {"quick", "comprehensive", "screening"};
  return kWords;
}
const std::vector<std::string>& PriorityWords() {
  static const std::vector<std::string> kWords = {"low", "normal", "high"};
  return kWords;
}

constexpr int64_t kMaxLimit = 500;

std::optional<int64_t> WholeNumber(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Submission ReadSubmission(JsonFields& fields) {
  Submission submission;
  submission.analysis_type = fields.RequiredWord("analysis_type", TypeWords());
  if (const auto type = analysis::ParseAnalysisType(submission.analysis_type))
    submission.request.type = *type;
  const auto priority = jobs::ParsePriority(fields.Word("priority", PriorityWords(), "normal"));
  submission.priority = priority.value_or(jobs::Priority::kNormal);
  JsonFields nested = fields.Object("options");
  boost::json::object parameters;
  for (const auto& [stage, member] : analysis::kStageOptions) {
    const std::string_view name = analysis::ToString(stage);
    const std::optional<bool> inner = nested.OptionalBool(name);
    const std::optional<bool> outer = fields.OptionalBool(name);
    if (inner && outer && *inner != *outer)
      fields.Wrong(name, "is given twice, once in options, with different values");
    const std::optional<bool> chosen = inner ? inner : outer;
    submission.request.*member = chosen;
    if (chosen) parameters[name] = *chosen;
  }
  fields.Merge(std::move(nested));
  submission.parameters = boost::json::serialize(parameters);
  return submission;
}

jobs::JobRequest Submission::ForFile(const identity::Principal& who,
                                     std::string_view file_id) const {
  return {.tenant = who.site,
          .owner_id = who.user_id,
          .file_id = std::string(file_id),
          .analysis_type = analysis_type,
          .parameters = parameters,
          .priority = priority};
}

std::optional<Problem> RefuseUnavailable(const Services& services, const Call& call) {
  if (!services.refuse_submission) return std::nullopt;
  auto refusal = services.refuse_submission(call.deadline);
  if (!refusal) return std::nullopt;
  return Problem{.status = 503,
                 .error = "service_unavailable",
                 .message = std::move(refusal->message),
                 .retry_after = refusal->retry_after};
}

std::optional<Problem> RefuseMissing(const analysis::Registry& analyses,
                                     const analysis::Request& request) {
  const auto missing = analyses.MissingFor(request);
  if (missing.empty()) return std::nullopt;
  std::vector<std::string_view> names;
  for (const analysis::Stage stage : missing) names.push_back(analysis::ToString(stage));
  return Problem{.status = 501,
                 .error = "not_implemented",
                 .message = fmt::format("this version has no {}", fmt::join(names, " and no ")),
                 .details = {{"stages", boost::json::array(names.begin(), names.end())}}};
}

boost::json::object SubmissionSchema(schema::Member files) {
  std::vector<schema::Member> options;
  for (const analysis::StageOption& option : analysis::kStageOptions) {
    options.push_back({std::string(analysis::ToString(option.stage)),
                       schema::Nullable(schema::Boolean()), false});
  }
  std::vector<schema::Member> members = {std::move(files),
                                         {"analysis_type", schema::Word(TypeWords())}};
  members.push_back({"options", schema::Nullable(schema::Object(options)), false});
  members.push_back({"priority", schema::Word(PriorityWords()), false});
  members.insert(members.end(), options.begin(), options.end());
  return schema::Object(std::move(members));
}

std::string TimeText(int64_t since_epoch_ns) {
  return base::FormatRfc3339(base::WallTime(std::chrono::nanoseconds(since_epoch_ns)));
}

boost::json::value TimeOrNull(std::optional<int64_t> since_epoch_ns) {
  if (!since_epoch_ns) return nullptr;
  return boost::json::value(TimeText(*since_epoch_ns));
}

boost::json::object JobJson(const jobs::Job& job) {
  boost::json::object out{{"job_id", job.job_id},
                          {"file_id", job.request.file_id},
                          {"analysis_type", job.request.analysis_type},
                          {"status", jobs::ToString(job.status)},
                          {"progress", job.progress},
                          {"retry_count", job.retry_count},
                          {"priority", jobs::ToString(job.request.priority)},
                          {"created_at", TimeText(job.created_at_ns)},
                          {"started_at", TimeOrNull(job.started_at_ns)},
                          {"completed_at", TimeOrNull(job.completed_at_ns)}};
  if (!job.error.empty()) out["error"] = job.error;
  if (!job.batch_id.empty()) out["batch_id"] = job.batch_id;
  return out;
}

boost::json::object JobSchema() {
  return schema::Object(
      {{"job_id", schema::Text()},
       {"file_id", schema::Text()},
       {"analysis_type", schema::Word(TypeWords())},
       {"status", schema::Word({"pending", "processing", "completed", "failed", "cancelled"})},
       {"progress", schema::Integer(0, 100)},
       {"retry_count", schema::Integer(0, jobs::kMaxRetries)},
       {"priority", schema::Word(PriorityWords())},
       {"created_at", schema::Time()},
       {"started_at", schema::Nullable(schema::Time())},
       {"completed_at", schema::Nullable(schema::Time())},
       {"error", schema::Text("why it failed"), false},
       {"batch_id", schema::Text(), false}});
}

namespace {

/// The members that are promised; there are more.
boost::json::object Promised(std::vector<schema::Member> members) {
  boost::json::object out = schema::Object(std::move(members));
  out["additionalProperties"] = true;
  return out;
}

boost::json::object StagesSchema() {
  const auto stage = Promised({{"status", schema::Word({"completed", "failed", "skipped"})},
                               {"reason", schema::Text("why it was skipped"), false},
                               {"error", schema::Text("why it failed"), false}});
  std::vector<schema::Member> members;
  for (const analysis::Stage one : analysis::kStages) {
    // Results stored by an earlier version lack the stages that it did not know.
    members.push_back({std::string(analysis::ToString(one)), stage, false});
  }
  return Promised(std::move(members));
}

boost::json::object EventSchema() {
  return Promised({{"event_type", schema::Word({"epileptiform", "PLED", "GPED", "seizure",
                                                "artifact", "burst_suppression"})},
                   {"onset", schema::Number(0)},
                   {"duration", schema::Number(0)},
                   {"channels", schema::List(schema::Text())},
                   {"confidence", schema::Number(0, 1)}});
}

boost::json::object SleepSchema() {
  const auto percent = schema::Number(0, 100);
  return Promised(
      {{"hypnogram", schema::List(schema::Word({"W", "N1", "N2", "N3", "REM"}))},
       {"sleep_efficiency", percent},
       {"sleep_stages",
        schema::Object({{"N1", percent}, {"N2", percent}, {"N3", percent}, {"REM", percent}})}});
}

}  // namespace

boost::json::object ResultSchema() {
  return Promised(
      {{"quality_report",
        schema::Nullable(Promised({{"bad_channels", schema::List(schema::Text())},
                                   {"signal_quality_score", schema::Number(0, 1)}}))},
       {"abnormality_detection",
        schema::Nullable(
            Promised({{"is_abnormal", schema::Boolean()},
                      {"confidence", schema::Number(0, 1)},
                      {"triage_priority", schema::Word({"routine", "expedite", "urgent"})}}))},
       {"sleep_analysis", schema::Nullable(SleepSchema())},
       {"event_detection", schema::Nullable(Promised({{"events", schema::List(EventSchema())}}))},
       {"stages", StagesSchema(), false}});
}

std::variant<Page, Problem> ReadPage(const http::Request& request) {
  Page page;
  const auto wrong = [](std::string_view name, std::string_view value, std::string expected) {
    return Problem{.status = 422,
                   .error = "invalid",
                   .message = fmt::format("{} is \"{}\"; expected {}", name, value, expected)};
  };
  if (const auto text = request.QueryValue("limit")) {
    const auto number = WholeNumber(*text);
    if (!number || *number < 1 || *number > kMaxLimit)
      return wrong("limit", *text, fmt::format("a whole number from 1 to {}", kMaxLimit));
    page.limit = *number;
  }
  if (const auto text = request.QueryValue("offset")) {
    const auto number = WholeNumber(*text);
    if (!number || *number < 0) return wrong("offset", *text, "a whole number from 0");
    page.offset = *number;
  }
  return page;
}

std::vector<QueryDoc> PageQuery() {
  return {{"limit", "How many at most; 100 when absent.", schema::Integer(1, kMaxLimit)},
          {"offset", "How many to skip; `next` of the page before.", schema::Integer(0)}};
}

boost::json::object PageJson(std::string_view name, boost::json::array items, const Page& page) {
  boost::json::value next = nullptr;
  if (std::ssize(items) > page.limit) {
    items.resize(static_cast<size_t>(page.limit));
    next = page.offset + page.limit;
  }
  boost::json::object out;
  out[name] = std::move(items);
  out["next"] = std::move(next);
  return out;
}

boost::json::object PageSchema(std::string_view name, boost::json::object item) {
  return schema::Object({{std::string(name), schema::List(std::move(item))},
                         {"next", schema::Nullable(schema::Integer(1))}});
}

base::Result<recordings::Recording> FindVisible(const Services& services, const Call& call,
                                                std::string_view file_id) {
  TRY(recordings::Recording recording, services.recordings.Find(file_id, call.deadline));
  if (!call.principal.MayRead(recording.owner.owner_id, recording.owner.tenant))
    return base::Fail(NotFound("recording", file_id));
  return recording;
}

base::Result<jobs::Job> FindVisibleJob(const Services& services, const Call& call,
                                       std::string_view job_id) {
  TRY(jobs::Job job, services.jobs.Get(job_id, call.deadline));
  if (!call.principal.MayRead(job.request.owner_id, job.request.tenant))
    return base::Fail(NotFound("job", job_id));
  return job;
}

}  // namespace montage::api
