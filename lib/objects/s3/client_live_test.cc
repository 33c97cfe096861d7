// The client against a real S3 service.

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/objects/s3/client.h"
#include "lib/objects/s3/live_server_testing.h"
#include "lib/objects/s3/upload.h"
#include "lib/testing/temp_dir.h"

namespace objects::s3 {
namespace {

using base::Deadline;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using namespace std::chrono_literals;

class S3ClientLiveTest : public testing::Test {
 protected:
  void SetUp() override {
    if (LiveServerUrl() == nullptr) GTEST_SKIP() << "ASSAY_LIVE_S3 names no S3 service";
    server_ = ParseServer(LiveServerUrl()).value();
    bucket_ = UniqueBucketPrefix() + "bucket";
    http_ = std::make_unique<http::Client>(runtime_.executor());
    client_ = std::make_unique<Client>(*http_, server_);
    ASSERT_TRUE(Run(client_->CreateBucket(bucket_, Soon())).accepted());
  }
  void TearDown() override {
    if (client_) RemoveBucket(server_, bucket_);
  }

  template <typename T>
  Reply<T> Run(ReplyTask<T> task) {
    auto reply = runtime_.Run(std::move(task));
    EXPECT_TRUE(reply.has_value()) << reply.error().ToString();
    return reply ? *std::move(reply) : Reply<T>{{.refusal = Refusal{"error", ""}}, {}};
  }
  Reply<Stored> Put(const std::string& key, const std::string& text, PutOptions options = {}) {
    return Run(client_->Put(Name(key), text, std::move(options), Soon()));
  }
  Reply<GotObject> Get(const std::string& key, GetOptions options = {}) {
    return Run(client_->Get(Name(key), std::move(options), Soon()));
  }
  ObjectName Name(const std::string& key, const std::string& version = "") const {
    return {bucket_, key, version};
  }
  http::ClientResponse Fetch(const std::string& method, const std::string& url,
                             http::RequestBody body = {}) {
    http::ClientRequest request{.method = method, .url = url, .body = std::move(body)};
    auto response = runtime_.Run(http_->Send(std::move(request), Soon()));
    EXPECT_TRUE(response.has_value()) << response.error().ToString();
    return response.value_or(http::ClientResponse{});
  }
  static Deadline Soon() { return Deadline::After(60s); }

