#include <filesystem>

#include "lib/crypto/hash.h"
#include "montage/api/api_fixture.h"
#include "montage/api/request/upload_spool.h"

namespace montage::api {
namespace {

using testing::HasSubstr;

constexpr std::string_view kResult =
    R"({"quality_report":{"bad_channels":[],"signal_quality_score":0.9},"abnormality_detection":null,)"
    R"("sleep_analysis":null,"event_detection":null,"stages":{}})";

TEST_F(ApiTest, AnUploadIsStoredOnceHoweverOftenItIsSent) {
  const std::string token = Token("ann_lee");
  const Answer first = Upload(token, Edf());
  ASSERT_EQ(first.status, 200) << first.text;
  EXPECT_EQ(first.Text("sha256"), crypto::Sha256Hex(Edf()));
  EXPECT_EQ(first.Text("name"), "test.edf");
  EXPECT_THAT(LastAudit(), HasSubstr(" eeg.upload " + first.Text("file_id") + " allowed"));
  const Answer again = Upload(token, Edf());
  EXPECT_EQ(again.Text("file_id"), first.Text("file_id"));
  EXPECT_TRUE(again.json().at("duplicate").as_bool());
  EXPECT_EQ(StoredObjects(), 1U);
  EXPECT_THAT(Get("/api/v1/eeg/files", token).text, HasSubstr(first.Text("file_id")));
}

TEST_F(ApiTest, AStoredRecordingIsDownloadedByItsOwnerOnly) {
  const std::string token = Token("ann_lee");
  const std::string path = "/api/v1/eeg/files/" + UploadedId(token) + "/content";
  const Answer answer = Get(path, token);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.text, Edf());
  EXPECT_EQ(answer.headers.Get("Content-Type"), "application/octet-stream");
  EXPECT_THAT(std::string(*answer.headers.Get("Content-Disposition")), HasSubstr(".edf\""));
  EXPECT_THAT(LastAudit(), HasSubstr(" eeg.download "));
  EXPECT_EQ(Get(path, Token("eve")).status, 404);
}

TEST_F(ApiTest, BadUploadsAreRefusedWithAReasonAndLeaveNothing) {
  const std::string token = Token("ann_lee");
  const std::string edf = Edf();
  EXPECT_EQ(Upload(token, "").status, 422);
  EXPECT_THAT(Upload(token, "").Text("message"), HasSubstr("empty"));
  EXPECT_EQ(Upload(token, edf.substr(0, edf.size() - 100)).status, 422);
  EXPECT_EQ(Upload(token, std::string(5000, 'x')).status, 422);
  EXPECT_EQ(Upload(token, edf, "recording").status, 400);
  EXPECT_EQ(Upload(token, std::string(200'001, 'x')).status, 413);
  EXPECT_EQ(Upload(token, std::string(2'000'000, 'x')).status, 413);
  EXPECT_EQ(Post("/api/v1/eeg/upload", token, "{}").status, 415);
  EXPECT_EQ(Send(http::Method::kPost, "/api/v1/eeg/upload", token, "--b\r\nContent-Disp",
                 {{"Content-Type", "multipart/form-data; boundary=b"}})
                .status,
            400);
  EXPECT_EQ(StoredObjects(), 0U);
  EXPECT_EQ(Rows("files"), 0);
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path()))
    EXPECT_FALSE(entry.path().filename().string().starts_with("upload-")) << entry.path();
  EXPECT_TRUE(errors_.empty());
}

TEST_F(ApiTest, ASpoolGivesBackWhatItGotAndHasNoNameOnDisk) {
  const std::string content = [] {
    std::string text;
    for (int i = 0; text.size() < 3 * UploadSpool::kKeptInMemory + 12345; ++i)
      text += std::to_string(i) + ".";
    return text;
  }();
  testing_support::TempDir folder;
  for (const size_t size : {size_t{0}, size_t{1}, UploadSpool::kKeptInMemory,
                            UploadSpool::kKeptInMemory + 1, content.size()}) {
    UploadSpool spool(folder.path());
    for (size_t at = 0; at < size; at += 100'001)
      ASSERT_TRUE(
          spool.Append(std::string_view(content).substr(at, std::min<size_t>(100'001, size - at))));
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    EXPECT_EQ(objects::ReadAll(spool, content.size(), never_).value(), content.substr(0, size));
  }
}

TEST_F(ApiTest, AnAnalysisIsSubmittedWithAndWithoutOptions) {
  const std::string token = Token("ann_lee");
  const std::string file = R"({"file_id":")" + UploadedId(token) + "\",";
  for (const std::string type : {"quick", "comprehensive", "screening"}) {
    const Answer answer =
        Post("/api/v1/eeg/analyze", token, file + R"("analysis_type":")" + type + "\"}");
    EXPECT_EQ(answer.status, 202) << answer.text;
    EXPECT_EQ(Get("/api/v1/jobs/" + answer.Text("job_id"), token).Text("analysis_type"), type);
  }
  EXPECT_EQ(wakes_, 3);
  const Answer nested = Post("/api/v1/eeg/analyze", token,
                             file + R"("analysis_type":"quick","priority":"high","options":)"
                                    R"({"quality_control":false},"sleep_analysis":false})");
  ASSERT_EQ(nested.status, 202) << nested.text;
  const jobs::Job job = jobs_.Get(nested.Text("job_id"), never_).value();
  EXPECT_EQ(job.request.parameters, R"({"quality_control":false,"sleep_analysis":false})");
  EXPECT_EQ(job.request.priority, jobs::Priority::kHigh);
}

TEST_F(ApiTest, AWrongAnalysisIsRefusedBeforeThereIsAJob) {
  const std::string token = Token("ann_lee");
  const std::string file = R"({"file_id":")" + UploadedId(token) + "\",";
  const auto status = [&](const std::string& rest) {
    return Post("/api/v1/eeg/analyze", token, file + rest).status;
  };
  EXPECT_EQ(status(R"("analysis_type":"standard"})"), 422);
  EXPECT_EQ(status(R"("priority":"normal"})"), 422);
  EXPECT_EQ(status(R"("analysis_type":"quick","quality_control":"yes"})"), 422);
  EXPECT_EQ(status(R"("analysis_type":"quick","options":{"sleep_analysis":1}})"), 422);
  EXPECT_EQ(status(R"("analysis_type":"quick","options":{"unknown":true}})"), 422);
  EXPECT_EQ(status(R"("analysis_type":"quick","priority":"urgent"})"), 422);
  EXPECT_EQ(status(R"("analysis_type":"quick","options":{"quality_control":true},)"
                   R"("quality_control":false})"),
            422);
  EXPECT_EQ(status("nonsense"), 400);
  EXPECT_EQ(Post("/api/v1/eeg/analyze", token, R"({"file_id":"x","analysis_type":"quick"})").status,
            404);
  EXPECT_EQ(Rows("analysis_jobs"), 0);
}

TEST_F(ApiTest, WhileTheModelFailsSubmissionsAreRefusedBeforeTheirRecordingsAreLookedUp) {
  const std::string token = Token("ann_lee");
  const std::string file_id = UploadedId(token);
  const std::string job_id = SubmittedId(token, file_id);
  CompleteNext(std::string(kResult));
  services_.refuse_submission = [](base::Deadline) {
    return std::optional(Unavailable{.message = "Model initialization failed: it is damaged",
                                     .retry_after = std::chrono::milliseconds(2500)});
  };
  for (const std::string& id : {file_id, std::string("test-file")}) {
    const Answer answer =
        Post("/api/v1/eeg/analyze", token, R"({"analysis_type":"quick","file_id":")" + id + "\"}",
             {{"Idempotency-Key", "once-" + id}});
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.Text("error"), "service_unavailable");
    EXPECT_EQ(answer.Text("message"), "Model initialization failed: it is damaged");
    EXPECT_EQ(answer.headers.Get("Retry-After"), "3");
    const Answer batch = Post("/api/v1/batch/analyze", token,
                              R"({"analysis_type":"quick","file_ids":[")" + id + "\"]}");
    EXPECT_EQ(batch.status, 503);
  }
  // What is wrong in itself stays wrong, and what is finished stays there.
  EXPECT_EQ(Post("/api/v1/eeg/analyze", token, R"({"file_id":"x","analysis_type":"some"})").status,
            422);
  EXPECT_EQ(Rows("analysis_jobs"), 1);
  EXPECT_EQ(Get("/api/v1/jobs/" + job_id, token).Text("status"), "completed");

  services_.refuse_submission = [](base::Deadline) { return std::optional<Unavailable>(); };
  // A refusal is not kept under the key of its request.
  const std::string known = R"({"analysis_type":"quick","file_id":")" + file_id + "\"}";
  EXPECT_EQ(
      Post("/api/v1/eeg/analyze", token, known, {{"Idempotency-Key", "once-" + file_id}}).status,
      202);
  EXPECT_EQ(Post("/api/v1/eeg/analyze", token, R"({"analysis_type":"quick","file_id":"test-file"})")
                .status,
            404);
}

