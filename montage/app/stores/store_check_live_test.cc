// What a service waits for, on the real servers of ASSAY_LIVE_POSTGRES, _REDIS and _S3: with the
// right login nothing, with a wrong one that store.

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/testing/temp_dir.h"
#include "montage/app/stores/store_check.h"

namespace montage::app {
namespace {

/// The URL with another password; user and password end before the last @.
std::string WithWrongPassword(const std::string& url) {
  const size_t colon = url.find(':', url.find("://") + 3);
  return url.substr(0, colon + 1) + "wrong" + url.substr(url.rfind('@'));
}

class StoreCheckLive : public testing::Test {
 protected:
  void SetUp() override {
    config_.data_dir = (folder_ / "data").string();
    config_.request_threads = 1;
    for (const auto& [variable, place] : {std::pair{"ASSAY_LIVE_POSTGRES", &config_.database_url},
                                          std::pair{"ASSAY_LIVE_S3", &config_.objects_url},
                                          std::pair{"ASSAY_LIVE_REDIS", &config_.cache_url}}) {
      const char* url = std::getenv(variable);
      if (url == nullptr) GTEST_SKIP() << variable << " names no server";
      *place = url;
    }
    if (config_.objects_url.find("prefix=") == std::string::npos)
      config_.objects_url += "?prefix=never-made-";
  }
  void ExpectRefused(std::string_view store) const {
    const auto missing = FirstMissing(config_, Role::kServer, clock_);
    ASSERT_TRUE(missing.has_value()) << store;
    EXPECT_EQ(missing->name, store);
    EXPECT_THAT(missing->error.code,
                testing::AnyOf(base::ErrorCode::kUnauthorized, base::ErrorCode::kForbidden))
        << missing->error.ToString();
  }

  const testing_support::TempDir folder_;
  const base::SystemClock clock_;
  Config config_;
};

TEST_F(StoreCheckLive, ServersThatTakeTheLoginAreNotMissedAlsoWithoutBuckets) {
  const auto missing = FirstMissing(config_, Role::kServer, clock_);
  EXPECT_FALSE(missing.has_value()) << missing->name << ": " << missing->error.ToString();
}

TEST_F(StoreCheckLive, ARefusedLoginNamesTheStore) {
  config_.cache_url = WithWrongPassword(config_.cache_url);
  ExpectRefused("cache");
  config_.objects_url = WithWrongPassword(config_.objects_url);
  ExpectRefused("objects");
  config_.database_url = WithWrongPassword(config_.database_url);
  ExpectRefused("database");
}

TEST_F(StoreCheckLive, APasswordThatIsLeftOutIsARefusedLogin) {
  config_.cache_url = "redis://" + config_.cache_url.substr(config_.cache_url.rfind('@') + 1);
  ExpectRefused("cache");
}

}  // namespace
}  // namespace montage::app
