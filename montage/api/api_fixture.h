#pragma once
// For tests only: the whole API over SQLite and objects in memory. Every answer of every test is
// held against the API's own description.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/net/runtime.h"
#include "lib/objects/memory_object_store.h"
#include "lib/sql/sqlite_database.h"
#include "lib/synth/eeg.h"
#include "lib/testing/temp_dir.h"
#include "montage/analysis/builtin_analyses.h"
#include "montage/api/routes.h"
#include "montage/cache/memory_level.h"
#include "montage/jobs/sql_job_queue.h"
#include "montage/jobs/worker.h"
#include "montage/recordings/edf_recording.h"
#include "montage/storage/schema.h"

namespace montage::api {

inline constexpr std::string_view kPassword = "correct horse battery";

/// What is wrong with `value` by the part of JSON Schema that operation.h makes; "" when nothing.
inline std::string Mismatch(const boost::json::value& value, const boost::json::object& schema,
                            const std::string& where = "body") {
  if (const auto* choices = schema.if_contains("anyOf")) {
    for (const auto& choice : choices->as_array())
      if (Mismatch(value, choice.as_object(), where).empty()) return "";
    return where + " fits no choice";
  }
  const auto* type = schema.if_contains("type");
  if (type == nullptr) return "";
  const std::string word(type->as_string());
  const bool fits = word == "object"    ? value.is_object()
                    : word == "array"   ? value.is_array()
                    : word == "string"  ? value.is_string()
                    : word == "boolean" ? value.is_bool()
                    : word == "integer" ? value.is_int64() || value.is_uint64()
                    : word == "null"    ? value.is_null()
                                        : value.is_number();
  if (!fits) return where + " is no " + word;
  if (const auto* words = schema.if_contains("enum"))
    if (std::ranges::find(words->as_array(), value) == words->as_array().end())
      return where + " is none of its words";
  if (value.is_array()) {
    for (const auto& element : value.get_array()) {
      const auto* items = schema.if_contains("items");
      auto wrong = items ? Mismatch(element, items->as_object(), where + "[]") : std::string();
      if (!wrong.empty()) return wrong;
    }
  }
  const auto* properties = schema.if_contains("properties");
  if (!value.is_object() || properties == nullptr) return "";
  if (const auto* required = schema.if_contains("required"))
    for (const auto& name : required->as_array())
      if (!value.get_object().contains(name.as_string()))
        return where + " lacks " + std::string(name.as_string());
  for (const auto& member : value.get_object()) {
    const auto* known = properties->as_object().if_contains(member.key());
    const auto* open = schema.if_contains("additionalProperties");
    const std::string at = where + "." + std::string(member.key());
    if (known == nullptr && open != nullptr && !open->as_bool()) return at + " is unknown";
    auto wrong = known ? Mismatch(member.value(), known->as_object(), at) : std::string();
    if (!wrong.empty()) return wrong;
  }
  return "";
}

struct Answer {
  int status = 0;
  std::string text;
  http::Headers headers;
  boost::json::value json() const {
    boost::system::error_code error;
    return boost::json::parse(text, error);
  }
  std::string Text(std::string_view name) const {
    const auto value = json();
    const auto* found = value.is_object() ? value.get_object().if_contains(name) : nullptr;
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
  }
};

class ApiTest : public testing::Test {
 protected:
  ApiTest() {
    EXPECT_TRUE(objects_.EnsureBucket(recordings::kBucket, never_).has_value());
    EXPECT_TRUE(cache_.Open(never_).has_value());
    AddRoutes(api_, services_);
    description_ = OpenApiDocument(api_.operations(), "test");
    handler_ = api_.AsHandler();
  }

  identity::User Make(std::string_view name, identity::Role role, std::string_view site = "a") {
    return accounts_.Create(name, kPassword, role, site, never_).value();
  }
  /// Makes the user when it is not there yet.
  std::string Token(std::string_view name, identity::Role role = identity::Role::kTechnician,
                    std::string_view site = "a") {
    auto user = accounts_.FindByName(name, never_);
    if (!user) user = Make(name, role, site);
    return sessions_.Open(*user, never_).value().access_token;
  }

