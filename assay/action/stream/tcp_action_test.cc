// The tcp action against servers that the tests start: bytes, lines, HL7 over MLLP, plain and TLS.

#include "assay/action/stream/tcp_action.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/testing_context.h"
#include "assay/cel/json.h"
#include "lib/formats/hl7/message.h"
#include "lib/formats/hl7/mllp.h"
#include "lib/json/parse.h"
#include "lib/net/gather.h"
#include "lib/net/timer.h"
#include "lib/net/tls.h"
#include "lib/testing/certificate.h"

namespace assay::action {
namespace {

using base::Deadline;
using base::Result;
using cel::Value;
using history::Disposition;
using history::Outcome;
using testing::HasSubstr;
using namespace std::chrono_literals;

Deadline Soon() { return Deadline::After(10s); }

/// What a server does with one connection.
using Serve = std::function<net::Task<Result<void>>(net::ByteStream&)>;

net::Task<Result<std::string>> ReadAtLeast(net::ByteStream& stream, size_t size) {
  std::string text;
  std::array<std::byte, 4096> buffer{};
  while (text.size() < size) {
    CO_TRY(const size_t got, co_await stream.Read(buffer, Soon()));
    if (got == 0) break;
    text.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
  co_return text;
}

net::Task<Result<void>> Write(net::ByteStream& stream, std::string text) {
  co_return co_await stream.Write(std::as_bytes(std::span(text)), Soon());
}

/// Says `text` and closes.
Serve Say(std::string text) {
  return [text](net::ByteStream& stream) { return Write(stream, text); };
}

/// Waits for `request`, says `text` and closes.
Serve Answer(std::string request, std::string text) {
  return [request, text](net::ByteStream& stream) -> net::Task<Result<void>> {
    CO_TRY(const std::string got, co_await ReadAtLeast(stream, request.size()));
    EXPECT_EQ(got, request);
    co_return co_await Write(stream, text);
  };
}

/// Says `text` and waits until the other side closes.
Serve SayAndWait(std::string text) {
  return [text](net::ByteStream& stream) -> net::Task<Result<void>> {
    CO_TRY(co_await Write(stream, text));
    CO_TRY(co_await ReadAtLeast(stream, SIZE_MAX));
    co_return Result<void>();
  };
}

/// A receiver of HL7 messages: acknowledges each with what `judge` says of it.
using Judge = std::function<std::string(const formats::hl7::Message&)>;
net::Task<Result<void>> Acknowledge(net::ByteStream& stream, Judge judge,
                                    std::vector<std::string>* seen) {
  formats::hl7::MllpDecoder decoder(1 << 20);
  std::array<std::byte, 4096> buffer{};
  int number = 0;
  while (true) {
    CO_TRY(const size_t got, co_await stream.Read(buffer, Soon()));
    if (got == 0) co_return Result<void>();
    CO_TRY(decoder.Feed({reinterpret_cast<const char*>(buffer.data()), got}));
    while (const auto message = decoder.Next()) {
      seen->push_back(*message);
      CO_TRY(const auto parsed, formats::hl7::Parse(*message));
      const auto answer = formats::hl7::MakeAcknowledgement(
          parsed, judge(parsed), "ACK" + std::to_string(++number), "seen");
      CO_TRY(const std::string framed, formats::hl7::MllpFrame(formats::hl7::Encode(answer)));
      CO_TRY(co_await Write(stream, framed));
    }
  }
}

class TcpActionTest : public testing::Test {
 protected:
  Outcome Run(Serve serve, std::string_view json,
              std::initializer_list<std::pair<std::string_view, Value>> receive = {}) {
    cel::MapBuilder params;
    const Value given = cel::ParseJson(json).value();
    for (const auto& [key, value] : given.map().entries()) params.Set(key, value);
    if (receive.size() > 0) params.Set("receive", Value::Object(receive));
    return runtime_.Run(Session(std::move(serve), std::move(params).Build()));
  }

  net::Task<Outcome> Session(Serve serve, Value params) {
    auto listener = net::Listen(runtime_.executor(), "127.0.0.1", 0).value();
    context_.endpoints["device"] =
        std::string(secure_ ? "tls" : "tcp") + "://127.0.0.1:" + std::to_string(listener.port());
    std::vector<net::Task<Outcome>> tasks;
    tasks.push_back(context_.RunOn(runtime_.executor(), action_, std::move(params)));
    tasks.push_back(One(listener, std::move(serve)));
    auto outcomes = co_await net::WhenAll(std::move(tasks));
    co_return std::move(outcomes[0]);
  }

  net::Task<Outcome> One(net::TcpListener& listener, Serve serve) {
    auto tcp = co_await listener.Accept(Deadline::After(2s));
    if (!tcp) co_return Outcome{};  // the action did not get so far
    if (!secure_) {
      const auto stream = net::OverTcp(std::move(*tcp));
      static_cast<void>(co_await serve(*stream));
      co_return Outcome{};
    }
    auto context = net::TlsContext::ForServer(
        {.certificate = certificate_.certificate, .key = certificate_.key});
    auto stream = co_await net::TlsAccept(std::move(*tcp), *std::move(context), Soon());
    if (stream) static_cast<void>(co_await serve(**stream));
    co_return Outcome{};
  }

  static std::string Text(const Outcome& outcome, std::string_view key) {
    const Value* value = outcome.value.Find(key);
    return value == nullptr || !value->is_string() ? "(absent)" : std::string(value->string());
  }

  net::Runtime runtime_;
  TestContext context_;
  TcpAction action_;
  bool secure_ = false;
  testing_support::CertificateFiles certificate_ =
      testing_support::MakeCertificate(context_.dir().path(), "device");
};

TEST_F(TcpActionTest, SpeaksMllpOverTls) {
  secure_ = true;
  std::vector<std::string> seen;
  Serve receiver = [&](net::ByteStream& stream) {
    return Acknowledge(stream, [](const auto&) { return "AA"; }, &seen);
  };
  const std::string message = R"("endpoint": "device", "mode": "mllp", "send": "MSH|^~\\&|A")";
  const Outcome trusted = Run(receiver, "{" + message + R"(, "tls": {"ca": "device.pem"}})");
  ASSERT_EQ(trusted.disposition, Disposition::kAnswered) << trusted.error->ToString();
  EXPECT_EQ(Text(trusted, "ack"), "AA");
  const Outcome unknown = Run(receiver, "{" + message + "}");
  ASSERT_EQ(unknown.disposition, Disposition::kError);
  EXPECT_THAT(unknown.error->message, HasSubstr("the certificate is refused"));
  EXPECT_EQ(Text(Run(receiver, "{" + message + R"(, "tls": {"insecure": true}})"), "ack"), "AA");
}

TEST_F(TcpActionTest, SendsAndReceivesUntilTheOtherSideCloses) {
  const Outcome outcome =
      Run(Answer("ping", "pong\x01"),
          R"({"endpoint": "device", "send": "ping", "receive": {"close": true}})");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->ToString();
  EXPECT_EQ(Text(outcome, "text"), "pong\x01");
  EXPECT_EQ(outcome.value.Find("bytes")->bytes(), "pong\x01");
  EXPECT_EQ(Text(outcome, "ended"), "closed");
  EXPECT_EQ(Text(outcome, "unmet"), "");
  EXPECT_TRUE(outcome.value.Find("closed")->is_true());
}

TEST_F(TcpActionTest, TakesExactlyTheBytesThatAreWanted) {
  const Outcome outcome =
      Run(SayAndWait("0123456789"), R"({"endpoint": "device", "receive": {"bytes": 4}})");
  EXPECT_EQ(Text(outcome, "text"), "0123");
  EXPECT_EQ(Text(outcome, "ended"), "bytes");
}

TEST_F(TcpActionTest, ReceivesUpToADelimiter) {
  Serve slowly = [](net::ByteStream& stream) -> net::Task<Result<void>> {
    for (const char* piece : {"abc-", "-", "-x"}) CO_TRY(co_await Write(stream, piece));
    CO_TRY(co_await ReadAtLeast(stream, SIZE_MAX));
    co_return Result<void>();
  };
  const Outcome outcome = Run(slowly, R"({"endpoint": "device", "receive": {"until": "---"}})");
  EXPECT_EQ(Text(outcome, "text"), "abc---");
  EXPECT_EQ(Text(outcome, "ended"), "until");
}

TEST_F(TcpActionTest, ReceivesUntilNothingComesForAWhile) {
  const Outcome outcome =
      Run(SayAndWait("abc"), R"({"endpoint": "device"})", {{"idle", Value::Duration(20ms)}});
  EXPECT_EQ(Text(outcome, "text"), "abc");
  EXPECT_EQ(Text(outcome, "ended"), "idle");
}

TEST_F(TcpActionTest, SaysWhatWasStillExpectedWhenTheOtherSideCloses) {
  EXPECT_EQ(Text(Run(Say("abc"), R"({"endpoint": "device", "receive": {"bytes": 4}})"), "unmet"),
            "the connection was closed after 3 bytes, expected 4");
  EXPECT_THAT(
      Text(Run(Say("abc"), R"({"endpoint": "device", "receive": {"until": "|"}})"), "unmet"),
      HasSubstr("without the delimiter"));
  EXPECT_THAT(
      Text(Run(Say("a\r\nb"), R"({"endpoint": "device", "mode": "line", "receive": {"lines": 2}})"),
           "unmet"),
      HasSubstr("with 1 of 2 lines"));
}

TEST_F(TcpActionTest, SpeaksInLines) {
  const Outcome outcome = Run(Answer("EHLO me\r\nQUIT\r\n", "250-a\r\n250 b\r\n221 bye\r\n"),
                              R"({"endpoint": "device", "mode": "line", "send": ["EHLO me", "QUIT"],
              "receive": {"lines": 3}})");
  EXPECT_EQ(*outcome.value.Find("lines"),
            cel::ParseJson(R"(["250-a", "250 b", "221 bye"])").value());
  const Outcome one =
      Run(Answer("PING\n", "PONG\nmore"),
          R"({"endpoint": "device", "mode": "line", "line_end": "lf", "send": "PING"})");
  EXPECT_EQ(*one.value.Find("lines"), cel::ParseJson(R"(["PONG"])").value());
}

TEST_F(TcpActionTest, EndsItsDirectionWhenAsked) {
  Serve echo = [](net::ByteStream& stream) -> net::Task<Result<void>> {
    CO_TRY(const std::string all, co_await ReadAtLeast(stream, SIZE_MAX));
    co_return co_await Write(stream, all + "!");
  };
  const Outcome outcome =
      Run(echo,
          R"({"endpoint": "device", "send": "a", "half_close": true, "receive": {"close": true}})");
  EXPECT_EQ(Text(outcome, "text"), "a!");
}

TEST_F(TcpActionTest, ExchangesHl7MessagesOverMllp) {
  std::vector<std::string> seen;
  Serve receiver = [&](net::ByteStream& stream) {
    return Acknowledge(
        stream, [](const auto& m) { return m.Value("PID", {3}) == "bad" ? "AE" : "AA"; }, &seen);
  };
  const Outcome outcome = Run(receiver, R"({"endpoint": "device", "mode": "mllp",
    "send": {"MSH": {"9": {"1": "ADT", "2": "A01"}, "10": "M1", "12": "2.5.1"},
             "PID": {"3": "123", "5": {"1": "DOE", "2": "JOHN"}}}})");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->ToString();
  EXPECT_THAT(seen,
              testing::ElementsAre("MSH|^~\\&|||||||ADT^A01|M1||2.5.1\rPID|||123||DOE^JOHN\r"));
  EXPECT_EQ(Text(outcome, "ack"), "AA");
  const Value& message = *outcome.value.Find("message");
  EXPECT_EQ(message.Find("MSA")->list()[0].Find("1")->string(), "AA");
  EXPECT_EQ(message.Find("MSA")->list()[0].Find("2")->string(), "M1");
  EXPECT_EQ(message.Find("MSH")->list()[0].Find("9.2")->string(), "A01");
  EXPECT_TRUE(outcome.value.Find("acks")->list()[0].Find("matches")->is_true());
  EXPECT_EQ(Text(outcome, "ended"), "messages");
}

TEST_F(TcpActionTest, EachMessageWaitsForTheAnswerToTheOneBefore) {
  std::vector<std::string> seen;
  Serve receiver = [&](net::ByteStream& stream) {
    return Acknowledge(
        stream, [](const auto& m) { return m.Value("PID", {3}) == "bad" ? "AE" : "AA"; }, &seen);
  };
  const Outcome outcome = Run(receiver, R"({"endpoint": "device", "mode": "mllp", "send": [
    {"message": "MSH|^~\\&|A|||||||M1\nPID|||good"}, {"message": {"MSH": {"10": "M2"}, "PID": {"3": "bad"}}}]})");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->ToString();
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_EQ(Text(outcome, "ack"), "AE") << "of the last one";
  const auto acks = outcome.value.Find("acks")->list();
  EXPECT_EQ(acks[0].Find("code")->string(), "AA");
  EXPECT_EQ(acks[1].Find("control_id")->string(), "M2");
}

