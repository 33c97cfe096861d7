#include "lib/http/server.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/http/internal/gzip.h"
#include "lib/http/router.h"
#include "lib/net/gather.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace http {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

Deadline Soon() { return Deadline::After(10s); }

/// Sends bytes as they are and returns everything until the server closes.
net::Task<Result<std::string>> Raw(uint16_t port, std::vector<std::string> pieces,
                                   bool finish = true) {
  CO_TRY(net::TcpStream stream, co_await net::Connect("127.0.0.1", port, Soon()));
  for (const std::string& piece : pieces) CO_TRY(co_await stream.Write(piece, Soon()));
  if (finish) stream.FinishWriting();
  std::string all;
  std::vector<std::byte> buffer(64 * 1024);
  while (true) {
    CO_TRY(const size_t got, co_await stream.Read(buffer, Soon()));
    if (got == 0) co_return all;
    all.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
}

/// Answers with what it got: method, path, query and body.
net::Task<Response> Echo(Request& request) {
  auto body = co_await ReadAll(*request.reader, 1 << 20, Soon());
  if (!body.has_value()) co_return PlainError(400, body.error(), &request);
  std::string text = request.method_text + " " + request.path + "?" + request.query + " " + *body;
  co_return Response::Text(200, std::move(text));
}

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    options_.error_sink = [this](const base::Error& error) { errors_.push_back(error.message); };
    options_.on_exchange = [this](const Exchange& e) { statuses_.push_back(e.status); };
  }
  ~ServerTest() override {
    if (server_) runtime_.Run(server_->Shutdown(Deadline::After(100ms)));
  }

  void Start(Handler handler = Echo) {
    auto started = Server::Start(runtime_.executors(), std::move(handler), options_);
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
    server_ = std::move(*started);
  }

  std::string Send(std::vector<std::string> pieces, bool finish = true) {
    auto result = runtime_.Run(Raw(server_->port(), std::move(pieces), finish));
    EXPECT_TRUE(result.has_value()) << result.error().ToString();
    return result.value_or("");
  }
  std::string Send(std::string text) { return Send(std::vector{std::move(text)}); }

  net::Runtime runtime_;
  ServerOptions options_;
  std::vector<std::string> errors_;
  std::vector<int> statuses_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, AnswersARequest) {
  Start();
  const std::string answer = Send("GET /a%20b?x=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 15\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nGET /a%20b?x=1 "));
  EXPECT_EQ(server_->requests(), 1U);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  const std::string answer = Send(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc\r\n"
      "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
      "GET /never HTTP/1.1\r\nHost: h\r\n\r\n");
  const size_t first = answer.find("GET /1?");
  const size_t second = answer.find("POST /2? abc");
  const size_t third = answer.find("GET /3?");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
  EXPECT_THAT(answer, Not(HasSubstr("never")));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST_F(ServerTest, AcceptsARequestByteByByte) {
  Start();
  std::vector<std::string> pieces;
  const std::string text =
      "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n"
      "0\r\nTrailer: t\r\n\r\n";
  for (const char c : text) pieces.emplace_back(1, c);
  EXPECT_THAT(Send(std::move(pieces)), EndsWith("POST /x? abcde"));
}

