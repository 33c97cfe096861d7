#include "assay/action/s3/s3_action.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/testing_context.h"
#include "assay/cel/json.h"
#include "assay/history/redactor.h"
#include "lib/http/server.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;
using testing::HasSubstr;
using testing::Not;

Value Params(std::string_view json) { return cel::ParseJson(json).value(); }

class S3ActionTest : public testing::Test {
 protected:
  /// Runs the action against a server that answers every request so.
  Outcome Ask(std::string_view params, int status, std::string body) {
    net::Runtime runtime;
    return runtime.Run(Session(runtime.executor(), Params(params), status, std::move(body)));
  }

  net::Task<Outcome> Session(net::Executor executor, Value params, int status, std::string body) {
    auto handler = [&](http::Request& request) -> net::Task<http::Response> {
      auto sent = co_await http::ReadAll(*request.reader, 1 << 20,
                                         base::Deadline::After(std::chrono::seconds(5)));
      request.body = sent.value_or("");
      request_ = request.method_text + " " + request.target;
      authorization_ = request.headers.Get("Authorization").value_or("");
      type_ = request.headers.Get("Content-Type").value_or("");
      body_ = request.body;
      http::Response response = http::Response::Text(status, body);
      response.headers.Set("Content-Type", "application/xml");
      response.headers.Set("ETag", "\"e1\"");
      co_return response;
    };
    auto server = http::Server::Start({executor}, handler, {}).value();
    context_.endpoints["storage"] =
        "http://KEY:top-secret@127.0.0.1:" + std::to_string(server->port());
    Outcome outcome = co_await context_.RunOn(executor, action_, std::move(params));
    co_await server->Shutdown(base::Deadline::After(std::chrono::seconds(1)));
    co_return outcome;
  }

  std::string Error(std::string_view params) {
    const Outcome outcome = Ask(params, 200, "");
    EXPECT_EQ(outcome.disposition, Disposition::kError) << params;
    return outcome.error ? outcome.error->ToString() : "";
  }

  S3Action action_;
  TestContext context_;
  std::string request_;
  std::string authorization_;
  std::string type_;
  std::string body_;
};

TEST_F(S3ActionTest, ARefusalIsAnOutcomeWithItsCode) {
  const Outcome outcome =
      Ask(R"({"endpoint": "storage", "bucket": "b", "get": "k"})", 403,
          "<Error><Code>AccessDenied</Code><Message>no</Message><RequestId>r</RequestId></Error>");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered);
  EXPECT_EQ(*outcome.value.Find("status"), Value::Int(403));
  EXPECT_EQ(*outcome.value.Find("error_code"), Value::String("AccessDenied"));
  EXPECT_EQ(*outcome.value.Find("error_message"), Value::String("no"));
  EXPECT_EQ(*outcome.value.Find("request_id"), Value::String("r"));
  EXPECT_EQ(outcome.value.Find("text"), nullptr);
  EXPECT_FALSE(outcome.transcript.empty());
}

TEST_F(S3ActionTest, JsonIsStoredAsJson) {
  const Outcome outcome =
      Ask(R"({"endpoint": "storage", "bucket": "b", "put": "a b", "json": {"n": 1}})", 200, "");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered);
  EXPECT_EQ(request_, "PUT /b/a%20b");
  EXPECT_EQ(body_, R"({"n":1})");
  EXPECT_EQ(type_, "application/json");
  EXPECT_EQ(*outcome.value.Find("etag"), Value::String("e1"));
  EXPECT_EQ(*outcome.value.Find("size"), Value::Int(7));
}

TEST_F(S3ActionTest, TheKeyIsFromTheUrlOrFromAuthAndMayBeNone) {
  Ask(R"({"endpoint": "storage", "bucket": "b", "head": "k"})", 200, "");
  EXPECT_THAT(authorization_, HasSubstr("Credential=KEY/"));
  Ask(R"({"endpoint": "storage", "bucket": "b", "head": "k",
          "auth": {"access_key": "OTHER", "secret_key": "s", "region": "eu"}})",
      200, "");
  EXPECT_THAT(authorization_, HasSubstr("Credential=OTHER/"));
  EXPECT_THAT(authorization_, HasSubstr("/eu/s3/"));
  Ask(R"({"endpoint": "storage", "bucket": "b", "head": "k", "auth": {"access_key": ""}})", 200,
      "");
  EXPECT_EQ(authorization_, "");
}