  net::Runtime runtime_;
  Server server_;
  std::string bucket_;
  std::unique_ptr<http::Client> http_;
  std::unique_ptr<Client> client_;
  testing_support::TempDir dir_;
};

TEST_F(S3ClientLiveTest, AnObjectComesBackWithTypeMetadataAndHeaders) {
  const auto put = Put("a/b c", "hello",
                       {.content_type = "text/plain",
                        .metadata = {{"author", "Ada"}},
                        .headers = {{"Cache-Control", "no-store"}}});
  ASSERT_TRUE(put.accepted()) << put.refusal->code;
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(put.value.etag, "5d41402abc4b2a76b9719d911017c592");
  EXPECT_FALSE(put.request_id.empty());
  const auto head = Run(client_->Head(Name("a/b c"), Soon()));
  EXPECT_EQ(head.value.size, 5U);
  EXPECT_EQ(head.value.etag, put.value.etag);
  EXPECT_EQ(head.value.content_type, "text/plain");
  EXPECT_THAT(head.value.metadata, ElementsAre(Pair("author", "Ada")));
  EXPECT_GT(head.value.modified, base::WallTime{});
  const auto got = Get("a/b c");
  EXPECT_EQ(got.value.content, "hello");
  EXPECT_EQ(got.value.facts.size, 5U);
}

TEST_F(S3ClientLiveTest, RangesGiveTheirPart) {
  Put("key", "0123456789");
  const auto middle = Get("key", {.range = ByteRange{2, 5}});
  EXPECT_EQ(middle.status, 206);
  EXPECT_EQ(middle.value.content, "2345");
  EXPECT_EQ(middle.value.bytes, 4U);
  EXPECT_EQ(middle.value.facts.size, 10U);
  EXPECT_EQ(middle.value.content_range, "bytes 2-5/10");
  EXPECT_EQ(Get("key", {.range = ByteRange{7, std::nullopt}}).value.content, "789");
  EXPECT_EQ(Get("key", {.range = ByteRange{std::nullopt, 3}}).value.content, "789");
  const auto beyond = Get("key", {.range = ByteRange{20, 30}});
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.refusal->code, "InvalidRange");
}

TEST_F(S3ClientLiveTest, FilesAreSentAndReceivedWithoutPassingThroughMemory) {
  const auto path = dir_.Write("upload", std::string(1'000'000, 'x') + "end");
  const base::SystemClock clock;
  const auto file = DigestFile(path.string(), Soon(), clock).value();
  const auto put = Run(client_->Put(Name("file"), file, {.checksum = Checksum::kMd5}, Soon()));
  ASSERT_TRUE(put.accepted()) << put.refusal->code;
  const std::string target = (dir_ / "download").string();
  const auto got = Get("file", {.download_to = target});
  EXPECT_EQ(got.value.bytes, 1'000'003U);
  EXPECT_EQ(got.value.content, "");
  EXPECT_EQ(DigestFile(target, Soon(), clock)->sha256, file.sha256);
}

TEST_F(S3ClientLiveTest, AWrongDigestIsRefused) {
  const auto path = dir_.Write("upload", "content");
  const base::SystemClock clock;
  auto file = DigestFile(path.string(), Soon(), clock).value();
  file.md5.fill(0);
  const auto wrong_md5 = Run(client_->Put(Name("x"), file, {.checksum = Checksum::kMd5}, Soon()));
  EXPECT_EQ(wrong_md5.status, 400);
  EXPECT_EQ(wrong_md5.refusal->code, "BadDigest");
  file.sha256.fill(0);
  const auto wrong_payload = Run(client_->Put(Name("x"), file, {}, Soon()));
  EXPECT_EQ(wrong_payload.refusal->code, "XAmzContentSHA256Mismatch");
  EXPECT_EQ(Run(client_->Head(Name("x"), Soon())).status, 404);
}

TEST_F(S3ClientLiveTest, ConditionsGuardPutsAndGets) {
  const auto first = Put("key", "one");
  EXPECT_EQ(Put("key", "two", {.only_if_absent = true}).refusal->code, "PreconditionFailed");
  EXPECT_EQ(Get("key", {.if_match = first.value.etag}).value.content, "one");
  EXPECT_TRUE(Put("key", "two").accepted());
  EXPECT_EQ(Get("key", {.if_match = first.value.etag}).status, 412);
  EXPECT_EQ(Get("key", {.if_none_match = Put("key", "3").value.etag}).status, 304);
}

TEST_F(S3ClientLiveTest, RefusalsHaveTheCodesOfTheApi) {
  const auto missing = Get("missing");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.refusal->code, "NoSuchKey");
  EXPECT_FALSE(missing.request_id.empty());
  EXPECT_EQ(Run(client_->Head(Name("missing"), Soon())).refusal->code, "NotFound");
  EXPECT_EQ(Run(client_->List(bucket_ + "x", {}, Soon())).refusal->code, "NoSuchBucket");
  Put("key", "x");
  EXPECT_EQ(Run(client_->DeleteBucket(bucket_, Soon())).refusal->code, "BucketNotEmpty");

  Server wrong = server_;
  wrong.key.secret_key = "wrong";
  Client stranger(*http_, wrong);
  EXPECT_EQ(Run(stranger.Get(Name("key"), {}, Soon())).refusal->code, "SignatureDoesNotMatch");
  wrong.key.access_key = "NOBODY";
  Client nobody(*http_, wrong);
  EXPECT_EQ(Run(nobody.Get(Name("key"), {}, Soon())).refusal->code, "InvalidAccessKeyId");
  wrong.key.access_key.clear();
  Client anonymous(*http_, wrong);
  EXPECT_EQ(Run(anonymous.Get(Name("key"), {}, Soon())).refusal->code, "AccessDenied");
}

