// The cache's first level.

#include <gtest/gtest.h>

#include "montage/storage/cache.h"

namespace montage::storage {
namespace {

using namespace std::chrono_literals;

TEST(MemoryCache, ValuesEndAfterTheirTimeToLive) {
  base::ManualClock clock;
  MemoryCache cache(clock, 1000);
  cache.Put("k", "v", 3600s);
  clock.Advance(3599s);
  EXPECT_EQ(cache.Get("k"), "v");
  EXPECT_EQ(cache.Remaining("k"), 1s);
  clock.Advance(1s);
  EXPECT_EQ(cache.Get("k"), std::nullopt);
  EXPECT_EQ(cache.Remaining("k"), std::nullopt);
}

TEST(MemoryCache, APrefixTakesOnlyItsOwnKeys) {
  base::ManualClock clock;
  MemoryCache cache(clock, 1000);
  for (const char* key :
       {"features:f-123:0", "features:f-123:window-0", "features:f-1234:0", "features:f-12:0"}) {
    cache.Put(key, "v", 1h);
  }
  EXPECT_EQ(cache.ErasePrefix("features:f-123:"), 2U);
  EXPECT_TRUE(cache.Get("features:f-1234:0") && cache.Get("features:f-12:0"));
  cache.Erase("features:f-12:0");
  EXPECT_FALSE(cache.Get("features:f-12:0").has_value());
}

TEST(MemoryCache, TheLeastRecentlyUsedGoesWhenItIsFull) {
  base::ManualClock clock;
  MemoryCache cache(clock, 6);
  cache.Put("a", "1", 1h);
  cache.Put("b", "2", 1h);
  cache.Put("c", "3", 1h);
  (void)cache.Get("a");
  cache.Put("d", "4", 1h);
  EXPECT_TRUE(cache.Get("a") && cache.Get("c") && cache.Get("d"));
  EXPECT_FALSE(cache.Get("b").has_value());
  cache.Put("a", "too large to keep", 1h);
  EXPECT_FALSE(cache.Get("a").has_value());
}

}  // namespace
}  // namespace montage::storage
