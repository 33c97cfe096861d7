#include "montage/cache/two_level_cache.h"

#include <atomic>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/objects/memory_object_store.h"
#include "lib/testing/temp_dir.h"
#include "montage/cache/memory_level.h"

namespace montage::cache {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

const base::Deadline kNever = base::Deadline::Never();

/// The memory of the process, which can be made to fail, to be shared, and to tell of each put.
class TestLevel final : public FastLevel {
 public:
  explicit TestLevel(const base::Clock& clock) : memory_(clock, 1 << 20) {}

  bool broken = false;
  bool shared = false;
  int asked = 0;
  std::function<void()> before_put = [] {};

  std::string_view kind() const override { return "memory"; }
  bool is_shared() const override { return shared; }
  base::Result<std::optional<FastEntry>> Get(std::string_view key,
                                             base::Deadline deadline) override {
    ++asked;
    TRY(Check());
    return memory_.Get(key, deadline);
  }
  base::Result<void> Put(std::string_view key, std::string bytes, base::Duration time_to_live,
                         base::Deadline deadline) override {
    TRY(Check());
    before_put();
    return memory_.Put(key, std::move(bytes), time_to_live, deadline);
  }
  base::Result<bool> Erase(std::string_view key, base::Deadline deadline) override {
    TRY(Check());
    return memory_.Erase(key, deadline);
  }
  base::Result<size_t> ErasePrefix(std::string_view prefix, base::Deadline deadline) override {
    TRY(Check());
    return memory_.ErasePrefix(prefix, deadline);
  }
  base::Result<FastUsage> Usage(base::Deadline deadline) override {
    TRY(Check());
    return memory_.Usage(deadline);
  }

 private:
  base::Result<void> Check() const {
    if (broken) return base::Fail(base::ErrorCode::kUnavailable, "the level is down");
    return {};
  }
  MemoryLevel memory_;
};

/// Objects in memory, which can be made to fail.
class TestStore final : public objects::ObjectStore {
 public:
  explicit TestStore(const base::Clock& clock) : memory_(clock) {}

  bool broken = false;

  base::Result<void> EnsureBucket(std::string_view bucket, base::Deadline deadline) override {
    return memory_.EnsureBucket(bucket, deadline);
  }
  base::Result<objects::ObjectStat> Put(std::string_view bucket, std::string_view key,
                                        objects::ByteSource& content,
                                        const objects::PutOptions& options,
                                        base::Deadline deadline) override {
    TRY(Check());
    return memory_.Put(bucket, key, content, options, deadline);
  }
  base::Result<std::unique_ptr<objects::ByteSource>> Get(std::string_view bucket,
                                                         std::string_view key,
                                                         base::Deadline deadline) override {
    TRY(Check());
    return memory_.Get(bucket, key, deadline);
  }
  base::Result<objects::ObjectStat> Head(std::string_view bucket, std::string_view key,
                                         base::Deadline deadline) override {
    TRY(Check());
    return memory_.Head(bucket, key, deadline);
  }
  base::Result<objects::ListPage> List(std::string_view bucket, const objects::ListQuery& query,
                                       base::Deadline deadline) override {
    TRY(Check());
    return memory_.List(bucket, query, deadline);
  }
  base::Result<void> Delete(std::string_view bucket, std::string_view key,
                            base::Deadline deadline) override {
    TRY(Check());
    return memory_.Delete(bucket, key, deadline);
  }

 private:
  base::Result<void> Check() const {
    if (broken) return base::Fail(base::ErrorCode::kUnavailable, "the store is down");
    return {};
  }
  objects::MemoryObjectStore memory_;
};

class TwoLevelCacheTest : public testing::Test {
 protected:
  TwoLevelCacheTest() { EXPECT_TRUE(cache_.Open(kNever).has_value()); }

  CacheParts PartsWith(FastLevel& fast) {
    return {.fast = fast,
            .store = store_,
            .ring = ring_,
            .metrics = metrics_,
            .clock = clock_,
            .error_sink = [this](const base::Error& error) { errors_.push_back(error); }};
  }
  static CacheKey Key(std::string_view text) { return CacheKey::Parse(text).value(); }
  Request RequestOf(std::string_view key, std::string value = "value") {
    return {.key = Key(key),
            .is_usable = [](std::string_view) { return true; },
            .compute = [this, value]() -> base::Result<std::string> {
              ++computed_;
              return value;
            }};
  }
  Found Get(std::string_view key) {
    auto found = cache_.GetOrCompute(RequestOf(key), kNever);
    EXPECT_TRUE(found.has_value());
    return found ? *std::move(found) : Found{};
  }
  std::optional<Level> LevelOf(std::string_view key) { return Get(key).level; }
  bool Has(Level level, std::string_view key) {
    return cache_.Look(level, Key(key), kNever).value().has_value();
  }
  void Plant(std::string_view key) {
    for (const Level level : {Level::kL1, Level::kL2})
      EXPECT_TRUE(cache_.Plant(level, Key(key), "planted", kNever).has_value());
  }
  std::string Stored(std::string_view key) {
    return objects::GetText(store_, kBucket, key, 1 << 20, kNever).value_or("");
  }
  void Store(std::string_view key, std::string bytes) {
    EXPECT_TRUE(objects::PutText(store_, kBucket, key, std::move(bytes), {}, kNever).has_value());
  }