TEST_F(ApiTest, StagesThatAreNotBuiltInAreNamedInsteadOfInvented) {
  analyses_ = analysis::Registry();
  const std::string token = Token("ann_lee");
  const Answer answer =
      Post("/api/v1/eeg/analyze", token,
           R"({"analysis_type":"comprehensive","sleep_analysis":true,"file_id":")" +
               UploadedId(token) + "\"}");
  EXPECT_EQ(answer.status, 501);
  EXPECT_EQ(answer.Text("error"), "not_implemented");
  EXPECT_THAT(answer.Text("message"), HasSubstr("sleep_analysis"));
  EXPECT_EQ(Rows("analysis_jobs"), 0);
}

TEST_F(ApiTest, ARequestSentAgainUnderItsKeyMakesOneJob) {
  const std::string token = Token("ann_lee");
  const std::string body = R"({"analysis_type":"quick","file_id":")" + UploadedId(token) + "\"}";
  const http::Headers key = {{"Idempotency-Key", "k-1"}};
  EXPECT_EQ(Post("/api/v1/eeg/analyze", token, "{}", key).status, 422);
  const Answer first = Post("/api/v1/eeg/analyze", token, body, key);
  const Answer again = Post("/api/v1/eeg/analyze", token, body, key);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.headers.Get("Idempotency-Replayed"), "true");
  EXPECT_EQ(Post("/api/v1/eeg/analyze", token, body + " ", key).status, 422);
  EXPECT_EQ(Rows("analysis_jobs"), 1);
}

