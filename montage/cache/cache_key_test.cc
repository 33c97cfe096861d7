#include "montage/cache/cache_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace montage::cache {
namespace {

TEST(CacheKey, NamesWhatIsKeptOfARecording) {
  EXPECT_EQ(CacheKey::Features("f1", 12).text(), "features:f1:12");
  EXPECT_EQ(CacheKey::Raw("f1").text(), "raw:f1");
  EXPECT_EQ(CacheKey::Results("f1").text(), "results:f1");
}

TEST(CacheKey, ReadsWhatItWrites) {
  for (const char* text :
       {"features:test-file-123:0", "features:a:window-0", "raw:a_b", "results:9"}) {
    const auto key = CacheKey::Parse(text);
    ASSERT_TRUE(key.has_value()) << text;
    EXPECT_EQ(key->text(), text);
  }
  EXPECT_EQ(CacheKey::Parse("features:test-file-123:0")->file_id(), "test-file-123");
  EXPECT_EQ(CacheKey::Parse("results:9")->kind(), EntryKind::kResults);
}

// An id with a colon could be the beginning of another recording's keys.
TEST(CacheKey, RefusesAllElse) {
  for (const std::string& text :
       {std::string(), std::string("features"), std::string("features:"), std::string("features:a"),
        std::string("features::0"), std::string("features:a:"), std::string("features:a:b:0"),
        std::string("raw:"), std::string("raw:a:b"), std::string("results:a/b"),
        std::string("raw:../a"), std::string("invalidated:a"), std::string("Raw:a"),
        "raw:" + std::string(65, 'a'), std::string("raw:a\0b", 7)}) {
    const auto key = CacheKey::Parse(text);
    ASSERT_FALSE(key.has_value()) << text;
    EXPECT_EQ(key.error().code, base::ErrorCode::kInvalid);
    EXPECT_THAT(key.error().message, testing::HasSubstr("expected features:FILE:WINDOW"));
  }
}

}  // namespace
}  // namespace montage::cache
