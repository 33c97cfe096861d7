// Against a RabbitMQ of the test's own.

#include <algorithm>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/queue/connection.h"
#include "lib/testing/test_brokers.h"

namespace queue {
namespace {

using base::Deadline;
using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing_support::TestBroker;

Deadline Soon() { return Deadline::After(seconds(30)); }
Deadline Now() { return Deadline::After(milliseconds(100)); }

// The broker takes seconds to start, so the cases share it; those that kill it come last and start
// their own.
class QueueLive : public testing::Test {
 protected:
  static void SetUpTestSuite() { broker_ = TestBroker::RabbitMq(); }
  static void TearDownTestSuite() { broker_.reset(); }
  void SetUp() override {
    if (!broker_) GTEST_SKIP() << "rabbitmq-server or openssl is not installed";
    ASSERT_NE(broker_->server, nullptr) << broker_->log();
    queue_ = testing::UnitTest::GetInstance()->current_test_info()->name();
  }

  static Target At(const TestBroker& broker, const std::string& login = "tester:let-me-in") {
    return ParseTarget("amqp://" + login + "@127.0.0.1:" + std::to_string(broker.port)).value();
  }
  static std::unique_ptr<Connection> Open(ConnectionOptions options = {}) {
    auto connection = Connection::Open(At(*broker_), options, Soon());
    EXPECT_TRUE(connection.has_value()) << connection.error().ToString();
    return *std::move(connection);
  }
  Message To(std::string body) const { return {.routing_key = queue_, .body = std::move(body)}; }
  void Put(Connection& connection, std::initializer_list<const char*> bodies) const {
    std::vector<Message> messages;
    for (const char* body : bodies) messages.push_back(To(body));
    for (const PublishResult& result : connection.Publish(messages, false, Soon()).value()) {
      EXPECT_TRUE(result.confirmed);
    }
  }

