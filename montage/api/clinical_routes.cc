// Clinical records: for clinicians of the site that keeps them.

#include <algorithm>
#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/api/request/json_fields.h"
#include "montage/api/submission.h"

namespace montage::api {
namespace {

using identity::Permission;

constexpr std::string_view kPath = "/api/v1/clinical/records/{key}";
/// Every field at its largest, with each byte escaped as JSON may do it (\u0000), would not fit; no
/// real record comes near.
constexpr uint64_t kMaxBody = uint64_t{256} * 1024;

clinical::RecordKey KeyOf(const Call& call) {
  return {.tenant = call.principal.site, .name = call.request.params.Get("key")};
}

Problem Invalid(std::string message) {
  return {.status = 422, .error = "invalid", .message = std::move(message)};
}

/// A whole number from 1 on.
std::optional<int64_t> ReadVersion(std::string_view text) {
  int64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || end != text.data() + text.size() || number < 1) return std::nullopt;
  return number;
}

std::string EntityTag(int64_t version) { return fmt::format("\"{}\"", version); }

struct Precondition {
  std::optional<int64_t> version;  ///< 0: none yet
};

std::variant<Precondition, Problem> ReadPrecondition(const http::Request& request) {
  const auto match = request.headers.Get("If-Match");
  const auto none = request.headers.Get("If-None-Match");
  if (match && none)
    return Invalid("the headers If-Match and If-None-Match exclude each other here; send one");
  if (none && *none != "*")
    return Invalid("the header If-None-Match is not *, which stands for \"there is none yet\"");
  if (none) return Precondition{0};
  if (!match) return Precondition{};
  const bool is_quoted = match->size() > 2 && match->starts_with('"') && match->ends_with('"');
  const auto version = ReadVersion(is_quoted ? match->substr(1, match->size() - 2) : "");
  if (!version)
    return Invalid("the header If-Match is no version in quotes such as \"3\", as ETag gives it");
  return Precondition{version};
}

/// Messages say how much was sent and never what: it is health data.
void CheckSize(JsonFields& fields, std::string_view name, size_t bytes, size_t most) {
  if (bytes > most)
    fields.Wrong(name, fmt::format("has {} bytes; expected at most {}", bytes, most));
}

clinical::Record ReadRecord(JsonFields& fields) {
  clinical::Record record{
      .patient_id = fields.RequiredText("patient_id"),
      .diagnosis = fields.RequiredText("diagnosis"),
      .medications = fields.RequiredTexts("medications", clinical::kMaxMedications, 0)};
  CheckSize(fields, "patient_id", record.patient_id.size(), clinical::kMaxPatientIdBytes);
  CheckSize(fields, "diagnosis", record.diagnosis.size(), clinical::kMaxDiagnosisBytes);
  size_t longest = 0;
  for (const std::string& one : record.medications) longest = std::max(longest, one.size());
  if (longest > clinical::kMaxMedicationBytes) {
    fields.Wrong("medications", fmt::format("has an entry of {} bytes; expected at most {}",
                                            longest, clinical::kMaxMedicationBytes));
  }
  return record;
}

Outcome PutRecord(const Api& api, Services& services, Call& call) {
  const auto precondition = ReadPrecondition(call.request);
  if (const auto* problem = std::get_if<Problem>(&precondition)) return *problem;
  const std::optional<int64_t> expected = std::get<Precondition>(precondition).version;
  JsonFields fields(call.request);
  const clinical::Record record = ReadRecord(fields);
  if (auto problem = fields.Finish()) return *std::move(problem);
  const clinical::RecordKey key = KeyOf(call);
  const auto written =
      services.records.Put(key, call.principal.user_id, record, expected, call.deadline);
  if (!written) {
    Problem problem = api.Refuse(written.error(), call);
    if (expected && problem.status == 409) {
      problem.status = 412;
      problem.error = "precondition_failed";
    }
    return problem;
  }
  const clinical::RecordVersion& version = written->version;
  const bool is_first = written->is_new && version.version == 1;
  return Reply{.status = is_first ? 201 : 200,
               .body = boost::json::object{{"key", key.name},
                                           {"version", version.version},
                                           {"created_at", TimeText(version.created_at_ns)},
                                           {"changed", written->is_new}},
               .headers = {{"ETag", EntityTag(version.version)}},
               .audit_object = fmt::format("{} version {}", key.name, version.version)};
}

Outcome GetRecord(const Api& api, Services& services, Call& call) {
  std::optional<int64_t> version;
  if (const auto asked = call.request.QueryValue("version")) {
    version = ReadVersion(*asked);
    if (!version) return Invalid("version is no whole number from 1 on");
  }
  const clinical::RecordKey key = KeyOf(call);
  const auto stored = services.records.Get(key, version, call.deadline);
  if (!stored) return api.Refuse(stored.error(), call);
  const clinical::Record& record = stored->record;
  return Reply{
      .body = boost::json::object{{"patient_id", record.patient_id},
                                  {"diagnosis", record.diagnosis},
                                  {"medications", boost::json::array(record.medications.begin(),
                                                                     record.medications.end())}},
      .headers = {{"ETag", EntityTag(stored->version.version)}},
      .audit_object = fmt::format("{} version {}", key.name, stored->version.version)};
}

boost::json::object RecordSchema() {
  return schema::Object(
      {{"patient_id", schema::Text(fmt::format("1 to {} bytes", clinical::kMaxPatientIdBytes))},
       {"diagnosis", schema::Text(fmt::format("1 to {} bytes", clinical::kMaxDiagnosisBytes))},
       {"medications",
        schema::List(schema::Text(fmt::format("1 to {} bytes", clinical::kMaxMedicationBytes)))}});
}

Operation PutOperation() {
  return {
      .method = http::Method::kPut,
      .path = std::string(kPath),
      .id = "putClinicalRecord",
      .tag = "clinical",
      .summary =
          "Store a record under a key, as its first or next version. What is the newest "
          "version already is not stored again.",
      .permission = Permission::kWriteClinical,
      .audit_action = "clinical.write",
      .headers = {{"If-Match", "Only if this is the newest version, such as \"3\".",
                   schema::Text()},
                  {"If-None-Match", "*: only if there is no record yet.", schema::Text()}},
      .body_schema = RecordSchema(),
      .responses = {{200,
                     {"The newest version; `changed` is false when it was equal before. ETag "
                      "has its number.",
                      schema::Object({{"key", schema::Text()},
                                      {"version", schema::Integer(1)},
                                      {"created_at", schema::Time()},
                                      {"changed", schema::Boolean()}})}},
                    {409, {"Others stored records under this key at the same time; try again."}},
                    {412, {"Another version is the newest one than the header says."}}},
      .max_body = kMaxBody};
}

Operation GetOperation() {
  return {.path = std::string(kPath),
          .id = "getClinicalRecord",
          .tag = "clinical",
          .summary = "The newest version of a record, or the one that is asked for.",
          .permission = Permission::kReadClinical,
          .audit_action = "clinical.read",
          .query = {{"version", "Its number, when it is not the newest.", schema::Integer(1)}},
          .responses = {{200, {"The record. ETag has the number of the version.", RecordSchema()}},
                        {404, {"There is no such record, or no such version of it."}}}};
}

}  // namespace

void AddClinicalRoutes(Api& api, Services& services) {
  Operation put = PutOperation();
  put.responses[201] = {"The first version was stored.", put.responses[200].schema};
  api.Add(std::move(put), [&api, &services](Call& call) { return PutRecord(api, services, call); });
  api.Add(GetOperation(), [&api, &services](Call& call) { return GetRecord(api, services, call); });
}

}  // namespace montage::api
