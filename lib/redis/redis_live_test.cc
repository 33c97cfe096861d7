// Against a Redis server of the test's own.

#include <algorithm>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/redis/client.h"
#include "lib/redis/subscription.h"
#include "lib/testing/test_brokers.h"

namespace redis {
namespace {

using base::Deadline;
using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing_support::TestBroker;

Deadline Soon() { return Deadline::After(seconds(20)); }

class RedisLive : public testing::Test {
 protected:
  void SetUp() override {
    broker_ = TestBroker::Redis();
    if (!broker_) GTEST_SKIP() << "redis-server or openssl is not installed";
    ASSERT_NE(broker_->server, nullptr) << broker_->log();
  }
  Target At(const std::string& login = "tester:let-me-in", const std::string& rest = "") const {
    return ParseTarget("redis://" + login + "@127.0.0.1:" + std::to_string(broker_->port) + rest)
        .value();
  }
  Target Secure() const {
    Target target =
        ParseTarget("rediss://tester:let-me-in@localhost:" + std::to_string(broker_->tls_port))
            .value();
    target.tls.ca_file = broker_->authority->ca;
    return target;
  }
  std::unique_ptr<Connection> Open() const { return Connection::Open(At(), {}, Soon()).value(); }

  std::unique_ptr<TestBroker> broker_;
};

TEST_F(RedisLive, KeepsAnyBytes) {
  const auto connection = Open();
  const std::string bytes("\x00\r\n\xff$", 5);
  EXPECT_EQ(connection->Execute({"SET", "k", bytes}, Soon()).value(), Reply{StatusReply{"OK"}});
  EXPECT_EQ(connection->Execute({"GET", "k"}, Soon()).value(), Reply{bytes});
  EXPECT_EQ(connection->Execute({"GET", "absent"}, Soon()).value(), Reply{});
  const std::string large(3'000'000, 'x');
  ASSERT_TRUE(connection->Execute({"SET", "large", large}, Soon()).has_value());
  EXPECT_EQ(connection->Execute({"GET", "large"}, Soon()).value(), Reply{large});
}

TEST_F(RedisLive, AnswersAPipelineInOrderAndARefusalInItsPlace) {
  const auto connection = Open();
  const std::vector<Command> commands = {
      {"SET", "n", "1"}, {"INCR", "n"}, {"LPUSH", "n", "x"}, {"MGET", "n", "absent"}};
  const auto replies = connection->Pipeline(commands, Soon()).value();
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_EQ(replies[1], Reply{int64_t{2}});
  ASSERT_NE(replies[2].error(), nullptr);
  EXPECT_EQ(replies[2].error()->kind(), "WRONGTYPE");
  EXPECT_EQ(replies[3], (Reply{Reply::Array{Reply{std::string("2")}, Reply{}}}));
  EXPECT_TRUE(connection->IsUsable());
}

TEST_F(RedisLive, DoesATransactionAsAWholeOrNotAtAll) {
  const auto connection = Open();
  const std::vector<Command> good = {{"SET", "a", "1"}, {"INCR", "a"}};
  EXPECT_EQ(connection->Transact(good, Soon()).value(),
            (std::vector<Reply>{{StatusReply{"OK"}}, {int64_t{2}}}));
  const std::vector<Command> bad = {{"SET", "a", "9"}, {"NOSUCHCOMMAND"}};
  const auto refused = connection->Transact(bad, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr("NOSUCHCOMMAND"));
  EXPECT_EQ(connection->Execute({"GET", "a"}, Soon()).value(), Reply{std::string("2")});
}

TEST_F(RedisLive, SelectsTheDatabaseOfTheUrl) {
  ASSERT_TRUE(Open()->Execute({"SET", "where", "zero"}, Soon()).has_value());
  const auto other = Connection::Open(At("tester:let-me-in", "/5"), {}, Soon()).value();
  EXPECT_EQ(other->Execute({"GET", "where"}, Soon()).value(), Reply{});
  const auto beyond = Connection::Open(At("tester:let-me-in", "/99"), {}, Soon());
  ASSERT_FALSE(beyond.has_value());
  EXPECT_THAT(beyond.error().message, HasSubstr("refused the database 99"));
}

TEST_F(RedisLive, RefusesAWrongPasswordWithoutShowingIt) {
  for (const char* login : {"tester:wrong-one", ":wrong-one"}) {
    const auto refused = Connection::Open(At(login), {}, Soon());
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::kUnauthorized);
    EXPECT_THAT(refused.error().ToString(), Not(HasSubstr("wrong-one")));
    EXPECT_THAT(refused.error().hint, HasSubstr("password"));
  }
  const auto reader = Connection::Open(At("reader:let-me-in"), {}, Soon()).value();
  const Reply denied = reader->Execute({"SET", "a", "b"}, Soon()).value();
  ASSERT_NE(denied.error(), nullptr);
  EXPECT_EQ(ToError(*denied.error(), "SET").code, ErrorCode::kForbidden);
}

TEST_F(RedisLive, EndsAtTheDeadline) {
  const auto connection = Open();
  const auto late = connection->Execute({"BLPOP", "empty", "0"}, Deadline::After(milliseconds(50)));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  EXPECT_FALSE(connection->IsUsable());
  const auto after = connection->Execute({"PING"}, Soon());
  ASSERT_FALSE(after.has_value()) << "the reply of another command may still come";
}

TEST_F(RedisLive, EndsOnRequestFromAnotherThread) {
  net::Cancellation stop;
  const auto connection = Connection::Open(At(), {.stop = &stop}, Soon()).value();
  std::jthread other([&] { stop.Request(); });
  const auto stopped = connection->Execute({"BLPOP", "empty", "0"}, Deadline::Never());
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

TEST_F(RedisLive, NoticesThatTheServerIsGone) {
  const auto connection = Open();
  broker_->server->Kill();
  const auto lost = connection->Execute({"PING"}, Soon());
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(lost.error().message, HasSubstr(std::to_string(broker_->port)));
}

TEST_F(RedisLive, NoticesThatTheServerDiesWhileItIsAsked) {
  const auto connection = Open();
  std::jthread other([&] { broker_->server->Kill(); });
  const auto lost = connection->Execute({"BLPOP", "empty", "0"}, Soon());
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().code, ErrorCode::kUnavailable);
}

TEST_F(RedisLive, WaitsForAFrozenServerUntilTheDeadlineOnly) {
  broker_->server->Freeze();
  const auto late = Connection::Open(At(), {}, Deadline::After(milliseconds(50)));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
}

TEST_F(RedisLive, SpeaksTls) {
  const auto connection = Connection::Open(Secure(), {}, Soon());
  ASSERT_TRUE(connection.has_value()) << connection.error().ToString();
  const std::string large(1'000'000, 'y');
  ASSERT_TRUE((*connection)->Execute({"SET", "k", large}, Soon()).has_value());
  EXPECT_EQ((*connection)->Execute({"GET", "k"}, Soon()).value(), Reply{large});
  EXPECT_TRUE((*connection)->IsUsable());
  broker_->server->Kill();
  EXPECT_FALSE((*connection)->Execute({"SET", "k", large}, Soon()).has_value());
}

TEST_F(RedisLive, RefusesACertificateThatNobodyTrusts) {
  Target target = Secure();
  target.tls.ca_file.clear();
  const auto refused = Connection::Open(target, {}, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("certificate"));
  EXPECT_THAT(refused.error().hint, HasSubstr("ca"));
  target.tls.insecure = true;
  EXPECT_TRUE(Connection::Open(target, {}, Soon()).has_value());
}

TEST_F(RedisLive, RefusesACertificateOfAnotherHost) {
  Target target = Secure();
  target.url.host = "127.0.0.2";  // the server listens there too, but the certificate lacks it
  const auto refused = Connection::Open(target, {}, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("IP address mismatch"));
}

TEST_F(RedisLive, SaysWhenTlsMeetsAPlainPort) {
  Target target = Secure();
  target.url.port = broker_->port;
  const auto refused = Connection::Open(target, {}, Soon());
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("agree on TLS"));
}