  testing_support::TempDir dir_;
  base::ManualClock clock_;
  TestStore store_{clock_};
  storage::KeyRing ring_ = storage::KeyRing::LoadOrCreate(dir_ / "keys").value();
  telemetry::Metrics metrics_;
  TestLevel fast_{clock_};
  std::vector<base::Error> errors_;
  TwoLevelCache cache_{PartsWith(fast_), {.time_to_live = seconds(3600)}};
  std::atomic<int> computed_{0};
};

TEST_F(TwoLevelCacheTest, AMissComputesAndFillsBothLevels) {
  EXPECT_EQ(LevelOf("features:f:0"), std::nullopt);
  EXPECT_TRUE(Has(Level::kL1, "features:f:0"));
  EXPECT_TRUE(Has(Level::kL2, "features:f:0"));
  EXPECT_EQ(cache_.Look(Level::kL1, Key("features:f:0"), kNever).value()->remaining, seconds(3600));
  EXPECT_EQ(Get("features:f:0").value, "value");
  EXPECT_EQ(LevelOf("features:f:0"), Level::kL1);
  EXPECT_EQ(computed_, 1);
  EXPECT_EQ(cache_.counts(Level::kL1).misses, 1U);
  EXPECT_EQ(cache_.counts(Level::kL2).misses, 1U);
  EXPECT_EQ(cache_.counts(Level::kL1).hits, 2U);
  EXPECT_EQ(cache_.counts(Level::kL2).hits, 0U);
}

TEST_F(TwoLevelCacheTest, WhatTheFastLevelForgotComesBackFromTheStore) {
  Get("features:f:0");
  EXPECT_EQ(cache_.Erase(Level::kL1, Key("features:f:0"), kNever), true);
  EXPECT_FALSE(Has(Level::kL1, "features:f:0"));
  EXPECT_EQ(LevelOf("features:f:0"), Level::kL2);
  EXPECT_TRUE(Has(Level::kL1, "features:f:0"));
  clock_.Advance(seconds(3601));
  EXPECT_FALSE(Has(Level::kL1, "features:f:0"));
  EXPECT_EQ(LevelOf("features:f:0"), Level::kL2);
  EXPECT_EQ(computed_, 1);
}

TEST_F(TwoLevelCacheTest, WhatCannotBeComputedIsNotKept) {
  Request request = RequestOf("features:f:0");
  request.compute = [] { return base::Fail(base::ErrorCode::kNotFound, "no such window"); };
  EXPECT_EQ(cache_.GetOrCompute(request, kNever).error().message, "no such window");
  EXPECT_FALSE(Has(Level::kL1, "features:f:0"));
  EXPECT_FALSE(Has(Level::kL2, "features:f:0"));
}

TEST_F(TwoLevelCacheTest, AValueOfAnotherFormIsReplaced) {
  Plant("features:f:0");
  Request request = RequestOf("features:f:0");
  request.is_usable = [](std::string_view value) { return value != "planted"; };
  EXPECT_EQ(cache_.GetOrCompute(request, kNever)->level, std::nullopt);
  EXPECT_EQ(Get("features:f:0").value, "value");
  EXPECT_EQ(cache_.Look(Level::kL2, Key("features:f:0"), kNever).value()->value, "value");
}

TEST_F(TwoLevelCacheTest, InvalidatesARecordingInBothLevelsAndNoOther) {
  const std::vector<std::string> own = {"features:test-file-123:0", "features:test-file-123:1",
                                        "raw:test-file-123", "results:test-file-123"};
  const std::vector<std::string> others = {"features:test-file-1234:0", "features:test-file-12:0",
                                           "raw:test-file-1234", "results:test-file-12"};
  for (const std::string& key : own) Plant(key);
  for (const std::string& key : others) Plant(key);
  const auto done = cache_.InvalidateFile("test-file-123", kNever);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->fast, 4U);
  EXPECT_EQ(done->stored, 4U);
  for (const Level level : {Level::kL1, Level::kL2}) {
    for (const std::string& key : own) EXPECT_FALSE(Has(level, key)) << key;
    for (const std::string& key : others) EXPECT_TRUE(Has(level, key)) << key;
  }
  // A read computes, and what it keeps is good again.
  EXPECT_EQ(LevelOf("features:test-file-123:0"), std::nullopt);
  EXPECT_EQ(LevelOf("features:test-file-123:0"), Level::kL1);
}