TEST_F(TcpActionTest, AnAnswerThatIsNoHl7IsKeptAndExplained) {
  const Outcome outcome =
      Run(SayAndWait("\x0BMSH|^~\\&|A\nMSA|AA|1\x1C\r"),
          R"({"endpoint": "device", "mode": "mllp", "receive": {"messages": 1}})");
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered);
  EXPECT_TRUE(outcome.value.Find("message")->is_null());
  EXPECT_THAT(Text(outcome, "message_error"), HasSubstr("a line feed (0x0A)"));
  EXPECT_THAT(Text(outcome, "text"), HasSubstr("MSA|AA|1"));
}

TEST_F(TcpActionTest, AViolationOfTheFramingIsAnError) {
  const Outcome outcome =
      Run(SayAndWait("MSH|^~\\&|A\r"),
          R"({"endpoint": "device", "mode": "mllp", "receive": {"messages": 1}})");
  ASSERT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_EQ(outcome.error->code, base::ErrorCode::kCorrupt);
  EXPECT_THAT(outcome.error->message, HasSubstr("begins with 0x0B, found 0x4D"));
}

TEST_F(TcpActionTest, AMessageThatIsCutOffIsUnmet) {
  const Outcome outcome = Run(Answer("\x0BMSH|^~\\&|A\r\x1C\r", "\x0BMSH|^~"),
                              R"({"endpoint": "device", "mode": "mllp", "send": "MSH|^~\\&|A"})");
  EXPECT_EQ(Text(outcome, "unmet"), "the connection was closed inside message 1");
  EXPECT_EQ(Text(Run(Answer("\x0BMSH|^~\\&|A\r\x1C\r", ""),
                     R"({"endpoint": "device", "mode": "mllp", "send": "MSH|^~\\&|A"})"),
                 "unmet"),
            "the connection was closed with 0 of 1 messages");
}

