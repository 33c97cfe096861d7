// The websocket action against our own server.

#include "assay/action/stream/websocket_action.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/testing_context.h"
#include "assay/cel/json.h"
#include "lib/http/server.h"
#include "lib/http/websocket/server.h"
#include "lib/json/parse.h"
#include "lib/net/timer.h"
#include "lib/testing/certificate.h"

namespace assay::action {
namespace {

using base::Deadline;
using cel::Value;
using history::Disposition;
using history::Outcome;
using http::websocket::Connection;
using http::websocket::MessageType;
using testing::HasSubstr;
using namespace std::chrono_literals;

Deadline Soon() { return Deadline::After(10s); }

net::Task<bool> Say(Connection& connection, std::string text) {
  co_return (co_await connection.Send(MessageType::kText, std::move(text), Soon())).has_value();
}

/// Sends every message back, a `count N` as N messages, and closes with 4001 after `bye`.
net::Task<void> Converse(Connection& connection) {
  while (true) {
    const auto got = co_await connection.Receive(Soon());
    if (!got || got->type == MessageType::kClose) co_return;
    if (got->type == MessageType::kPing || got->type == MessageType::kPong) continue;
    if (got->payload == "bye") {
      static_cast<void>(co_await connection.Close({4001, "as you wish"}, Soon()));
      co_return;
    }
    if (got->payload.starts_with("count ")) {
      const int most = std::stoi(got->payload.substr(6));
      for (int i = 1; i <= most; ++i) {
        if (!co_await Say(connection, "{\"n\": " + std::to_string(i) + "}")) co_return;
      }
      continue;
    }
    if (!(co_await connection.Send(got->type, got->payload, Soon()))) co_return;
  }
}

class WebSocketActionTest : public testing::Test {
 protected:
  Outcome Run(std::string_view json, cel::MapBuilder params = {}) {
    const Value given = cel::ParseJson(json).value();
    for (const auto& [key, value] : given.map().entries()) params.Set(key, value);
    return runtime_.Run(Session(std::move(params).Build()));
  }
  static cel::MapBuilder For(base::Duration span, std::optional<int64_t> count = {}) {
    cel::MapBuilder collect;
    collect.Set("for", Value::Duration(span));
    if (count) collect.Set("count", Value::Int(*count));
    cel::MapBuilder params;
    params.Set("collect", std::move(collect).Build());
    return params;
  }

  net::Task<Outcome> Session(Value params) {
    auto server = http::Server::Start({runtime_.executor()}, Handler(), options_).value();
    context_.endpoints[""] = server->url();
    context_.endpoints["other"] = server->url() + "/base/";
    Outcome outcome = co_await context_.RunOn(runtime_.executor(), action_, std::move(params));
    co_await server->Shutdown(Deadline::After(1s));
    co_return outcome;
  }

  http::Handler Handler() {
    return [this](http::Request& request) -> net::Task<http::Response> {
      target_ = request.target;
      seen_ = request.headers;
      if (request.path == "/private") {
        co_return http::Response::Text(401, "who are you");
      }
      http::websocket::AcceptOptions accept{.subprotocols = {"events.v1"}};
      accept.limits.deflate = true;
      co_return http::websocket::Accept(request, accept, Converse);
    };
  }

  /// As the step machine does it, for a condition on `message.json.n`.
  void Until(int64_t n) {
    context_.holds = [n](std::string_view name,
                         const Value& variables) -> std::optional<base::Result<bool>> {
      if (name != "until") return std::nullopt;
      const Value* message = variables.Find("message");
      const Value* json = message == nullptr ? nullptr : message->Find("json");
      const Value* number = json == nullptr ? nullptr : json->Find("n");
      if (number == nullptr) return base::Fail(base::ErrorCode::kNotFound, "no such key: n");
      return number->int_value() == n;
    };
  }

  static std::string Text(const Outcome& outcome, std::string_view key) {
    const Value* value = outcome.value.Find(key);
    return value == nullptr || !value->is_string() ? "(absent)" : std::string(value->string());
  }
  static int64_t Number(const Outcome& outcome, std::string_view key) {
    const Value* value = outcome.value.Find(key);
    return value == nullptr || !value->is_int() ? -1 : value->int_value();
  }
  static std::vector<std::string> Texts(const Outcome& outcome) {
    std::vector<std::string> texts;
    for (const Value& message : outcome.value.Find("messages")->list())
      texts.emplace_back(message.Find("text")->string());
    return texts;
  }

