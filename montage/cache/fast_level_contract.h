#pragma once
// For tests only: what every FastLevel must do. Time passes for real or by hand, as the level
// needs.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "montage/cache/fast_level.h"

namespace montage::cache {

/// A level with nothing in it, and the passing of its time.
struct LevelUnderTest {
  std::shared_ptr<FastLevel> level;
  std::function<void(base::Duration)> pass;
};
/// Null: it cannot be tested here.
using LevelFactory = std::function<std::shared_ptr<LevelUnderTest>()>;

class FastLevelContract : public testing::TestWithParam<LevelFactory> {
 protected:
  void SetUp() override {
    under_test_ = GetParam()();
    if (!under_test_) GTEST_SKIP() << "the server of this level is not installed";
  }
  FastLevel& level() { return *under_test_->level; }

  std::optional<std::string> Get(std::string_view key) {
    auto entry = level().Get(key, never_);
    EXPECT_TRUE(entry.has_value()) << entry.error().ToString();
    if (!entry || !*entry) return std::nullopt;
    return (*entry)->bytes;
  }
  void Put(std::string_view key, std::string bytes,
           base::Duration time_to_live = std::chrono::hours(1)) {
    const auto put = level().Put(key, std::move(bytes), time_to_live, never_);
    EXPECT_TRUE(put.has_value()) << put.error().ToString();
  }

  const base::Deadline never_ = base::Deadline::Never();
  std::shared_ptr<LevelUnderTest> under_test_;
};

TEST_P(FastLevelContract, GivesBackAnyBytesAndTheNewestOfThem) {
  std::string bytes(3100, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  EXPECT_EQ(Get("features:f:0"), std::nullopt);
  Put("features:f:0", bytes);
  EXPECT_EQ(Get("features:f:0"), bytes);
  Put("features:f:0", "newer");
  EXPECT_EQ(Get("features:f:0"), "newer");
  Put("features:f:1", "");
  EXPECT_EQ(Get("features:f:1"), "");
  EXPECT_EQ(level().Usage(never_)->entries, 2U);
  EXPECT_GT(level().Usage(never_)->bytes, 0U);
}

TEST_P(FastLevelContract, TellsHowLongAValueStays) {
  Put("k", "v", std::chrono::seconds(3600));
  const auto entry = level().Get("k", never_).value();
  ASSERT_TRUE(entry.has_value());
  EXPECT_LE(entry->remaining, std::chrono::seconds(3600));
  EXPECT_GE(entry->remaining, std::chrono::seconds(3590));
}

TEST_P(FastLevelContract, ForgetsAValueWhenItsTimeIsOver) {
  Put("short", "v", std::chrono::milliseconds(60));
  Put("long", "v");
  EXPECT_EQ(Get("short"), "v");
  under_test_->pass(std::chrono::milliseconds(80));
  EXPECT_EQ(Get("short"), std::nullopt);
  EXPECT_EQ(level().Erase("short", never_), false);
  EXPECT_EQ(Get("long"), "v");
}

TEST_P(FastLevelContract, AReplacedValueStaysForItsOwnTime) {
  Put("k", "old", std::chrono::milliseconds(60));
  Put("k", "new");
  under_test_->pass(std::chrono::milliseconds(80));
  EXPECT_EQ(Get("k"), "new");
}

TEST_P(FastLevelContract, ErasesOneAndSaysWhetherItWasThere) {
  Put("a", "1");
  Put("ab", "2");
  EXPECT_EQ(level().Erase("a", never_), true);
  EXPECT_EQ(level().Erase("a", never_), false);
  EXPECT_EQ(Get("a"), std::nullopt);
  EXPECT_EQ(Get("ab"), "2");
}

TEST_P(FastLevelContract, ErasesAPrefixAndNothingElse) {
  for (int i = 0; i < 2500; ++i) Put("features:test-file-123:" + std::to_string(i), "x");
  for (const char* other : {"features:test-file-1234:0", "features:test-file-12:0",
                            "features:test-file-123", "raw:test-file-123"}) {
    Put(other, "y");
  }
  EXPECT_EQ(level().ErasePrefix("features:test-file-123:", never_), 2500U);
  EXPECT_EQ(level().ErasePrefix("features:test-file-123:", never_), 0U);
  EXPECT_EQ(Get("features:test-file-123:7"), std::nullopt);
  for (const char* other : {"features:test-file-1234:0", "features:test-file-12:0",
                            "features:test-file-123", "raw:test-file-123"}) {
    EXPECT_EQ(Get(other), "y") << other;
  }
}

// Whatever stands for more than itself in a server's patterns stands for itself here.
TEST_P(FastLevelContract, APrefixIsNoPattern) {
  const std::vector<std::string> odd = {"a*b", "a?b", "a[bc]d", "a\\b", "a^b", "a-b"};
  for (const std::string& key : odd) Put(key + ":1", "x");
  for (const char* key : {"axb:1", "abd:1", "ab:1"}) Put(key, "y");
  for (const std::string& key : odd) {
    EXPECT_EQ(level().ErasePrefix(key + ":", never_), 1U) << key;
    EXPECT_EQ(Get(key + ":1"), std::nullopt) << key;
  }
  for (const char* key : {"axb:1", "abd:1", "ab:1"}) EXPECT_EQ(Get(key), "y") << key;
}

}  // namespace montage::cache
