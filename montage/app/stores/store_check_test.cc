// What a service waits for, on servers that nobody can reach.

#include "montage/app/stores/store_check.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/testing/temp_dir.h"

namespace montage::app {
namespace {

/// The port of tcpmux, which nobody serves.
constexpr const char* kNoDatabase = "postgresql://montage:secret@127.0.0.1:1/montage";
constexpr const char* kNoObjects = "http://KEY:secret@127.0.0.1:1";
constexpr const char* kNoCache = "redis://:secret@127.0.0.1:1/0";

class StoreCheck : public testing::Test {
 protected:
  StoreCheck() {
    config_.data_dir = (folder_ / "data").string();
    config_.request_threads = 1;
  }
  std::string Missing() const {
    const auto missing = FirstMissing(config_, Role::kServer, clock_);
    if (!missing) return "";
    EXPECT_THAT(missing->error.ToString(), testing::Not(testing::HasSubstr("secret")));
    EXPECT_EQ(missing->error.code, base::ErrorCode::kUnavailable) << missing->error.ToString();
    return std::string(missing->name);
  }

  const testing_support::TempDir folder_;
  const base::SystemClock clock_;
  Config config_;
};

TEST_F(StoreCheck, FilesAndMemoryAreAlwaysThere) {
  EXPECT_EQ(Missing(), "");
  EXPECT_FALSE(std::filesystem::exists(config_.data_dir)) << "nothing was asked";
}

TEST_F(StoreCheck, EachServerThatCannotBeReachedIsNamed) {
  config_.cache_url = kNoCache;
  EXPECT_EQ(Missing(), "cache");
  config_.objects_url = kNoObjects;
  EXPECT_EQ(Missing(), "objects");
  config_.database_url = kNoDatabase;
  EXPECT_EQ(Missing(), "database");
}

TEST_F(StoreCheck, AnOptionalCacheIsNotWaitedFor) {
  config_.cache_url = kNoCache;
  config_.cache_required_at_start = false;
  EXPECT_EQ(Missing(), "");
}

TEST_F(StoreCheck, TheReplicaIsNotWaitedForEither) {
  config_.cache_url = kNoCache;
  config_.database_replica_url = kNoDatabase;
  EXPECT_EQ(Missing(), "cache");
}

TEST_F(StoreCheck, TheDataDirectoryIsForItsOwnUserOnly) {
  config_.objects_url = kNoObjects;
  EXPECT_EQ(Missing(), "objects");
  EXPECT_EQ(std::filesystem::status(config_.data_dir).permissions(),
            std::filesystem::perms::owner_all);
}

}  // namespace
}  // namespace montage::app
