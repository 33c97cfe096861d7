#include "lib/objects/s3/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/objects/s3/server.h"

namespace objects::s3 {
namespace {

using base::ErrorCode;
using testing::HasSubstr;
using testing::Not;

TEST(ParseServer, TakesKeyRegionAndAddressingFromTheUrl) {
  const auto server = ParseServer(
      "https://KEY:se%2Fcret@s3.example.org:9000/base?region=eu-west-1&addressing=path");
  ASSERT_TRUE(server.has_value()) << server.error().ToString();
  EXPECT_EQ(server->key.access_key, "KEY");
  EXPECT_EQ(server->key.secret_key, "se/cret");
  EXPECT_EQ(server->key.region, "eu-west-1");
  EXPECT_EQ(server->UrlOf("bucket", "a b/%").ToString(),
            "https://s3.example.org:9000/base/bucket/a%20b/%25");
}

TEST(ParseServer, WithoutKeyRequestsAreNotSigned) {
  const auto server = ParseServer("http://127.0.0.1:9000");
  ASSERT_TRUE(server.has_value());
  EXPECT_EQ(server->key.access_key, "");
  EXPECT_EQ(server->key.region, "us-east-1");
}

TEST(ParseServer, ErrorsNameTheAddressButNeverTheSecret) {
  for (const char* wrong : {"http://KEY:topsecret@host:99999", "ftp://KEY:topsecret@host",
                            "http://KEY:top/secret@host/?x=1", "KEY:topsecret@host",
                            "http://KEY:topsecret@host?addressing=sideways",
                            "http://KEY:topsecret@host?regoin=eu", "http://:topsecret@host"}) {
    const auto server = ParseServer(wrong);
    ASSERT_FALSE(server.has_value()) << wrong;
    EXPECT_EQ(server.error().code, ErrorCode::kInvalid) << wrong;
    EXPECT_THAT(server.error().ToString() + server.error().hint, Not(HasSubstr("secret@")));
    EXPECT_THAT(server.error().ToString(), HasSubstr("host"));
    EXPECT_FALSE(server.error().hint.empty());
  }
}

TEST(Server, NamesTheBucketInThePathOrInTheHost) {
  Server server = ParseServer("http://127.0.0.1:9000").value();
  EXPECT_EQ(server.UrlOf("", "").ToString(), "http://127.0.0.1:9000/");
  EXPECT_EQ(server.UrlOf("bucket", "").ToString(), "http://127.0.0.1:9000/bucket");
  EXPECT_EQ(server.UrlOf("bucket", "/a//../b").ToString(), "http://127.0.0.1:9000/bucket//a//../b");
  server = ParseServer("https://s3.example.org?addressing=virtual-host").value();
  EXPECT_EQ(server.UrlOf("", "").ToString(), "https://s3.example.org/");
  EXPECT_EQ(server.UrlOf("bucket", "").ToString(), "https://bucket.s3.example.org/");
  EXPECT_EQ(server.UrlOf("bucket", "a/b").ToString(), "https://bucket.s3.example.org/a/b");
}

TEST(Times, AreReadInBothForms) {
  const auto http = ParseHttpDate("Sun, 29 Nov 2026 03:19:11 GMT");
  ASSERT_TRUE(http.has_value());
  EXPECT_EQ(base::FormatRfc3339(*http), "2026-11-29T03:19:11.000000000Z");
  EXPECT_EQ(ParseIsoTime("2026-11-29T03:19:11Z"), http);
  EXPECT_EQ(base::FormatRfc3339(ParseIsoTime("2024-02-29T23:59:59.5Z").value()),
            "2024-02-29T23:59:59.500000000Z");
  EXPECT_EQ(base::FormatRfc3339(ParseIsoTime("2026-11-29T03:19:11.123456789Z").value()),
            "2026-11-29T03:19:11.123456789Z");
}

TEST(Times, OtherFormsAreNone) {
  for (const char* wrong : {"", "Sun, 29 Nov 2026 03:19:11", "Sunday, 29-Nov-26 03:19:11 GMT",
                            "Sun, 29 Nev 2026 03:19:11 GMT", "Sun, 31 Feb 2026 03:19:11 GMT",
                            "Sun, 29 Nov 2026 24:19:11 GMT", "Sun, -9 Nov 2026 03:19:11 GMT"}) {
    EXPECT_FALSE(ParseHttpDate(wrong).has_value()) << wrong;
  }
  for (const char* wrong :
       {"", "2026-11-29", "2026-11-29T03:19:11", "2026-02-29T03:19:11Z", "2026-11-29T03:19:11.Z",
        "2026-11-29T03:19:11.1234567890Z", "2026-11-29T03:19:11.-5Z", "2026-13-29T03:19:11Z"}) {
    EXPECT_FALSE(ParseIsoTime(wrong).has_value()) << wrong;
  }
}

TEST(ToError, KeepsCodeMessageAndRequestAndSaysWhatItMeans) {
  const Answer answer{.status = 404,
                      .request_id = "tx-1",
                      .refusal = Refusal{"NoSuchKey", "The key does not exist."}};
  const base::Error error = ToError(answer, "getting \"b/k\"");
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_EQ(error.ToString(),
            "NoSuchKey: The key does not exist. (status 404, request tx-1) (while getting "
            "\"b/k\")");
}

TEST(ToError, TellsTheKindsOfRefusalsApart) {
  const auto code = [](int status, const char* name) {
    return ToError({.status = status, .request_id = {}, .refusal = Refusal{name, ""}}, "x").code;
  };
  EXPECT_EQ(code(403, "AccessDenied"), ErrorCode::kForbidden);
  EXPECT_EQ(code(403, "SignatureDoesNotMatch"), ErrorCode::kUnauthorized);
  EXPECT_EQ(code(403, "InvalidAccessKeyId"), ErrorCode::kUnauthorized);
  EXPECT_EQ(code(403, "SomethingElse"), ErrorCode::kForbidden);
  EXPECT_EQ(code(409, "BucketNotEmpty"), ErrorCode::kConflict);
  EXPECT_EQ(code(412, "PreconditionFailed"), ErrorCode::kConflict);
  EXPECT_EQ(code(400, "BadDigest"), ErrorCode::kCorrupt);
  EXPECT_EQ(code(400, "InvalidArgument"), ErrorCode::kInvalid);
  EXPECT_EQ(code(503, "SlowDown"), ErrorCode::kUnavailable);
  EXPECT_EQ(code(500, "InternalError"), ErrorCode::kUnavailable);
  EXPECT_EQ(code(501, "NotImplemented"), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace objects::s3
