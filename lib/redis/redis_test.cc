// What needs no server: addresses, kinds of refusals, and what is no Redis at all.

#include <array>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/net/runtime.h"
#include "lib/net/tcp.h"
#include "lib/redis/client.h"
#include "lib/redis/subscription.h"

namespace redis {
namespace {

using base::Deadline;
using base::ErrorCode;
using testing::HasSubstr;

Deadline Soon() { return Deadline::After(std::chrono::seconds(20)); }

TEST(RedisTarget, TakesUserPasswordAndDatabase) {
  const auto target = ParseTarget("redis://ann:pw@cache.example/3").value();
  EXPECT_EQ(target.url.user, "ann");
  EXPECT_EQ(target.url.password, "pw");
  EXPECT_EQ(target.url.port, 6379);
  EXPECT_EQ(target.database, 3);
  EXPECT_FALSE(target.url.secure);
  EXPECT_TRUE(ParseTarget("rediss://h").value().url.secure);
}

TEST(RedisTarget, RefusesWhatIsNoDatabase) {
  for (const char* text : {"redis://h/one", "redis://h/-1", "redis://h/1/2"}) {
    const auto target = ParseTarget(text);
    ASSERT_FALSE(target.has_value()) << text;
    EXPECT_THAT(target.error().message, HasSubstr("is no number of a redis database"));
  }
}

TEST(RedisErrors, HaveTheCodeOfTheirKind) {
  const std::pair<const char*, ErrorCode> cases[] = {
      {"WRONGTYPE Operation against a key", ErrorCode::kInvalid},
      {"ERR unknown command", ErrorCode::kInvalid},
      {"NOAUTH Authentication required.", ErrorCode::kUnauthorized},
      {"WRONGPASS invalid username-password pair", ErrorCode::kUnauthorized},
      {"NOPERM this user has no permissions", ErrorCode::kForbidden},
      {"LOADING Redis is loading the dataset", ErrorCode::kUnavailable},
      {"READONLY You can't write against a read only replica.", ErrorCode::kUnavailable},
      {"OOM command not allowed", ErrorCode::kExhausted},
      {"MOVED 3999 127.0.0.1:6381", ErrorCode::kUnsupported},
      {"EXECABORT Transaction discarded", ErrorCode::kConflict}};
  for (const auto& [text, code] : cases) {
    const base::Error error = ToError({text}, "GET");
    EXPECT_EQ(error.code, code) << text;
    EXPECT_EQ(error.message, std::string("redis refused GET: ") + text);
  }
}

TEST(RedisReply, GivesTheTextOfStringsAndStatuses) {
  EXPECT_EQ(*Reply{std::string("a")}.text(), "a");
  EXPECT_EQ(*Reply{StatusReply{"OK"}}.text(), "OK");
  EXPECT_EQ(Reply{int64_t{1}}.text(), nullptr);
  EXPECT_TRUE(Reply{}.is_nil());
}

TEST(RedisConnection, SaysWhoDoesNotListen) {
  const auto refused = Connection::Open(ParseTarget("redis://127.0.0.1:1").value(), {}, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(refused.error().hint, HasSubstr("redis server runs"));
}

TEST(RedisConnection, RefusesACommandWithoutWords) {
  net::Runtime runtime;
  const auto listener = net::Listen(runtime.executor(), "127.0.0.1", 0).value();
  const std::string url = "redis://127.0.0.1:" + std::to_string(listener.port());
  auto connection = Connection::Open(ParseTarget(url).value(), {}, Soon()).value();
  const auto refused = connection->Execute({}, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
}

TEST(RedisSubscription, NeedsATopic) {
  const auto refused =
      Subscription::Open(ParseTarget("redis://127.0.0.1:1").value(), {}, {}, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
}

// Answers the first connection with `text`, whatever it is asked.
class Answering {
 public:
  explicit Answering(std::string text)
      : listener_(net::Listen(runtime_.executor(), "127.0.0.1", 0).value()),
        thread_([this, answer = std::move(text)] {
          runtime_.Run([](net::TcpListener& listener, std::string bytes) -> net::Task<void> {
            auto stream = (co_await listener.Accept(Soon())).value();
            std::array<std::byte, 256> buffer{};
            static_cast<void>(co_await stream.Read(buffer, Soon()));
            static_cast<void>(co_await stream.Write(bytes, Soon()));
            static_cast<void>(co_await stream.Read(buffer, Soon()));
          }(listener_, answer));
        }) {}
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(listener_.port()); }

 private:
  net::Runtime runtime_;
  net::TcpListener listener_;
  std::jthread thread_;
};

base::Result<Reply> Ask(const std::string& answer, ConnectionOptions options = {}) {
  const Answering peer(answer);
  auto connection = Connection::Open(ParseTarget(peer.url()).value(), options, Soon());
  return (*connection)->Execute({"GET", "x"}, Soon());
}

TEST(RedisConnection, ReadsEveryType) {
  EXPECT_EQ(Ask(":42\r\n").value(), Reply{int64_t{42}});
  EXPECT_EQ(Ask("$-1\r\n").value(), Reply{});
  EXPECT_EQ(Ask("*-1\r\n").value(), Reply{});
  EXPECT_EQ(Ask("+OK\r\n").value(), Reply{StatusReply{"OK"}});
  EXPECT_EQ(Ask("-ERR no\r\n").value(), Reply{ErrorReply{"ERR no"}});
  EXPECT_EQ(Ask(std::string("$3\r\na\0b\r\n", 9)).value(), Reply{std::string("a\0b", 3)});
  const Reply nested{Reply::Array{Reply{int64_t{1}}, Reply{Reply::Array{Reply{}}}}};
  EXPECT_EQ(Ask("*2\r\n:1\r\n*1\r\n$-1\r\n").value(), nested);
}

TEST(RedisConnection, SaysWhenThePeerIsNoRedis) {
  const auto answer = Ask("HTTP/1.1 400 Bad Request\r\n\r\n");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(answer.error().message, HasSubstr("does not answer as a redis server does"));
}

TEST(RedisConnection, BoundsAReply) {
  const auto answer = Ask("$2000\r\n" + std::string(2000, 'x') + "\r\n", {.max_reply_bytes = 1000});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace redis