TEST_F(ApiTest, AServerThatDiedBeforeItKeptItsAnswerMakesNoSecondJob) {
  const std::string token = Token("ann_lee");
  const std::string body = R"({"analysis_type":"quick","file_id":")" + UploadedId(token) + "\"}";
  const http::Headers key = {{"Idempotency-Key", "k-1"}};
  const std::string first = Post("/api/v1/eeg/analyze", token, body, key).Text("job_id");
  ASSERT_TRUE(sql::Change(*database_, "UPDATE idempotency_keys SET status = NULL, response = NULL",
                          {}, never_));
  const Answer again = Post("/api/v1/eeg/analyze", token, body, key);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.Text("job_id"), first);
  EXPECT_FALSE(again.headers.Get("Idempotency-Replayed").has_value());
  EXPECT_EQ(Post("/api/v1/eeg/analyze", token, body, key).headers.Get("Idempotency-Replayed"),
            "true");
  ASSERT_TRUE(sql::Change(*database_, "DELETE FROM idempotency_keys", {}, never_));
  EXPECT_EQ(Post("/api/v1/eeg/analyze", token, body, key).Text("job_id"), first);
  EXPECT_EQ(Rows("analysis_jobs"), 1);
}

TEST_F(ApiTest, TheSameKeyOfAnotherCallerIsAnotherJob) {
  const http::Headers key = {{"Idempotency-Key", "k-1"}};
  std::set<std::string> jobs;
  for (const char* user : {"ann_lee", "bob_ray"}) {
    const std::string token = Token(user);
    jobs.insert(Post("/api/v1/eeg/analyze", token,
                     R"({"analysis_type":"quick","file_id":")" + UploadedId(token) + "\"}", key)
                    .Text("job_id"));
  }
  EXPECT_EQ(jobs.size(), 2U);
}

TEST_F(ApiTest, AJobIsFollowedToItsResult) {
  const std::string token = Token("ann_lee");
  const std::string job = SubmittedId(token, UploadedId(token));
  EXPECT_EQ(Get("/api/v1/jobs/" + job, token).Text("status"), "pending");
  EXPECT_EQ(Get("/api/v1/results/" + job, token).status, 409);
  CompleteNext(std::string(kResult));
  EXPECT_EQ(Get("/api/v1/jobs/" + job, token).Text("status"), "completed");
  EXPECT_EQ(Get("/api/v1/results/" + job, token).text, kResult);
  EXPECT_EQ(Send(http::Method::kDelete, "/api/v1/jobs/" + job, token).status, 409);
  EXPECT_EQ(Get("/api/v1/jobs/job-1000", token).status, 404);
  EXPECT_EQ(Get("/api/v1/results/job-1000", token).status, 404);
}

