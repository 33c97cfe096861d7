// Against a mosquitto of the test's own. Its rules let the user write below open/ only.

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/mqtt/connection.h"
#include "lib/testing/test_brokers.h"

namespace mqtt {
namespace {

using base::Deadline;
using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing_support::TestBroker;

Deadline Soon() { return Deadline::After(seconds(20)); }
Deadline Now() { return Deadline::After(milliseconds(100)); }

class MqttLive : public testing::Test {
 protected:
  void SetUp() override {
    broker_ = TestBroker::Mosquitto();
    if (!broker_) GTEST_SKIP() << "mosquitto or openssl is not installed";
    ASSERT_NE(broker_->server, nullptr) << broker_->log();
  }
  Target At(const std::string& login = "tester:let-me-in") const {
    return ParseTarget("mqtt://" + login + "@127.0.0.1:" + std::to_string(broker_->port)).value();
  }
  std::unique_ptr<Connection> Open(ConnectionOptions options = {}) const {
    auto connection = Connection::Open(At(), options, Soon());
    EXPECT_TRUE(connection.has_value()) << connection.error().ToString();
    return *std::move(connection);
  }
  std::unique_ptr<Connection> Listen(const std::string& filter, Quality quality) const {
    auto connection = Open();
    EXPECT_TRUE(connection->Subscribe(std::span(&filter, 1), quality, Soon()).has_value());
    return connection;
  }

  std::unique_ptr<TestBroker> broker_;
};

TEST_F(MqttLive, DeliversWithEachQuality) {
  const auto listener = Listen("open/+/value", Quality::kExactlyOnce);
  const auto publisher = Open();
  const std::string bytes("\x00\xff", 2);
  for (const Quality quality :
       {Quality::kAtMostOnce, Quality::kAtLeastOnce, Quality::kExactlyOnce}) {
    const auto sent =
        publisher->Publish({.topic = "open/a/value", .payload = bytes, .quality = quality}, Soon());
    ASSERT_TRUE(sent.has_value()) << sent.error().ToString();
    const Message got = listener->Next(Soon()).value();
    EXPECT_EQ(got.topic, "open/a/value");
    EXPECT_EQ(got.payload, bytes);
    EXPECT_EQ(got.quality, quality);
    EXPECT_FALSE(got.retain);
  }
  EXPECT_EQ(listener->Next(Now()).error().code, ErrorCode::kTimeout);
  ASSERT_TRUE(publisher->Publish({.topic = "open/b/value", .payload = ""}, Soon()).has_value());
  EXPECT_EQ(listener->Next(Soon()).value().payload, "") << "a pause breaks nothing";
}

TEST_F(MqttLive, KeepsTheLastRetainedValue) {
  const auto publisher = Open();
  for (const char* payload : {"old", "new"}) {
    ASSERT_TRUE(publisher
                    ->Publish({.topic = "open/state",
                               .payload = payload,
                               .quality = Quality::kAtLeastOnce,
                               .retain = true},
                              Soon())
                    .has_value());
  }
  const auto listener = Listen("open/#", Quality::kAtLeastOnce);
  const Message kept = listener->Next(Soon()).value();
  EXPECT_EQ(kept.payload, "new");
  EXPECT_TRUE(kept.retain);
  EXPECT_EQ(listener->Next(Now()).error().code, ErrorCode::kTimeout);
}

TEST_F(MqttLive, CarriesLargeAndManyMessages) {
  const auto listener = Listen("open/#", Quality::kAtLeastOnce);
  const auto publisher = Open();
  const std::string large(1'000'000, 'x');
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(
        publisher
            ->Publish({.topic = "open/large", .payload = large, .quality = Quality::kAtLeastOnce},
                      Soon())
            .has_value());
  }
  for (int i = 0; i < 20; ++i) EXPECT_EQ(listener->Next(Soon()).value().payload.size(), 1'000'000U);
}

TEST_F(MqttLive, RefusesAWrongPasswordWithoutShowingIt) {
  const auto refused = Connection::Open(At("tester:wrong-one"), {}, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnauthorized) << refused.error().ToString();
  EXPECT_THAT(refused.error().ToString(), Not(HasSubstr("wrong-one")));
  EXPECT_THAT(refused.error().hint, HasSubstr("password"));
}

TEST_F(MqttLive, RefusesTopicsBeforeTheyAreSent) {
  const auto connection = Open();
  EXPECT_EQ(connection->Publish({.topic = "open/+"}, Soon()).error().code, ErrorCode::kInvalid);
  const std::string filter = "open/#/x";
  EXPECT_EQ(connection->Subscribe(std::span(&filter, 1), {}, Soon()).error().code,
            ErrorCode::kInvalid);
  EXPECT_TRUE(connection->Publish({.topic = "open/x"}, Soon()).has_value());
}

TEST_F(MqttLive, NoticesThatTheBrokerDiesWhileItListens) {
  const auto listener = Listen("open/#", Quality::kAtMostOnce);
  broker_->server->Kill();
  const auto lost = listener->Next(Soon());
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().code, ErrorCode::kUnavailable) << lost.error().ToString();
  EXPECT_FALSE(listener->Publish({.topic = "open/x"}, Soon()).has_value());
}

TEST_F(MqttLive, WaitsForAFrozenBrokerUntilTheDeadlineOnly) {
  const auto connection = Open();
  broker_->server->Freeze();
  const auto late = connection->Publish(
      {.topic = "open/x", .payload = "y", .quality = Quality::kAtLeastOnce}, Now());
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
}

TEST_F(MqttLive, EndsOnRequestFromAnotherThread) {
  net::Cancellation stop;
  const auto connection = Open({.stop = &stop});
  std::jthread other([&] { stop.Request(); });
  const auto stopped = connection->Next(Deadline::Never());
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

TEST_F(MqttLive, SpeaksTlsWithATrustedServerOnly) {
  Target target =
      ParseTarget("mqtts://tester:let-me-in@localhost:" + std::to_string(broker_->tls_port))
          .value();
  const auto refused = Connection::Open(target, {}, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable) << refused.error().ToString();
  EXPECT_THAT(refused.error().hint, HasSubstr("ca"));
  target.tls.ca_file = broker_->authority->ca;
  const auto connection = Connection::Open(target, {}, Soon());
  ASSERT_TRUE(connection.has_value()) << connection.error().ToString();
  const std::string filter = "open/#";
  ASSERT_TRUE((*connection)->Subscribe(std::span(&filter, 1), Quality::kAtLeastOnce, Soon()));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE((*connection)
                    ->Publish({.topic = "open/tls",
                               .payload = std::string(100'000, 'x'),
                               .quality = Quality::kAtLeastOnce},
                              Soon())
                    .has_value());
  }
  for (int i = 0; i < 5; ++i) EXPECT_TRUE((*connection)->Next(Soon()).has_value());
}

}  // namespace
}  // namespace mqtt
