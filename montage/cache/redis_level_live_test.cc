// Against a Redis server of the test's own, so that it can be stopped.

#include <thread>

#include "lib/objects/memory_object_store.h"
#include "lib/testing/temp_dir.h"
#include "lib/testing/test_brokers.h"
#include "montage/cache/fast_level_contract.h"
#include "montage/cache/redis_level.h"
#include "montage/cache/two_level_cache.h"

namespace montage::cache {
namespace {

using testing_support::TestBroker;

redis::Target TargetOf(const TestBroker& broker, const std::string& login = "tester:let-me-in") {
  return redis::ParseTarget("redis://" + login + "@127.0.0.1:" + std::to_string(broker.port))
      .value();
}

/// One server for the whole contract; each test finds it empty.
const std::shared_ptr<TestBroker>& SharedBroker() {
  static const std::shared_ptr<TestBroker> kBroker = TestBroker::Redis();
  return kBroker;
}

/// Waits by the server's own clock.
void PassAtServer(const redis::Target& target, base::Duration span) {
  redis::Client client(target);
  const auto now = [&] {
    const auto reply =
        client.Execute({"TIME"}, base::Deadline::After(std::chrono::seconds(20))).value();
    return std::chrono::seconds(std::stoll(*reply.array()->at(0).text())) +
           std::chrono::microseconds(std::stoll(*reply.array()->at(1).text()));
  };
  const auto until = now() + span;
  while (now() < until) std::this_thread::yield();
}

std::shared_ptr<LevelUnderTest> NewLevel() {
  if (SharedBroker() == nullptr || SharedBroker()->server == nullptr) return nullptr;
  const redis::Target target = TargetOf(*SharedBroker());
  const auto emptied =
      redis::Client(target).Execute({"FLUSHALL"}, base::Deadline::After(std::chrono::seconds(20)));
  EXPECT_TRUE(emptied.has_value() && emptied->error() == nullptr);
  return std::make_shared<LevelUnderTest>(
      LevelUnderTest{.level = std::make_shared<RedisLevel>(target),
                     .pass = [target](base::Duration span) { PassAtServer(target, span); }});
}

INSTANTIATE_TEST_SUITE_P(Redis, FastLevelContract, testing::Values(NewLevel));

class RedisLevelLive : public testing::Test {
 protected:
  void SetUp() override {
    broker_ = TestBroker::Redis();
    if (!broker_) GTEST_SKIP() << "redis-server is not installed";
    ASSERT_NE(broker_->server, nullptr) << broker_->log();
  }
  static base::Deadline Soon() { return base::Deadline::After(std::chrono::seconds(20)); }

  std::unique_ptr<TestBroker> broker_;
};

TEST_F(RedisLevelLive, ServesOneTimeToLiveAsTheServerCountsIt) {
  RedisLevel level(TargetOf(*broker_));
  ASSERT_TRUE(level.Put("k", "v", std::chrono::seconds(3600), Soon()).has_value());
  redis::Client client(TargetOf(*broker_));
  const auto left = client.Execute({"TTL", "k"}, Soon()).value();
  ASSERT_NE(left.integer(), nullptr);
  EXPECT_GE(*left.integer(), 3590);
  EXPECT_LE(*left.integer(), 3600);
  // What others put there without an end stays without one.
  ASSERT_TRUE(client.Execute({"SET", "foreign", "x"}, Soon()).has_value());
  EXPECT_EQ(level.Get("foreign", Soon()).value()->remaining, base::Duration::max());
}

TEST_F(RedisLevelLive, SaysWhatIsWrong) {
  RedisLevel wrong(TargetOf(*broker_, "tester:wrong"));
  EXPECT_EQ(wrong.Get("k", Soon()).error().code, base::ErrorCode::kUnauthorized);
  redis::Client client(TargetOf(*broker_));
  ASSERT_TRUE(client.Execute({"RPUSH", "list", "x"}, Soon()).has_value());
  RedisLevel level(TargetOf(*broker_));
  EXPECT_EQ(level.Get("list", Soon()).error().code, base::ErrorCode::kInvalid);
  EXPECT_EQ(level.Erase("list", Soon()), true);
  broker_->server.reset();
  EXPECT_EQ(level.Get("k", Soon()).error().code, base::ErrorCode::kUnavailable);
  EXPECT_FALSE(level.Put("k", "v", std::chrono::seconds(1), Soon()).has_value());
  EXPECT_FALSE(level.ErasePrefix("k", Soon()).has_value());
  EXPECT_FALSE(level.Usage(Soon()).has_value());
}

TEST_F(RedisLevelLive, ReadsGoOnThroughTheSecondLevelWhenTheServerIsGone) {
  const testing_support::TempDir dir;
  const base::SystemClock clock;
  objects::MemoryObjectStore store(clock);
  const auto ring = storage::KeyRing::LoadOrCreate(dir / "keys").value();
  telemetry::Metrics metrics;
  RedisLevel level(TargetOf(*broker_));
  TwoLevelCache cache(
      {.fast = level, .store = store, .ring = ring, .metrics = metrics, .clock = clock});
  ASSERT_TRUE(cache.Open(Soon()).has_value());
  int computed = 0;
  const Request request{.key = CacheKey::Features("f", 0),
                        .is_usable = [](std::string_view) { return true; },
                        .compute = [&]() -> base::Result<std::string> {
                          ++computed;
                          return "value";
                        }};
  EXPECT_EQ(cache.GetOrCompute(request, Soon()).value().level, std::nullopt);
  EXPECT_EQ(cache.GetOrCompute(request, Soon()).value().level, Level::kL1);
  // What lies in the server is sealed.
  const auto bytes = level.Get("features:f:0", Soon()).value()->bytes;
  EXPECT_EQ(bytes.find("value"), std::string::npos);
  broker_->server.reset();
  for (int i = 0; i < 3; ++i) {
    const auto found = cache.GetOrCompute(request, Soon());
    ASSERT_TRUE(found.has_value()) << found.error().ToString();
    EXPECT_EQ(found->level, Level::kL2);
    EXPECT_EQ(found->value, "value");
  }
  EXPECT_EQ(computed, 1);
  EXPECT_GE(cache.counts(Level::kL1).failures, 1U);
}

}  // namespace
}  // namespace montage::cache