TEST_F(TcpActionTest, MoreThanTheLimitIsAnErrorWithWhatCame) {
  const Outcome outcome =
      Run(SayAndWait("0123456789"),
          R"({"endpoint": "device", "receive": {"close": true}, "max_receive": 4})");
  ASSERT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_EQ(outcome.error->code, base::ErrorCode::kTooLarge);
  EXPECT_EQ(Text(outcome, "text"), "0123");
}

TEST_F(TcpActionTest, ASilentPeerTimesOut) {
  context_.timeout = 50ms;
  const Outcome outcome =
      Run(SayAndWait("abc"), R"({"endpoint": "device", "receive": {"close": true}})");
  ASSERT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_EQ(outcome.error->code, base::ErrorCode::kTimeout);
  EXPECT_EQ(Text(outcome, "text"), "abc") << "what came is kept";
}

TEST_F(TcpActionTest, TheTranscriptHasBothDirections) {
  const Outcome outcome =
      Run(Answer("ping", "pong"),
          R"({"endpoint": "device", "send": "ping", "receive": {"close": true}})");
  const auto record = json::Parse(context_.blobs().Get(outcome.transcript).value()).value();
  EXPECT_EQ(record.at("kind").as_string(), "tcp");
  const auto& messages = record.at("messages").as_array();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].at("direction").as_string(), "sent");
  EXPECT_EQ(messages[0].at("body").at("preview").as_string(), "ping");
  EXPECT_EQ(messages[1].at("direction").as_string(), "received");
  EXPECT_EQ(messages[1].at("body").at("preview").as_string(), "pong");
}

