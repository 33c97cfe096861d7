// The history of runs in a file.

#include "assay/baseline/run_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/baseline/configuration.h"
#include "lib/sql/sqlite_database.h"
#include "lib/testing/temp_dir.h"

namespace assay::baseline {
namespace {

using testing::ElementsAre;

base::Deadline Soon() { return base::Deadline::After(std::chrono::seconds(20)); }

MeasuredRun Made(const std::string& id, int64_t second, const std::string& seed, double value) {
  MeasuredRun run;
  run.id = id;
  run.head = "h" + id;
  run.started = base::WallTime(std::chrono::seconds(1'764'000'000 + second));
  run.verdict = history::Verdict::kFailed;
  run.complete = true;
  run.configuration = {{"environment", "local"}, {"seed", seed}};
  run.metrics = {{"A/1:duration", "s", Better::kLower, value, {}, 0.05},
                 {"A/1/load:rate", "1/s", Better::kHigher, 10 * value, 0.25, 0}};
  std::ranges::sort(run.metrics, {}, &Metric::name);
  run.not_passed = {{"B/1", "failed"}};
  return run;
}

std::vector<std::string> Names(const std::vector<MeasuredRun>& runs) {
  std::vector<std::string> names;
  for (const MeasuredRun& run : runs) names.push_back(run.id);
  return names;
}

TEST(RunStoreTest, RunsComeBackInOrderOfTime) {
  const testing_support::TempDir folder;
  auto store = RunStore::Open(folder / "results/history.db", Soon());
  ASSERT_TRUE(store.has_value()) << store.error().ToString();
  ASSERT_TRUE(store->Enter(Made("late", 30, "7", 3), Soon()));
  ASSERT_TRUE(store->Enter(Made("early", 10, "7", 1), Soon()));
  ASSERT_TRUE(store->Enter(Made("other", 20, "8", 2), Soon()));
  EXPECT_THAT(Names(*store->Latest(10, "", Soon())), ElementsAre("early", "other", "late"));
  EXPECT_THAT(Names(*store->Latest(2, "", Soon())), ElementsAre("other", "late"));
  const std::string digest = DigestOf(Made("x", 0, "7", 0).configuration);
  const auto same = store->Latest(10, digest, Soon());
  ASSERT_THAT(Names(*same), ElementsAre("early", "late"));
  const MeasuredRun expected = Made("late", 30, "7", 3);
  EXPECT_EQ((*same)[1].metrics, expected.metrics);
  EXPECT_EQ((*same)[1].configuration, expected.configuration);
  EXPECT_EQ((*same)[1].not_passed, expected.not_passed);
  EXPECT_EQ((*same)[1].verdict, expected.verdict);
  EXPECT_EQ((*same)[1].started, expected.started);
}

TEST(RunStoreTest, ARunIsEnteredOnce) {
  const testing_support::TempDir folder;
  auto store = RunStore::Open(folder / "history.db", Soon());
  ASSERT_TRUE(store->Enter(Made("a", 1, "7", 3), Soon()));
  EXPECT_TRUE(*store->Holds("a", Soon()));
  EXPECT_FALSE(*store->Holds("b", Soon()));
  ASSERT_TRUE(store->Enter(Made("a", 1, "7", 4), Soon()));
  auto again = RunStore::Open(folder / "history.db", Soon());
  const auto runs = again->Latest(10, "", Soon());
  ASSERT_EQ(runs->size(), 1U);
  EXPECT_DOUBLE_EQ(runs->front().Find("A/1:duration")->value, 4);
}

TEST(RunStoreTest, AFileOfANewerProgramIsLeftAlone) {
  const testing_support::TempDir folder;
  {
    auto database = sql::SqliteDatabase::Open({.path = folder / "history.db"}, Soon());
    ASSERT_TRUE(sql::Change(**database, "PRAGMA user_version = 99", {}, Soon()));
  }
  const auto store = RunStore::Open(folder / "history.db", Soon());
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, base::ErrorCode::kUnsupported);
}

TEST(RunStoreTest, WhatIsNoDatabaseIsAnError) {
  const testing_support::TempDir folder;
  folder.Write("history.db", std::string(5000, 'x'));
  EXPECT_FALSE(RunStore::Open(folder / "history.db", Soon()).has_value());
}

}  // namespace
}  // namespace assay::baseline
