#include "montage/storage/two_level_cache.h"

#include <gtest/gtest.h>

#include "lib/objects/memory_object_store.h"
#include "lib/testing/temp_dir.h"

namespace montage::storage {
namespace {

using std::chrono::seconds;

class TwoLevelCacheTest : public testing::Test {
 protected:
  TwoLevelCacheTest() { EXPECT_TRUE(cache_.Open(never_).has_value()); }

  std::optional<TwoLevelCache::Hit> Get(std::string_view key) {
    auto found = cache_.Get(key, never_);
    EXPECT_TRUE(found.has_value());
    return found ? *found : std::nullopt;
  }
  void Put(std::string_view key, std::string value) {
    EXPECT_TRUE(cache_.Put(key, std::move(value), never_).has_value());
  }
  std::string Stored(std::string_view key) {
    return objects::GetText(store_, kCacheBucket, key, 1 << 20, never_).value_or("");
  }

  testing_support::TempDir dir_;
  const base::Deadline never_ = base::Deadline::Never();
  base::ManualClock clock_;
  objects::MemoryObjectStore store_{clock_};
  KeyRing ring_ = KeyRing::LoadOrCreate(dir_ / "keys").value();
  MemoryCache fast_{clock_, 1 << 20};
  TwoLevelCache cache_{fast_, store_, ring_, seconds(3600)};
};

TEST_F(TwoLevelCacheTest, MissFillHit) {
  EXPECT_FALSE(Get("features:f:0").has_value());
  Put("features:f:0", "values");
  EXPECT_EQ(fast_.Get("features:f:0"), "values");
  EXPECT_EQ(Get("features:f:0")->level, CacheLevel::kL1);
  EXPECT_EQ(Get("features:f:0")->value, "values");
  const auto left = fast_.Remaining("features:f:0");
  ASSERT_TRUE(left.has_value());
  EXPECT_EQ(*left, seconds(3600));
}

TEST_F(TwoLevelCacheTest, WhatTheFastLevelForgotComesBackFromTheStore) {
  Put("k", "v");
  fast_.Erase("k");
  const auto hit = Get("k");
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->level, CacheLevel::kL2);
  EXPECT_EQ(hit->value, "v");
  EXPECT_EQ(fast_.Get("k"), "v");
  clock_.Advance(seconds(3601));
  EXPECT_FALSE(fast_.Get("k").has_value());
  EXPECT_EQ(Get("k")->level, CacheLevel::kL2);
}

TEST_F(TwoLevelCacheTest, InvalidatesAPrefixInBothLevelsAndNothingElse) {
  for (const char* key : {"features:test-file-123:0", "features:test-file-123:1"}) Put(key, "x");
  for (const char* key : {"features:test-file-1234:0", "features:test-file-12:0"}) Put(key, "y");
  EXPECT_EQ(cache_.ErasePrefix("features:test-file-123:", never_), 2U);
  EXPECT_FALSE(Get("features:test-file-123:0").has_value());
  EXPECT_FALSE(Get("features:test-file-123:1").has_value());
  EXPECT_TRUE(Get("features:test-file-1234:0").has_value());
  EXPECT_TRUE(Get("features:test-file-12:0").has_value());
}

TEST_F(TwoLevelCacheTest, InvalidatesMoreThanAPage) {
  for (int i = 0; i < 1200; ++i) Put("p:" + std::to_string(i), "x");
  EXPECT_EQ(cache_.ErasePrefix("p:", never_), 1200U);
  EXPECT_FALSE(Get("p:1199").has_value());
}

TEST_F(TwoLevelCacheTest, StoresNothingReadableAndNeverReturnsAChangedEntry) {
  Put("k", "patient_id 4711");
  std::string sealed = Stored("k");
  EXPECT_EQ(sealed.find("4711"), std::string::npos);
  sealed.back() ^= 1;
  ASSERT_TRUE(objects::PutText(store_, kCacheBucket, "k", sealed, {}, never_).has_value());
  fast_.Erase("k");
  EXPECT_FALSE(Get("k").has_value());
  EXPECT_EQ(Stored("k"), "") << "a changed entry must be removed";
  Put("k", "v");
  // Moved to another key it belongs to nobody.
  ASSERT_TRUE(objects::PutText(store_, kCacheBucket, "other", Stored("k"), {}, never_).has_value());
  EXPECT_FALSE(Get("other").has_value());
}

}  // namespace
}  // namespace montage::storage
