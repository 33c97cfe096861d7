// Montage's stores over the S3 service of ASSAY_LIVE_S3: what they do over files they do there.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/objects/s3/live_server_testing.h"
#include "lib/testing/temp_dir.h"
#include "montage/app/data_directory.h"
#include "montage/app/stores/object_setup.h"
#include "montage/cache/memory_level.h"
#include "montage/cache/two_level_cache.h"
#include "montage/jobs/worker.h"
#include "montage/recordings/recordings.h"
#include "montage/storage/schema.h"

namespace montage::app {
namespace {

constexpr size_t kLarge = size_t{20} << 20;  // more than two parts of an upload

class ObjectsOverS3Live : public testing::Test {
 protected:
  void SetUp() override {
    const char* url = objects::s3::LiveServerUrl();
    if (url == nullptr) GTEST_SKIP() << "ASSAY_LIVE_S3 names no S3 service";
    prefix_ = objects::s3::UniqueBucketPrefix();
    url_ =
        std::string(url) + (std::string_view(url).contains('?') ? "&" : "?") + "prefix=" + prefix_;
    directory_ =
        DataDirectory::Open({.path = folder_ / "data", .objects_url = url_}, clock_, kNever)
            .value();
    ASSERT_TRUE(
        storage::Migrator(directory_->database(), storage::Migrations(), clock_).Up(kNever));
    for (const auto bucket : {recordings::kBucket, jobs::kResultsBucket, cache::kBucket})
      ASSERT_TRUE(directory_->objects().EnsureBucket(bucket, kNever).has_value());
  }
  void TearDown() override {
    if (url_.empty()) return;
    const auto server = ParseObjectsUrl(url_)->server;
    for (const auto bucket : {recordings::kBucket, jobs::kResultsBucket, cache::kBucket})
      objects::s3::RemoveBucket(server, prefix_ + std::string(bucket));
  }
  recordings::Recordings Recordings() {
    return {directory_->database(), directory_->objects(), directory_->keys(), clock_, 2 * kLarge};
  }
  size_t CountOf(std::string_view bucket) {
    return directory_->objects().List(bucket, {}, kNever)->objects.size();
  }

  static inline const base::Deadline kNever = base::Deadline::Never();
  const testing_support::TempDir folder_;
  const base::SystemClock clock_;
  std::string prefix_;
  std::string url_;
  std::unique_ptr<DataDirectory> directory_;
};

TEST_F(ObjectsOverS3Live, ALargeRecordingIsSealedKeptAndDeleted) {
  auto recordings = Recordings();
  std::string content(kLarge, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>((i * 31) >> 7);
  const auto validate = [](objects::ByteSource& source,
                           base::Deadline deadline) -> base::Result<std::string> {
    TRY(const std::string all, objects::ReadAll(source, 2 * kLarge, deadline));
    return all.size() == kLarge ? "edf" : "short";
  };
  objects::TextSource source(content);
  const auto uploaded =
      recordings.Upload({.tenant = "a", .owner_id = "u"}, "name", source, validate, kNever);
  ASSERT_TRUE(uploaded.has_value()) << uploaded.error().ToString();
  EXPECT_EQ(uploaded->recording.format, "edf");
  const std::string& id = uploaded->recording.file_id;
  const auto stored = directory_->objects().Get(recordings::kBucket, "files/" + id, kNever);
  ASSERT_TRUE(stored.has_value());
  EXPECT_NE(objects::ReadAll(**stored, 2 * kLarge, kNever)->substr(72, 100),
            content.substr(0, 100));
  EXPECT_TRUE(objects::ReadAll(**recordings.Open(id, kNever), 2 * kLarge, kNever).value() ==
              content);
  objects::TextSource again(content);
  EXPECT_FALSE(
      recordings.Upload({.tenant = "a", .owner_id = "u"}, "x", again, validate, kNever)->is_new);
  EXPECT_EQ(CountOf(recordings::kBucket), 1U);
  ASSERT_TRUE(recordings.Delete(id, kNever).has_value());
  EXPECT_EQ(CountOf(recordings::kBucket), 0U);
}

TEST_F(ObjectsOverS3Live, WhatHasNoRowIsSwept) {
  ASSERT_TRUE(
      objects::PutText(directory_->objects(), recordings::kBucket, "files/left", "x", {}, kNever));
  EXPECT_EQ(Recordings().SweepLeftovers(kNever), 1);
  EXPECT_EQ(CountOf(recordings::kBucket), 0U);
}

TEST_F(ObjectsOverS3Live, ResultsLieUnderTheJob) {
  const std::string key = jobs::ResultKey("j1");
  EXPECT_EQ(key, "results/j1/complete.json");
  ASSERT_TRUE(objects::PutText(directory_->objects(), jobs::kResultsBucket, key, "{}", {}, kNever));
  EXPECT_EQ(objects::GetText(directory_->objects(), jobs::kResultsBucket, key, 9, kNever), "{}");
}

TEST_F(ObjectsOverS3Live, TheSecondLevelOfTheCacheIsThere) {
  cache::MemoryLevel fast(clock_, 1 << 20);
  telemetry::Metrics metrics;
  cache::TwoLevelCache cache({.fast = fast,
                              .store = directory_->objects(),
                              .ring = directory_->keys(),
                              .metrics = metrics,
                              .clock = clock_});
  int computed = 0;
  const cache::Request request{.key = cache::CacheKey::Features("f", 0),
                               .is_usable = [](std::string_view) { return true; },
                               .compute = [&]() -> base::Result<std::string> {
                                 ++computed;
                                 return "value";
                               }};
  ASSERT_TRUE(cache.GetOrCompute(request, kNever).has_value());
  EXPECT_EQ(cache.GetOrCompute(request, kNever)->level, cache::Level::kL1);
  EXPECT_EQ(cache.Erase(cache::Level::kL1, request.key, kNever), true);
  EXPECT_EQ(cache.GetOrCompute(request, kNever)->level, cache::Level::kL2);
  EXPECT_EQ(computed, 1);
  const auto done = cache.InvalidateFile("f", kNever);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->stored, 1U);
  EXPECT_EQ(cache.GetOrCompute(request, kNever)->level, std::nullopt);
  EXPECT_EQ(computed, 2);
}

TEST_F(ObjectsOverS3Live, AnAlteredObjectIsNeverGiven) {
  auto recordings = Recordings();
  objects::TextSource source("plain content of a recording");
  const auto uploaded = recordings.Upload(
      {.tenant = "a", .owner_id = "u"}, "name", source,
      [](objects::ByteSource&, base::Deadline) -> base::Result<std::string> { return "edf"; },
      kNever);
  ASSERT_TRUE(uploaded.has_value());
  const std::string key = "files/" + uploaded->recording.file_id;
  std::string sealed =
      objects::GetText(directory_->objects(), recordings::kBucket, key, 1 << 20, kNever).value();
  sealed.back() ^= 1;
  ASSERT_TRUE(
      objects::PutText(directory_->objects(), recordings::kBucket, key, sealed, {}, kNever));
  const auto opened = recordings.Open(uploaded->recording.file_id, kNever);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(objects::ReadAll(**opened, 1 << 20, kNever).error().code, base::ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace montage::app
