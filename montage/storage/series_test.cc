// The cache and the system's time series.

#include <algorithm>

#include <gtest/gtest.h>

#include "lib/base/random.h"
#include "lib/sql/sqlite_database.h"
#include "lib/testing/temp_dir.h"
#include "montage/storage/cache.h"
#include "montage/storage/schema.h"
#include "montage/storage/system_metrics.h"

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

TEST(SystemMetrics, ADayOfMinutesIsTwentyFourHours) {
  const testing_support::TempDir folder;
  const base::SystemClock clock;
  const base::Deadline never = base::Deadline::Never();
  const auto database = sql::SqliteDatabase::Open({.path = folder / "m.db"}, never).value();
  ASSERT_TRUE(Migrator(*database, Migrations(), clock).Up(never).has_value());
  base::Random random(4);
  const base::WallTime start(20'000 * 24h);
  std::vector<SystemSample> samples;
  for (int i = 0; i < 1440; ++i) {
    samples.push_back({start + i * 1min, static_cast<int64_t>(random.Below(51)),
                       random.Uniform(0, 100), random.Uniform(0, 16384), random.Uniform(0, 100)});
  }
  ASSERT_TRUE(StoreSamples(*database, samples, never).has_value());
  const auto hours = HoursOfSystem(*database, start, start + 24h, never);
  ASSERT_TRUE(hours.has_value());
  ASSERT_EQ(hours->size(), 24U);
  for (size_t h = 0; h < 24; ++h) {
    double cpu = 0;
    double memory = 0;
    int64_t most = 0;
    for (size_t i = 60 * h; i < 60 * (h + 1); ++i) {
      cpu += samples[i].cpu_percent / 60;
      memory += samples[i].memory_mb / 60;
      most = std::max(most, samples[i].active_jobs);
    }
    EXPECT_EQ((*hours)[h].hour, start + h * 1h);
    EXPECT_NEAR((*hours)[h].mean_cpu_percent, cpu, 1e-6);
    EXPECT_NEAR((*hours)[h].mean_memory_mb, memory, 1e-6);
    EXPECT_EQ((*hours)[h].most_active_jobs, most);
  }
  EXPECT_EQ(StoreSamples(*database, samples, never).error().code, base::ErrorCode::kConflict);
}

}  // namespace
}  // namespace montage::storage
