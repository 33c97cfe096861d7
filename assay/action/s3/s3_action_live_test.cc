// The s3 action against a real S3 service.

#include <cstdlib>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/http_action.h"
#include "assay/action/s3/s3_action.h"
#include "assay/action/testing_context.h"
#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/crypto/secret.h"
#include "lib/testing/temp_dir.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;

class S3ActionLiveTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* url = std::getenv("ASSAY_LIVE_S3");
    if (url == nullptr) GTEST_SKIP() << "ASSAY_LIVE_S3 names no S3 service";
    context_.endpoints["storage"] = url;
    context_.timeout = std::chrono::seconds(60);
    bucket_ = "t";
    for (const char c : crypto::RandomBytes(6)) {
      bucket_ += fmt::format("{:02x}", static_cast<unsigned char>(c));
    }
    ASSERT_EQ(Do(R"("create_bucket": ")" + bucket_ + "\"", "status"), "200");
    made_ = true;
  }
  void TearDown() override {
    if (!made_) return;
    EXPECT_EQ(Do(R"("delete_bucket": ")" + bucket_ + R"(", "empty": true)", "status"), "204");
  }

  Outcome Run(const std::string& params) {
    return context_.Run(action_, cel::ParseJson(R"({"endpoint": "storage", "bucket": ")" + bucket_ +
                                                "\", " + params + "}")
                                     .value());
  }
  /// An outcome variable as text, or what went wrong.
  std::string Do(const std::string& params, std::string_view field) {
    const Outcome outcome = Run(params);
    if (outcome.disposition != Disposition::kAnswered) return outcome.error->ToString();
    const Value* value = outcome.value.Find(field);
    const Value* code = outcome.value.Find("error_code");
    if (value == nullptr) return "none: " + (code == nullptr ? "" : cel::ToText(*code));
    return cel::ToText(*value);
  }

  S3Action action_;
  TestContext context_;
  std::string bucket_;
  bool made_ = false;
};

TEST_F(S3ActionLiveTest, AValueIsStoredReadDescribedAndDeleted) {
  EXPECT_EQ(Do(R"("put": "a/1", "json": {"n": [1, 2]}, "metadata": {"author": "Ada"})", "status"),
            "200");
  const Outcome got = Run(R"("get": "a/1")");
  ASSERT_EQ(got.disposition, Disposition::kAnswered);
  EXPECT_EQ(cel::ToText(*got.value.Find("json")), R"({"n":[1,2]})");
  EXPECT_EQ(cel::ToText(*got.value.Find("text")), R"({"n":[1,2]})");
  EXPECT_EQ(cel::ToText(*got.value.Find("metadata")), R"({"author":"Ada"})");
  EXPECT_EQ(cel::ToText(*got.value.Find("content_type")), "application/json");
  EXPECT_TRUE(got.value.Find("modified")->is_timestamp());
  EXPECT_EQ(Do(R"("head": "a/1")", "size"), "11");
  EXPECT_EQ(Do(R"("get": "a/1", "range": "1-3")", "text"), R"("n")");
  EXPECT_EQ(Do(R"("get": "a/1", "range": "1-3")", "length"), "3");
  EXPECT_EQ(Do(R"("delete": "a/1")", "status"), "204");
  EXPECT_EQ(Do(R"("get": "a/1")", "error_code"), "NoSuchKey");
  EXPECT_EQ(Do(R"("head": "a/1")", "error_code"), "NotFound");
}

TEST_F(S3ActionLiveTest, FilesGoUpWholeOrInPartsAndComeDown) {
  const std::string content(6'000'000, 'x');
  context_.dir().Write("up.bin", content);
  EXPECT_EQ(Do(R"("put": "whole", "file": "up.bin", "checksum": "md5")", "size"), "6000000");
  const Outcome parts = Run(R"("multipart": "parts", "file": "up.bin", "part_size": "5MiB")");
  ASSERT_EQ(parts.disposition, Disposition::kAnswered) << parts.error->ToString();
  EXPECT_EQ(cel::ToText(*parts.value.Find("parts")), "2");
  EXPECT_TRUE(cel::ToText(*parts.value.Find("etag")).ends_with("-2"));
  const std::string sha256 = Do(R"("get": "whole", "download_to": "down/a.bin")", "sha256");
  EXPECT_EQ(Do(R"("get": "parts")", "sha256"), sha256);
  EXPECT_EQ(testing_support::ReadFile(context_.dir() / "down/a.bin"), content);
}