TEST_F(ApiTest, AFailedJobTellsWhyAndACancelledOneIsOver) {
  const std::string token = Token("ann_lee");
  const std::string file = UploadedId(token);
  const std::string failed = SubmittedId(token, file);
  FailNext("the recording was damaged");
  EXPECT_EQ(Get("/api/v1/jobs/" + failed, token).Text("error"), "the recording was damaged");
  EXPECT_THAT(Get("/api/v1/results/" + failed, token).text, HasSubstr("was damaged"));
  EXPECT_EQ(Get("/api/v1/results/" + failed, token).status, 409);
  const std::string cancelled = SubmittedId(token, file);
  EXPECT_EQ(Send(http::Method::kDelete, "/api/v1/eeg/files/" + file, token).status, 409);
  EXPECT_EQ(Send(http::Method::kDelete, "/api/v1/jobs/" + cancelled, token).Text("status"),
            "cancelled");
  EXPECT_EQ(Send(http::Method::kDelete, "/api/v1/eeg/files/" + file, token).status, 204);
  EXPECT_EQ(Get("/api/v1/eeg/files/" + file, token).status, 404);
}

TEST_F(ApiTest, ListingsGoPageByPage) {
  const std::string token = Token("ann_lee");
  const std::string file = UploadedId(token);
  for (int i = 0; i < 3; ++i) SubmittedId(token, file);
  const auto first = Get("/api/v1/jobs?limit=2", token).json();
  EXPECT_EQ(first.at("jobs").as_array().size(), 2U);
  EXPECT_EQ(first.at("next").as_int64(), 2);
  const auto second = Get("/api/v1/jobs?limit=2&offset=2", token).json();
  EXPECT_EQ(second.at("jobs").as_array().size(), 1U);
  EXPECT_TRUE(second.at("next").is_null());
  EXPECT_EQ(Get("/api/v1/jobs?limit=0", token).status, 422);
  EXPECT_EQ(Get("/api/v1/jobs?offset=-1", token).status, 422);
  EXPECT_EQ(Get("/api/v1/jobs?limit=many", token).status, 422);
}

TEST_F(ApiTest, ABatchEndsWithOneEntryForEachFile) {
  const std::string token = Token("ann_lee");
  const std::string a = UploadedId(token, 1);
  const std::string b = UploadedId(token, 2);
  const Answer made = Post(
      "/api/v1/batch/analyze", token,
      R"({"analysis_type":"screening","priority":"low","file_ids":[")" + a + "\",\"" + b + "\"]}");
  ASSERT_EQ(made.status, 202) << made.text;
  const std::string batch = "/api/v1/batch/" + made.Text("batch_id");
  EXPECT_EQ(Get(batch + "/results", token).status, 409);
  CompleteNext(std::string(kResult));
  EXPECT_EQ(Get(batch + "/status", token).json().at("progress").as_int64(), 50);
  FailNext("the recording was damaged");
  const auto status = Get(batch + "/status", token).json();
  EXPECT_EQ(status.at("progress").as_int64(), 100);
  EXPECT_EQ(status.at("failed").as_int64(), 1);
  EXPECT_EQ(status.at("status").as_string(), "completed");
  const auto analyses = Get(batch + "/results", token).json().at("analyses").as_array();
  ASSERT_EQ(analyses.size(), 2U);
  EXPECT_EQ(analyses[0].at("file_id").as_string(), a);
  EXPECT_EQ(analyses[0].at("result"), boost::json::parse(kResult));
  EXPECT_EQ(analyses[1].at("file_id").as_string(), b);
  EXPECT_EQ(analyses[1].at("error").as_string(), "the recording was damaged");
  EXPECT_EQ(Get(batch + "/status", Token("bob_ray")).status, 404);
  EXPECT_EQ(Get(batch + "/results", Token("bob_ray")).status, 404);
}

TEST_F(ApiTest, AWrongBatchMakesNoJob) {
  const std::string token = Token("ann_lee");
  const std::string id = UploadedId(token);
  const auto send = [&](const std::string& ids) {
    return Post("/api/v1/batch/analyze", token,
                R"({"analysis_type":"quick","file_ids":[)" + ids + "]}");
  };
  EXPECT_EQ(send("").status, 422);
  EXPECT_EQ(send(R"("1","2","3","4")").status, 422);
  EXPECT_EQ(send("\"" + id + "\",\"" + id + "\"").status, 422);
  const Answer unknown = send("\"" + id + "\",\"no-such-file\"");
  EXPECT_EQ(unknown.status, 422);
  EXPECT_THAT(unknown.Text("message"), HasSubstr("no-such-file"));
  EXPECT_EQ(Rows("analysis_jobs") + Rows("batches"), 0);
}

}  // namespace
}  // namespace montage::api
