#include "montage/app/stores/cache_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace montage::app {
namespace {

Config ConfigWith(std::string url) {
  Config config;
  config.cache_url = std::move(url);
  config.cache_bytes = 1 << 20;
  config.request_threads = 4;
  return config;
}

TEST(CacheSetup, WithoutAUrlTheMemoryOfTheProcessIsTheFirstLevel) {
  const base::ManualClock clock;
  EXPECT_TRUE(CheckCacheUrl(ConfigWith("")).has_value());
  const auto level = MakeFastLevel(ConfigWith(""), clock);
  EXPECT_EQ(level->kind(), "memory");
  const auto health = HealthOf(*level);
  EXPECT_TRUE(health.ok);
  EXPECT_EQ(health.name, "cache");
}

TEST(CacheSetup, ARedisServerThatDoesNotAnswerIsNoErrorButShowsInHealth) {
  const base::ManualClock clock;
  const Config config = ConfigWith("redis://:secret@127.0.0.1:1/3");
  EXPECT_TRUE(CheckCacheUrl(config).has_value());
  const auto level = MakeFastLevel(config, clock);
  EXPECT_EQ(level->kind(), "redis");
  const auto health = HealthOf(*level);
  EXPECT_FALSE(health.ok);
  EXPECT_THAT(health.detail, testing::Not(testing::HasSubstr("secret")));
}

TEST(CacheSetup, AUrlOfAnotherKindIsRefused) {
  for (const char* url : {"memcached://h", "redis://h/many", "h:6379"}) {
    const auto checked = CheckCacheUrl(ConfigWith(url));
    ASSERT_FALSE(checked.has_value()) << url;
    EXPECT_EQ(checked.error().code, base::ErrorCode::kInvalid) << url;
    EXPECT_THAT(checked.error().ToString(), testing::HasSubstr("configuration cache"));
  }
}

}  // namespace
}  // namespace montage::app
