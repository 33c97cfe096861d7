// Peers that do not keep to RFC 6455, byte by byte.

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "lib/http/server.h"
#include "lib/http/websocket/client.h"
#include "lib/http/websocket/server.h"
#include "lib/net/gather.h"
#include "lib/net/runtime.h"
#include "lib/net/tcp.h"

namespace http::websocket {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;
using namespace std::string_literals;

Deadline Soon() { return Deadline::After(10s); }

/// Reads until `end` is there, or the stream is over.
net::Task<Result<std::string>> ReadUntil(net::TcpStream& stream, std::string_view end) {
  std::string all;
  std::array<std::byte, 1024> buffer{};
  while (end.empty() || !all.contains(end)) {
    CO_TRY(const size_t got, co_await stream.Read(buffer, Soon()));
    if (got == 0) break;
    all.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
  co_return all;
}

/// RFC 6455 4.2.2: the key and a fixed text, SHA-1, base64.
std::string AcceptOf(const std::string& head) {
  const size_t at = head.find("Sec-WebSocket-Key: ") + 19;
  const std::string text =
      head.substr(at, head.find("\r\n", at) - at) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 64> encoded{};
  const int size = EVP_EncodeBlock(encoded.data(), digest.data(), digest.size());
  return {reinterpret_cast<const char*>(encoded.data()), static_cast<size_t>(size)};
}

/// An answer of a server; `{accept}` becomes the right key.
std::string Fill(std::string answer, const std::string& head) {
  const size_t at = answer.find("{accept}");
  if (at != std::string::npos) answer.replace(at, 8, AcceptOf(head));
  return answer;
}

const std::string kSwitching =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {accept}\r\n";

/// A server of bytes: answers one handshake, sends `frames`, ends its side and gives back what the
/// client sent afterwards.
net::Task<Result<std::string>> ServeBytes(net::TcpListener& listener, std::string answer,
                                          std::string frames) {
  CO_TRY(net::TcpStream stream, co_await listener.Accept(Soon()));
  CO_TRY(const std::string head, co_await ReadUntil(stream, "\r\n\r\n"));
  CO_TRY(co_await stream.Write(Fill(std::move(answer), head) + frames, Soon()));
  stream.FinishWriting();
  co_return co_await ReadUntil(stream, {});
}

net::Task<Result<std::string>> ReceiveOne(std::string url) {
  CO_TRY(Opening opening, co_await Open({.url = std::move(url)}, Soon()));
  if (!opening.connection) co_return std::to_string(opening.status);
  CO_TRY(const Message message, co_await opening.connection->Receive(Soon()));
  co_return std::string(ToString(message.type)) + " " + std::to_string(message.code) + " " +
      message.payload;
}

class WireTest : public testing::Test {
 protected:
  Result<std::string> Meet(std::string answer, std::string frames = {}) {
    auto listener = net::Listen(runtime_.executor(), "127.0.0.1", 0).value();
    std::vector<net::Task<Result<std::string>>> tasks;
    tasks.push_back(ServeBytes(listener, std::move(answer), std::move(frames)));
    tasks.push_back(ReceiveOne("ws://127.0.0.1:" + std::to_string(listener.port()) + "/"));
    auto results = runtime_.Run(net::WhenAll(std::move(tasks)));
    sent_ = results[0].value_or("");
    return std::move(results[1]);
  }
  Result<std::string> Frames(std::string frames) {
    return Meet(kSwitching + "\r\n", std::move(frames));
  }
  /// The code of the close frame that our client sent: masked, RFC 6455 5.2 and 5.5.1.
  int SentCode() const {
    const size_t at = sent_.find('\x88');
    if (at == std::string::npos || sent_.size() < at + 8) return 0;
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(sent_[at + i]); };
    return ((byte(6) ^ byte(2)) << 8) | (byte(7) ^ byte(3));
  }

  net::Runtime runtime_;
  std::string sent_;
};

TEST_F(WireTest, ReadsFramesOfEveryForm) {
  EXPECT_EQ(Frames("\x81\x05hello").value(), "text 0 hello");
  EXPECT_EQ(Frames("\x82\x02\x00\xff"s).value(), "binary 0 \x00\xff"s);
  EXPECT_EQ(Frames("\x01\x03hel\x89\x00\x80\x02lo"s).value(), "ping 0 ")
      << "control frames may stand between fragments";
  EXPECT_EQ(Frames("\x01\x03hel\x80\x02lo").value(), "text 0 hello");
  EXPECT_EQ(Frames("\x88\x02\x03\xe8").value(), "close 1000 ");
  EXPECT_EQ(Frames("\x88\x00"s).value(), "close 1005 ") << "no code";
}

TEST_F(WireTest, TextThatIsNotUtf8IsCorruptAndAnsweredWith1007) {
  const auto result = Frames("\x81\x02\xc3\x28");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(result.error().message, HasSubstr("not UTF-8"));
  EXPECT_EQ(SentCode(), kInvalidPayload);
}

TEST_F(WireTest, BrokenFramesAreCorruptAndAnsweredWith1002) {
  for (const std::string& frames : {
           "\xc1\x01x"s,                  // RSV1 without permessage-deflate
           "\x83\x00"s,                   // reserved opcode
           "\x80\x01x"s,                  // continuation of nothing
           "\x01\x01x\x81\x01y"s,         // a message inside another
           "\x09\x00"s,                   // fragmented ping
           "\x89\x7e\x00\x7e"s,           // ping over 125 bytes
           "\x81\x81\x00\x00\x00\x00x"s,  // masked by the server
           "\x81\x7e\x00\x03"
           "abc"s,               // a longer form of the length than needed
           "\x88\x01\x03"s,      // close with half a code
           "\x88\x02\x03\xed"s,  // close with 1005
       }) {
    const auto result = Frames(frames);
    ASSERT_FALSE(result.has_value()) << testing::PrintToString(frames);
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt) << testing::PrintToString(frames);
    EXPECT_EQ(SentCode(), kProtocolError) << testing::PrintToString(frames);
  }
}