TEST_F(TcpActionTest, MistakesAreNamed) {
  const auto message = [&](std::string_view params) {
    const Outcome outcome = context_.Run(action_, cel::ParseJson(params).value());
    return outcome.error ? outcome.error->message : "no error";
  };
  context_.endpoints["web"] = "http://user:secret@127.0.0.1:80";
  EXPECT_EQ(message(R"({"endpoint": "web"})"),
            "\"http://127.0.0.1:80\" is no address; expected tcp://host:port or tls://host:port");
  EXPECT_THAT(message(R"({"endpoint": "nobody"})"), HasSubstr("no endpoint \"nobody\""));
  for (const char* address : {"tcp://", "tcp://h", "tcp://:1", "tcp://h:0", "tcp://h:x",
                              "tcp://h:99999", "tcp://u@h:1", "tcp://h:1/x"}) {
    EXPECT_THAT(message(std::string(R"({"endpoint": ")") + address + "\"}"),
                HasSubstr("is no address"));
  }
  EXPECT_THAT(message(R"({"endpoint": "tcp://127.0.0.1:1", "receive": {"lines": 1}})"),
              HasSubstr("what the mode knows"));
  EXPECT_THAT(message(R"({"endpoint": "tcp://127.0.0.1:1", "receive": {"until": ""}})"),
              HasSubstr("receive.until"));
  EXPECT_THAT(message(R"({"endpoint": "tcp://127.0.0.1:1", "receive": {"bytes": -1}})"),
              HasSubstr("receive.bytes"));
  EXPECT_THAT(message(R"({"endpoint": "tcp://127.0.0.1:1", "mode": "mllp", "send": "PID|1"})"),
              HasSubstr("begins with MSH"));
  EXPECT_THAT(message(R"({"endpoint": "tcp://127.0.0.1:1"})"), HasSubstr("connection refused"));
}

}  // namespace
}  // namespace assay::action
