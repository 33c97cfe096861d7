#include <gtest/gtest.h>

#include "lib/objects/object_store_contract.h"
#include "lib/objects/s3/live_server_testing.h"
#include "lib/objects/s3_object_store.h"
#include "lib/testing/temp_dir.h"

namespace objects {
namespace {

const base::SystemClock kClock;

/// A store whose buckets are removed with it.
struct ScratchStore {
  ScratchStore() : prefix(s3::UniqueBucketPrefix()), server(s3::ParseServer(Url()).value()) {
    S3StoreOptions options{.server = server, .spool = folder / "spool", .bucket_prefix = prefix};
    store = S3ObjectStore::Open(std::move(options), kClock).value();
  }
  ~ScratchStore() {
    for (const char* bucket : {"results", "cache"}) s3::RemoveBucket(server, prefix + bucket);
  }
  static std::string Url() { return s3::LiveServerUrl(); }

  testing_support::TempDir folder;
  std::string prefix;
  s3::Server server;
  std::unique_ptr<S3ObjectStore> store;
};

std::shared_ptr<ObjectStore> NewStore() {
  auto whole = std::make_shared<ScratchStore>();
  return {whole, whole->store.get()};
}

std::vector<ObjectStoreFactory> Factories() {
  if (s3::LiveServerUrl() == nullptr) return {};
  return {NewStore};
}

INSTANTIATE_TEST_SUITE_P(S3, ObjectStoreContract, testing::ValuesIn(Factories()));
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ObjectStoreContract);

class S3ObjectStoreLiveTest : public testing::Test {
 protected:
  void SetUp() override {
    if (s3::LiveServerUrl() == nullptr) GTEST_SKIP() << "ASSAY_LIVE_S3 names no S3 service";
    scratch_ = std::make_unique<ScratchStore>();
    ASSERT_TRUE(store().EnsureBucket("results", kNever).has_value());
  }
  S3ObjectStore& store() { return *scratch_->store; }

  static inline const base::Deadline kNever = base::Deadline::Never();
  std::unique_ptr<ScratchStore> scratch_;
};

TEST_F(S3ObjectStoreLiveTest, LargeContentGoesInPartsAndComesBack) {
  std::string content(size_t{20} << 20, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>((i * 31) >> 7);
  const auto put = PutText(store(), "results", "large", content, {.content_type = "x/y"}, kNever);
  ASSERT_TRUE(put.has_value()) << put.error().ToString();
  EXPECT_EQ(put->sha256, crypto::Sha256Hex(content));
  EXPECT_TRUE(put->etag.ends_with("-3")) << put->etag;
  EXPECT_EQ(store().Head("results", "large", kNever).value(), *put);
  EXPECT_TRUE(GetText(store(), "results", "large", content.size(), kNever).value() == content);
  EXPECT_TRUE(std::filesystem::is_empty(scratch_->folder / "spool"));
}

TEST_F(S3ObjectStoreLiveTest, LargeContentIsNotPutOverAnObjectThatMustNotBe) {
  ASSERT_TRUE(PutText(store(), "results", "key", "old", {}, kNever).has_value());
  const auto refused = PutText(store(), "results", "key", std::string(size_t{9} << 20, 'x'),
                               {.only_if_absent = true}, kNever);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kConflict);
  EXPECT_EQ(GetText(store(), "results", "key", 9, kNever).value(), "old");
}

TEST_F(S3ObjectStoreLiveTest, ContentThatDoesNotMatchItsDigestIsCorrupt) {
  net::Runtime runtime;
  runtime.Run([](net::Executor executor, ScratchStore& scratch) -> net::Task<void> {
    http::Client http(executor);
    s3::Client client(http, scratch.server);
    s3::PutOptions options{.metadata = {{"sha256", std::string(64, '0')}}};
    const s3::ObjectName name{scratch.prefix + "results", "key"};
    const auto put = co_await client.Put(name, std::string("text"), options, kNever);
    EXPECT_TRUE(put.has_value() && put->accepted());
  }(runtime.executor(), *scratch_));
  EXPECT_EQ(GetText(store(), "results", "key", 9, kNever).error().code, base::ErrorCode::kCorrupt);
}

TEST_F(S3ObjectStoreLiveTest, AnObjectThatOthersPutHasTheTimeOfTheServerAndNoDigest) {
  net::Runtime runtime;
  runtime.Run([](net::Executor executor, ScratchStore& scratch) -> net::Task<void> {
    http::Client http(executor);
    s3::Client client(http, scratch.server);
    const s3::ObjectName name{scratch.prefix + "results", "key"};
    const auto put = co_await client.Put(name, std::string("text"), {}, kNever);
    EXPECT_TRUE(put.has_value() && put->accepted());
  }(runtime.executor(), *scratch_));
  const auto stat = store().Head("results", "key", kNever);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->sha256, "");
  EXPECT_LT(std::chrono::abs(stat->modified - kClock.Now()), std::chrono::minutes(10));
  EXPECT_EQ(GetText(store(), "results", "key", 9, kNever).value(), "text");
}

TEST_F(S3ObjectStoreLiveTest, AWrongSecretIsUnauthorizedAndNotInTheError) {
  s3::Server server = scratch_->server;
  server.key.secret_key = "wrong-secret";
  testing_support::TempDir folder;
  const auto other =
      S3ObjectStore::Open({.server = server, .spool = folder.path(), .bucket_prefix = "x"}, kClock)
          .value();
  const auto refused = other->EnsureBucket("results", kNever);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kUnauthorized);
  EXPECT_EQ(refused.error().ToString().find("wrong-secret"), std::string::npos);
}

TEST(S3ObjectStoreOffline, AServiceThatDoesNotAnswerIsUnavailable) {
  testing_support::TempDir folder;
  s3::Server server = s3::ParseServer("http://KEY:SECRET@127.0.0.1:1").value();
  const auto store =
      S3ObjectStore::Open(
          {.server = server, .spool = folder.path(), .bucket_prefix = "", .attempts = 2}, kClock)
          .value();
  EXPECT_EQ(store->Head("results", "key", base::Deadline::Never()).error().code,
            base::ErrorCode::kUnavailable);
  EXPECT_FALSE(S3ObjectStore::Open({.server = server, .spool = "/proc/nowhere"}, kClock));
  EXPECT_FALSE(
      S3ObjectStore::Open({.server = server, .spool = folder.path(), .part_size = 1000}, kClock));
}

}  // namespace
}  // namespace objects