TEST_F(S3ClientLiveTest, ListsInPagesWithPrefixAndDelimiter) {
  const std::vector<std::string> keys = {"a/1", "a/2", "a/sub/3", "a+b c&<d>", "b"};
  for (const std::string& key : keys) Put(key, "x");
  const auto keys_of = [](const Listing& listing) {
    std::vector<std::string> found;
    for (const ListedObject& object : listing.objects) found.push_back(object.key);
    return found;
  };
  const auto all = Run(client_->List(bucket_, {}, Soon()));
  EXPECT_THAT(keys_of(all.value), ElementsAre("a+b c&<d>", "a/1", "a/2", "a/sub/3", "b"));
  const auto folder = Run(client_->List(bucket_, {.prefix = "a/", .delimiter = "/"}, Soon()));
  EXPECT_THAT(keys_of(folder.value), ElementsAre("a/1", "a/2"));
  EXPECT_THAT(folder.value.prefixes, ElementsAre("a/sub/"));
  const auto first = Run(client_->List(bucket_, {.prefix = "a/", .limit = 2}, Soon()));
  EXPECT_THAT(keys_of(first.value), ElementsAre("a/1", "a/2"));
  ASSERT_TRUE(first.value.more);
  const auto rest = Run(client_->List(bucket_, {.prefix = "a/", .next = first.value.next}, Soon()));
  EXPECT_THAT(keys_of(rest.value), ElementsAre("a/sub/3"));
  EXPECT_FALSE(rest.value.more);
  EXPECT_THAT(keys_of(Run(client_->List(bucket_, {.after = "a/2"}, Soon())).value),
              ElementsAre("a/sub/3", "b"));
}

TEST_F(S3ClientLiveTest, DeletesOneAndMany) {
  for (const char* key : {"a", "b<&>", "c"}) Put(key, "x");
  EXPECT_EQ(Run(client_->Delete(Name("a"), Soon())).status, 204);
  EXPECT_EQ(Run(client_->Delete(Name("a"), Soon())).status, 204);
  const auto many =
      Run(client_->DeleteMany(bucket_, {Name("b<&>"), Name("c"), Name("never there")}, Soon()));
  EXPECT_THAT(many.value.deleted, SizeIs(3));
  EXPECT_THAT(many.value.failed, IsEmpty());
  EXPECT_THAT(Run(client_->List(bucket_, {}, Soon())).value.objects, IsEmpty());
}

TEST_F(S3ClientLiveTest, CopiesKeepOrReplaceTheDescription) {
  Put("a b", "text", {.content_type = "x/y", .metadata = {{"k", "v"}}});
  ASSERT_TRUE(Run(client_->Copy(Name("a b"), Name("kept"), {}, Soon())).accepted());
  const auto kept = Run(client_->Head(Name("kept"), Soon()));
  EXPECT_EQ(kept.value.content_type, "x/y");
  EXPECT_THAT(kept.value.metadata, ElementsAre(Pair("k", "v")));
  const CopyOptions replace{.replace = PutOptions{.content_type = "n/w", .metadata = {{"n", "1"}}}};
  ASSERT_TRUE(Run(client_->Copy(Name("a b"), Name("new"), replace, Soon())).accepted());
  const auto replaced = Run(client_->Head(Name("new"), Soon()));
  EXPECT_EQ(replaced.value.content_type, "n/w");
  EXPECT_THAT(replaced.value.metadata, ElementsAre(Pair("n", "1")));
  EXPECT_EQ(Get("new").value.content, "text");
  EXPECT_EQ(Run(client_->Copy(Name("missing"), Name("x"), {}, Soon())).refusal->code, "NoSuchKey");
}

TEST_F(S3ClientLiveTest, VersionsAreKeptListedReadAndDeleted) {
  EXPECT_EQ(Run(client_->Versioning(bucket_, Soon())).value, "");
  ASSERT_TRUE(Run(client_->SetVersioning(bucket_, true, Soon())).accepted());
  EXPECT_EQ(Run(client_->Versioning(bucket_, Soon())).value, "Enabled");
  const auto one = Put("key", "one");
  const auto two = Put("key", "two");
  ASSERT_FALSE(one.value.version.empty());
  EXPECT_NE(one.value.version, two.value.version);
  EXPECT_EQ(Run(client_->Get(Name("key", one.value.version), {}, Soon())).value.content, "one");
  EXPECT_EQ(Get("key").value.content, "two");
  const auto marker = Run(client_->Delete(Name("key"), Soon()));
  EXPECT_TRUE(marker.value.marker);
  EXPECT_EQ(Get("key").refusal->code, "NoSuchKey");
  const auto listing = Run(client_->ListVersions(bucket_, {}, Soon()));
  ASSERT_THAT(listing.value.versions, SizeIs(3));
  EXPECT_TRUE(listing.value.versions[0].delete_marker);
  EXPECT_TRUE(listing.value.versions[0].latest);
  EXPECT_EQ(listing.value.versions[2].version, one.value.version);
  EXPECT_TRUE(Run(client_->Delete(Name("key", marker.value.version), Soon())).accepted());
  EXPECT_TRUE(Run(client_->Delete(Name("key", two.value.version), Soon())).accepted());
  EXPECT_EQ(Get("key").value.content, "one");
}

