#include "montage/app/stores/object_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/testing/temp_dir.h"

namespace montage::app {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ObjectsUrl, SaysWhereTheServiceIsAndWhichBucketsAreOurs) {
  const auto location =
      ParseObjectsUrl("s3://KEY:SE%2FCRET@store.example:9000?region=eu-west-1&prefix=ward-");
  ASSERT_TRUE(location.has_value()) << location.error().ToString();
  EXPECT_EQ(location->server.url.scheme, "https");
  EXPECT_EQ(location->server.url.host, "store.example");
  EXPECT_EQ(location->server.key.access_key, "KEY");
  EXPECT_EQ(location->server.key.secret_key, "SE/CRET");
  EXPECT_EQ(location->server.key.region, "eu-west-1");
  EXPECT_EQ(location->bucket_prefix, "ward-");
  EXPECT_EQ(ParseObjectsUrl("s3://K:S@h?tls=no")->server.url.scheme, "http");
  EXPECT_EQ(ParseObjectsUrl("http://K:S@h:9000")->server.url.scheme, "http");
  EXPECT_EQ(ParseObjectsUrl("s3://K:S@h?addressing=virtual-host&tls=no")->server.addressing,
            objects::s3::Addressing::kVirtualHost);
  EXPECT_EQ(ParseObjectsUrl("s3://K:S@h")->bucket_prefix, "");
}

TEST(ObjectsUrl, RefusesAllElseAndShowsNoSecret) {
  for (const char* url :
       {"file:///data", "store.example:9000", "s3://KEY@h", "s3://KEY:hidden@h?colour=blue",
        "s3://KEY:hidden@h?prefix=UPPER", "s3://KEY:hidden@h?tls=maybe",
        "http://KEY:hidden@h?tls=no", "ftp://KEY:hidden@h", "s3://KEY:hidden@h?prefix=%ZZ"}) {
    const auto refused = ParseObjectsUrl(url);
    ASSERT_FALSE(refused.has_value()) << url;
    EXPECT_EQ(refused.error().code, base::ErrorCode::kInvalid) << url;
    EXPECT_THAT(refused.error().ToString(), HasSubstr("configuration objects")) << url;
    EXPECT_THAT(refused.error().ToString(), Not(HasSubstr("hidden"))) << url;
  }
}

TEST(OpenObjects, WithoutAUrlTheyAreFiles) {
  const testing_support::TempDir folder;
  const base::ManualClock clock;
  const auto never = base::Deadline::Never();
  const auto store = OpenObjects("", folder / "objects", folder.path(), clock).value();
  ASSERT_TRUE(store->EnsureBucket("results", never).has_value());
  ASSERT_TRUE(objects::PutText(*store, "results", "a", "text", {}, never).has_value());
  EXPECT_TRUE(std::filesystem::exists(folder / "objects" / "buckets" / "results" / "a@"));
}

}  // namespace
}  // namespace montage::app
