// Our client and our server with each other: what both sides see of one connection.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/http/server.h"
#include "lib/http/websocket/client.h"
#include "lib/http/websocket/server.h"
#include "lib/net/event.h"
#include "lib/net/gather.h"
#include "lib/net/runtime.h"
#include "lib/testing/certificate.h"
#include "lib/testing/temp_dir.h"

namespace http::websocket {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using testing::HasSubstr;
using namespace std::chrono_literals;

Deadline Soon() { return Deadline::After(10s); }

/// Sends back what comes until the other side closes.
net::Task<void> EchoMessages(Connection& connection) {
  while (true) {
    auto message = co_await connection.Receive(Soon());
    if (!message || message->type == MessageType::kClose) co_return;
    if (message->type == MessageType::kPing || message->type == MessageType::kPong) continue;
    (void)co_await connection.Send(message->type, std::move(message->payload), Soon());
  }
}

class WebSocketTest : public testing::Test {
 protected:
  WebSocketTest() {
    server_options_.error_sink = [this](const base::Error& e) { errors_.push_back(e.message); };
    server_options_.on_exchange = [this](const Exchange& e) { statuses_.push_back(e.status); };
  }
  ~WebSocketTest() override {
    if (server_) runtime_.Run(server_->Shutdown(Deadline::After(100ms)));
  }

  void Serve(ServeConnection serve) {
    auto handler = [this, serve = std::move(serve)](Request& request) -> net::Task<Response> {
      seen_ = request.headers;
      if (request.path == "/private") co_return Response::Text(401, "who are you");
      co_return Accept(request, accept_, serve);
    };
    server_ = Server::Start(runtime_.executors(), std::move(handler), server_options_).value();
    request_.url = server_->url() + "/events";
  }

  Result<Opening> TryOpen() { return runtime_.Run(Open(request_, Soon())); }