  net::Runtime runtime_;
  http::ServerOptions options_;
  TestContext context_;
  WebSocketAction action_;
  std::string target_;
  http::Headers seen_;
};

TEST_F(WebSocketActionTest, OpensAndClosesWhenNothingElseIsAsked) {
  const Outcome outcome = Run(R"({"path": "/events", "query": {"from": 7}})");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->ToString();
  EXPECT_EQ(target_, "/events?from=7");
  EXPECT_EQ(Number(outcome, "status"), 101);
  EXPECT_EQ(Text(outcome, "ended"), "sent");
  EXPECT_EQ(Number(outcome, "code"), 1000) << "the other side's answer to our close";
  EXPECT_FALSE(outcome.value.Find("closed")->is_true());
  EXPECT_EQ(outcome.value.Find("headers")->Find("upgrade")->string(), "websocket");
}

TEST_F(WebSocketActionTest, SendsEveryKindOfMessageAndCollectsByCount) {
  const Outcome outcome = Run(
      R"({"path": "other:/events", "send": ["plain", {"json": {"a": [1, null]}}, {"text": "t"},
          {"binary": "bytes"}], "collect": {"count": 4}})");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->ToString();
  EXPECT_EQ(target_, "/base/events");
  EXPECT_THAT(Texts(outcome), testing::ElementsAre("plain", R"({"a":[1,null]})", "t", "bytes"));
  const auto messages = outcome.value.Find("messages")->list();
  EXPECT_EQ(*messages[1].Find("json"), cel::ParseJson(R"({"a": [1, null]})").value());
  EXPECT_TRUE(messages[0].Find("json")->is_null());
  EXPECT_EQ(messages[3].Find("type")->string(), "binary");
  EXPECT_EQ(messages[3].Find("bytes")->bytes(), "bytes");
  EXPECT_EQ(Text(outcome, "ended"), "count");
  EXPECT_EQ(Number(outcome, "sent"), 4);
}

TEST_F(WebSocketActionTest, UntilEndsItWithTheFirstMessageForWhichItHolds) {
  Until(3);
  const Outcome outcome = Run(R"({"path": "/", "send": ["no json", "count 5"]})");
  EXPECT_EQ(Text(outcome, "ended"), "until");
  EXPECT_EQ(Number(outcome, "count"), 4) << "the echo, and three of the five";
  EXPECT_EQ(Text(outcome, "unmet"), "");
}

TEST_F(WebSocketActionTest, AnUntilThatNeverComesTrueIsUnmet) {
  Until(9);
  EXPECT_EQ(Text(Run(R"({"path": "/", "send": ["count 2", "bye"]})"), "unmet"),
            "until did not come true in 2 messages: the other side closed");
  EXPECT_THAT(Text(Run(R"({"path": "/", "send": ["text"]})", For(30ms)), "unmet"),
              HasSubstr("the time of collect was over; its last evaluation: no such key"));
  EXPECT_THAT(Text(Run(R"({"path": "/private"})"), "unmet"), HasSubstr("refused with status 401"));
}

TEST_F(WebSocketActionTest, CollectingForATimeIsNoFailure) {
  const Outcome outcome = Run(R"({"path": "/", "send": "count 2"})", For(40ms, 10));
  EXPECT_EQ(Text(outcome, "ended"), "time");
  EXPECT_EQ(Number(outcome, "count"), 2);
  EXPECT_EQ(Text(outcome, "unmet"), "");
}

TEST_F(WebSocketActionTest, MessagesWaitForOthersAndForTime) {
  cel::MapBuilder last;
  last.Set("text", Value::String("third"));
  last.Set("after", Value::Int(2));
  last.Set("delay", Value::Duration(10ms));
  cel::MapBuilder params;
  params.Set("send", Value::List({Value::String("count 2"), std::move(last).Build()}));
  const Outcome outcome = Run(R"({"path": "/", "collect": {"count": 3}})", std::move(params));
  EXPECT_THAT(Texts(outcome), testing::ElementsAre("{\"n\": 1}", "{\"n\": 2}", "third"));
  EXPECT_GE(outcome.value.Find("messages")->list()[2].Find("at")->duration(), 10ms);
}

