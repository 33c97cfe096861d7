// What needs no broker: addresses, and tables on their way to the protocol and back.

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/net/runtime.h"
#include "lib/net/tcp.h"
#include "lib/queue/connection.h"
#include "lib/queue/internal/table.h"

namespace queue {
namespace {

using base::Deadline;
using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(QueueTarget, TakesUserPasswordAndVirtualHost) {
  const auto target = ParseTarget("amqp://ann:p%40w@mq.example/%2Fteam").value();
  EXPECT_EQ(target.user, "ann");
  EXPECT_EQ(target.password, "p@w");
  EXPECT_EQ(target.virtual_host, "/team");
  EXPECT_EQ(target.url.port, 5672);
  EXPECT_EQ(ParseTarget("amqps://h").value().url.port, 5671);
}

TEST(QueueTarget, HasTheDefaultsOfTheBroker) {
  for (const char* text : {"amqp://h", "amqp://h/"}) {
    const auto target = ParseTarget(text).value();
    EXPECT_EQ(target.user, "guest");
    EXPECT_EQ(target.password, "guest");
    EXPECT_EQ(target.virtual_host, "/");
  }
}

TEST(QueueTarget, RefusesOtherSchemes) {
  EXPECT_THAT(ParseTarget("http://h").error().message, HasSubstr("expected amqp:// or amqps://"));
}

TEST(QueueTable, KeepsEveryType) {
  const Table table = {{"none", {}},
                       {"yes", {true}},
                       {"whole", {int64_t{-9'000'000'000}}},
                       {"real", {0.25}},
                       {"text", {std::string("gr\xC3\xBC\xC3\x9F")}},
                       {"octets", {Octets{std::string("\x00\xff", 2)}}},
                       {"time", {std::chrono::sys_seconds(seconds(1'700'000'000))}},
                       {"list", {Field::List{{int64_t{1}}, {std::string("b")}}}},
                       {"table", {Table{{"inner", {Table{{"deep", {false}}}}}}}}};
  internal::Pool pool;
  EXPECT_EQ(internal::FromAmqp(internal::ToAmqp(table, pool)), table);
}

TEST(QueueProperties, KeepWhatIsSetAndNothingElse) {
  Properties properties;
  properties.content_type = "application/json";
  properties.persistent = false;
  properties.priority = 0;
  properties.headers = {{"x", {int64_t{1}}}};
  properties.timestamp = std::chrono::sys_seconds(seconds(5));
  internal::Pool pool;
  const Properties back = internal::FromAmqp(internal::ToAmqp(properties, pool));
  EXPECT_EQ(back.content_type, "application/json");
  EXPECT_FALSE(back.persistent);
  EXPECT_EQ(back.priority, 0);
  EXPECT_EQ(back.headers, properties.headers);
  EXPECT_EQ(back.timestamp, properties.timestamp);
  EXPECT_EQ(back.reply_to, "");
  EXPECT_FALSE(internal::FromAmqp(internal::ToAmqp(Properties{}, pool)).priority.has_value());
}

TEST(QueueConnection, SaysWhoDoesNotListen) {
  const auto refused =
      Connection::Open(ParseTarget("amqp://127.0.0.1:1").value(), {}, Deadline::After(seconds(20)));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(refused.error().hint, HasSubstr("broker runs"));
}

TEST(QueueConnection, WaitsForASilentPeerUntilTheDeadlineOnly) {
  net::Runtime runtime;
  const auto listener = net::Listen(runtime.executor(), "127.0.0.1", 0).value();
  const std::string url = "127.0.0.1:" + std::to_string(listener.port());
  for (const char* scheme : {"amqp://", "amqps://"}) {
    const auto late =
        Connection::Open(ParseTarget(scheme + url).value(), {}, Deadline::After(milliseconds(50)));
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, ErrorCode::kTimeout) << late.error().ToString();
  }
}

TEST(QueueConnection, EndsALoginOnRequest) {
  net::Runtime runtime;
  const auto listener = net::Listen(runtime.executor(), "127.0.0.1", 0).value();
  const std::string url = "amqp://127.0.0.1:" + std::to_string(listener.port());
  net::Cancellation stop;
  std::jthread other([&] { stop.Request(); });
  const auto stopped =
      Connection::Open(ParseTarget(url).value(), {.stop = &stop}, Deadline::Never());
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace queue
