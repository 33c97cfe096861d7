// The examples of "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API
// Reference.

#include "lib/http/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using namespace std::chrono_literals;

const base::WallTime kTime = std::chrono::sys_days(std::chrono::year(2013) / 5 / 24);

SigV4Key ExampleKey() {
  return {.access_key = "AKIAIOSFODNN7EXAMPLE",
          .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
}

std::string Authorization(const std::string& url) {
  const Headers added =
      SignV4(ExampleKey(), kTime, "GET", ParseUrl(url).value(), {}, PayloadHash(""));
  EXPECT_EQ(added.Get("X-Amz-Date"), "20130524T000000Z");
  return std::string(added.Get("Authorization").value_or(""));
}

TEST(SigV4, SignsAQueryWithoutAValue) {
  EXPECT_EQ(Authorization("https://examplebucket.s3.amazonaws.com/?lifecycle"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
            "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST(SigV4, SignsAQueryInItsCanonicalOrder) {
  constexpr const char* kSignature =
      "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7";
  const std::string host = "https://examplebucket.s3.amazonaws.com/";
  EXPECT_THAT(Authorization(host + "?max-keys=2&prefix=J"), EndsWith(kSignature));
  EXPECT_THAT(Authorization(host + "?prefix=J&max-keys=2"), EndsWith(kSignature));
}

TEST(SigV4, PresignsAUrl) {
  const Url url = ParseUrl("https://examplebucket.s3.amazonaws.com/test.txt").value();
  EXPECT_THAT(PresignV4(ExampleKey(), kTime, "GET", url, 86400s).query,
              EndsWith("&X-Amz-Signature="
                       "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"));
}

TEST(SigV4, AnotherKeyTimeOrBodyMakesAnotherSignature) {
  const Url url = ParseUrl("http://localhost:9000/bucket/a%20b").value();
  const auto sign = [&](const SigV4Key& key, base::WallTime time, std::string_view body) {
    return std::string(*SignV4(key, time, "PUT", url, {}, PayloadHash(body)).Get("Authorization"));
  };
  const std::string first = sign(ExampleKey(), kTime, "x");
  EXPECT_EQ(first, sign(ExampleKey(), kTime, "x"));
  EXPECT_NE(first, sign(ExampleKey(), kTime, "y"));
  EXPECT_NE(first, sign(ExampleKey(), kTime + 1s, "x"));
  SigV4Key other = ExampleKey();
  other.secret_key += "x";
  EXPECT_NE(first, sign(other, kTime, "x"));
}

TEST(SigV4, SessionTokenIsSentAndSigned) {
  SigV4Key key = ExampleKey();
  key.session_token = "token";
  const Headers added =
      SignV4(key, kTime, "GET", ParseUrl("http://h/").value(), {}, PayloadHash(""));
  EXPECT_EQ(added.Get("X-Amz-Security-Token"), "token");
  EXPECT_THAT(std::string(*added.Get("Authorization")), HasSubstr(";x-amz-security-token,"));
}

}  // namespace
}  // namespace http