TEST_F(S3ClientLiveTest, UploadsInPartsAndSeesThePartsBefore) {
  const size_t size = kSmallestPart;
  const auto id = Run(client_->BeginUpload(Name("big"), {.metadata = {{"m", "1"}}}, Soon())).value;
  const auto first =
      Run(client_->PutPart(Name("big"), id, 1, std::string(size, 'a'), Soon())).value;
  const auto second = Run(client_->PutPart(Name("big"), id, 2, "tail", Soon())).value;
  const auto parts = Run(client_->ListParts(Name("big"), id, Soon())).value;
  ASSERT_THAT(parts, SizeIs(2));
  EXPECT_EQ(parts[0].size, size);
  EXPECT_EQ(parts[1].etag, second.etag);
  EXPECT_EQ(Get("big").refusal->code, "NoSuchKey");
  const auto done = Run(client_->CompleteUpload(Name("big"), id, {first, second}, false, Soon()));
  ASSERT_TRUE(done.accepted()) << done.refusal->code;
  const auto head = Run(client_->Head(Name("big"), Soon())).value;
  EXPECT_TRUE(head.etag.ends_with("-2"));
  EXPECT_EQ(head.size, size + 4);
  EXPECT_THAT(head.metadata, ElementsAre(Pair("m", "1")));
}

TEST_F(S3ClientLiveTest, AnUploadThatIsGivenUpLeavesNothing) {
  const auto id = Run(client_->BeginUpload(Name("big"), {}, Soon())).value;
  Run(client_->PutPart(Name("big"), id, 1, "part", Soon()));
  EXPECT_TRUE(Run(client_->AbortUpload(Name("big"), id, Soon())).accepted());
  EXPECT_EQ(Run(client_->ListParts(Name("big"), id, Soon())).status, 404);
  EXPECT_EQ(Get("big").status, 404);
}

TEST_F(S3ClientLiveTest, PartsThatAreTooSmallAreRefusedAndGivenUp) {
  int left = 3;
  const ReadPart read = [&](size_t bytes) -> net::Task<base::Result<std::string>> {
    co_return left-- > 0 ? std::string(bytes, 'x') : std::string();
  };
  const auto reply = Run(UploadInParts(*client_, Name("small"), {}, 1000, read, Soon()));
  EXPECT_EQ(reply.refusal->code, "EntityTooSmall");
  EXPECT_EQ(Get("small").status, 404);
}

TEST_F(S3ClientLiveTest, PresignedUrlsNeedNoKeyAndExpire) {
  const auto put = client_->Presign("PUT", Name("p q"), 60s).value();
  EXPECT_EQ(Fetch("PUT", put, "presigned").status, 200);
  const auto get = client_->Presign("GET", Name("p q"), 60s).value();
  EXPECT_EQ(Fetch("GET", get).body, "presigned");
  EXPECT_EQ(Fetch("PUT", get, "x").status, 403);
  const base::ManualClock past(base::SystemClock().Now() - 2h);
  const Client yesterday(*http_, server_, {.clock = &past});
  const auto expired = Fetch("GET", yesterday.Presign("GET", Name("p q"), 60s).value());
  EXPECT_EQ(expired.status, 403);
  EXPECT_THAT(expired.body, HasSubstr("<Code>"));
}

TEST_F(S3ClientLiveTest, AClockThatIsWrongIsRefused) {
  const base::ManualClock past(base::SystemClock().Now() - 2h);
  Client late(*http_, server_, {.clock = &past});
  EXPECT_EQ(Run(late.Get(Name("key"), {}, Soon())).refusal->code, "RequestTimeTooSkewed");
}

TEST_F(S3ClientLiveTest, BucketsAreListed) {
  EXPECT_THAT(Run(client_->ListBuckets(Soon())).value, testing::Contains(bucket_));
}

}  // namespace
}  // namespace objects::s3
