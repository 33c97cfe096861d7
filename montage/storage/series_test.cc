#include <algorithm>

#include <gtest/gtest.h>

#include "lib/base/random.h"
#include "lib/sql/sqlite_database.h"
#include "lib/testing/temp_dir.h"
#include "montage/storage/schema.h"
#include "montage/storage/system_metrics.h"

namespace montage::storage {
namespace {

using namespace std::chrono_literals;

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