  static inline std::unique_ptr<TestBroker> broker_;
  std::string queue_;
};

TEST_F(QueueLive, CarriesBodiesHeadersAndProperties) {
  const auto connection = Open();
  const QueueState made = connection->DeclareQueue({.name = queue_}, Soon()).value();
  EXPECT_EQ(made.name, queue_);
  EXPECT_EQ(made.messages, 0U);
  Message message = To(std::string("\x00\xff", 2) + std::string(300'000, 'x'));
  message.properties.content_type = "application/x";
  message.properties.headers = {{"tries", {int64_t{3}}}, {"nested", {Table{{"a", {true}}}}}};
  message.properties.priority = 4;
  message.properties.correlation_id = "c-1";
  const auto results = connection->Publish(std::span(&message, 1), true, Soon()).value();
  EXPECT_TRUE(results[0].confirmed);
  EXPECT_FALSE(results[0].returned.has_value());
  const auto got = connection->Get(queue_, false, Soon()).value();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->message.body, message.body);
  EXPECT_EQ(got->message.routing_key, queue_);
  EXPECT_EQ(got->message.properties.headers, message.properties.headers);
  EXPECT_EQ(got->message.properties.content_type, "application/x");
  EXPECT_EQ(got->message.properties.priority, 4);
  EXPECT_EQ(got->message.properties.correlation_id, "c-1");
  EXPECT_TRUE(got->message.properties.persistent);
  EXPECT_FALSE(got->redelivered);
  ASSERT_TRUE(connection->Acknowledge(got->delivery_tag, Soon()).has_value());
  EXPECT_FALSE(connection->Get(queue_, true, Soon()).value().has_value());
}

TEST_F(QueueLive, ConfirmsManyMessagesAndCountsThem) {
  const auto connection = Open();
  ASSERT_TRUE(connection->DeclareQueue({.name = queue_}, Soon()).has_value());
  const std::vector<Message> messages(1000, To("x"));
  const auto results = connection->Publish(messages, false, Soon()).value();
  EXPECT_TRUE(std::ranges::all_of(results, &PublishResult::confirmed));
  EXPECT_EQ(connection->Depth(queue_, Soon()).value().messages, 1000U);
  EXPECT_EQ(connection->Purge(queue_, Soon()).value(), 1000U);
  EXPECT_EQ(connection->Depth(queue_, Soon()).value().messages, 0U);
}

TEST_F(QueueLive, ReportsWhatNoQueueTook) {
  const auto connection = Open();
  ASSERT_TRUE(connection->DeclareQueue({.name = queue_}, Soon()).has_value());
  const std::vector<Message> messages = {To("a"), {.routing_key = "nowhere", .body = "b"}, To("c")};
  const auto results = connection->Publish(messages, true, Soon()).value();
  EXPECT_FALSE(results[0].returned.has_value());
  ASSERT_TRUE(results[1].returned.has_value());
  EXPECT_EQ(results[1].returned->code, 312);
  EXPECT_EQ(results[1].returned->text, "NO_ROUTE");
  EXPECT_FALSE(results[2].returned.has_value());
  EXPECT_TRUE(std::ranges::all_of(results, &PublishResult::confirmed));
}

TEST_F(QueueLive, RefusesMessagesThatTheQueueHasNoRoomFor) {
  const auto connection = Open();
  ASSERT_TRUE(connection
                  ->DeclareQueue({.name = queue_,
                                  .arguments = {{"x-max-length", {int64_t{1}}},
                                                {"x-overflow", {std::string("reject-publish")}}}},
                                 Soon())
                  .has_value());
  const std::vector<Message> messages(4, To("x"));
  const auto results = connection->Publish(messages, false, Soon()).value();
  EXPECT_TRUE(results.front().confirmed);
  EXPECT_FALSE(results.back().confirmed);
}

TEST_F(QueueLive, RoutesByExchangeAndBinding) {
  const auto connection = Open();
  ASSERT_TRUE(connection->DeclareQueue({.name = queue_}, Soon()).has_value());
  ASSERT_TRUE(connection->DeclareExchange({.name = queue_ + ".x", .type = "topic"}, Soon()));
  const Binding binding{.queue = queue_, .exchange = queue_ + ".x", .routing_key = "eeg.#"};
  ASSERT_TRUE(connection->Bind(binding, Soon()).has_value());
  const std::vector<Message> messages = {
      {.exchange = queue_ + ".x", .routing_key = "eeg.done", .body = "in"},
      {.exchange = queue_ + ".x", .routing_key = "other", .body = "out"}};
  ASSERT_TRUE(connection->Publish(messages, false, Soon()).has_value());
  EXPECT_EQ(connection->Depth(queue_, Soon()).value().messages, 1U);
  ASSERT_TRUE(connection->Unbind(binding, Soon()).has_value());
  ASSERT_TRUE(connection->Publish(messages, false, Soon()).has_value());
  EXPECT_EQ(connection->Depth(queue_, Soon()).value().messages, 1U);
  EXPECT_EQ(connection->DeleteQueue(queue_, Soon()).value(), 1U);
  EXPECT_TRUE(connection->DeleteExchange(queue_ + ".x", Soon()).has_value());
}

TEST_F(QueueLive, DeliversAtMostWhatThePrefetchAllows) {
  const auto connection = Open();
  ASSERT_TRUE(connection->DeclareQueue({.name = queue_}, Soon()).has_value());
  Put(*connection, {"1", "2", "3"});
  ASSERT_TRUE(connection->StartConsuming({.queue = queue_, .prefetch = 2}, Soon()).has_value());
  const Delivery first = connection->Next(Soon()).value();
  EXPECT_EQ(first.message.body, "1");
  EXPECT_EQ(connection->Next(Soon()).value().message.body, "2");
  EXPECT_EQ(connection->Next(Now()).error().code, ErrorCode::kTimeout);
  ASSERT_TRUE(connection->Acknowledge(first.delivery_tag, Soon()).has_value());
  EXPECT_EQ(connection->Next(Soon()).value().message.body, "3");
}

TEST_F(QueueLive, TakesNothingMoreOnceItStopped) {
  const auto connection = Open();
  ASSERT_TRUE(connection->DeclareQueue({.name = queue_}, Soon()).has_value());
  Put(*connection, {"1", "2"});
  ASSERT_TRUE(connection->StartConsuming({.queue = queue_}, Soon()).has_value());
  const Delivery first = connection->Next(Soon()).value();
  ASSERT_TRUE(connection->StopConsuming(Soon()).has_value());
  ASSERT_TRUE(connection->Acknowledge(first.delivery_tag, Soon()).has_value());
  EXPECT_EQ(connection->Depth(queue_, Soon()).value().messages, 1U);
  ASSERT_TRUE(connection->StartConsuming({.queue = queue_}, Soon()).has_value());
  EXPECT_FALSE(connection->Next(Soon()).value().redelivered);
}

TEST_F(QueueLive, GivesBackWhatIsRequeuedOrNeverAcknowledged) {
  auto connection = Open();
  ASSERT_TRUE(connection->DeclareQueue({.name = queue_}, Soon()).has_value());
  Put(*connection, {"again"});
  ASSERT_TRUE(connection->StartConsuming({.queue = queue_}, Soon()).has_value());
  const Delivery first = connection->Next(Soon()).value();
  ASSERT_TRUE(connection->Reject(first.delivery_tag, true, Soon()).has_value());
  EXPECT_TRUE(connection->Next(Soon()).value().redelivered);
  connection.reset();
  const auto later = Open();
  ASSERT_TRUE(later->StartConsuming({.queue = queue_}, Soon()).has_value());
  EXPECT_TRUE(later->Next(Soon()).value().redelivered);
}

TEST_F(QueueLive, SendsRejectedAndExpiredMessagesToTheDeadLetterQueue) {
  const auto connection = Open();
  const std::string dead = queue_ + ".dead";
  ASSERT_TRUE(connection->DeclareQueue({.name = dead}, Soon()).has_value());
  ASSERT_TRUE(connection
                  ->DeclareQueue({.name = queue_,
                                  .arguments = {{"x-dead-letter-exchange", {std::string()}},
                                                {"x-dead-letter-routing-key", {dead}}}},
                                 Soon())
                  .has_value());
  Put(*connection, {"bad"});
  const auto got = connection->Get(queue_, false, Soon()).value();
  ASSERT_TRUE(connection->Reject(got->delivery_tag, false, Soon()).has_value());
  Message brief = To("brief");
  brief.properties.expiration = "1";
  ASSERT_TRUE(connection->Publish(std::span(&brief, 1), false, Soon()).has_value());
  ASSERT_TRUE(connection->StartConsuming({.queue = dead, .prefetch = 0}, Soon()).has_value());
  EXPECT_EQ(connection->Next(Soon()).value().message.body, "bad");
  const Delivery expired = connection->Next(Soon()).value();
  EXPECT_EQ(expired.message.body, "brief");
  ASSERT_FALSE(expired.message.properties.headers.empty());
  EXPECT_EQ(expired.message.properties.headers.front().name, "x-death");
}

TEST_F(QueueLive, DeliversByPriority) {
  const auto connection = Open();
  ASSERT_TRUE(
      connection
          ->DeclareQueue({.name = queue_, .arguments = {{"x-max-priority", {int64_t{10}}}}}, Soon())
          .has_value());
  std::vector<Message> messages = {To("low"), To("high")};
  messages[0].properties.priority = 1;
  messages[1].properties.priority = 9;
  ASSERT_TRUE(connection->Publish(messages, false, Soon()).has_value());
  EXPECT_EQ(connection->Get(queue_, true, Soon()).value()->message.body, "high");
}

TEST_F(QueueLive, SurvivesRefusalsOfTheBroker) {
  const auto connection = Open();
  const auto absent = connection->Depth("no-such-queue", Soon());
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(absent.error().message, HasSubstr("404"));
  EXPECT_TRUE(connection->IsUsable());
  ASSERT_TRUE(connection->DeclareQueue({.name = queue_}, Soon()).has_value());
  const auto other = connection->DeclareQueue({.name = queue_, .durable = false}, Soon());
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, ErrorCode::kConflict);
  EXPECT_THAT(other.error().hint, HasSubstr("other properties"));
  const Message nowhere{.exchange = "no-such-exchange", .routing_key = "x", .body = "b"};
  const auto lost = connection->Publish(std::span(&nowhere, 1), false, Soon());
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().code, ErrorCode::kNotFound);
  Put(*connection, {"still", "works"});
  EXPECT_EQ(connection->Depth(queue_, Soon()).value().messages, 2U);
}

TEST_F(QueueLive, RefusesAnExclusiveQueueOfAnother) {
  const auto owner = Open();
  ASSERT_TRUE(owner->DeclareQueue({.name = queue_, .durable = false, .exclusive = true}, Soon()));
  const auto locked = Open()->Depth(queue_, Soon());
  ASSERT_FALSE(locked.has_value());
  EXPECT_EQ(locked.error().code, ErrorCode::kConflict);
}

TEST_F(QueueLive, NoticesThatItsQueueWasDeleted) {
  const auto connection = Open();
  ASSERT_TRUE(connection->DeclareQueue({.name = queue_}, Soon()).has_value());
  ASSERT_TRUE(connection->StartConsuming({.queue = queue_}, Soon()).has_value());
  ASSERT_TRUE(Open()->DeleteQueue(queue_, Soon()).has_value());
  const auto gone = connection->Next(Soon());
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
}

TEST_F(QueueLive, RefusesAWrongPasswordWithoutShowingIt) {
  const auto refused = Connection::Open(At(*broker_, "tester:wrong-one"), {}, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnauthorized) << refused.error().ToString();
  EXPECT_THAT(refused.error().ToString(), Not(HasSubstr("wrong-one")));
}

TEST_F(QueueLive, SaysWhenTheVirtualHostDoesNotExist) {
  Target target = At(*broker_);
  target.virtual_host = "no-such-host";
  const auto refused = Connection::Open(target, {}, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
  EXPECT_THAT(refused.error().hint, HasSubstr("no-such-host"));
}

TEST_F(QueueLive, EndsOnRequestFromAnotherThread) {
  net::Cancellation stop;
  const auto connection = Open({.stop = &stop});
  ASSERT_TRUE(connection->DeclareQueue({.name = queue_}, Soon()).has_value());
  ASSERT_TRUE(connection->StartConsuming({.queue = queue_}, Soon()).has_value());
  std::jthread other([&] { stop.Request(); });
  const auto stopped = connection->Next(Deadline::Never());
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

TEST_F(QueueLive, KeepsAHeartbeatWhileItWaits) {
  const auto connection = Open({.heartbeat = seconds(1)});
  ASSERT_TRUE(connection->DeclareQueue({.name = queue_}, Soon()).has_value());
  ASSERT_TRUE(connection->StartConsuming({.queue = queue_}, Soon()).has_value());
  // The broker hangs up after two seconds without one.
  EXPECT_EQ(connection->Next(Deadline::After(seconds(4))).error().code, ErrorCode::kTimeout);
  EXPECT_TRUE(connection->IsUsable());
}

TEST_F(QueueLive, SpeaksTlsWithATrustedServerOnly) {
  Target target =
      ParseTarget("amqps://tester:let-me-in@localhost:" + std::to_string(broker_->tls_port))
          .value();
  const auto refused = Connection::Open(target, {}, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().hint, HasSubstr("ca"));
  target.tls.ca_file = broker_->authority->ca;
  const auto connection = Connection::Open(target, {}, Soon());
  ASSERT_TRUE(connection.has_value()) << connection.error().ToString();
  ASSERT_TRUE((*connection)->DeclareQueue({.name = queue_}, Soon()).has_value());
  Message large = To(std::string(500'000, 'z'));
  ASSERT_TRUE((*connection)->Publish(std::span(&large, 1), true, Soon()).has_value());
  EXPECT_EQ((*connection)->Get(queue_, true, Soon()).value()->message.body, large.body);
}

TEST_F(QueueLive, WaitsForAFrozenBrokerUntilTheDeadlineOnly) {
  const auto own = TestBroker::RabbitMq();
  ASSERT_NE(own->server, nullptr) << own->log();
  const auto connection = Connection::Open(At(*own), {}, Soon()).value();
  ASSERT_TRUE(connection->DeclareQueue({.name = queue_}, Soon()).has_value());
  own->server->Freeze();
  // More than the buffers of both sides hold, so that sending itself stands still.
  const Message large = To(std::string(64U << 20U, 'x'));
  const auto late =
      connection->Publish(std::span(&large, 1), false, Deadline::After(milliseconds(300)));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout) << late.error().ToString();
  EXPECT_FALSE(connection->IsUsable());
  own->server->Kill();
  const auto gone = Connection::Open(At(*own), {}, Soon());
  EXPECT_EQ(gone.error().code, ErrorCode::kUnavailable);
}

TEST_F(QueueLive, NoticesThatTheBrokerDiesWhileItListens) {
  const auto connection = Open();
  ASSERT_TRUE(connection->DeclareQueue({.name = queue_}, Soon()).has_value());
  ASSERT_TRUE(connection->StartConsuming({.queue = queue_}, Soon()).has_value());
  broker_->server->Kill();
  const auto lost = connection->Next(Soon());
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().code, ErrorCode::kUnavailable) << lost.error().ToString();
  EXPECT_FALSE(connection->IsUsable());
}

}  // namespace
}  // namespace queue