TEST_F(TwoLevelCacheTest, InvalidatesMoreThanAPage) {
  for (int i = 0; i < 1200; ++i) Get("features:f:" + std::to_string(i));
  EXPECT_EQ(cache_.InvalidateFile("f", kNever)->stored, 1200U);
  EXPECT_FALSE(Has(Level::kL2, "features:f:1199"));
}

TEST_F(TwoLevelCacheTest, AComputationThatBeganBeforeAnInvalidationLeavesNothing) {
  Request request = RequestOf("features:f:0");
  request.compute = [&]() -> base::Result<std::string> {
    EXPECT_TRUE(cache_.InvalidateFile("f", kNever).has_value());
    return "old";
  };
  EXPECT_EQ(cache_.GetOrCompute(request, kNever)->value, "old");
  EXPECT_EQ(Stored("features:f:0"), "");
  EXPECT_FALSE(fast_.Get("features:f:0", kNever).value().has_value());
  EXPECT_EQ(LevelOf("features:f:0"), std::nullopt);
  EXPECT_EQ(computed_, 1);
}

TEST_F(TwoLevelCacheTest, ARepopulationThatMeetsAnInvalidationLeavesNothing) {
  fast_.shared = true;
  Get("features:f:0");
  EXPECT_EQ(cache_.Erase(Level::kL1, Key("features:f:0"), kNever), true);
  fast_.before_put = [&] { EXPECT_TRUE(cache_.InvalidateFile("f", kNever).has_value()); };
  EXPECT_EQ(LevelOf("features:f:0"), Level::kL2);
  fast_.before_put = [] {};
  EXPECT_FALSE(fast_.Get("features:f:0", kNever).value().has_value());
  EXPECT_EQ(LevelOf("features:f:0"), std::nullopt);
}

TEST_F(TwoLevelCacheTest, AnEntryThatADeadProcessLeftIsNobodysAndIsSwept) {
  Get("features:f:0");
  const std::string left = Stored("features:f:0");
  ASSERT_TRUE(cache_.InvalidateFile("f", kNever).has_value());
  Store("features:f:0", left);
  EXPECT_FALSE(Has(Level::kL2, "features:f:0"));
  EXPECT_EQ(cache_.SweepMarks(kNever), 0U) << "somebody may still go by the mark";
  clock_.Advance(std::chrono::hours(2));
  EXPECT_EQ(cache_.SweepMarks(kNever), 1U);
  EXPECT_EQ(Stored("features:f:0"), "");
  EXPECT_EQ(cache_.SweepMarks(kNever), 0U);
  EXPECT_EQ(LevelOf("features:f:0"), std::nullopt);
  EXPECT_EQ(LevelOf("features:f:0"), Level::kL1);
}

TEST_F(TwoLevelCacheTest, AnotherProcessDoesNotServeWhatWasInvalidatedHere) {
  MemoryLevel other_fast(clock_, 1 << 20);
  TwoLevelCache other(PartsWith(other_fast));
  const Request request = RequestOf("features:f:0");
  ASSERT_TRUE(other.GetOrCompute(request, kNever).has_value());
  EXPECT_EQ(other.GetOrCompute(request, kNever)->level, Level::kL1);
  ASSERT_TRUE(cache_.InvalidateFile("f", kNever).has_value());
  EXPECT_EQ(other.GetOrCompute(request, kNever)->level, std::nullopt);
  EXPECT_EQ(other.GetOrCompute(request, kNever)->level, Level::kL1);
}

