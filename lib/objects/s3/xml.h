#pragma once
// The XML bodies of the S3 REST API.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/objects/s3/model.h"

namespace objects::s3 {

/// What an error body says; also the one that a copy or a completion sends behind a status of 200.
struct ErrorBody {
  Refusal refusal;
  std::string request_id;
};
/// Nothing when the body is no error.
std::optional<ErrorBody> ParseErrorBody(std::string_view xml);

// Each of these: kCorrupt when the body is no such document.
base::Result<Listing> ParseListing(std::string_view xml);
base::Result<VersionListing> ParseVersions(std::string_view xml);
base::Result<BatchDeletion> ParseBatchDeletion(std::string_view xml, std::string_view bucket);
base::Result<std::string> ParseUploadId(std::string_view xml);
base::Result<std::vector<Part>> ParseParts(std::string_view xml);
/// The ETag of a CopyObjectResult or a CompleteMultipartUploadResult; Ceph 16 leaves it empty.
base::Result<std::string> ParseStoredEtag(std::string_view xml);
/// `Enabled`, `Suspended`, or "" for a bucket that never kept versions.
base::Result<std::string> ParseVersioning(std::string_view xml);
base::Result<std::vector<std::string>> ParseBuckets(std::string_view xml);

std::string FormatBatchDeletion(const std::vector<ObjectName>& names);
std::string FormatParts(const std::vector<Part>& parts);
std::string FormatVersioning(bool enabled);
std::string FormatLocation(std::string_view region);

}  // namespace objects::s3