  net::Runtime runtime_;
  ServerOptions server_options_;
  AcceptOptions accept_;
  OpenRequest request_;
  Headers seen_;
  std::vector<std::string> errors_;
  std::vector<int> statuses_;
  std::unique_ptr<Server> server_;
};

net::Task<Result<std::vector<Message>>> SendAndReceive(OpenRequest request,
                                                       std::vector<std::string> texts) {
  CO_TRY(Opening opening, co_await Open(std::move(request), Soon()));
  std::vector<Message> messages;
  for (std::string& text : texts) {
    const auto type = text.starts_with('\xFF') ? MessageType::kBinary : MessageType::kText;
    CO_TRY(co_await opening.connection->Send(type, std::move(text), Soon()));
    CO_TRY(Message message, co_await opening.connection->Receive(Soon()));
    messages.push_back(std::move(message));
  }
  CO_TRY(const CloseFrame frame, co_await opening.connection->Close({3001, "enough"}, Soon()));
  messages.push_back({.type = MessageType::kClose, .payload = frame.reason, .code = frame.code});
  co_return messages;
}

TEST_F(WebSocketTest, CarriesTextAndBytesBothWaysAndCloses) {
  Serve(EchoMessages);
  const std::string large(300'000, 'x');
  const auto messages = runtime_.Run(SendAndReceive(request_, {"hello", "\xFF\x01", "", large}));
  ASSERT_TRUE(messages.has_value()) << messages.error().ToString();
  ASSERT_EQ(messages->size(), 5U);
  EXPECT_EQ((*messages)[0].payload, "hello");
  EXPECT_EQ((*messages)[0].type, MessageType::kText);
  EXPECT_EQ((*messages)[1].payload, "\xFF\x01");
  EXPECT_EQ((*messages)[1].type, MessageType::kBinary);
  EXPECT_EQ((*messages)[2].payload, "");
  EXPECT_EQ((*messages)[3].payload, large);
  EXPECT_EQ((*messages)[4].code, 3001) << "the answer to a close repeats its code";
}

TEST_F(WebSocketTest, CompressesWhenBothSidesWant) {
  Serve(EchoMessages);
  request_.limits.deflate = true;
  auto plain = TryOpen();
  ASSERT_TRUE(plain.has_value()) << plain.error().ToString();
  EXPECT_FALSE(plain->connection->deflates()) << "the server does not";
  plain->connection->Abort();
  accept_.limits.deflate = true;
  const std::string large(300'000, 'x');
  const auto messages = runtime_.Run(SendAndReceive(request_, {large, "short", ""}));
  ASSERT_TRUE(messages.has_value()) << messages.error().ToString();
  EXPECT_EQ((*messages)[0].payload, large);
  EXPECT_EQ((*messages)[1].payload, "short");
  EXPECT_EQ((*messages)[2].payload, "");
  EXPECT_TRUE(TryOpen()->connection->deflates());
}

TEST_F(WebSocketTest, SendsTheFieldsAndShowsTheAnswer) {
  accept_.headers = {{"X-Session", "7"}};
  Serve(EchoMessages);
  request_.headers = {{"Authorization", "Bearer token"}, {"Origin", "http://app.example"}};
  const auto opening = TryOpen();
  ASSERT_TRUE(opening.has_value()) << opening.error().ToString();
  EXPECT_EQ(opening->status, 101);
  EXPECT_EQ(opening->headers.Get("X-Session"), "7");
  EXPECT_EQ(opening->request_headers.Get("Authorization"), "Bearer token");
  EXPECT_EQ(seen_.Get("Authorization"), "Bearer token");
  EXPECT_EQ(seen_.Get("Origin"), "http://app.example");
  EXPECT_EQ(seen_.GetAll("Host").size(), 1U);
}

TEST_F(WebSocketTest, AgreesOnASubprotocolThatBothKnow) {
  accept_.subprotocols = {"events.v2", "events.v1"};
  Serve(EchoMessages);
  request_.subprotocols = {"events.v1", "events.v2"};
  EXPECT_EQ(TryOpen()->connection->subprotocol(), "events.v2") << "the server prefers it";
  request_.subprotocols = {"other"};
  EXPECT_EQ(TryOpen()->connection->subprotocol(), "");
  request_.subprotocols = {"no name"};
  EXPECT_EQ(TryOpen().error().code, ErrorCode::kInvalid);
}

TEST_F(WebSocketTest, ARefusedUpgradeIsAnAnswer) {
  Serve(EchoMessages);
  request_.url = server_->url() + "/private";
  const auto opening = TryOpen();
  ASSERT_TRUE(opening.has_value()) << opening.error().ToString();
  EXPECT_EQ(opening->status, 401);
  EXPECT_EQ(opening->body, "who are you");
  EXPECT_EQ(opening->connection, nullptr);
}

TEST_F(WebSocketTest, FieldsOfTheHandshakeAndBrokenOnesAreRefused) {
  Serve(EchoMessages);
  request_.headers = {{"Sec-WebSocket-Key", "mine"}};
  EXPECT_THAT(TryOpen().error().message, HasSubstr("written by the handshake itself"));
  request_.headers = {{"X-Bad", "a\r\nX-Smuggled: 1"}};
  EXPECT_EQ(TryOpen().error().code, ErrorCode::kInvalid);
  request_.headers = {};
  request_.url = "ftp://127.0.0.1/";
  EXPECT_EQ(TryOpen().error().code, ErrorCode::kInvalid);
}

net::Task<void> SayGoodbye(Connection& connection) {
  (void)co_await connection.Send(MessageType::kText, "last words", Soon());
  (void)co_await connection.Close({kPolicyViolation, "go"}, Soon());
}

net::Task<Result<std::vector<Message>>> ReceiveAll(OpenRequest request) {
  CO_TRY(Opening opening, co_await Open(std::move(request), Soon()));
  std::vector<Message> messages;
  do {
    CO_TRY(Message message, co_await opening.connection->Receive(Soon()));
    messages.push_back(std::move(message));
  } while (messages.back().type != MessageType::kClose);
  const auto after = co_await opening.connection->Receive(Soon());
  EXPECT_EQ(after.error().code, ErrorCode::kUnavailable) << "the close is the last message";
  EXPECT_FALSE(opening.connection->is_open());
  EXPECT_EQ((co_await opening.connection->Send(MessageType::kText, "late", Soon())).error().code,
            ErrorCode::kUnavailable);
  co_return messages;
}

TEST_F(WebSocketTest, TheOtherSidesCloseIsTheLastMessage) {
  Serve(SayGoodbye);
  const auto messages = runtime_.Run(ReceiveAll(request_));
  ASSERT_TRUE(messages.has_value()) << messages.error().ToString();
  ASSERT_EQ(messages->size(), 2U);
  EXPECT_EQ((*messages)[0].payload, "last words");
  EXPECT_EQ((*messages)[1].code, kPolicyViolation);
  EXPECT_EQ((*messages)[1].payload, "go");
}

net::Task<void> Vanish(Connection& connection) {
  connection.Abort();
  co_return;
}

TEST_F(WebSocketTest, AConnectionThatIsCutEndsWithCode1006) {
  Serve(Vanish);
  const auto messages = runtime_.Run(ReceiveAll(request_));
  ASSERT_TRUE(messages.has_value()) << messages.error().ToString();
  ASSERT_EQ(messages->size(), 1U);
  EXPECT_EQ((*messages)[0].code, kAbnormal);
  EXPECT_FALSE((*messages)[0].payload.empty());
}

net::Task<Result<std::vector<Message>>> PingAndListen(OpenRequest request) {
  CO_TRY(Opening opening, co_await Open(std::move(request), Soon()));
  CO_TRY(co_await opening.connection->Send(MessageType::kPing, "are you there", Soon()));
  std::vector<Message> messages;
  for (int i = 0; i < 2; ++i) {
    CO_TRY(Message message, co_await opening.connection->Receive(Soon()));
    messages.push_back(std::move(message));
  }
  co_return messages;
}

net::Task<void> PingOnce(Connection& connection) {
  (void)co_await connection.Send(MessageType::kPing, "and you", Soon());
  co_await EchoMessages(connection);
}

TEST_F(WebSocketTest, PingsAreAnsweredAndSeen) {
  Serve(PingOnce);
  const auto messages = runtime_.Run(PingAndListen(request_));
  ASSERT_TRUE(messages.has_value()) << messages.error().ToString();
  std::map<MessageType, std::string> by_type;
  for (const Message& message : *messages) by_type[message.type] = message.payload;
  EXPECT_EQ(by_type[MessageType::kPing], "and you");
  EXPECT_EQ(by_type[MessageType::kPong], "are you there");
}

net::Task<Result<std::string>> Refused(OpenRequest request) {
  CO_TRY(Opening opening, co_await Open(std::move(request), Soon()));
  Connection& connection = *opening.connection;
  EXPECT_EQ((co_await connection.Send(MessageType::kText, "\xFF", Soon())).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(
      (co_await connection.Send(MessageType::kPing, std::string(126, 'x'), Soon())).error().code,
      ErrorCode::kInvalid);
  EXPECT_EQ((co_await connection.Close({1005, ""}, Soon())).error().code, ErrorCode::kInvalid);
  EXPECT_EQ((co_await connection.Close({1000, std::string(124, 'x')}, Soon())).error().code,
            ErrorCode::kInvalid);
  CO_TRY(co_await connection.Send(MessageType::kText, "still fine", Soon()));
  CO_TRY(Message message, co_await connection.Receive(Soon()));
  co_return message.payload;
}

TEST_F(WebSocketTest, WhatMayNotBeSentIsRefusedAndHarmsNothing) {
  Serve(EchoMessages);
  EXPECT_EQ(runtime_.Run(Refused(request_)).value(), "still fine");
}

net::Task<Result<std::string>> WaitThenAsk(OpenRequest request) {
  CO_TRY(Opening opening, co_await Open(std::move(request), Soon()));
  const auto nothing = co_await opening.connection->Receive(Deadline::After(5ms));
  EXPECT_EQ(nothing.error().code, ErrorCode::kTimeout);
  CO_TRY(co_await opening.connection->Send(MessageType::kText, "after", Soon()));
  CO_TRY(Message message, co_await opening.connection->Receive(Soon()));
  co_return message.payload;
}

TEST_F(WebSocketTest, ReceivingGoesOnAfterATimeout) {
  Serve(EchoMessages);
  EXPECT_EQ(runtime_.Run(WaitThenAsk(request_)).value(), "after");
}

TEST_F(WebSocketTest, AMessageOverTheLimitEndsTheConnectionWith1009) {
  accept_.limits.max_message = 10;
  Serve(EchoMessages);
  const auto messages = runtime_.Run(SendAndReceive(request_, {"0123456789", "0123456789a"}));
  ASSERT_TRUE(messages.has_value()) << messages.error().ToString();
  EXPECT_EQ((*messages)[0].payload, "0123456789") << "exactly the limit";
  EXPECT_EQ((*messages)[1].type, MessageType::kClose);
  EXPECT_EQ((*messages)[1].code, kTooBig);
  accept_.limits.max_message = 1000;
  request_.limits.max_message = 4;
  const auto refused = runtime_.Run(SendAndReceive(request_, {"0123456789"}));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
}

TEST_F(WebSocketTest, TlsIsVerified) {
  const testing_support::TempDir dir;
  const auto own = testing_support::MakeCertificate(dir.path(), "own");
  server_options_.tls = TlsFiles{.certificate = own.certificate, .key = own.key};
  Serve(EchoMessages);
  ASSERT_THAT(request_.url, testing::StartsWith("https://"));
  request_.url = "wss" + request_.url.substr(5);
  request_.tls.ca_file = own.certificate;
  EXPECT_EQ(runtime_.Run(SendAndReceive(request_, {"secret"})).value().front().payload, "secret");
  request_.tls.ca_file = testing_support::MakeCertificate(dir.path(), "other").certificate;
  const auto refused = TryOpen();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("certificate"));
  request_.tls.insecure = true;
  EXPECT_EQ(TryOpen()->status, 101);
}

net::Task<Result<Message>> ReceiveWhileShuttingDown(OpenRequest request, Server& server,
                                                    size_t* cut) {
  CO_TRY(Opening opening, co_await Open(std::move(request), Soon()));
  std::vector<net::Task<Result<Message>>> tasks;
  tasks.push_back(opening.connection->Receive(Soon()));
  tasks.push_back([](Server& stopped, size_t* result) -> net::Task<Result<Message>> {
    *result = co_await stopped.Shutdown(Soon());
    co_return Message{};
  }(server, cut));
  auto results = co_await net::WhenAll(std::move(tasks));
  co_return std::move(results[0]);
}

TEST_F(WebSocketTest, AServerThatShutsDownSaysGoingAway) {
  Serve(EchoMessages);
  size_t cut = 99;
  const auto message = runtime_.Run(ReceiveWhileShuttingDown(request_, *server_, &cut));
  ASSERT_TRUE(message.has_value()) << message.error().ToString();
  EXPECT_EQ(message->type, MessageType::kClose);
  EXPECT_EQ(message->code, kGoingAway);
  EXPECT_EQ(cut, 0U) << "nothing had to be cancelled";
  server_.reset();
}

net::Task<void> Throw(Connection& /*connection*/) {
  throw std::runtime_error("a bug");
  co_return;
}

TEST_F(WebSocketTest, AnExceptionOfTheHandlerIsReportedAndCutsTheConnection) {
  Serve(Throw);
  EXPECT_EQ(runtime_.Run(ReceiveAll(request_)).value().front().code, kAbnormal);
  EXPECT_THAT(errors_, testing::ElementsAre(HasSubstr("a bug")));
}

TEST_F(WebSocketTest, ExchangesAreReportedAs101) {
  Serve(SayGoodbye);
  ASSERT_TRUE(runtime_.Run(ReceiveAll(request_)).has_value());
  runtime_.Run(server_->Shutdown(Soon()));
  server_.reset();
  EXPECT_THAT(statuses_, testing::ElementsAre(101));
}

TEST_F(WebSocketTest, NobodyThereIsUnavailable) {
  request_.url = "ws://127.0.0.1:1/";
  const auto result = TryOpen();
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace http::websocket
