// Probes against servers of the test's own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/environment/broker_probe.h"
#include "lib/net/runtime.h"
#include "lib/testing/test_brokers.h"

namespace assay::environment {
namespace {

using testing::HasSubstr;
using testing_support::TestBroker;

base::Deadline Soon() { return base::Deadline::After(std::chrono::seconds(30)); }

std::string At(const TestBroker& broker, const std::string& scheme, const std::string& password) {
  return scheme + "://tester:" + password + "@127.0.0.1:" + std::to_string(broker.port);
}

TEST(RedisProbe, AsksForPong) {
  const auto broker = TestBroker::Redis();
  if (!broker) GTEST_SKIP() << "redis-server or openssl is not installed";
  ASSERT_NE(broker->server, nullptr) << broker->log();
  net::Runtime runtime;
  EXPECT_TRUE(runtime.Run(AskRedis(At(*broker, "redis", "let-me-in"), Soon())).has_value());
  const auto refused = runtime.Run(AskRedis(At(*broker, "redis", "wrong"), Soon()));
  EXPECT_EQ(refused.error().code, base::ErrorCode::kUnauthorized);
  broker->server->Kill();
  const auto gone = runtime.Run(AskRedis(At(*broker, "redis", "let-me-in"), Soon()));
  EXPECT_EQ(gone.error().code, base::ErrorCode::kUnavailable);
}

TEST(AmqpProbe, OpensAConnection) {
  const auto broker = TestBroker::RabbitMq();
  if (!broker) GTEST_SKIP() << "rabbitmq-server or openssl is not installed";
  ASSERT_NE(broker->server, nullptr) << broker->log();
  net::Runtime runtime;
  EXPECT_TRUE(runtime.Run(AskAmqp(At(*broker, "amqp", "let-me-in"), Soon())).has_value());
  const auto refused = runtime.Run(AskAmqp(At(*broker, "amqp", "wrong"), Soon()));
  EXPECT_EQ(refused.error().code, base::ErrorCode::kUnauthorized);
  broker->server->Kill();
  const auto gone = runtime.Run(AskAmqp(At(*broker, "amqp", "let-me-in"), Soon()));
  EXPECT_EQ(gone.error().code, base::ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace assay::environment
