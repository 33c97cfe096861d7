#include "assay/action/http_action.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/http_request.h"
#include "assay/action/testing_context.h"
#include "assay/cel/json.h"
#include "assay/history/transcript.h"
#include "lib/http/router.h"
#include "lib/http/server.h"
#include "lib/json/parse.h"
#include "lib/net/tcp.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;
using testing::HasSubstr;

Value Params(std::string_view json) { return cel::ParseJson(json).value(); }

// Answers with what it received, so that tests see what was really sent.
net::Task<http::Response> Echo(http::Request& request) {
  boost::json::object seen{{"method", request.method_text},
                           {"target", request.target},
                           {"type", std::string(request.headers.Get("Content-Type").value_or(""))},
                           {"body", request.body}};
  for (const char* name : {"Authorization", "X-API-Key", "X-One"}) {
    if (const auto value = request.headers.Get(name)) seen[name] = *value;
  }
  http::Response response = http::Response::Json(200, boost::json::serialize(seen));
  response.headers.Add("X-Twice", "a");
  response.headers.Add("X-Twice", "b");
  co_return response;
}

class HttpActionTest : public testing::Test {
 protected:
  Outcome Send(std::string_view params) { return runtime_.Run(Session(Params(params))); }

  net::Task<Outcome> Session(Value params) {
    http::ServerOptions options;
    auto server = http::Server::Start({runtime_.executor()}, Handler(), options).value();
    context_.endpoints[""] = server->url();
    context_.endpoints["other"] = server->url() + "/base/";
    Outcome outcome = co_await context_.RunOn(runtime_.executor(), action_, std::move(params));
    co_await server->Shutdown(base::Deadline::After(std::chrono::seconds(1)));
    co_return outcome;
  }

  static http::Handler Handler() {
    return [](http::Request& request) -> net::Task<http::Response> {
      auto body = co_await http::ReadAll(*request.reader, 1 << 20,
                                         base::Deadline::After(std::chrono::seconds(5)));
      if (body) request.body = *body;
      if (request.path == "/text") co_return http::Response::Text(200, "plain words");
      if (request.path == "/broken") co_return http::Response::Json(200, "{\"a\": ");
      if (request.path == "/binary") {
        http::Response response = http::Response::Text(200, std::string("\xff\x00\x01", 3));
        response.headers.Set("Content-Type", "application/octet-stream");
        co_return response;
      }
      if (request.path == "/moved") {
        http::Response response = http::Response::Empty(302);
        response.headers.Set("Location", "/text");
        co_return response;
      }
      co_return co_await Echo(request);
    };
  }

  std::string Sent(const Outcome& outcome, std::string_view key) {
    const Value* body = outcome.value.Find("body");
    const Value* found = body == nullptr ? nullptr : body->Find(key);
    return found == nullptr || !found->is_string() ? "(absent)" : std::string(found->string());
  }

  net::Runtime runtime_;
  TestContext context_;
  HttpAction action_;
};

TEST_F(HttpActionTest, GivesStatusHeadersAndTheDecodedBody) {
  const Outcome outcome = Send(R"({"request": "GET /x?a=1"})");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered);
  EXPECT_EQ(outcome.value.Find("status")->int_value(), 200);
  EXPECT_EQ(outcome.value.Find("headers")->Find("content-type")->string(), "application/json");
  EXPECT_EQ(outcome.value.Find("headers")->Find("x-twice")->string(), "a, b");
  EXPECT_EQ(Sent(outcome, "target"), "/x?a=1");
  EXPECT_GT(outcome.value.Find("timings")->Find("total")->duration().count(), 0);
}

TEST_F(HttpActionTest, AddsQueryParametersEncodedAndRepeated) {
  const Outcome outcome = Send(
      R"({"request": "GET /x?a=1", "query": {"name": "O Neil&", "id": [1, 2], "none": null}})");
  EXPECT_EQ(Sent(outcome, "target"), "/x?a=1&name=O%20Neil%26&id=1&id=2");
}