TEST_F(S3ActionLiveTest, ListsFollowPagesAndDeletionsTakeLists) {
  for (const char* key : {"a/1", "a/2", "a/x/3", "b"}) {
    Do(std::string(R"("put": ")") + key + R"(", "body": "x")", "status");
  }
  EXPECT_EQ(Do(R"("list": "")", "keys"), R"(["a/1","a/2","a/x/3","b"])");
  EXPECT_EQ(Do(R"("list": "a/", "delimiter": "/")", "prefixes"), R"(["a/x/"])");
  EXPECT_EQ(Do(R"("list": "", "limit": 3)", "keys"), R"(["a/1","a/2","a/x/3"])");
  EXPECT_EQ(Do(R"("list": "", "limit": 3)", "more"), "true");
  EXPECT_EQ(Do(R"("list": "", "after": "a/2")", "keys"), R"(["a/x/3","b"])");
  EXPECT_EQ(Do(R"("delete": ["a/1", {"key": "a/2"}, "a/x/3"])", "failed"), "[]");
  EXPECT_EQ(Do(R"("list": "")", "keys"), R"(["b"])");
}

TEST_F(S3ActionLiveTest, MoreThanAPageIsListedAndDeletedWhole) {
  std::string keys;
  for (int i = 0; i < 1003; ++i) {
    ASSERT_EQ(Do(fmt::format(R"("put": "k{:04}", "body": "")", i), "status"), "200");
    keys += fmt::format(R"({}"k{:04}")", i == 0 ? "" : ", ", i);
  }
  const Outcome listed = Run(R"("list": "k", "limit": 5000)");
  EXPECT_EQ(listed.value.Find("keys")->list().size(), 1003U);
  const Outcome deleted = Run(R"("delete": [)" + keys + "]");
  EXPECT_EQ(deleted.value.Find("deleted")->list().size(), 1003U);
  EXPECT_EQ(Do(R"("list": "")", "keys"), "[]");
}

TEST_F(S3ActionLiveTest, VersionsAreListedReadAndDeleted) {
  EXPECT_EQ(Do(R"("create_bucket": ")" + bucket_ + R"(", "versioning": true)", "status"), "200");
  const std::string one = Do(R"("put": "k", "body": "one")", "version");
  Do(R"("put": "k", "body": "two")", "version");
  EXPECT_EQ(Do(R"("get": "k", "version": ")" + one + "\"", "text"), "one");
  EXPECT_EQ(Do(R"("delete": "k")", "delete_marker"), "true");
  const Outcome versions = Run(R"("versions": "k")");
  ASSERT_EQ(versions.value.Find("versions")->list().size(), 3U);
  EXPECT_TRUE(versions.value.Find("versions")->list()[0].Find("delete_marker")->is_true());
  EXPECT_EQ(Do(R"("delete": [{"key": "k", "version": ")" + one + R"("}])", "failed"), "[]");
  EXPECT_EQ(Run(R"("versions": "k")").value.Find("versions")->list().size(), 2U);
}

TEST_F(S3ActionLiveTest, CopiesAndSignedUrlsWork) {
  Do(R"("put": "a", "body": "text", "metadata": {"k": "v"})", "status");
  EXPECT_EQ(Do(R"("copy": "a", "to": "b")", "status"), "200");
  EXPECT_EQ(Do(R"("head": "b")", "metadata"), R"({"k":"v"})");
  EXPECT_EQ(Do(R"("copy": "a", "to": "c", "metadata": {"n": "w"})", "status"), "200");
  EXPECT_EQ(Do(R"("head": "c")", "metadata"), R"({"n":"w"})");
  EXPECT_EQ(Do(R"("copy": "missing", "to": "d")", "error_code"), "NoSuchKey");
  const std::string url = Do(R"("presign": "a", "valid": "1m")", "url");
  const Outcome fetched =
      context_.Run(HttpAction(), Value::Object({{"request", Value::String("GET " + url)}}));
  EXPECT_EQ(cel::ToText(*fetched.value.Find("text")), "text");
}

TEST_F(S3ActionLiveTest, RefusalsAreOutcomes) {
  EXPECT_EQ(Do(R"("get": "k", "auth": {"secret_key": "wrong"})", "error_code"),
            "SignatureDoesNotMatch");
  EXPECT_EQ(Do(R"("get": "k", "auth": {"access_key": ""})", "status"), "403");
  Do(R"("put": "k", "body": "x")", "status");
  EXPECT_EQ(Do(R"("put": "k", "body": "y", "if_absent": true)", "error_code"),
            "PreconditionFailed");
  EXPECT_EQ(Do(R"("delete_bucket": ")" + bucket_ + "\"", "error_code"), "BucketNotEmpty");
}

}  // namespace
}  // namespace assay::action