TEST_F(WebSocketActionTest, PingsAreAnswered) {
  const Outcome outcome = Run(R"({"path": "/", "send": [{"ping": "here?"}]})");
  ASSERT_EQ(outcome.value.Find("pongs")->list().size(), 1U);
  EXPECT_EQ(outcome.value.Find("pongs")->list()[0].Find("text")->string(), "here?");
  EXPECT_EQ(Text(outcome, "ended"), "sent") << "it waits for the answer";
}

TEST_F(WebSocketActionTest, TheOtherSidesCloseIsKept) {
  const Outcome outcome = Run(R"({"path": "/", "send": ["a", "bye"], "expect_close": true})");
  EXPECT_EQ(Text(outcome, "ended"), "closed");
  EXPECT_TRUE(outcome.value.Find("closed")->is_true());
  EXPECT_EQ(Number(outcome, "code"), 4001);
  EXPECT_EQ(Text(outcome, "reason"), "as you wish");
  EXPECT_EQ(Text(outcome, "unmet"), "");
}

TEST_F(WebSocketActionTest, ACloseThatDoesNotComeIsUnmet) {
  const Outcome outcome = Run(R"({"path": "/", "expect_close": true})", For(20ms));
  EXPECT_EQ(Text(outcome, "ended"), "time");
  EXPECT_THAT(Text(outcome, "unmet"), HasSubstr("was not closed by the other side"));
}

TEST_F(WebSocketActionTest, OurCloseCarriesItsCode) {
  EXPECT_EQ(Number(Run(R"({"path": "/", "close": {"code": 3005, "reason": "done"}})"), "code"),
            3005);
  EXPECT_EQ(Number(Run(R"({"path": "/", "close": {"abort": true}})"), "code"), 1006);
}

TEST_F(WebSocketActionTest, ARefusedUpgradeIsAnOutcome) {
  const Outcome outcome = Run(R"({"path": "/private", "send": "x"})");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->ToString();
  EXPECT_EQ(Number(outcome, "status"), 401);
  EXPECT_EQ(Text(outcome, "body"), "who are you");
  EXPECT_EQ(Text(outcome, "ended"), "refused");
  EXPECT_EQ(Number(outcome, "sent"), 0);
}