TEST_F(S3ActionTest, NoSecretIsInTheHeadTheErrorOrTheTranscript) {
  const Outcome outcome = Ask(R"({"endpoint": "storage", "bucket": "b", "get": "k",
      "auth": {"session_token": "token-of-the-session"}})",
                              200, "content");
  const std::string transcript = context_.blobs().Get(outcome.transcript).value();
  EXPECT_THAT(transcript, HasSubstr("GET"));
  EXPECT_THAT(transcript, Not(HasSubstr("top-secret")));
  const std::string redacted = history::Redactor("key").Bytes(transcript);
  EXPECT_THAT(redacted, Not(HasSubstr("token-of-the-session")));
  context_.endpoints["broken"] = "http://KEY:top-secret@127.0.0.1:99999";
  EXPECT_THAT(Error(R"({"endpoint": "broken", "bucket": "b", "get": "k"})"),
              Not(HasSubstr("top-secret")));
}

TEST_F(S3ActionTest, NoAnswerIsAnError) {
  context_.endpoints["nobody"] = "http://KEY:SECRET@127.0.0.1:1";
  net::Runtime runtime;
  const Outcome outcome =
      context_.Run(action_, Params(R"({"endpoint": "nobody", "bucket": "b", "get": "k"})"));
  EXPECT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_EQ(outcome.error->code, base::ErrorCode::kUnavailable);
  EXPECT_FALSE(outcome.transcript.empty());
}

TEST_F(S3ActionTest, WrongParametersAreNamed) {
  const auto with = [](const std::string& more) {
    return R"({"endpoint": "storage", "bucket": "b", )" + more + "}";
  };
  EXPECT_THAT(Error(R"({"endpoint": "elsewhere", "bucket": "b", "get": "k"})"),
              HasSubstr("elsewhere"));
  EXPECT_THAT(Error(R"({"endpoint": "storage", "get": "k"})"), HasSubstr("\"bucket\" is missing"));
  EXPECT_THAT(Error(with(R"("get": "")")), HasSubstr("key of the object is empty"));
  EXPECT_THAT(Error(with(R"("put": "k")")), HasSubstr("one of body, json and file is missing"));
  EXPECT_THAT(Error(with(R"("put": "k", "file": "nowhere.txt")")), HasSubstr("nowhere.txt"));
  EXPECT_THAT(Error(with(R"("copy": "k")")), HasSubstr("\"to\" is missing"));
  EXPECT_THAT(Error(with(R"("get": "k", "download_to": "../x")")), HasSubstr("download_to"));
  EXPECT_THAT(Error(with(R"("list": "", "limit": 0)")), HasSubstr("\"limit\""));
  EXPECT_THAT(Error(with(R"("delete": [])")), HasSubstr("\"delete\""));
  EXPECT_THAT(Error(with(R"("delete": [{"version": "v"}])")), HasSubstr("\"delete\""));
  EXPECT_THAT(Error(with(R"("presign": "k", "valid": "8d")")), HasSubstr("seconds"));
  EXPECT_THAT(Error(with(R"("multipart": "k", "body": "x", "part_size": "big")")),
              HasSubstr("\"part_size\""));
  for (const char* range : {"5", "-", "a-b", "9-1", "1-2-3", "--5", "0x1-2"}) {
    EXPECT_THAT(Error(with(std::string(R"("get": "k", "range": ")") + range + "\"")),
                HasSubstr("\"range\""))
        << range;
  }
}

TEST_F(S3ActionTest, TheHeadSaysWhatIsDoneToWhat) {
  EXPECT_EQ(action_.Head(Params(R"({"endpoint": "s", "bucket": "b", "put": "k"})")), "put b/k");
  EXPECT_EQ(action_.Head(Params(R"({"endpoint": "s", "bucket": "b", "delete": ["a", "c"]})")),
            "delete b/2 objects");
  EXPECT_EQ(action_.Head(Params(R"({"endpoint": "s", "create_bucket": "new"})")),
            "create_bucket new");
}

}  // namespace
}  // namespace assay::action