TEST_F(HttpActionTest, SendsJsonFormTextAndFileBodies) {
  const Outcome json = Send(R"({"request": "POST /x", "json": {"b": [1, 2.5, null], "a": "x"}})");
  EXPECT_EQ(Sent(json, "type"), "application/json");
  EXPECT_EQ(Sent(json, "body"), R"({"b":[1,2.5E0,null],"a":"x"})");
  const Outcome form = Send(R"({"request": "POST /x", "form": {"user": "a b", "n": 1}})");
  EXPECT_EQ(Sent(form, "type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(Sent(form, "body"), "user=a%20b&n=1");
  const Outcome text =
      Send(R"({"request": "POST /x", "body": "words", "headers": {"Content-Type": "text/csv"}})");
  EXPECT_EQ(Sent(text, "type"), "text/csv");
  context_.dir().Write("payload.bin", "from a file");
  const Outcome file = Send(R"({"request": "PUT /x", "file": "payload.bin"})");
  EXPECT_EQ(Sent(file, "method"), "PUT");
  EXPECT_EQ(Sent(file, "body"), "from a file");
}

TEST_F(HttpActionTest, SendsMultipartWithFilesAndTexts) {
  context_.dir().Write("test.edf", "0       X");
  const Outcome outcome = Send(
      R"({"request": "POST /x", "multipart": {"note": "hello", "file": {"file": "test.edf", "content_type": "application/octet-stream"}}})");
  EXPECT_THAT(Sent(outcome, "type"), HasSubstr("multipart/form-data; boundary="));
  EXPECT_THAT(Sent(outcome, "body"), HasSubstr("name=\"file\"; filename=\"test.edf\""));
  EXPECT_THAT(Sent(outcome, "body"), HasSubstr("0       X"));
  EXPECT_THAT(Sent(outcome, "body"), HasSubstr("hello"));
}

TEST_F(HttpActionTest, ShowsWhoIsAsking) {
  EXPECT_EQ(Sent(Send(R"({"request": "GET /x", "auth": {"bearer": "t0ken"}})"), "Authorization"),
            "Bearer t0ken");
  EXPECT_EQ(
      Sent(Send(R"({"request": "GET /x", "auth": {"basic": {"user": "u", "password": "p"}}})"),
           "Authorization"),
      "Basic dTpw");
  EXPECT_EQ(Sent(Send(R"({"request": "GET /x", "auth": {"api_key": "mk_1"}})"), "X-API-Key"),
            "mk_1");
  EXPECT_EQ(
      Sent(Send(R"({"request": "GET /x", "auth": {"api_key": {"header": "X-One", "value": "k"}}})"),
           "X-One"),
      "k");
}

TEST_F(HttpActionTest, ReachesNamedEndpointsBelowTheirBase) {
  EXPECT_EQ(Sent(Send(R"({"request": "GET other:/x"})"), "target"), "/base/x");
  const Outcome unknown = Send(R"({"request": "GET nowhere:/x"})");
  EXPECT_EQ(unknown.disposition, Disposition::kError);
  EXPECT_THAT(unknown.error->message, HasSubstr("nowhere"));
}

TEST_F(HttpActionTest, TellsTextBinaryAndBrokenJsonApart) {
  EXPECT_EQ(Send(R"({"request": "GET /text"})").value.Find("body")->string(), "plain words");
  const Outcome binary = Send(R"({"request": "GET /binary"})");
  EXPECT_TRUE(binary.value.Find("body")->is_null());
  EXPECT_EQ(binary.value.Find("bytes")->bytes(), std::string_view("\xff\x00\x01", 3));
  EXPECT_EQ(binary.value.Find("size")->int_value(), 3);
  const Outcome broken = Send(R"({"request": "GET /broken"})");
  EXPECT_EQ(broken.disposition, Disposition::kAnswered);
  EXPECT_TRUE(broken.value.Find("body")->is_null());
  EXPECT_THAT(broken.value.Find("json_error")->string(), HasSubstr("not JSON"));
}

TEST_F(HttpActionTest, FollowsRedirectsOnlyWhenAsked) {
  EXPECT_EQ(Send(R"({"request": "GET /moved"})").value.Find("status")->int_value(), 302);
  const Outcome followed = Send(R"({"request": "GET /moved", "follow": true})");
  EXPECT_EQ(followed.value.Find("status")->int_value(), 200);
  EXPECT_EQ(followed.value.Find("redirects")->list().size(), 1u);
}

TEST_F(HttpActionTest, StreamsADownloadIntoTheWorkingDirectoryAndNowhereElse) {
  const Outcome outcome = Send(R"({"request": "GET /text", "download_to": "out.txt"})");
  EXPECT_EQ(testing_support::ReadFile(std::string(outcome.value.Find("path")->string())),
            "plain words");
  EXPECT_EQ(Send(R"({"request": "GET /text", "download_to": "../out.txt"})").disposition,
            Disposition::kError);
}

TEST_F(HttpActionTest, KeepsATranscriptOfBothSides) {
  const Outcome outcome = Send(R"({"request": "POST /x", "json": {"a": 1}})");
  const auto text = context_.blobs().Get(outcome.transcript).value();
  const auto exchange = history::HttpExchangeFromJson(json::Parse(text)->as_object()).value();
  EXPECT_EQ(exchange.request.method, "POST");
  EXPECT_EQ(exchange.request.body.preview, R"({"a":1})");
  ASSERT_TRUE(exchange.response.has_value());
  EXPECT_EQ(exchange.response->status, 200);
}

TEST_F(HttpActionTest, ARefusedConnectionIsAnErrorThatNamesTheAddress) {
  context_.endpoints[""] = "http://127.0.0.1:1";
  const Outcome outcome = context_.Run(action_, Params(R"({"request": "GET /x"})"));
  EXPECT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_EQ(outcome.error->code, base::ErrorCode::kUnavailable);
  EXPECT_THAT(outcome.error->message, HasSubstr("127.0.0.1:1"));
  EXPECT_FALSE(outcome.transcript.empty());
  EXPECT_TRUE(outcome.value.Find("sent")->is_false()) << "a ledger notes it as failed";
}

TEST_F(HttpActionTest, TellsThatARequestWasSentWhoseAnswerNeverCame) {
  context_.timeout = std::chrono::milliseconds(200);
  net::Runtime runtime;
  // The kernel takes the connection and the request; nobody ever answers.
  auto listener = net::Listen(runtime.executor(), "127.0.0.1", 0).value();
  context_.endpoints[""] = "http://127.0.0.1:" + std::to_string(listener.port());
  const Outcome outcome = context_.Run(action_, Params(R"({"request": "GET /x"})"));
  EXPECT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_TRUE(outcome.value.Find("sent")->is_true());
}

TEST_F(HttpActionTest, NamesTheParameterThatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"request": "get /x"})", "get"},
      {R"({"request": "GET x"})", "\"x\" is no target"},
      {R"({"request": "POST /x", "file": "missing.bin"})", "missing.bin"},
      {R"({"request": "POST /x", "multipart": {"f": {"filename": "x"}}})", "multipart.f"},
      {R"({"request": "POST /x", "multipart": 3})", "multipart"},
      {R"({"request": "GET /x", "auth": {"basci": 1}})", "auth"},
      {R"({"request": "GET /x", "max_response": "huge"})", "max_response"}};
  for (const auto& [params, named] : wrong) {
    const Outcome outcome = Send(params);
    EXPECT_EQ(outcome.disposition, Disposition::kError) << params;
    EXPECT_THAT(outcome.error->message, HasSubstr(named)) << params;
  }
}

TEST(ParseRequestLine, TakesMethodEndpointAndTargetApart) {
  EXPECT_EQ(ParseRequestLine("/health")->method, "GET");
  EXPECT_EQ(ParseRequestLine("POST api:/v1/x")->endpoint, "api");
  EXPECT_EQ(ParseRequestLine("POST api:/v1/x")->target, "/v1/x");
  EXPECT_EQ(ParseRequestLine("GET https://h:1/x")->endpoint, "");
  EXPECT_EQ(ParseRequestLine("GET https://h:1/x")->target, "https://h:1/x");
  EXPECT_EQ(ParseRequestLine("DELETE   /a:/b")->target, "/a:/b");
}

}  // namespace
}  // namespace assay::action
