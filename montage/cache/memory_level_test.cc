#include "montage/cache/memory_level.h"

#include "montage/cache/fast_level_contract.h"

namespace montage::cache {
namespace {

std::shared_ptr<LevelUnderTest> NewLevel() {
  const auto clock = std::make_shared<base::ManualClock>();
  // The level holds its clock by reference, so the two live in one place.
  struct Both : LevelUnderTest {
    std::shared_ptr<base::ManualClock> clock;
  };
  auto both = std::make_shared<Both>();
  both->clock = clock;
  both->level = std::make_shared<MemoryLevel>(*clock, 1 << 20);
  both->pass = [clock](base::Duration span) { clock->Advance(span); };
  return both;
}

INSTANTIATE_TEST_SUITE_P(Memory, FastLevelContract, testing::Values(NewLevel));

class MemoryLevelTest : public testing::Test {
 protected:
  std::optional<std::string> Get(std::string_view key) {
    const auto entry = level_.Get(key, never_).value();
    return entry ? std::optional(entry->bytes) : std::nullopt;
  }
  void Put(std::string_view key, std::string bytes) {
    EXPECT_TRUE(level_.Put(key, std::move(bytes), std::chrono::seconds(10), never_).has_value());
  }

  const base::Deadline never_ = base::Deadline::Never();
  base::ManualClock clock_;
  MemoryLevel level_{clock_, 100};
};

TEST_F(MemoryLevelTest, DropsTheLeastRecentlyUsedWhenItIsFull) {
  Put("a", std::string(39, '1'));
  Put("b", std::string(39, '2'));
  EXPECT_TRUE(Get("a").has_value());
  Put("c", std::string(39, '3'));
  EXPECT_TRUE(Get("a").has_value());
  EXPECT_FALSE(Get("b").has_value());
  EXPECT_TRUE(Get("c").has_value());
  EXPECT_EQ(level_.Usage(never_)->bytes, 80U);
}

TEST_F(MemoryLevelTest, DoesNotKeepWhatIsLargerThanItself) {
  Put("a", "1");
  Put("large", std::string(200, 'x'));
  EXPECT_FALSE(Get("large").has_value());
  EXPECT_TRUE(Get("a").has_value());
  // Nor the value that it should have replaced.
  Put("a", std::string(200, 'x'));
  EXPECT_FALSE(Get("a").has_value());
}

TEST_F(MemoryLevelTest, WhatEndedTakesNoRoom) {
  Put("a", std::string(39, '1'));
  clock_.Advance(std::chrono::seconds(10));
  EXPECT_EQ(level_.Usage(never_)->entries, 0U);
  EXPECT_EQ(level_.Usage(never_)->bytes, 0U);
}

}  // namespace
}  // namespace montage::cache
