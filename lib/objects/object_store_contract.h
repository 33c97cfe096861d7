#pragma once
// For tests only: what every ObjectStore must do.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/crypto/hash.h"
#include "lib/objects/object_store.h"

namespace objects {

using ObjectStoreFactory = std::function<std::shared_ptr<ObjectStore>()>;

/// Gives some bytes and then breaks.
class BrokenSource final : public ByteSource {
 public:
  base::Result<size_t> Read(std::span<char> into, base::Deadline) override {
    if (std::exchange(broken_, true)) return base::Fail(base::ErrorCode::kIo, "the line broke");
    into[0] = 'x';
    return 1;
  }

 private:
  bool broken_ = false;
};

class ObjectStoreContract : public testing::TestWithParam<ObjectStoreFactory> {
 protected:
  void SetUp() override {
    store_ = GetParam()();
    ASSERT_TRUE(store_->EnsureBucket("results", kNever).has_value());
  }
  void Put(const std::string& key, const std::string& text) {
    const auto put = PutText(*store_, "results", key, text, {}, kNever);
    ASSERT_TRUE(put.has_value()) << put.error().ToString();
  }
  std::string Get(const std::string& key) {
    const auto text = GetText(*store_, "results", key, 1 << 24, kNever);
    return text ? *text : "error: " + std::string(base::ToString(text.error().code));
  }
  std::vector<std::string> Keys(const ListQuery& query) {
    std::vector<std::string> keys;
    const auto page = store_->List("results", query, kNever);
    if (!page) return {"error: " + page.error().ToString()};
    for (const ObjectStat& stat : page->objects) keys.push_back(stat.key);
    return keys;
  }