TEST_F(WireTest, AnOversizedLengthIsRefusedBeforeItsBytesCome) {
  const auto result = Frames("\x82\x7f\x00\x00\x00\xff\x00\x00\x00\x00"s);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(SentCode(), kTooBig);
}

TEST_F(WireTest, AFrameThatIsCutOffEndsWith1006) {
  EXPECT_THAT(Frames("\x81\x05hel").value(), StartsWith("close 1006 "));
  EXPECT_THAT(Frames("").value(), StartsWith("close 1006 "));
}

TEST_F(WireTest, AnswersThatMayNotBeAcceptedAreCorrupt) {
  const std::string head = "HTTP/1.1 101 Switching Protocols\r\n";
  EXPECT_EQ(Meet(head + "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n")
                .error()
                .code,
            ErrorCode::kCorrupt);
  const auto chosen = Meet(kSwitching + "Sec-WebSocket-Protocol: other\r\n\r\n");
  ASSERT_FALSE(chosen.has_value());
  EXPECT_THAT(chosen.error().message, HasSubstr("the subprotocol \"other\""));
  const auto extension = Meet(kSwitching + "Sec-WebSocket-Extensions: x-other\r\n\r\n");
  ASSERT_FALSE(extension.has_value());
  EXPECT_EQ(extension.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(Meet("220 smtp ready\r\n").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(Meet("").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Meet("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").value(), "200");
}

net::Task<Result<std::string>> SendBytes(uint16_t port, std::string bytes) {
  CO_TRY(net::TcpStream stream, co_await net::Connect("127.0.0.1", port, Soon()));
  CO_TRY(co_await stream.Write(bytes, Soon()));
  stream.FinishWriting();
  co_return co_await ReadUntil(stream, {});
}

class AcceptTest : public testing::Test {
 protected:
  AcceptTest()
      : server_(Server::Start(
                    runtime_.executors(),
                    [](Request& request) -> net::Task<Response> {
                      co_return Accept(request, {}, [](Connection& connection) -> net::Task<void> {
                        const auto got = co_await connection.Receive(Soon());
                        if (!got) co_return;
                        (void)co_await connection.Send(MessageType::kText, got->payload, Soon());
                      });
                    },
                    {})
                    .value()) {}
  ~AcceptTest() override { runtime_.Run(server_->Shutdown(Deadline::After(100ms))); }

  std::string Send(std::string fields, std::string after = {}) {
    return runtime_
        .Run(SendBytes(server_->port(), "GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n" + after))
        .value_or("");
  }

  net::Runtime runtime_;
  std::unique_ptr<Server> server_;
};

const std::string kUpgrade = "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n";
const std::string kKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

TEST_F(AcceptTest, AnswersTheKeyOfTheStandard) {
  // The example of RFC 6455 1.3.
  EXPECT_THAT(Send(kUpgrade + kKey + "Sec-WebSocket-Version: 13\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 101 "),
                             HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
}

TEST_F(AcceptTest, RefusesWhatIsNoUpgradeWithTheReason) {
  EXPECT_THAT(Send(""), StartsWith("HTTP/1.1 426 "));
  EXPECT_THAT(Send(kUpgrade + kKey + "Sec-WebSocket-Version: 8\r\n"),
              testing::AllOf(StartsWith("HTTP/1.1 426 "), HasSubstr("Sec-WebSocket-Version: 13")));
  EXPECT_THAT(Send(kUpgrade + "Sec-WebSocket-Version: 13\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Send(kUpgrade + "Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(AcceptTest, RefusesFramesBeforeTheAnswer) {
  EXPECT_THAT(Send(kUpgrade + kKey + "Sec-WebSocket-Version: 13\r\n", "\x81\x80\x01\x02\x03\x04"),
              StartsWith("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace http::websocket