  Answer Send(http::Method method, const std::string& target, const std::string& token = "",
              std::string body = "", http::Headers headers = {}) {
    http::Request request;
    request.method = method;
    request.method_text = http::ToString(method);
    request.target = target;
    request.path = target.substr(0, target.find('?'));
    if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
    if (!token.empty()) headers.Set("Authorization", "Bearer " + token);
    request.headers = std::move(headers);
    http::TextBody reader(std::move(body));
    request.reader = &reader;
    const http::Response response = runtime_.Run(handler_(request));
    Answer answer{response.status, BodyOf(response), response.headers};
    CheckDescribed(request, answer);
    return answer;
  }
  Answer Get(const std::string& target, const std::string& token = "") {
    return Send(http::Method::kGet, target, token);
  }
  Answer Post(const std::string& target, const std::string& token, std::string json,
              http::Headers headers = {}) {
    headers.Set("Content-Type", "application/json");
    return Send(http::Method::kPost, target, token, std::move(json), std::move(headers));
  }
  Answer LogIn(std::string_view name, std::string_view password) {
    std::string form =
        http::FormatQuery({{"username", std::string(name)}, {"password", std::string(password)}});
    return Send(http::Method::kPost, "/api/v1/auth/token", "", std::move(form),
                {{"Content-Type", "application/x-www-form-urlencoded"}});
  }
  Answer Upload(const std::string& token, const std::string& content,
                std::string_view field = "file") {
    std::string body = "--b\r\nContent-Disposition: form-data; name=\"" + std::string(field) +
                       "\"; filename=\"test.edf\"\r\nContent-Type: application/octet-stream\r\n"
                       "\r\n" +
                       content + "\r\n--b--\r\n";
    return Send(http::Method::kPost, "/api/v1/eeg/upload", token, std::move(body),
                {{"Content-Type", "multipart/form-data; boundary=b"}});
  }
  std::string UploadedId(const std::string& token, uint64_t seed = 1) {
    return Upload(token, Edf(seed)).Text("file_id");
  }
  std::string SubmittedId(const std::string& token, const std::string& file_id) {
    return Post("/api/v1/eeg/analyze", token,
                R"({"analysis_type":"quick","file_id":")" + file_id + "\"}")
        .Text("job_id");
  }
  void CompleteNext(const std::string& results) {
    const auto claimed = jobs_.Claim("test", std::chrono::seconds(30), never_).value();
    ASSERT_TRUE(claimed.has_value());
    const jobs::Completion completion{.results = results, .object_key = claimed->job.job_id};
    ASSERT_TRUE(
        jobs_.Complete(claimed->lease, completion, [] { return base::Result<void>(); }, never_));
  }
  void FailNext(std::string message) {
    const auto claimed = jobs_.Claim("test", std::chrono::seconds(30), never_).value();
    ASSERT_TRUE(claimed.has_value());
    ASSERT_TRUE(
        jobs_.Fail(claimed->lease, {base::ErrorCode::kCorrupt, std::move(message)}, false, never_));
  }
  static std::string Edf(uint64_t seed = 1, double seconds = 2) {
    synth::EegSpec spec{.channels = *synth::FirstChannels(2), .duration_s = seconds, .seed = seed};
    formats::edf::MemorySink sink;
    EXPECT_TRUE(synth::GenerateEeg(spec, sink).has_value());
    return {reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size()};
  }
  int64_t Rows(const std::string& table) {
    const auto rows = sql::Query(*database_, "SELECT count(*) FROM " + table, {}, never_).value();
    return std::get<int64_t>(rows.rows.at(0).at(0).storage());
  }
  size_t StoredObjects() {
    return objects_.List(recordings::kBucket, {}, never_).value().objects.size();
  }
  std::string LastAudit() {
    const auto entries = audit_.List({.limit = 1000}, never_).value();
    if (entries.empty()) return "";
    const audit::Entry& last = entries.back();
    return last.actor + " " + last.action + " " + last.object + " " +
           std::string(audit::ToString(last.decision));
  }

  std::string BodyOf(const http::Response& response) {
    const auto* stream = std::get_if<http::StreamBody>(&response.body);
    if (stream == nullptr) return std::get<std::string>(response.body);
    struct Collector final : http::BodyWriter {
      net::Task<base::Result<void>> Write(std::string_view bytes) override {
        text += bytes;
        co_return base::Result<void>();
      }
      std::string text;
    } collector;
    EXPECT_TRUE(runtime_.Run(stream->produce(collector)).has_value());
    EXPECT_EQ(stream->length.value_or(collector.text.size()), collector.text.size());
    return std::move(collector.text);
  }