TEST_F(TwoLevelCacheTest, ADamagedEntryIsAMissThatIsCounted) {
  Get("features:f:0");
  ASSERT_TRUE(fast_.Put("features:f:0", "rubbish", seconds(9), kNever).has_value());
  EXPECT_EQ(LevelOf("features:f:0"), Level::kL2);
  EXPECT_EQ(cache_.counts(Level::kL1).damaged, 1U);
  std::string changed = Stored("features:f:0");
  changed.back() ^= 1;
  Store("features:f:0", changed);
  EXPECT_EQ(cache_.Erase(Level::kL1, Key("features:f:0"), kNever), true);
  EXPECT_EQ(LevelOf("features:f:0"), std::nullopt);
  EXPECT_EQ(cache_.counts(Level::kL2).damaged, 1U);
  EXPECT_THAT(metrics_.Text(), HasSubstr("cache_damaged_total{cache_type=\"l1\"} 1"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("cache_damaged_total{cache_type=\"l2\"} 1"));
  // What was computed has replaced it.
  EXPECT_EQ(LevelOf("features:f:0"), Level::kL1);
  // An entry that was moved to another key is damaged there.
  Store("features:f:1", Stored("features:f:0"));
  EXPECT_EQ(LevelOf("features:f:1"), std::nullopt);
  EXPECT_EQ(cache_.counts(Level::kL2).damaged, 2U);
}

TEST_F(TwoLevelCacheTest, WithoutTheFastLevelReadsGoThroughTheStore) {
  Get("features:f:0");
  fast_.broken = true;
  EXPECT_EQ(LevelOf("features:f:0"), Level::kL2);
  EXPECT_EQ(LevelOf("features:f:1"), std::nullopt);
  EXPECT_EQ(LevelOf("features:f:1"), Level::kL2);
  EXPECT_EQ(computed_, 2);
  EXPECT_EQ(cache_.counts(Level::kL1).failures, 1U) << "it was passed over after the first";
  EXPECT_THAT(metrics_.Text(), HasSubstr("cache_failures_total{cache_type=\"l1\"} 1"));
  ASSERT_EQ(errors_.size(), 1U);
  EXPECT_THAT(errors_[0].ToString(), HasSubstr("using cache level l1"));
}

TEST_F(TwoLevelCacheTest, AFastLevelThatFailedIsAskedAgainAfterAWhile) {
  fast_.broken = true;
  Get("features:f:0");
  fast_.broken = false;
  const int asked = fast_.asked;
  EXPECT_EQ(LevelOf("features:f:0"), Level::kL2);
  EXPECT_EQ(fast_.asked, asked);
  clock_.Advance(seconds(2));
  EXPECT_EQ(LevelOf("features:f:0"), Level::kL2);
  EXPECT_EQ(LevelOf("features:f:0"), Level::kL1);
}

TEST_F(TwoLevelCacheTest, AnInvalidationSaysWhenTheFastLevelWasNotReached) {
  Get("features:f:0");
  fast_.broken = true;
  const auto done = cache_.InvalidateFile("f", kNever);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->stored, 1U);
  ASSERT_TRUE(done->fast_failure.has_value());
  EXPECT_EQ(done->fast_failure->code, base::ErrorCode::kUnavailable);
}

TEST_F(TwoLevelCacheTest, WithoutTheStoreEverythingIsComputedAndNothingKept) {
  store_.broken = true;
  EXPECT_EQ(LevelOf("features:f:0"), std::nullopt);
  EXPECT_EQ(LevelOf("features:f:0"), std::nullopt);
  EXPECT_EQ(computed_, 2);
  EXPECT_GE(cache_.counts(Level::kL2).failures, 2U);
  EXPECT_FALSE(cache_.InvalidateFile("f", kNever).has_value());
  store_.broken = false;
  EXPECT_FALSE(Has(Level::kL1, "features:f:0"));
}

TEST_F(TwoLevelCacheTest, ConcurrentMissesComputeOnce) {
  std::promise<void> begun, release;
  Request slow = RequestOf("features:f:0");
  slow.compute = [&]() -> base::Result<std::string> {
    begun.set_value();
    release.get_future().wait();
    ++computed_;
    return "slow";
  };
  auto first = std::async(std::launch::async, [&] { return cache_.GetOrCompute(slow, kNever); });
  begun.get_future().wait();
  std::vector<std::future<base::Result<Found>>> others;
  for (int i = 0; i < 4; ++i) {
    others.push_back(std::async(std::launch::async, [&] {
      return cache_.GetOrCompute(RequestOf("features:f:0", "own"), kNever);
    }));
  }
  release.set_value();
  EXPECT_EQ(first.get()->value, "slow");
  // Those who waited and those who came too late to wait have the same value.
  for (auto& other : others) EXPECT_EQ(other.get()->value, "slow");
  EXPECT_EQ(computed_, 1);
}

TEST_F(TwoLevelCacheTest, CountsWhatIsInEachLevel) {
  for (const char* key : {"features:f:0", "features:f:1", "features:g:0"}) Get(key);
  ASSERT_TRUE(cache_.InvalidateFile("g", kNever).has_value());
  const auto stored = cache_.Usage(Level::kL2, kNever).value();
  EXPECT_EQ(stored.entries, 2U) << "marks are no entries";
  EXPECT_TRUE(stored.complete);
  EXPECT_GT(stored.bytes, 0U);
  EXPECT_EQ(cache_.Usage(Level::kL1, kNever)->entries, 2U);
}

}  // namespace
}  // namespace montage::cache
