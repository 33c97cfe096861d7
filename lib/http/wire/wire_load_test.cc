// The connections of loads: reading answers, and exchanges with a server on loopback.

#include <array>
#include <map>
#include <mutex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/http/client.h"
#include "lib/http/server.h"
#include "lib/http/wire/connection.h"
#include "lib/http/wire/request.h"
#include "lib/http/wire/response_reader.h"
#include "lib/net/service/background_loop.h"
#include "lib/testing/certificate.h"
#include "lib/testing/temp_dir.h"

namespace http::wire {
namespace {

using State = ResponseReader::State;
using testing::HasSubstr;

// --- reading -----------------------------------------------------------------------------------

struct Reading {
  State state = State::kMore;
  int status = 0;
  uint64_t body = 0;
  bool keeps_alive = false;
  std::string left;
  std::string problem;
};

// Gives the text in pieces of `step` bytes.
Reading Read(std::string_view text, size_t step, bool to_head = false, uint64_t most = 1 << 20) {
  ResponseReader reader;
  reader.Begin(to_head, most);
  Reading reading;
  while (!text.empty() && reading.state == State::kMore) {
    std::string_view piece = text.substr(0, step);
    text.remove_prefix(piece.size());
    reading.state = reader.Take(piece);
    reading.left = std::string(piece) + std::string(text);
  }
  reading.status = reader.status();
  reading.body = reader.body_bytes();
  reading.keeps_alive = reader.keeps_alive();
  reading.problem = reader.problem();
  return reading;
}

TEST(ResponseReaderTest, ReadsABodyOfAGivenLengthWhereverItIsCut) {
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhelloHTTP";
  for (size_t step = 1; step <= text.size(); ++step) {
    const Reading reading = Read(text, step);
    EXPECT_EQ(reading.state, State::kDone) << step;
    EXPECT_EQ(reading.status, 200);
    EXPECT_EQ(reading.body, 5);
    EXPECT_EQ(reading.left, "HTTP");
    EXPECT_TRUE(reading.keeps_alive);
  }
}

TEST(ResponseReaderTest, ReadsChunksWithExtensionsAndTrailers) {
  const std::string text =
      "HTTP/1.1 201 Created\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
      "5;x=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n";
  for (size_t step = 1; step <= text.size(); ++step) {
    const Reading reading = Read(text, step);
    EXPECT_EQ(reading.state, State::kDone) << step;
    EXPECT_EQ(reading.body, 15);
    EXPECT_EQ(reading.left, "");
  }
}

TEST(ResponseReaderTest, PassesOverInterimAnswers) {
  const Reading reading =
      Read("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 7);
  EXPECT_EQ(reading.state, State::kDone);
  EXPECT_EQ(reading.status, 204);
}

TEST(ResponseReaderTest, KnowsAnswersWithoutABody) {
  EXPECT_EQ(Read("HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", 99).state, State::kDone);
  EXPECT_EQ(Read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 99, true).state, State::kDone);
  EXPECT_EQ(Read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 99).state, State::kDone);
}

TEST(ResponseReaderTest, ABodyWithoutLengthEndsWithTheConnection) {
  ResponseReader reader;
  reader.Begin(false, 100);
  std::string_view text = "HTTP/1.1 200 OK\r\n\r\nsome";
  EXPECT_EQ(reader.Take(text), State::kMore);
  EXPECT_EQ(reader.TakeEnd(), State::kDone);
  EXPECT_FALSE(reader.keeps_alive());
  EXPECT_EQ(reader.body_bytes(), 4);
}

TEST(ResponseReaderTest, KeepsAliveAsTheServerSays) {
  EXPECT_FALSE(Read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 99).keeps_alive);
  EXPECT_TRUE(Read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", 99)
                  .keeps_alive);
  EXPECT_FALSE(
      Read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nCONNECTION: x, Close\r\n\r\n", 99).keeps_alive);
}

TEST(ResponseReaderTest, RefusesWhatIsNoAnswer) {
  for (const std::string_view text :
       {"SSH-2.0-OpenSSH\r\n", "HTTP/2 200 OK\r\n", "HTTP/1.1 20x OK\r\n", "HTTP/1.1 2000\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncolon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n"}) {
    const Reading reading = Read(text, 3);
    EXPECT_EQ(reading.state, State::kBroken) << text;
    EXPECT_NE(reading.problem, "");
  }
  EXPECT_EQ(Read("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'), 4096).state, State::kBroken);
  EXPECT_EQ(Read("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", 99, false, 10).state,
            State::kBroken);
}

// --- exchanges ---------------------------------------------------------------------------------

using Fields = std::map<std::string, std::string>;

class HttpWireTest : public testing::Test {
 protected:
  void Start(ServerOptions options = {}) {
    server_ = http::Server::Start(
                  {loop_.executor()}, [this](Request& request) { return Answer(request); },
                  std::move(options))
                  .value();
  }
  ~HttpWireTest() override {
    if (server_) {
      loop_.Run([](http::Server& server) -> net::Task<void> {
        static_cast<void>(co_await server.Shutdown(base::Deadline::After(std::chrono::seconds(1))));
      }(*server_));
    }
    loop_.Stop();
    ::close(epoll_);
  }

  net::Task<Response> Answer(Request& request) {
    auto body =
        co_await ReadAll(*request.reader, 1 << 20, base::Deadline::After(std::chrono::seconds(5)));
    Fields fields = {{":method", request.method_text},
                     {":target", request.target},
                     {":body", body ? *body : "?"}};
    for (const HeaderField& field : request.headers) fields[field.name] = field.value;
    const std::lock_guard lock(mutex_);
    seen_.push_back(std::move(fields));
    Response response = Response::Text(request.path == "/missing" ? 404 : 200, "some text");
    if (request.path == "/close") response.headers.Set("Connection", "close");
    co_return response;
  }

  ClientRequest To(const std::string& method, const std::string& path) const {
    ClientRequest request;
    request.method = method;
    request.url = server_->url() + path;
    request.version = HttpVersion::kHttp1;
    return request;
  }

  // Until the exchange is over, or five seconds.
  Connection::Result Exchange(Connection& connection, const WireRequest& request) {
    Connection::Result result = connection.Send(request);
    while (result == Connection::Result::kWaiting) {
      epoll_event event{};
      const int ready = ::epoll_wait(epoll_, &event, 1, 5000);
      if (ready <= 0) {
        ADD_FAILURE() << "no answer";
        return Connection::Result::kFailed;
      }
      result = static_cast<Connection*>(event.data.ptr)->OnReady(event.events);
    }
    return result;
  }

  // The fields as the server saw them from each client, without those that name the connection.
  void ExpectSame(ClientRequest request) {
    const auto wire = ToWire(request, "tester/1");
    ASSERT_TRUE(wire) << wire.error().message;
    const auto server = Server::Of(*wire).value();
    Connection connection(*server, epoll_, buffer_, &connection);
    ASSERT_EQ(Exchange(connection, *wire), Connection::Result::kAnswered) << connection.problem();
    Client client(loop_.executor(), {.user_agent = "tester/1"});
    const auto response = loop_.Run([](Client& c, ClientRequest r) -> net::Task<bool> {
      const auto got =
          co_await c.Send(std::move(r), base::Deadline::After(std::chrono::seconds(5)));
      co_return got.has_value();
    }(client, std::move(request)));
    ASSERT_TRUE(response);
    ASSERT_EQ(seen_.size(), 2);
    EXPECT_EQ(seen_[0], seen_[1]);
    seen_.clear();
  }

  net::BackgroundLoop loop_;
  std::unique_ptr<http::Server> server_;
  const int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::array<char, 4096> buffer_{};
  std::mutex mutex_;
  std::vector<Fields> seen_;
};

TEST_F(HttpWireTest, SendsWhatTheOtherClientSends) {
  Start();
  ExpectSame(To("GET", "/a?b=c%20d"));
  ExpectSame(To("POST", "/empty"));
  ClientRequest post = To("POST", "/json");
  post.headers.Set("Content-Type", "application/json");
  post.headers.Add("X-Two", "1");
  post.body = std::string("{\"a\": 1}");
  post.auth = BearerAuth{"token"};
  ExpectSame(post);
  ClientRequest put = To("PUT", "/put");
  put.body = std::string(9000, 'x');
  put.auth = BasicAuth{"user", "pass:word"};
  put.decompress = false;
  ExpectSame(put);
  ExpectSame(To("DELETE", "/x"));
}

TEST_F(HttpWireTest, ManyExchangesGoOverOneConnection) {
  Start();
  const auto wire = ToWire(To("GET", "/missing"), "t");
  const auto server = Server::Of(*wire).value();
  Connection connection(*server, epoll_, buffer_, &connection);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(Exchange(connection, *wire), Connection::Result::kAnswered) << connection.problem();
    EXPECT_EQ(connection.status(), 404);
    EXPECT_EQ(connection.body_bytes(), 9);
  }
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(HttpWireTest, AConnectionThatTheServerClosesIsMadeAgain) {
  Start();
  const auto wire = ToWire(To("GET", "/close"), "t");
  const auto server = Server::Of(*wire).value();
  Connection connection(*server, epoll_, buffer_, &connection);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(Exchange(connection, *wire), Connection::Result::kAnswered) << connection.problem();
  }
  EXPECT_EQ(server_->requests(), 3);
}

TEST_F(HttpWireTest, AnAnswerToHeadHasNoBody) {
  Start();
  const auto wire = ToWire(To("HEAD", "/x"), "t");
  const auto server = Server::Of(*wire).value();
  Connection connection(*server, epoll_, buffer_, &connection);
  ASSERT_EQ(Exchange(connection, *wire), Connection::Result::kAnswered);
  ASSERT_EQ(Exchange(connection, *wire), Connection::Result::kAnswered);
  EXPECT_EQ(connection.body_bytes(), 0);
}

TEST_F(HttpWireTest, SaysThatNobodyListens) {
  Start();
  ClientRequest request = To("GET", "/");
  request.url = "http://127.0.0.1:1/";
  const auto wire = ToWire(request, "t");
  const auto server = Server::Of(*wire).value();
  Connection connection(*server, epoll_, buffer_, &connection);
  EXPECT_EQ(Exchange(connection, *wire), Connection::Result::kFailed);
  EXPECT_EQ(connection.problem(), "the connection was refused");
  EXPECT_FALSE(connection.busy());
}

TEST_F(HttpWireTest, OverTlsTheCertificateIsChecked) {
  testing_support::TempDir dir;
  const auto pair = testing_support::MakeCertificate(dir.path(), "localhost");
  ServerOptions options;
  options.tls = TlsFiles{pair.certificate, pair.key};
  Start(std::move(options));
  ClientRequest request = To("GET", "/tls");
  request.tls.ca_file = pair.certificate;
  request.tls.server_name = "localhost";
  const auto wire = ToWire(request, "t");
  ASSERT_TRUE(wire) << wire.error().message;
  const auto server = Server::Of(*wire).value();
  Connection connection(*server, epoll_, buffer_, &connection);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(Exchange(connection, *wire), Connection::Result::kAnswered) << connection.problem();
  }
  EXPECT_EQ(server_->connections(), 1);

  request.tls.ca_file.clear();
  const auto untrusted = ToWire(request, "t");
  const auto other = Server::Of(*untrusted).value();
  Connection refused(*other, epoll_, buffer_, &refused);
  EXPECT_EQ(Exchange(refused, *untrusted), Connection::Result::kFailed);
  EXPECT_THAT(refused.problem(), HasSubstr("not trusted"));
}

TEST(ToWireTest, SaysWhatNeedsTheOtherClient) {
  ClientRequest request;
  request.url = "http://127.0.0.1/";
  const auto why = [&] {
    const auto wire = ToWire(request, "t");
    return wire ? std::string("accepted") : wire.error().message;
  };
  EXPECT_EQ(why(), "accepted");
  request.url = "https://127.0.0.1/";
  EXPECT_THAT(why(), HasSubstr("HTTP/2"));
  request.version = HttpVersion::kHttp1;
  EXPECT_EQ(why(), "accepted");
  request.follow = true;
  EXPECT_THAT(why(), HasSubstr("redirects"));
  request.follow = false;
  request.auth = DigestAuth{"a", "b"};
  EXPECT_THAT(why(), HasSubstr("digest"));
  request.auth = {};
  request.body = FileContent{"/x"};
  EXPECT_THAT(why(), HasSubstr("file"));
  request.body = {};
  request.headers.Set("X", "a\nb");
  EXPECT_THAT(why(), HasSubstr("control character"));
}

}  // namespace
}  // namespace http::wire
