#include "lib/objects/s3/xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace objects::s3 {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kListing = R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Name>bucket</Name><Prefix>a%2F</Prefix><Delimiter>/</Delimiter><EncodingType>url</EncodingType>
  <IsTruncated>true</IsTruncated><NextContinuationToken>token==</NextContinuationToken>
  <Contents><Key>a%2Fb+c%2Bd%0A</Key><LastModified>2026-11-29T03:19:11.123Z</LastModified>
    <ETag>&quot;900150983cd24fb0d6963f7d28e17f72&quot;</ETag><Size>5000000000</Size></Contents>
  <CommonPrefixes><Prefix>a%2Fsub%2F</Prefix></CommonPrefixes>
</ListBucketResult>)";

TEST(ParseListing, ReadsObjectsPrefixesAndTheNextPage) {
  const auto listing = ParseListing(kListing);
  ASSERT_TRUE(listing.has_value()) << listing.error().ToString();
  ASSERT_EQ(listing->objects.size(), 1U);
  EXPECT_EQ(listing->objects[0].key, "a/b c+d\n");
  EXPECT_EQ(listing->objects[0].size, 5'000'000'000U);
  EXPECT_EQ(listing->objects[0].etag, "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(listing->objects[0].modified, ParseIsoTime("2026-11-29T03:19:11.123Z"));
  EXPECT_THAT(listing->prefixes, ElementsAre("a/sub/"));
  EXPECT_TRUE(listing->more);
  EXPECT_EQ(listing->next, "token==");
}

TEST(ParseListing, KeysAreAsTheyAreWhenTheServerDoesNotEncodeThem) {
  const auto listing = ParseListing(
      "<ListBucketResult><Contents><Key>a+b%20</Key></Contents><Contents><Key> </Key></Contents>"
      "</ListBucketResult>");
  ASSERT_TRUE(listing.has_value());
  ASSERT_EQ(listing->objects.size(), 2U);
  EXPECT_EQ(listing->objects[0].key, "a+b%20");
  EXPECT_EQ(listing->objects[1].key, " ");
  EXPECT_FALSE(listing->more);
}

TEST(ParseListing, AnotherDocumentOrNoneIsCorrupt) {
  for (const char* wrong :
       {"", "<html></html>", "<ListBucketResult>", "{}", "<ListVersionsResult/>"}) {
    const auto listing = ParseListing(wrong);
    ASSERT_FALSE(listing.has_value()) << wrong;
    EXPECT_EQ(listing.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(listing.error().message, HasSubstr("expected ListBucketResult"));
  }
  EXPECT_FALSE(ParseListing("<ListBucketResult><EncodingType>url</EncodingType><Contents>"
                            "<Key>%zz</Key></Contents></ListBucketResult>")
                   .has_value());
}

TEST(ParseVersions, ReadsVersionsAndMarkersInTheirOrder) {
  const auto listing = ParseVersions(
      "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"
      "<NextVersionIdMarker>v1</NextVersionIdMarker>"
      "<DeleteMarker><Key>k</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest></DeleteMarker>"
      "<Version><Key>k</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest><Size>3</Size>"
      "</Version></ListVersionsResult>");
  ASSERT_TRUE(listing.has_value()) << listing.error().ToString();
  ASSERT_EQ(listing->versions.size(), 2U);
  EXPECT_TRUE(listing->versions[0].delete_marker);
  EXPECT_TRUE(listing->versions[0].latest);
  EXPECT_EQ(listing->versions[1].version, "v1");
  EXPECT_EQ(listing->versions[1].size, 3U);
  EXPECT_EQ(listing->next_key, "k");
  EXPECT_EQ(listing->next_version, "v1");
}

TEST(ParseBatchDeletion, TellsWhatFailed) {
  const auto deletion = ParseBatchDeletion(
      "<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b</Key><VersionId>v</VersionId>"
      "<Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>",
      "bucket");
  ASSERT_TRUE(deletion.has_value());
  ASSERT_EQ(deletion->deleted.size(), 1U);
  EXPECT_EQ(deletion->deleted[0].key, "a");
  ASSERT_EQ(deletion->failed.size(), 1U);
  EXPECT_EQ(deletion->failed[0].name.version, "v");
  EXPECT_EQ(deletion->failed[0].refusal.code, "AccessDenied");
}

TEST(ParseErrorBody, ReadsErrorsAndNothingElse) {
  const auto error = ParseErrorBody(
      "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>gone</Message>"
      "<RequestId>tx</RequestId></Error>");
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->refusal.code, "NoSuchKey");
  EXPECT_EQ(error->refusal.message, "gone");
  EXPECT_EQ(error->request_id, "tx");
  EXPECT_FALSE(ParseErrorBody("<CopyObjectResult/>").has_value());
  EXPECT_FALSE(ParseErrorBody("").has_value());
  EXPECT_FALSE(ParseErrorBody("Bad gateway").has_value());
}

TEST(ParseStoredEtag, MayBeEmptyButNotMissing) {
  EXPECT_EQ(ParseStoredEtag("<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>").value(),
            "e");
  EXPECT_EQ(ParseStoredEtag("<CompleteMultipartUploadResult><ETag></ETag>"
                            "</CompleteMultipartUploadResult>")
                .value(),
            "");
  for (const char* wrong : {"", "<CopyObjectResult/>", "<CopyObjectResult><ETag>"}) {
    EXPECT_EQ(ParseStoredEtag(wrong).error().code, ErrorCode::kCorrupt) << wrong;
  }
}

TEST(ParseUploadId, MissingIsCorrupt) {
  EXPECT_EQ(ParseUploadId("<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                          "</InitiateMultipartUploadResult>")
                .value(),
            "u");
  EXPECT_EQ(
      ParseUploadId("<InitiateMultipartUploadResult></InitiateMultipartUploadResult>").error().code,
      ErrorCode::kCorrupt);
}

TEST(Bodies, EscapeWhatXmlReserves) {
  const std::string body = FormatBatchDeletion({{"b", "a<b>&\"c\"", "v&1"}, {"b", "plain", ""}});
  EXPECT_THAT(body, HasSubstr("<Key>a&lt;b&gt;&amp;"));
  EXPECT_THAT(body, HasSubstr("<VersionId>v&amp;1</VersionId>"));
  EXPECT_THAT(FormatParts({{1, "e1", 0}, {2, "e2", 0}}),
              HasSubstr("<Part><PartNumber>2</PartNumber><ETag>\"e2\"</ETag></Part>"));
  EXPECT_THAT(FormatVersioning(true), HasSubstr("<Status>Enabled</Status>"));
  EXPECT_THAT(FormatVersioning(false), HasSubstr("<Status>Suspended</Status>"));
}

}  // namespace
}  // namespace objects::s3