TEST_F(RedisLive, SubscribesToChannelsAndPatterns) {
  auto subscription =
      Subscription::Open(At(), {.channels = {"news"}, .patterns = {"log.*"}}, {}, Soon()).value();
  const auto publisher = Open();
  EXPECT_EQ(publisher->Execute({"PUBLISH", "news", "one"}, Soon()).value(), Reply{int64_t{1}});
  EXPECT_EQ(publisher->Execute({"PUBLISH", "log.a", "two"}, Soon()).value(), Reply{int64_t{1}});
  const Message first = subscription.Next(Soon()).value();
  EXPECT_EQ(first.channel, "news");
  EXPECT_EQ(first.pattern, "");
  EXPECT_EQ(first.payload, "one");
  const Message second = subscription.Next(Soon()).value();
  EXPECT_EQ(second.channel, "log.a");
  EXPECT_EQ(second.pattern, "log.*");
  EXPECT_EQ(second.payload, "two");
  const auto none = subscription.Next(Deadline::After(milliseconds(20)));
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, ErrorCode::kTimeout);
  ASSERT_TRUE(publisher->Execute({"PUBLISH", "news", "three"}, Soon()).has_value());
  EXPECT_EQ(subscription.Next(Soon()).value().payload, "three") << "a pause breaks nothing";
}

TEST_F(RedisLive, SharesABoundedPoolBetweenThreads) {
  Client client(At(), {.max_connections = 2});
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 6; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 50; ++n) {
          EXPECT_TRUE(client.Execute({"INCR", "shared"}, Soon()).has_value());
        }
      });
    }
  }
  EXPECT_EQ(client.Execute({"GET", "shared"}, Soon()).value(), Reply{std::string("300")});
  const std::string clients =
      *client.Execute({"CLIENT", "LIST", "TYPE", "normal"}, Soon()).value().text();
  EXPECT_LE(std::ranges::count(clients, '\n'), 2);
}

TEST_F(RedisLive, ReplacesAConnectionThatTheServerClosed) {
  Client client(At(), {.max_connections = 1});
  ASSERT_TRUE(client.Execute({"PING"}, Soon()).has_value());
  ASSERT_TRUE(
      Open()->Execute({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}, Soon()).has_value());
  EXPECT_TRUE(client.Execute({"PING"}, Soon()).has_value());
}

TEST_F(RedisLive, SaysWhenEveryConnectionIsInUse) {
  Client client(At(), {.max_connections = 1});
  std::jthread holder([&] {
    static_cast<void>(client.Execute({"BLPOP", "never", "0"}, Deadline::After(milliseconds(500))));
  });
  const auto observer = Open();
  while (!observer->Execute({"CLIENT", "LIST"}, Soon()).value().text()->contains("cmd=blpop")) {
  }
  const auto busy = client.Execute({"PING"}, Deadline::After(milliseconds(10)));
  ASSERT_FALSE(busy.has_value());
  EXPECT_EQ(busy.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(busy.error().message, HasSubstr("are in use"));
}

}  // namespace
}  // namespace redis
