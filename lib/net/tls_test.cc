#include "lib/net/tls.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/net/gather.h"
#include "lib/net/runtime.h"
#include "lib/testing/certificate.h"
#include "lib/testing/temp_dir.h"

namespace net {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using testing::HasSubstr;
using namespace std::chrono_literals;

Deadline Soon() { return Deadline::After(10s); }

Task<Result<std::string>> ReadAll(ByteStream& stream) {
  std::string all;
  std::array<std::byte, 4096> buffer{};
  while (true) {
    CO_TRY(const size_t got, co_await stream.Read(buffer, Soon()));
    if (got == 0) co_return all;
    all.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
}

Task<Result<std::string>> Greet(TcpListener& listener, TlsContext context, std::string greeting) {
  CO_TRY(TcpStream stream, co_await listener.Accept(Soon()));
  CO_TRY(const auto tls, co_await TlsAccept(std::move(stream), std::move(context), Soon()));
  CO_TRY(co_await tls->Write(std::as_bytes(std::span(greeting)), Soon()));
  co_return greeting;
}

Task<Result<std::string>> Visit(uint16_t port, TlsContext context, std::string name) {
  CO_TRY(TcpStream stream, co_await Connect("127.0.0.1", port, Soon()));
  CO_TRY(const auto tls,
         co_await TlsConnect(std::move(stream), std::move(context), std::move(name), Soon()));
  co_return co_await ReadAll(*tls);
}

class TlsTest : public testing::Test {
 protected:
  Result<std::string> Meet(const TlsClientOptions& client, TlsServerOptions server,
                           std::string name = "127.0.0.1", std::string greeting = "hello") {
    auto listener = Listen(runtime_.executor(), "127.0.0.1", 0).value();
    std::vector<Task<Result<std::string>>> tasks;
    tasks.push_back(Greet(listener, TlsContext::ForServer(server).value(), std::move(greeting)));
    tasks.push_back(Visit(listener.port(), TlsContext::ForClient(client).value(), std::move(name)));
    return runtime_.Run(WhenAll(std::move(tasks)))[1];
  }

  testing_support::TempDir dir_;
  testing_support::CertificateFiles own_ = testing_support::MakeCertificate(dir_.path(), "own");
  testing_support::CertificateFiles other_ = testing_support::MakeCertificate(dir_.path(), "other");
  TlsServerOptions server_{.certificate = own_.certificate, .key = own_.key};
  Runtime runtime_;
};

TEST_F(TlsTest, CarriesBytesWhenTheCaIsTrusted) {
  EXPECT_EQ(Meet({.ca_file = own_.certificate}, server_).value(), "hello");
  EXPECT_EQ(Meet({.ca_file = own_.certificate}, server_, "localhost").value(), "hello");
  const std::string much(3 << 20, 'x');
  EXPECT_EQ(Meet({.ca_file = own_.certificate}, server_, "localhost", much).value(), much);
}

TEST_F(TlsTest, RefusesACertificateOfAnotherCa) {
  const auto result = Meet({.ca_file = other_.certificate}, server_);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(result.error().message, HasSubstr("the certificate is refused: "));
  EXPECT_FALSE(result.error().hint.empty());
  EXPECT_TRUE(Meet({.insecure = true}, server_).has_value()) << "unless told to take any";
}

TEST_F(TlsTest, RefusesACertificateForAnotherName) {
  const auto result = Meet({.ca_file = own_.certificate}, server_, "example.org");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
}

TEST_F(TlsTest, AServerMayDemandACertificateOfTheClient) {
  server_.client_ca = other_.certificate;
  // With TLS 1.3 the client learns of the refusal when it reads.
  EXPECT_NE(Meet({.ca_file = own_.certificate}, server_).value_or(""), "hello");
  EXPECT_EQ(
      Meet({.ca_file = own_.certificate, .certificate = other_.certificate, .key = other_.key},
           server_)
          .value(),
      "hello");
}

TEST_F(TlsTest, SaysWhichFileIsWrong) {
  const std::string text = (dir_.path() / "text.pem").string();
  std::ofstream(text) << "no certificate";
  const auto missing = TlsContext::ForClient({.ca_file = "no-such-file.pem"});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(TlsContext::ForClient({.ca_file = text}).error().message, HasSubstr("text.pem"));
  EXPECT_THAT(TlsContext::ForServer({.certificate = text, .key = own_.key}).error().message,
              HasSubstr("text.pem"));
  EXPECT_THAT(
      TlsContext::ForServer({.certificate = own_.certificate, .key = other_.key}).error().message,
      HasSubstr("other.key"));
}

Task<Result<std::string>> TalkPlainly(TcpListener& listener) {
  CO_TRY(TcpStream stream, co_await listener.Accept(Soon()));
  CO_TRY(co_await stream.Write("this is no TLS\r\n", Soon()));
  co_return "";
}

TEST_F(TlsTest, APeerWithoutTlsIsUnavailable) {
  auto listener = Listen(runtime_.executor(), "127.0.0.1", 0).value();
  std::vector<Task<Result<std::string>>> tasks;
  tasks.push_back(TalkPlainly(listener));
  tasks.push_back(
      Visit(listener.port(), TlsContext::ForClient({.insecure = true}).value(), "localhost"));
  const auto result = runtime_.Run(WhenAll(std::move(tasks)))[1];
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(result.error().message, HasSubstr("cannot start TLS with 127.0.0.1:"));
}

Task<Result<std::string>> HandshakeWithTheMute(uint16_t port) {
  CO_TRY(TcpStream stream, co_await Connect("127.0.0.1", port, Soon()));
  CO_TRY(auto context, TlsContext::ForClient({.insecure = true}));
  CO_TRY(const auto tls, co_await TlsConnect(std::move(stream), std::move(context), "localhost",
                                             Deadline::After(20ms)));
  co_return "";
}

TEST_F(TlsTest, AHandshakeThatNobodyAnswersTimesOut) {
  auto listener = Listen(runtime_.executor(), "127.0.0.1", 0).value();
  const auto result = runtime_.Run(HandshakeWithTheMute(listener.port()));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kTimeout);
}

}  // namespace
}  // namespace net