  /// An answer that the description does not have is a failure, whatever the test looks for.
  void CheckDescribed(const http::Request& request, const Answer& answer) {
    if (request.route == nullptr) return;
    std::string method(http::ToString(request.method));
    for (char& c : method) c = static_cast<char>(c + ('a' - 'A'));
    const auto& operation = description_.at("paths").at(request.route->path).at(method).as_object();
    const auto* response =
        operation.at("responses").as_object().if_contains(std::to_string(answer.status));
    ASSERT_NE(response, nullptr) << method << " " << request.route->path << " answers "
                                 << answer.status << " without describing it: " << answer.text;
    EXPECT_TRUE(answer.headers.Has("X-Request-Id"));
    if (answer.status >= 400) {
      EXPECT_NE(answer.Text("error"), "") << answer.text;
      EXPECT_NE(answer.Text("message"), "") << answer.text;
      EXPECT_EQ(answer.Text("request_id"), answer.headers.Get("X-Request-Id"));
      return;
    }
    const auto* content = response->as_object().if_contains("content");
    ASSERT_EQ(content != nullptr, !answer.text.empty()) << request.route->path;
    if (content == nullptr || !content->as_object().contains("application/json")) return;
    EXPECT_EQ(Mismatch(answer.json(), content->at("application/json").at("schema").as_object()), "")
        << request.route->path << " answers " << answer.text;
  }

  testing_support::TempDir dir_;
  const base::Deadline never_ = base::Deadline::Never();
  base::ManualClock clock_{base::WallTime(std::chrono::seconds(1'700'000'000))};
  std::unique_ptr<sql::SqliteDatabase> database_ = OpenDatabase();
  objects::MemoryObjectStore objects_{clock_};
  storage::KeyRing ring_ = storage::KeyRing::LoadOrCreate(dir_ / "keys").value();
  identity::Accounts accounts_{
      *database_, clock_, {.max_failures = 3, .cost = crypto::PasswordCost::kMinimal}};
  identity::TokenSigner signer_ =
      identity::TokenSigner::Load(*database_, clock_, std::string(32, 'k'), never_).value();
  identity::Sessions sessions_{*database_, clock_, accounts_, signer_, {}};
  identity::ApiKeys keys_{*database_, clock_, accounts_};
  audit::AuditLog audit_{*database_, clock_};
  telemetry::Metrics metrics_;
  recordings::Recordings recordings_{*database_, objects_, ring_, clock_, 200'000};
  clinical::Records records_{*database_, ring_, clock_};
  jobs::SqlJobQueue jobs_{*database_, clock_};
  analysis::Registry analyses_ = analysis::BuiltInAnalyses();
  cache::MemoryLevel fast_cache_{clock_, 1 << 20};
  cache::TwoLevelCache cache_{
      {.fast = fast_cache_,
       .store = objects_,
       .ring = ring_,
       .metrics = metrics_,
       .clock = clock_,
       .error_sink = [this](const base::Error& error) { errors_.push_back(error); }}};
  storage::IdempotencyStore idempotency_{*database_, clock_};
  std::vector<ComponentHealth> health_ = {{"database", true, "sqlite"}, {"model", true, "none"}};
  int wakes_ = 0;
  std::vector<base::Error> errors_;
  net::ThreadPool pool_{1};
  net::Runtime runtime_;
  Api api_{{.sessions = sessions_,
            .keys = keys_,
            .audit = audit_,
            .metrics = metrics_,
            .pool = pool_,
            .clock = clock_,
            .error_sink = [this](const base::Error& error) { errors_.push_back(error); }},
           {.format_error = FormatServerError}};
  Services services_{.accounts = accounts_,
                     .recordings = recordings_,
                     .validate_recording = recordings::EdfValidation(dir_.path()),
                     .records = records_,
                     .jobs = jobs_,
                     .objects = objects_,
                     .cache = cache_,
                     .analyses = analyses_,
                     .wake_workers = [this] { ++wakes_; },
                     .check_health = [this] { return health_; },
                     .spool_dir = dir_.path().string(),
                     .max_upload_bytes = 200'000,
                     .max_batch_files = 3,
                     .version = "test",
                     .idempotency = &idempotency_};
  boost::json::object description_;
  http::Handler handler_;

 private:
  std::unique_ptr<sql::SqliteDatabase> OpenDatabase() {
    auto database = sql::SqliteDatabase::Open({.path = dir_ / "api.db"}, never_).value();
    EXPECT_TRUE(storage::Migrator(*database, storage::Migrations(), clock_).Up(never_).has_value());
    return database;
  }
};

}  // namespace montage::api