TEST_F(WebSocketActionTest, ShowsWhoItIs) {
  const auto sent = [&](std::string_view params, std::string_view field) {
    Run(params);
    return std::string(seen_.Get(field).value_or("(absent)"));
  };
  EXPECT_EQ(sent(R"({"path": "/", "auth": {"bearer": "t"}})", "Authorization"), "Bearer t");
  EXPECT_EQ(
      sent(R"({"path": "/", "auth": {"basic": {"user": "u", "password": "p"}}})", "Authorization"),
      "Basic dTpw");
  EXPECT_EQ(sent(R"({"path": "/", "auth": {"api_key": "k"}})", "X-API-Key"), "k");
  EXPECT_EQ(sent(R"({"path": "/", "headers": {"Origin": "http://app"}})", "Origin"), "http://app");
  EXPECT_EQ(sent(R"({"path": "/", "subprotocol": ["x", "events.v1"]})", "Sec-WebSocket-Protocol"),
            "x, events.v1");
}

TEST_F(WebSocketActionTest, AgreesOnSubprotocolAndCompression) {
  const Outcome outcome = Run(
      R"({"path": "/", "subprotocol": "events.v1", "deflate": true, "send": "hello",
          "collect": {"count": 1}})");
  EXPECT_EQ(Text(outcome, "subprotocol"), "events.v1");
  EXPECT_TRUE(outcome.value.Find("deflate")->is_true());
  EXPECT_THAT(Texts(outcome), testing::ElementsAre("hello"));
}

TEST_F(WebSocketActionTest, ListensOnceConnectedAndAcknowledged) {
  int64_t armed = 0;
  context_.armed = [&] { ++armed; };
  Run(R"({"path": "/"})");
  EXPECT_EQ(armed, 1);
  armed = 0;
  Run(R"({"path": "/private"})");
  EXPECT_EQ(armed, 0) << "nothing listens";
  context_.timeout = 80ms;
  const Outcome never = Run(R"({"path": "/", "send": "count 1", "armed_after": 2})");
  EXPECT_EQ(armed, 0) << "only one of two acknowledgements came";
  EXPECT_EQ(never.disposition, Disposition::kError);
}

TEST_F(WebSocketActionTest, TimesOutWithWhatCame) {
  context_.timeout = 60ms;
  const Outcome outcome = Run(R"({"path": "/", "send": "count 2", "collect": {"count": 3}})");
  ASSERT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_EQ(outcome.error->code, base::ErrorCode::kTimeout);
  EXPECT_EQ(Number(outcome, "count"), 2);
}

TEST_F(WebSocketActionTest, LimitsAreErrors) {
  const Outcome large =
      Run(R"({"path": "/", "send": "0123456789", "max_message": 4, "collect": {"count": 1}})");
  ASSERT_EQ(large.disposition, Disposition::kError);
  EXPECT_EQ(large.error->code, base::ErrorCode::kTooLarge);
  const Outcome many =
      Run(R"({"path": "/", "send": "count 5", "max_messages": 3, "collect": {"count": 5}})");
  ASSERT_EQ(many.disposition, Disposition::kError);
  EXPECT_EQ(many.error->code, base::ErrorCode::kTooLarge);
  EXPECT_EQ(Number(many, "count"), 3);
}

TEST_F(WebSocketActionTest, TlsIsVerifiedWithTheGivenCa) {
  const auto files = testing_support::MakeCertificate(context_.dir().path(), "own");
  options_.tls = http::TlsFiles{.certificate = files.certificate, .key = files.key};
  EXPECT_EQ(Number(Run(R"({"path": "/", "tls": {"ca": "own.pem"}})"), "status"), 101);
  EXPECT_EQ(Run(R"({"path": "/"})").disposition, Disposition::kError);
  EXPECT_EQ(Number(Run(R"({"path": "/", "tls": {"insecure": true}})"), "status"), 101);
}

TEST_F(WebSocketActionTest, TheTranscriptTellsTheConversation) {
  const Outcome outcome = Run(R"({"path": "/", "send": ["hello", "bye"], "expect_close": true})");
  const auto record = json::Parse(context_.blobs().Get(outcome.transcript).value()).value();
  EXPECT_EQ(record.at("kind").as_string(), "websocket");
  EXPECT_EQ(record.at("response").at("status").as_int64(), 101);
  ASSERT_EQ(record.at("messages").as_array().size(), 3U);
  std::string directions;
  for (const auto& message : record.at("messages").as_array())
    directions += message.at("direction").as_string() == "sent" ? 's' : 'r';
  EXPECT_THAT(directions, testing::AnyOf("ssr", "srs"));
  EXPECT_EQ(record.at("end").as_string(), "closed: 4001 as you wish");
}

TEST_F(WebSocketActionTest, MistakesAreNamed) {
  const auto message = [&](std::string_view params) {
    const Outcome outcome = Run(params);
    return outcome.error ? outcome.error->message : "no error";
  };
  EXPECT_THAT(message(R"({"path": "no path"})"), HasSubstr("\"path\" is not a path"));
  EXPECT_THAT(message(R"({"path": "nobody:/x"})"), HasSubstr("no endpoint \"nobody\""));
  EXPECT_THAT(message(R"({"path": "/", "close": {"code": 1005}})"), HasSubstr("close.code"));
  EXPECT_THAT(message(R"({"path": "/", "send": [{"after": 1}]})"), HasSubstr("\"send[0]\""));
  EXPECT_THAT(message(R"({"path": "/", "headers": {"Upgrade": "h2c"}})"),
              HasSubstr("written by the handshake itself"));
  EXPECT_THAT(message(R"({"path": "ws://127.0.0.1:1/"})"), HasSubstr("connection refused"));
}

TEST_F(WebSocketActionTest, TheHeadHidesPasswords) {
  EXPECT_EQ(action_.Head(cel::ParseJson(R"({"path": "ws://u:secret@h/x?y"})").value()),
            "websocket ws://h/x?y");
}

}  // namespace
}  // namespace assay::action