  static inline const base::Deadline kNever = base::Deadline::Never();
  std::shared_ptr<ObjectStore> store_;
};

TEST_P(ObjectStoreContract, AnObjectComesBackWithItsDescription) {
  std::string content(700'000, 'a');
  content[350'000] = '\0';
  const auto put =
      PutText(*store_, "results", "j1/complete.json", content, {.content_type = "a/b"}, kNever);
  ASSERT_TRUE(put.has_value());
  EXPECT_EQ(put->size, content.size());
  EXPECT_EQ(put->sha256, crypto::Sha256Hex(content));
  EXPECT_EQ(put->content_type, "a/b");
  EXPECT_EQ(store_->Head("results", "j1/complete.json", kNever).value(), *put);
  EXPECT_EQ(Get("j1/complete.json"), content);
}

TEST_P(ObjectStoreContract, AnEmptyObjectIsAnObject) {
  Put("empty", "");
  EXPECT_EQ(Get("empty"), "");
  EXPECT_EQ(store_->Head("results", "empty", kNever)->size, 0U);
}

TEST_P(ObjectStoreContract, WhatIsMissingIsNotFoundAndMayBeDeleted) {
  EXPECT_EQ(Get("nothing"), "error: not_found");
  Put("folder/object", "x");
  EXPECT_EQ(Get("folder"), "error: not_found");
  EXPECT_TRUE(store_->Delete("results", "nothing", kNever).has_value());
  EXPECT_TRUE(store_->Delete("results", "folder/object/deeper", kNever).has_value());
  EXPECT_EQ(store_->Head("no-bucket", "x", kNever).error().code, base::ErrorCode::kNotFound);
  EXPECT_EQ(PutText(*store_, "no-bucket", "x", "", {}, kNever).error().code,
            base::ErrorCode::kNotFound);
}

TEST_P(ObjectStoreContract, HostileKeysAreJustNames) {
  const std::vector<std::string> keys = {"../../escape",
                                         "/etc/passwd",
                                         "..",
                                         ".",
                                         "a//b",
                                         "a/",
                                         "a",
                                         "a/b",
                                         "a@",
                                         "a@/b",
                                         "a+/b",
                                         "%2E%2E/x",
                                         "%_",
                                         "//",
                                         "con.json",
                                         "a.b/c",
                                         "~",
                                         "\xC3\xBC/\xE2\x82\xAC",
                                         "a b*?\"<>|\\",
                                         std::string(1024, 'k'),
                                         std::string(500, '/'),
                                         "-rf"};
  for (const std::string& key : keys) Put(key, "content of " + key);
  for (const std::string& key : keys) EXPECT_EQ(Get(key), "content of " + key);
  std::vector<std::string> sorted = keys;
  std::ranges::sort(sorted);
  EXPECT_EQ(Keys({}), sorted);
  for (const std::string& key : keys) {
    EXPECT_TRUE(store_->Delete("results", key, kNever).has_value());
  }
  EXPECT_EQ(Keys({}), std::vector<std::string>());
}

TEST_P(ObjectStoreContract, WrongNamesAreRefused) {
  for (const std::string& key :
       {std::string(), std::string(1025, 'k'), std::string("a\0b", 3), std::string("a\nb"),
        std::string("\xFF"), std::string("\xED\xA0\x80")}) {
    EXPECT_EQ(PutText(*store_, "results", key, "", {}, kNever).error().code,
              base::ErrorCode::kInvalid);
    EXPECT_EQ(store_->Head("results", key, kNever).error().code, base::ErrorCode::kInvalid);
  }
  for (const std::string& bucket : {"", "ab", "../x", "a/b", "Results", "a..b", "-ab", "abc-"}) {
    EXPECT_EQ(store_->EnsureBucket(bucket, kNever).error().code, base::ErrorCode::kInvalid)
        << bucket;
  }
}

TEST_P(ObjectStoreContract, APutThatFailsLeavesTheOldObject) {
  Put("key", "old");
  BrokenSource broken;
  EXPECT_EQ(store_->Put("results", "key", broken, {}, kNever).error().code, base::ErrorCode::kIo);
  EXPECT_EQ(Get("key"), "old");
  BrokenSource again;
  EXPECT_FALSE(store_->Put("results", "other", again, {}, kNever).has_value());
  EXPECT_EQ(Keys({}), std::vector<std::string>{"key"});
}

TEST_P(ObjectStoreContract, OnlyIfAbsentNeverReplaces) {
  Put("key", "old");
  const auto refused = PutText(*store_, "results", "key", "new", {.only_if_absent = true}, kNever);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kConflict);
  EXPECT_EQ(Get("key"), "old");
}

TEST_P(ObjectStoreContract, AReaderKeepsTheObjectItOpened) {
  Put("key", "old");
  auto source = store_->Get("results", "key", kNever);
  ASSERT_TRUE(source.has_value());
  Put("key", "new");
  EXPECT_EQ(ReadAll(**source, 100, kNever).value(), "old");
  EXPECT_EQ(Get("key"), "new");
}

TEST_P(ObjectStoreContract, ListsByPrefixInPages) {
  for (const char* key : {"a/1", "a/2", "a/3", "a.x", "ab", "b"}) Put(key, key);
  EXPECT_THAT(Keys({.prefix = "a/"}), testing::ElementsAre("a/1", "a/2", "a/3"));
  EXPECT_THAT(Keys({.prefix = "a"}), testing::ElementsAre("a.x", "a/1", "a/2", "a/3", "ab"));
  EXPECT_THAT(Keys({.prefix = "a/", .after = "a/1", .limit = 1}), testing::ElementsAre("a/2"));
  EXPECT_THAT(Keys({.prefix = "zzz/"}), testing::IsEmpty());
  EXPECT_TRUE(store_->List("results", {.prefix = "a/", .limit = 2}, kNever)->more);
  EXPECT_FALSE(store_->List("results", {.prefix = "a/", .limit = 3}, kNever)->more);
}

TEST_P(ObjectStoreContract, CopiesKeepContentAndType) {
  ASSERT_TRUE(store_->EnsureBucket("cache", kNever).has_value());
  ASSERT_TRUE(PutText(*store_, "results", "a", "text", {.content_type = "t/x"}, kNever));
  ASSERT_TRUE(Copy(*store_, "results", "a", "cache", "b", kNever).has_value());
  EXPECT_EQ(GetText(*store_, "cache", "b", 100, kNever).value(), "text");
  EXPECT_EQ(store_->Head("cache", "b", kNever)->content_type, "t/x");
}

TEST_P(ObjectStoreContract, ALimitedReadRefusesMore) {
  Put("key", "12345");
  EXPECT_EQ(GetText(*store_, "results", "key", 5, kNever).value(), "12345");
  EXPECT_EQ(GetText(*store_, "results", "key", 4, kNever).error().code, base::ErrorCode::kTooLarge);
}

TEST_P(ObjectStoreContract, ConcurrentPutsAndDeletesLeaveWholeObjects) {
  std::atomic<int> wrong{0};
  const auto work = [&](char letter) {
    for (int i = 0; i < 15; ++i) {
      if (!PutText(*store_, "results", "deep/er/key", std::string(50'000, letter), {}, kNever)) {
        ++wrong;
      }
      const auto text = GetText(*store_, "results", "deep/er/key", 1 << 20, kNever);
      if (text && *text != std::string(50'000, text->empty() ? '?' : text->front())) ++wrong;
      if (!text && text.error().code != base::ErrorCode::kNotFound) ++wrong;
      if (!store_->Delete("results", "deep/er/key", kNever)) ++wrong;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (const char letter : {'a', 'b', 'c', 'd'}) threads.emplace_back(work, letter);
  }
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace objects
