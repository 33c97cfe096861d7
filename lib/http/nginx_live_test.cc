// The client against a server that is not ours: nginx with HTTP/2 over TLS, without TLS, as a
// proxy's upstream and behind a socket file.

#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "lib/http/client.h"
#include "lib/net/runtime.h"
#include "lib/net/tcp.h"
#include "lib/net/timer.h"
#include "lib/process/spawn.h"
#include "lib/testing/temp_dir.h"

namespace http {
namespace {

using base::Deadline;
using std::chrono::milliseconds;
using std::chrono::seconds;

uint16_t FreePort(net::Runtime& runtime) {
  return runtime.Run([](net::Executor executor) -> net::Task<uint16_t> {
    auto listener = net::Listen(executor, "127.0.0.1", 0);
    co_return listener.value().port();
  }(runtime.executor()));
}

class NginxTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto environment = process::InheritedEnvironment();
    const std::string* path = process::FindVariable(environment, "PATH");
    const auto nginx = process::FindProgram("nginx", (path != nullptr ? *path : "") + ":/usr/sbin");
    const auto openssl = process::FindProgram("openssl", path != nullptr ? *path : "");
    if (!nginx || !openssl) GTEST_SKIP() << "nginx or openssl is not installed";
    const std::string made = fmt::format(
        "{} req -x509 -newkey rsa:2048 -nodes -keyout {}/key.pem -out {}/cert.pem -days 1 -subj "
        "/CN=localhost "
        "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null",
        *openssl, dir_.path().string(), dir_.path().string());
    ASSERT_EQ(std::system(made.c_str()), 0);
    tls_port_ = FreePort(runtime_);
    plain_port_ = FreePort(runtime_);
    plain2_port_ = FreePort(runtime_);
    dir_.Write("nginx.conf",
               fmt::format(R"(
daemon off; master_process off; error_log {0}/error.log; pid {0}/nginx.pid;
events {{}}
http {{
  access_log off; client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u;
  scgi_temp_path {0}/s;
  server {{
    listen 127.0.0.1:{1} ssl http2; listen 127.0.0.1:{2}; listen 127.0.0.1:{3} http2; listen unix:{0}/nginx.sock;
    ssl_certificate {0}/cert.pem; ssl_certificate_key {0}/key.pem;
    location / {{ default_type application/json; return 200 '{{"protocol": "$server_protocol", "host": "$host"}}'; }}
  }}
}}
)",
                           dir_.path().string(), tls_port_, plain_port_, plain2_port_));
    const process::Launch launch{
        .argv = {*nginx, "-c", (dir_ / "nginx.conf").string(), "-e", (dir_ / "error.log").string()},
        .environment = environment,
        .dies_with_parent = true};
    pid_ = process::Spawn(launch).value();
    WaitUntilReady();
  }

  void TearDown() override {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  void WaitUntilReady() {
    ASSERT_TRUE(runtime_.Run([](uint16_t port) -> net::Task<bool> {
      for (int attempt = 0; attempt < 100; ++attempt) {
        if (co_await net::Connect("127.0.0.1", port, Deadline::After(seconds(1)))) co_return true;
        co_await net::Sleep(milliseconds(50));
      }
      co_return false;
    }(plain_port_)))
        << testing_support::ReadFile(dir_ / "error.log");
  }

  base::Result<ClientResponse> Send(ClientRequest request) {
    return runtime_.Run([](net::Executor executor,
                           ClientRequest wanted) -> net::Task<base::Result<ClientResponse>> {
      Client client(executor);
      co_return co_await client.Send(std::move(wanted), Deadline::After(seconds(10)));
    }(runtime_.executor(), std::move(request)));
  }

  ClientRequest Secure() const {
    ClientRequest request{.url = fmt::format("https://localhost:{}/x", tls_port_)};
    request.tls.ca_file = (dir_ / "cert.pem").string();
    return request;
  }

  testing_support::TempDir dir_;
  net::Runtime runtime_;
  uint16_t tls_port_ = 0;
  uint16_t plain_port_ = 0;
  uint16_t plain2_port_ = 0;  ///< HTTP/2 without TLS
  pid_t pid_ = 0;
};

TEST_F(NginxTest, SpeaksHttp2OverTlsWhenTheServerOffersIt) {
  const auto response = Send(Secure());
  ASSERT_TRUE(response.has_value()) << response.error().ToString();
  EXPECT_EQ(response->version, "2");
  EXPECT_THAT(response->body, testing::HasSubstr("HTTP/2.0"));
  ASSERT_TRUE(response->certificate.has_value());
  EXPECT_THAT(response->certificate->subject, testing::HasSubstr("localhost"));
}

TEST_F(NginxTest, StaysWithHttp1WhenAsked) {
  ClientRequest request = Secure();
  request.version = HttpVersion::kHttp1;
  const auto response = Send(std::move(request));
  ASSERT_TRUE(response.has_value()) << response.error().ToString();
  EXPECT_EQ(response->version, "1.1");
  EXPECT_THAT(response->body, testing::HasSubstr("HTTP/1.1"));
}

// libcurl 7.88, Debian 12's, breaks a connection that it uses again this way.
TEST_F(NginxTest, SpeaksHttp2WithoutTlsTimeAndAgain) {
  const ClientRequest request{.url = fmt::format("http://127.0.0.1:{}/x", plain2_port_),
                              .version = HttpVersion::kHttp2PriorKnowledge};
  runtime_.Run([](net::Executor executor, const ClientRequest& wanted) -> net::Task<void> {
    Client client(executor);
    for (int i = 0; i < 3; ++i) {
      const auto response = co_await client.Send(wanted, Deadline::After(seconds(10)));
      EXPECT_TRUE(response.has_value()) << i << ": " << response.error().ToString();
      if (response) EXPECT_EQ(response->version, "2") << i;
    }
  }(runtime_.executor(), request));
}

TEST_F(NginxTest, RefusesACertificateThatNobodyTrusts) {
  ClientRequest request{.url = fmt::format("https://localhost:{}/x", tls_port_)};
  const auto refused = Send(request);
  ASSERT_FALSE(refused.has_value());
  request.tls.insecure = true;
  EXPECT_TRUE(Send(request).has_value());
}

TEST_F(NginxTest, GoesThroughASocketFile) {
  ClientRequest request{.url = "http://anything.example/x"};
  request.unix_socket = (dir_ / "nginx.sock").string();
  const auto response = Send(std::move(request));
  ASSERT_TRUE(response.has_value()) << response.error().ToString();
  EXPECT_THAT(response->body, testing::HasSubstr("anything.example"));
}

TEST_F(NginxTest, GoesThroughAProxy) {
  // nginx answers an absolute request line itself, which shows that the proxy was asked and not the
  // host.
  ClientRequest request{.url = "http://far.example/x"};
  request.proxy = fmt::format("http://127.0.0.1:{}", plain_port_);
  const auto response = Send(std::move(request));
  ASSERT_TRUE(response.has_value()) << response.error().ToString();
  EXPECT_THAT(response->body, testing::HasSubstr("far.example"));
}

}  // namespace
}  // namespace http
