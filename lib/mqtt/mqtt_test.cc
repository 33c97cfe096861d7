// What needs no broker: addresses and topics.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/mqtt/connection.h"
#include "lib/net/runtime.h"
#include "lib/net/tcp.h"

namespace mqtt {
namespace {

using base::Deadline;
using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(MqttTarget, TakesAnAddressWithoutPath) {
  EXPECT_EQ(ParseTarget("mqtt://ann:pw@h").value().url.port, 1883);
  EXPECT_EQ(ParseTarget("mqtts://h/").value().url.port, 8883);
  EXPECT_THAT(ParseTarget("mqtt://h/topic").error().message, HasSubstr("has no path"));
}

TEST(MqttTopic, HasNoWildcards) {
  EXPECT_TRUE(CheckTopic("sensors/1/temperature").has_value());
  for (const char* topic : {"", "sensors/+", "sensors/#", "a\xff"}) {
    EXPECT_FALSE(CheckTopic(topic).has_value()) << topic;
  }
  EXPECT_FALSE(CheckTopic(std::string("a\0b", 3)).has_value());
}

TEST(MqttFilter, HasWildcardsForWholeLevelsOnly) {
  for (const char* filter : {"a", "+", "#", "a/+/b", "a/#"}) {
    EXPECT_TRUE(CheckFilter(filter).has_value()) << filter;
  }
  for (const char* filter : {"", "a+/b", "a/#/b", "a#"}) {
    const auto refused = CheckFilter(filter);
    ASSERT_FALSE(refused.has_value()) << filter;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  }
}

TEST(MqttConnection, SaysWhoDoesNotListen) {
  const auto refused =
      Connection::Open(ParseTarget("mqtt://127.0.0.1:1").value(), {}, Deadline::After(seconds(20)));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable) << refused.error().ToString();
  EXPECT_THAT(refused.error().message, HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(refused.error().hint, HasSubstr("broker runs"));
}

TEST(MqttConnection, WaitsForASilentPeerUntilTheDeadlineOnly) {
  net::Runtime runtime;
  const auto listener = net::Listen(runtime.executor(), "127.0.0.1", 0).value();
  const std::string url = "127.0.0.1:" + std::to_string(listener.port());
  for (const char* scheme : {"mqtt://", "mqtts://"}) {
    const auto late =
        Connection::Open(ParseTarget(scheme + url).value(), {}, Deadline::After(milliseconds(50)));
    ASSERT_FALSE(late.has_value());
    EXPECT_EQ(late.error().code, ErrorCode::kTimeout) << late.error().ToString();
  }
}

}  // namespace
}  // namespace mqtt