TEST_F(ServerTest, AnswersHeadWithTheLengthAndWithoutTheBody) {
  Start();
  const std::string answer = Send("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 11\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(ServerTest, ClosesHttp10AndKeepsItAliveOnRequest) {
  Start();
  EXPECT_THAT(Send({"GET / HTTP/1.0\r\n\r\n"}, false), HasSubstr("Connection: close"));
  const std::string kept = Send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(kept, HasSubstr("Connection: keep-alive"));
}

TEST_F(ServerTest, TakesTheAbsoluteFormOfTheTarget) {
  Start();
  EXPECT_THAT(Send("GET http://h/p?q HTTP/1.1\r\nHost: h\r\n\r\n"), EndsWith("GET /p?q "));
}

TEST_F(ServerTest, SendsContinueOnlyWhenTheBodyIsWanted) {
  Start();
  const std::string head =
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  EXPECT_THAT(Send({head, "ab"}), StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"));
}

net::Task<Response> Ignore(Request& /*request*/) { co_return Response::Text(403, "no"); }

TEST_F(ServerTest, ClosesInsteadOfReadingABodyThatWasNotAskedFor) {
  Start(Ignore);
  const std::string answer = Send(
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"}, false);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST_F(ServerTest, SkipsASmallBodyThatNobodyReadAndGoesOn) {
  Start(Ignore);
  const std::string answer = Send(
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /"
      "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("no"
                                "HTTP/1.1 403"));
  EXPECT_EQ(server_->requests(), 2U);
}

struct Malformed {
  const char* name;
  std::string bytes;
  std::string status;

  friend void PrintTo(const Malformed& request, std::ostream* out) { *out << request.name; }
};

class MalformedRequest : public ServerTest, public testing::WithParamInterface<Malformed> {};

TEST_P(MalformedRequest, IsRefusedWithoutReachingTheHandler) {
  bool reached = false;
  Start([&](Request& request) {
    reached = true;
    return Echo(request);
  });
  EXPECT_THAT(Send(GetParam().bytes), StartsWith("HTTP/1.1 " + GetParam().status));
  EXPECT_FALSE(reached);
}

INSTANTIATE_TEST_SUITE_P(
    Server, MalformedRequest,
    testing::Values(
        Malformed{"BadRequestLine", "HELLO\r\n\r\n", "400"},
        Malformed{"NoVersion", "GET /\r\nHost: h\r\n\r\n", "400"},
        Malformed{"OtherProtocol", "GET / FTP/1.1\r\nHost: h\r\n\r\n", "400"},
        Malformed{"FutureVersion", "GET / HTTP/3.0\r\nHost: h\r\n\r\n", "505"},
        Malformed{"BareLineFeeds", "GET / HTTP/1.1\nHost: h\n\n", "400"},
        Malformed{"SpaceBeforeColon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400"},
        Malformed{"ControlInField", "GET / HTTP/1.1\r\nHost: h\r\nA: \x01\r\n\r\n", "400"},
        Malformed{"NoHost", "GET / HTTP/1.1\r\n\r\n", "400"},
        Malformed{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
        Malformed{"TargetIsNoPath", "GET admin HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
        Malformed{"LengthAndChunked",
                  "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n0\r\n\r\n",
                  "400"},
        Malformed{"ChunkedAndLength",
                  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: "
                  "4\r\n\r\n0\r\n\r\n",
                  "400"},
        Malformed{"TwoLengths",
                  "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                  "400"},
        Malformed{"SameLengthTwice",
                  "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
                  "400"},
        Malformed{"NegativeLength", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
                  "400"},
        Malformed{"LengthOverflow",
                  "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n",
                  "400"},
        Malformed{"UnknownCoding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n",
                  "501"},
        Malformed{"ChunkedTwice",
                  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
                  "501"},
        Malformed{"ChunkedInHttp10",
                  "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
        Malformed{"UnknownExpectation", "GET / HTTP/1.1\r\nHost: h\r\nExpect: magic\r\n\r\n",
                  "417"},
        Malformed{"EndsInsideHeader", "GET / HTTP/1.1\r\nHos", "400"},
        Malformed{"HeaderTooLarge",
                  "GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(17 * 1024, 'a') + "\r\n\r\n",
                  "431"},
        Malformed{"HeaderNeverEnds", "GET /" + std::string(40 * 1024, 'a'), "431"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(ServerTest, BodyShorterThanAnnouncedIsAnErrorOfTheBody) {
  Start();
  const std::string answer = Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer, HasSubstr("broke off after 3 bytes"));
}

TEST_F(ServerTest, MalformedChunkIsAnErrorOfTheBodyAndEndsTheConnection) {
  Start();
  const std::string answer = Send(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"
      "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("the body is malformed"));
  EXPECT_THAT(answer, Not(HasSubstr("/next")));
}

TEST_F(ServerTest, ChunkExtensionThatNeverEndsIsRefusedInBoundedMemory) {
  Start();
  const std::string answer =
      Send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;" +
           std::string(200 * 1024, 'x'));
  EXPECT_THAT(answer, HasSubstr("the body is malformed"));
}

TEST_F(ServerTest, BodyOverTheLimitIsRefusedBeforeItIsRead) {
  Router router({.max_body = 10});
  ASSERT_TRUE(router.Add({.method = Method::kPost, .path = "/", .handler = Echo}).has_value());
  Start(router.AsHandler());
  const std::string announced =
      Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n12345678901");
  EXPECT_THAT(announced, StartsWith("HTTP/1.1 413 Content Too Large"));
  const std::string chunked = Send(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "6\r\n123456\r\n6\r\n123456\r\n0\r\n\r\n");
  EXPECT_THAT(chunked, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(chunked, HasSubstr("Connection: close"));
}

TEST_F(ServerTest, SlowHeaderIsAnswered408) {
  options_.header_timeout = 20ms;
  Start();
  EXPECT_THAT(Send({"GET / HT"}, false), StartsWith("HTTP/1.1 408 Request Timeout"));
}

TEST_F(ServerTest, SlowBodyFailsTheRead) {
  options_.body_timeout = 20ms;
  Start();
  EXPECT_THAT(Send({"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"}, false),
              HasSubstr("the body came too slowly"));
}

TEST_F(ServerTest, IdleConnectionIsClosedSilently) {
  options_.idle_timeout = 20ms;
  Start();
  EXPECT_EQ(Send(std::vector<std::string>{}, false), "");
  EXPECT_TRUE(statuses_.empty());
}

net::Task<Response> Explode(Request& /*request*/) {
  throw std::runtime_error("secret detail");
  co_return Response();
}

TEST_F(ServerTest, ExceptionOfAHandlerIs500WithoutDetailAndReported) {
  Start(Explode);
  const std::string answer = Send(
      "GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 Internal Server Error"));
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
  ASSERT_EQ(errors_.size(), 2U);
  EXPECT_THAT(errors_[0], HasSubstr("secret detail"));
}

net::Task<Response> Split(Request& request) {
  Response response = Response::Text(200, "x");
  response.headers.Add("Location", *request.QueryValue("to"));
  co_return response;
}

TEST_F(ServerTest, FieldWithALineBreakIs500InsteadOfTwoFields) {
  Start(Split);
  const std::string answer = Send("GET /?to=a%0d%0aX:%20y HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(answer, Not(HasSubstr("X: y")));
}

net::Task<Response> Big(Request& /*request*/) {
  co_return Response::Json(200, "[" + std::string(100'000, ' ') + "]");
}

TEST_F(ServerTest, CompressesOnlyForThoseWhoAcceptIt) {
  Start(Big);
  const std::string plain = Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(plain, Not(HasSubstr("Content-Encoding")));
  EXPECT_THAT(plain, HasSubstr("Vary: Accept-Encoding"));
  const std::string packed = Send("GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: br, gzip\r\n\r\n");
  EXPECT_THAT(packed, HasSubstr("Content-Encoding: gzip"));
  const auto text = Gunzip(packed.substr(packed.find("\r\n\r\n") + 4), 1 << 20);
  ASSERT_TRUE(text.has_value()) << text.error().ToString();
  EXPECT_EQ(text->size(), 100'002U);
}

net::Task<Result<void>> Count(BodyWriter& writer, bool fail) {
  for (const std::string_view piece : {"one", "two", "three"}) {
    CO_TRY(co_await writer.Write(piece));
  }
  if (fail) co_return base::Fail(ErrorCode::kIo, "disk gone");
  co_return Result<void>();
}

Handler Streaming(bool fail, std::optional<uint64_t> length = {}) {
  return [fail, length](Request&) -> net::Task<Response> {
    return [](bool fails, std::optional<uint64_t> announced) -> net::Task<Response> {
      Response response;
      response.body =
          StreamBody{.produce = [fails](BodyWriter& writer) { return Count(writer, fails); },
                     .length = announced};
      co_return response;
    }(fail, length);
  };
}

TEST_F(ServerTest, StreamsInChunks) {
  Start(Streaming(false));
  EXPECT_THAT(Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
              EndsWith("Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n"
                       "0\r\n\r\n"));
  EXPECT_THAT(Send("GET / HTTP/1.0\r\n\r\n"), EndsWith("Connection: close\r\n\r\nonetwothree"));
}

TEST_F(ServerTest, StreamsWithAKnownLength) {
  Start(Streaming(false, 11));
  EXPECT_THAT(Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
              EndsWith("Content-Length: 11\r\n\r\nonetwothree"));
}

TEST_F(ServerTest, StreamThatFailsCutsTheConnection) {
  Start(Streaming(true));
  const auto result = runtime_.Run(Raw(server_->port(), {"GET / HTTP/1.1\r\nHost: h\r\n\r\n"}));
  if (result.has_value()) EXPECT_THAT(*result, Not(EndsWith("0\r\n\r\n")));
  EXPECT_EQ(errors_, std::vector<std::string>{"disk gone"});
}

TEST_F(ServerTest, ServesAFileWithoutHoldingIt) {
  const auto path = std::filesystem::path(testing::TempDir()) / "http_server_test_file";
  std::string text(300'000, 'x');
  text.back() = 'y';
  std::ofstream(path) << text;
  Start([&](Request&) -> net::Task<Response> {
    return [](std::string file) -> net::Task<Response> {
      Response response;
      response.body = FileBody{.path = std::move(file), .offset = 1};
      co_return response;
    }(path.string());
  });
  const std::string answer = Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 299999\r\n"));
  EXPECT_TRUE(answer.ends_with(text.substr(1)));
  std::filesystem::remove(path);
  EXPECT_THAT(Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), StartsWith("HTTP/1.1 500"));
}

TEST_F(ServerTest, ConnectionsOverTheLimitGet503) {
  options_.max_connections = 0;
  Start();
  EXPECT_THAT(Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
              StartsWith("HTTP/1.1 503 Service Unavailable"));
}

net::Task<Response> Slow(Request& /*request*/) {
  (void)co_await net::Sleep(30ms);
  co_return Response::Text(200, "done");
}

net::Task<Result<std::string>> StopLater(Server& server, size_t* cut, base::Duration grace) {
  while (server.requests() == 0) (void)co_await net::Sleep(1ms);
  *cut = co_await server.Shutdown(Deadline::After(grace));
  co_return std::string();
}

TEST_F(ServerTest, ShutdownLetsARequestInFlightFinishAndClosesIdleConnections) {
  Start(Slow);
  size_t cut = 99;
  std::vector<net::Task<Result<std::string>>> tasks;
  tasks.push_back(Raw(server_->port(), {"GET / HTTP/1.1\r\nHost: h\r\n\r\n"}, false));
  tasks.push_back(Raw(server_->port(), {}, false));
  tasks.push_back(StopLater(*server_, &cut, 10s));
  const auto results = runtime_.Run(net::WhenAll(std::move(tasks)));
  EXPECT_THAT(results[0].value(), EndsWith("done"));
  EXPECT_THAT(results[0].value(), HasSubstr("Connection: close"));
  EXPECT_EQ(results[1].value(), "");
  EXPECT_EQ(cut, 0U);
  EXPECT_EQ(runtime_.Run(net::Connect("127.0.0.1", server_->port(), Soon())).error().code,
            ErrorCode::kUnavailable);
}

net::Task<Response> Hang(Request& /*request*/) {
  const auto slept = co_await net::SleepUntil(Deadline::Never());
  co_return Response::Text(503, slept.has_value() ? "woke" : slept.error().message);
}

TEST_F(ServerTest, ShutdownCutsWhatDoesNotFinishInTime) {
  Start(Hang);
  size_t cut = 0;
  std::vector<net::Task<Result<std::string>>> tasks;
  tasks.push_back(Raw(server_->port(), {"GET / HTTP/1.1\r\nHost: h\r\n\r\n"}, false));
  tasks.push_back(StopLater(*server_, &cut, 5ms));
  runtime_.Run(net::WhenAll(std::move(tasks)));
  EXPECT_GE(cut, 1U);
}

TEST(Server, SpreadsConnectionsOverItsLoops) {
  net::RuntimeOptions threads;
  threads.loops = 2;
  net::Runtime runtime(threads);
  auto server = Server::Start(runtime.executors(), Echo, {}).value();
  std::vector<net::Task<Result<std::string>>> tasks;
  for (int i = 0; i < 20; ++i) {
    tasks.push_back(Raw(server->port(), {"GET / HTTP/1.1\r\nHost: h\r\n\r\n"}));
  }
  for (const auto& result : runtime.Run(net::WhenAll(std::move(tasks)))) {
    EXPECT_THAT(result.value(), EndsWith("GET /? "));
  }
  runtime.Run(server->Shutdown(Soon()));
}

net::Task<void> ConnectAndLeave(uint16_t port, std::optional<net::TcpStream>* kept) {
  auto stream = co_await net::Connect("127.0.0.1", port, Soon());
  if (stream.has_value()) kept->emplace(std::move(*stream));
  (void)co_await (*kept)->Write("GET / HTTP/1.1\r\nHost: h\r\n\r\n", Soon());
  (void)co_await net::Sleep(5ms);
}

TEST(Server, MayGoAwayWithItsLoopsInTheMiddleOfARequest) {
  std::optional<net::TcpStream> kept;
  net::Runtime runtime;
  auto server = Server::Start(runtime.executors(), Hang, {}).value();
  runtime.Run(ConnectAndLeave(server->port(), &kept));
  EXPECT_EQ(server->requests(), 1U);
  kept.reset();
}

TEST(Server, PortInUseIsAConflictThatNamesThePort) {
  net::Runtime runtime;
  auto server = Server::Start(runtime.executors(), Echo, {}).value();
  ServerOptions options;
  options.port = server->port();
  const auto second = Server::Start(runtime.executors(), Echo, options);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(server->port())));
  runtime.Run(server->Shutdown(Soon()));
}

TEST(Server, MissingCertificateIsAnErrorAtStart) {
  net::Runtime runtime;
  ServerOptions options;
  options.tls = TlsFiles{.certificate = "no/such.pem", .key = "no/such.key"};
  const auto started = Server::Start(runtime.executors(), Echo, options);
  ASSERT_FALSE(started.has_value());
  EXPECT_THAT(started.error().message, HasSubstr("no/such.pem"));
}

}  // namespace
}  // namespace http
