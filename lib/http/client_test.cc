#include "lib/http/client.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/http/router.h"
#include "lib/http/server.h"
#include "lib/http/unsent.h"
#include "lib/net/gather.h"
#include "lib/net/runtime.h"
#include "lib/net/task_group.h"
#include "lib/net/timer.h"
#include "lib/testing/certificate.h"

namespace http {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

Deadline Soon() { return Deadline::After(20s); }

net::Task<Response> Echo(Request& request) {
  std::string text = request.method_text + " " + request.target + "\n";
  for (const HeaderField& field : request.headers) text += field.name + ": " + field.value + "\n";
  co_return Response::Text(200, text + "\n" + request.body);
}

net::Task<Response> CountBytes(Request& request) {
  std::vector<std::byte> piece(64 * 1024);
  uint64_t total = 0;
  while (true) {
    const auto got = co_await request.reader->Read(piece, Soon());
    if (!got.has_value()) co_return PlainError(400, got.error(), &request);
    if (*got == 0) break;
    total += *got;
  }
  co_return Response::Text(200, std::to_string(total));
}

net::Task<Response> RedirectTo(Request& request) {
  const int status = std::stoi(request.QueryValue("status").value_or("302"));
  Response response = Response::Text(status, "moved");
  response.headers.Set("Location", request.QueryValue("to").value_or("/echo"));
  co_return response;
}

net::Task<Response> SetCookie(Request& /*request*/) {
  Response response = Response::Text(200, "set");
  response.headers.Add("Set-Cookie", "session=abc; Path=/; HttpOnly");
  response.headers.Add("Set-Cookie", "theme=dark; Path=/");
  co_return response;
}

net::Task<Response> Big(Request& /*request*/) {
  co_return Response::Json(200, "[" + std::string(100'000, ' ') + "]");
}

net::Task<Response> Hang(Request& /*request*/) {
  (void)co_await net::SleepUntil(Deadline::Never());
  co_return Response::Text(200, "late");
}

class ClientTest : public testing::Test {
 protected:
  ClientTest() : client_(runtime_.executor()), folder_(testing::TempDir() + "http_client_test") {
    std::filesystem::create_directories(folder_);
    Add(Method::kGet, "/echo", Echo);
    Add(Method::kPost, "/echo", Echo);
    Add(Method::kDelete, "/echo", Echo);
    Add(Method::kPut, "/count", CountBytes, true);
    Add(Method::kPost, "/count", CountBytes, true);
    Add(Method::kGet, "/redirect", RedirectTo);
    Add(Method::kPost, "/redirect", RedirectTo);
    Add(Method::kGet, "/cookie", SetCookie);
    Add(Method::kGet, "/big", Big);
    Add(Method::kGet, "/hang", Hang);
  }
  ~ClientTest() override {
    if (server_) runtime_.Run(server_->Shutdown(Deadline::After(1ms)));
    std::filesystem::remove_all(folder_);
  }

  void Add(Method method, std::string path, Handler handler, bool streams = false) {
    Route route{.method = method, .path = std::move(path), .handler = std::move(handler)};
    route.streams_body = streams;
    route.max_body = uint64_t{1} << 30;
    ASSERT_TRUE(router_.Add(std::move(route)).has_value());
  }

  std::string Url(const std::string& target) {
    if (!server_) {
      server_ = Server::Start(runtime_.executors(), router_.AsHandler(), options_).value();
    }
    return server_->url() + target;
  }
  ClientRequest Get(const std::string& target) {
    ClientRequest request;
    request.url = Url(target);
    return request;
  }
  Result<ClientResponse> Try(ClientRequest request, Deadline deadline = Soon()) {
    return runtime_.Run(client_.Send(std::move(request), deadline));
  }
  ClientResponse Send(ClientRequest request) {
    auto result = Try(std::move(request));
    EXPECT_TRUE(result.has_value()) << result.error().ToString();
    return result.value_or(ClientResponse());
  }
  std::string WriteFile(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  net::Runtime runtime_;
  Router router_;
  ServerOptions options_;
  std::unique_ptr<Server> server_;
  Client client_;
  std::string folder_;
};

TEST_F(ClientTest, SendsWhatWasAskedAndShowsTheHeadsOnTheWire) {
  ClientRequest request = Get("/echo?x=1");
  request.headers = {{"X-One", "1"}, {"X-Two", ""}};
  const ClientResponse response = Send(request);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.version, "1.1");
  EXPECT_EQ(response.headers.Get("content-type"), "text/plain; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("GET /echo?x=1\n"));
  EXPECT_THAT(response.body, HasSubstr("X-One: 1\n"));
  EXPECT_THAT(response.body, HasSubstr("X-Two: \n"));
  ASSERT_EQ(response.heads.size(), 1U);
  EXPECT_THAT(response.heads[0].request, StartsWith("GET /echo?x=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(response.heads[0].request, EndsWith("\r\n\r\n"));
  EXPECT_THAT(response.heads[0].response, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(response.remote.address, "127.0.0.1");
  EXPECT_EQ(response.remote.port, server_->port());
  EXPECT_EQ(response.body_bytes, response.body.size());
  EXPECT_GT(response.timings.total, 0ns);
}

TEST_F(ClientTest, SendsTextOfAnyMethodWithoutInventingAContentType) {
  ClientRequest request = Get("/echo");
  request.body = std::string("a\0b", 3);
  for (const std::string method : {"POST", "DELETE", "GET"}) {
    request.method = method;
    const ClientResponse response = Send(request);
    EXPECT_THAT(response.body, StartsWith(method + " /echo\n"));
    EXPECT_THAT(response.body, EndsWith(std::string("\n\na\0b", 5)));
    EXPECT_THAT(response.body, Not(HasSubstr("Content-Type")));
    EXPECT_EQ(response.sent_bytes, 3U);
  }
}

TEST_F(ClientTest, HeadHasHeadersAndNoBody) {
  ClientRequest request = Get("/big");
  request.method = "HEAD";
  request.decompress = false;
  const ClientResponse response = Send(request);
  EXPECT_EQ(response.headers.Get("Content-Length"), "100002");
  EXPECT_EQ(response.body, "");
}

TEST_F(ClientTest, ReusesTheConnection) {
  EXPECT_FALSE(Send(Get("/echo")).reused_connection);
  EXPECT_TRUE(Send(Get("/echo")).reused_connection);
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(ClientTest, RunsManyTransfersAtOnce) {
  std::vector<net::Task<Result<ClientResponse>>> tasks;
  for (int i = 0; i < 50; ++i) {
    tasks.push_back(client_.Send(Get("/echo?" + std::to_string(i)), Soon()));
  }
  const auto results = runtime_.Run(net::WhenAll(std::move(tasks)));
  for (size_t i = 0; i < results.size(); ++i) {
    ASSERT_TRUE(results[i].has_value()) << results[i].error().ToString();
    EXPECT_THAT(results[i]->body, StartsWith("GET /echo?" + std::to_string(i) + "\n"));
  }
}

TEST_F(ClientTest, FollowsRedirectsOnlyWhenAskedAndRecordsThem) {
  ClientRequest request = Get("/redirect?to=/redirect%3Fto%3D/echo%26status%3D307");
  EXPECT_EQ(Send(request).status, 302);
  request.follow = true;
  const ClientResponse response = Send(request);
  EXPECT_EQ(response.status, 200);
  ASSERT_EQ(response.redirects.size(), 2U);
  EXPECT_EQ(response.redirects[0].status, 302);
  EXPECT_EQ(response.redirects[1].status, 307);
  EXPECT_EQ(response.redirects[1].location, "/echo");
  EXPECT_THAT(response.effective_url, EndsWith("/echo"));
  EXPECT_EQ(response.heads.size(), 3U);
}

TEST_F(ClientTest, Redirect303TurnsPostIntoGetAnd307DoesNot) {
  ClientRequest request = Get("/redirect?status=303");
  request.method = "POST";
  request.body = "form";
  request.follow = true;
  EXPECT_THAT(Send(request).body, StartsWith("GET /echo"));
  request.url = Url("/redirect?status=307");
  const ClientResponse kept = Send(request);
  EXPECT_THAT(kept.body, StartsWith("POST /echo"));
  EXPECT_THAT(kept.body, EndsWith("form"));
}

TEST_F(ClientTest, RedirectLoopIsAnError) {
  ClientRequest request = Get("/redirect?to=/redirect%3Fto%3D/redirect");
  request.follow = true;
  request.max_redirects = 1;
  const auto result = Try(request);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(result.error().message, HasSubstr("redirected more than 1 times"));
}

TEST_F(ClientTest, CookiesStayInTheirJar) {
  ClientRequest request = Get("/cookie");
  request.cookies = std::make_shared<CookieJar>();
  Send(request);
  const auto cookies = request.cookies->All();
  ASSERT_EQ(cookies.size(), 2U);
  EXPECT_EQ(cookies[0].name, "session");
  EXPECT_EQ(cookies[0].value, "abc");
  EXPECT_TRUE(cookies[0].http_only);
  request.url = Url("/echo");
  EXPECT_THAT(Send(request).body, HasSubstr("session=abc"));
  EXPECT_THAT(Send(Get("/echo")).body, Not(HasSubstr("Cookie")));
  request.cookies->Clear();
  EXPECT_THAT(Send(request).body, Not(HasSubstr("Cookie")));
}

TEST_F(ClientTest, DecodesGzipUnlessToldNotTo) {
  const ClientResponse decoded = Send(Get("/big"));
  EXPECT_EQ(decoded.body.size(), 100'002U);
  EXPECT_EQ(decoded.headers.Get("Content-Encoding"), "gzip");
  EXPECT_LT(decoded.received_bytes, 10'000U);
  ClientRequest request = Get("/big");
  request.decompress = false;
  request.headers = {{"Accept-Encoding", "gzip"}};
  EXPECT_LT(Send(request).body.size(), 10'000U);
}

TEST_F(ClientTest, DownloadsToAFile) {
  ClientRequest request = Get("/big");
  request.download_to = folder_ + "/download";
  const ClientResponse response = Send(request);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.body_bytes, 100'002U);
  EXPECT_EQ(std::filesystem::file_size(request.download_to), 100'002U);
  request.download_to = folder_ + "/no/such/folder";
  EXPECT_EQ(Try(request).error().code, ErrorCode::kNotFound);
}

TEST_F(ClientTest, UploadsAFile) {
  ClientRequest request = Get("/count");
  request.body = FileContent{WriteFile("upload", std::string(3 << 20, 'x'))};
  for (const std::string method : {"PUT", "POST"}) {
    request.method = method;
    EXPECT_EQ(Send(request).body, std::to_string(3 << 20));
  }
  request.body = FileContent{folder_ + "/missing"};
  const auto missing = Try(request);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("/missing"));
}

TEST_F(ClientTest, StreamsAMultipartFormFromAFile) {
  const std::string path = WriteFile("rec.edf", std::string(20 << 20, 'e'));
  ClientRequest request = Get("/count");
  request.method = "POST";
  request.body = std::vector<FormPart>{
      {.name = "note", .content = "hello"},
      {.name = "file", .content = FileContent{path}, .content_type = "application/edf"}};
  const ClientResponse response = Send(request);
  EXPECT_GT(std::stoll(response.body), 20 << 20);
  EXPECT_THAT(response.heads[0].request, HasSubstr("Content-Type: multipart/form-data; boundary="));
}

TEST_F(ClientTest, AuthenticatesWithBasicAndBearer) {
  ClientRequest request = Get("/echo");
  request.auth = BasicAuth{.user = "user", .password = "pass"};
  EXPECT_THAT(Send(request).body, HasSubstr("Authorization: Basic dXNlcjpwYXNz\n"));
  request.auth = BearerAuth{"token"};
  EXPECT_THAT(Send(request).body, HasSubstr("Authorization: Bearer token\n"));
  request.auth = SigV4Key{.access_key = "AK", .secret_key = "SK"};
  const std::string body = Send(request).body;
  EXPECT_THAT(body, HasSubstr("Authorization: AWS4-HMAC-SHA256 Credential=AK/"));
  EXPECT_THAT(body, HasSubstr("X-Amz-Content-Sha256: e3b0c44298fc1c149afbf4c8996fb924"));
}

TEST_F(ClientTest, ResponseOverTheLimitIsTooLarge) {
  ClientRequest request = Get("/big");
  request.max_response = 1000;
  EXPECT_EQ(Try(request).error().code, ErrorCode::kTooLarge);
}

TEST_F(ClientTest, SilentServerIsATimeoutThatNamesThePeer) {
  const auto result = Try(Get("/hang"), Deadline::After(20ms));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(result.error().message, HasSubstr("127.0.0.1:" + std::to_string(server_->port())));
  EXPECT_EQ(Send(Get("/echo")).status, 200);
}

TEST_F(ClientTest, CancellationEndsTheTransfer) {
  const auto result = runtime_.Run(
      net::WithDeadline(client_.Send(Get("/hang"), Deadline::Never()), Deadline::After(10ms)));
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
}

net::Task<void> SendInside(Client& client, ClientRequest request) {
  (void)co_await client.Send(std::move(request), Deadline::Never());
}

net::Task<void> Pause(base::Duration span) { (void)co_await net::Sleep(span); }

TEST_F(ClientTest, MayGoAwayWithItsLoopInTheMiddleOfATransfer) {
  const ClientRequest request = Get("/hang");
  net::Runtime runtime;
  Client client(runtime.executor());
  net::TaskGroup group(runtime.executor(), nullptr);
  group.Spawn(SendInside(client, request));
  runtime.Run(Pause(5ms));
  EXPECT_EQ(group.size(), 1U);
}

TEST_F(ClientTest, RefusedConnectionNamesThePeerAndGivesAHint) {
  uint16_t port = 0;
  {
    auto listener = net::Listen(runtime_.executor(), "127.0.0.1", 0).value();
    port = listener.port();
  }
  ClientRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(port) + "/";
  const auto result = Try(request);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(result.error().message, "connection refused by 127.0.0.1:" + std::to_string(port));
  EXPECT_NE(result.error().hint, "");
  EXPECT_TRUE(NeverSent(result.error()));
}

TEST_F(ClientTest, UnknownHostAndBadRequestsAreErrors) {
  ClientRequest request;
  request.url = "http://no-such-host.invalid/";
  EXPECT_EQ(Try(request).error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(NeverSent(Try(request).error()));
  for (const char* url : {"nonsense", "ftp://h/", "ws://h/", "http://h/a b"}) {
    request.url = url;
    EXPECT_EQ(Try(request).error().code, ErrorCode::kInvalid) << url;
  }
  request = Get("/echo");
  request.headers = {{"X", "a\r\nEvil: 1"}};
  EXPECT_EQ(Try(request).error().code, ErrorCode::kInvalid);
  request.headers = {};
  request.method = "GET /x";
  EXPECT_EQ(Try(request).error().code, ErrorCode::kInvalid);
}

/// Takes one connection, reads the request, answers with `bytes` and closes.
net::Task<Result<std::string>> AnswerRaw(net::TcpListener& listener, std::string bytes,
                                         bool reset) {
  CO_TRY(net::TcpStream stream, co_await listener.Accept(Soon()));
  std::vector<std::byte> buffer(4096);
  CO_TRY(co_await stream.Read(buffer, Soon()));
  CO_TRY(co_await stream.Write(bytes, Soon()));
  if (reset) stream.Abort();
  co_return std::string();
}

net::Task<Result<std::string>> Fetch(Client& client, uint16_t port) {
  ClientRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(port) + "/";
  CO_TRY(ClientResponse response, co_await client.Send(std::move(request), Soon()));
  co_return std::to_string(response.status) + " " + response.body;
}

class BrokenServer : public ClientTest {
 protected:
  Result<std::string> Ask(std::string answer, bool reset = false) {
    auto listener = net::Listen(runtime_.executor(), "127.0.0.1", 0).value();
    std::vector<net::Task<Result<std::string>>> tasks;
    tasks.push_back(AnswerRaw(listener, std::move(answer), reset));
    tasks.push_back(Fetch(client_, listener.port()));
    return runtime_.Run(net::WhenAll(std::move(tasks)))[1];
  }
};

TEST_F(BrokenServer, TruncatedBodiesAreCorrupt) {
  EXPECT_EQ(Ask("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").error().code,
            ErrorCode::kCorrupt);
  EXPECT_EQ(Ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab").error().code,
            ErrorCode::kCorrupt);
}

TEST_F(BrokenServer, DamagedGzipIsCorrupt) {
  EXPECT_EQ(Ask("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello")
                .error()
                .code,
            ErrorCode::kCorrupt);
}

TEST_F(BrokenServer, ClosingWithoutAnAnswerIsUnavailable) {
  EXPECT_EQ(Ask("").error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(NeverSent(Ask("").error())) << "it may have been carried out";
  EXPECT_EQ(Ask("", true).error().code, ErrorCode::kUnavailable);
}

TEST_F(BrokenServer, InterimResponsesAndTrailersAreHandled) {
  EXPECT_EQ(Ask("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\n"
                "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n")
                .value(),
            "201 ok");
}

TEST_F(BrokenServer, SomethingThatIsNotHttpIsCorrupt) {
  const auto result = Ask("220 smtp ready\r\n");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
}

class TlsClient : public ClientTest {
 protected:
  TlsClient() {
    const auto files = testing_support::MakeCertificate(folder_, "cert");
    options_.tls = TlsFiles{.certificate = files.certificate, .key = files.key};
  }
};

TEST_F(TlsClient, TrustsTheGivenAuthorityAndShowsTheCertificate) {
  ClientRequest request = Get("/echo");
  request.tls.ca_file = folder_ + "/cert.pem";
  const ClientResponse response = Send(request);
  EXPECT_EQ(response.status, 200);
  EXPECT_GT(response.timings.tls, 0ns);
  ASSERT_TRUE(response.certificate.has_value());
  EXPECT_THAT(response.certificate->subject, HasSubstr("cert"));
  EXPECT_THAT(response.certificate->expires, EndsWith("GMT"));
  EXPECT_THAT(response.certificate->alt_names,
              ElementsAre("DNS:localhost", "IP Address:127.0.0.1"));
}

TEST_F(TlsClient, RefusesAnUnknownAuthorityUnlessInsecure) {
  ClientRequest request = Get("/echo");
  const auto refused = Try(request);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("not trusted"));
  EXPECT_TRUE(NeverSent(refused.error()));
  request.tls.insecure = true;
  EXPECT_EQ(Send(request).status, 200);
}

TEST_F(TlsClient, VerifiesTheServerNameThatWasGiven) {
  ClientRequest request = Get("/echo");
  request.tls.ca_file = folder_ + "/cert.pem";
  request.tls.server_name = "localhost";
  const ClientResponse response = Send(request);
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr("Host: 127.0.0.1:"));
  request.tls.server_name = "other.example";
  EXPECT_EQ(Try(request).error().code, ErrorCode::kUnavailable);
}

TEST_F(TlsClient, ShowsItsCertificateToAServerThatWantsOne) {
  options_.tls->client_ca = folder_ + "/cert.pem";
  ClientRequest request = Get("/echo");
  request.tls.ca_file = folder_ + "/cert.pem";
  EXPECT_EQ(Try(request).error().code, ErrorCode::kUnavailable);
  request.tls.certificate = folder_ + "/cert.pem";
  request.tls.key = folder_ + "/cert.key";
  EXPECT_EQ(Send(request).status, 200);
}

}  // namespace
}  // namespace http
