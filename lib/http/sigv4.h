#pragma once
// AWS Signature Version 4, as S3 and its work-alikes want it.

#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/http/headers.h"
#include "lib/http/uri.h"

namespace http {

struct SigV4Key {
  std::string access_key;
  std::string secret_key;
  std::string region = "us-east-1";
  std::string service = "s3";
  std::string session_token = {};
};

/// Stands for the hash of a body that is not signed; S3 only.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

/// SHA-256 of a body in lower-case hex.
std::string PayloadHash(std::string_view body);

/// The fields to add to a request: X-Amz-Date, Authorization, for S3 X-Amz-Content-Sha256, and
/// X-Amz-Security-Token. Signs Host, Content-Type and the X-Amz-* fields among `headers`.
Headers SignV4(const SigV4Key& key, base::WallTime time, std::string_view method, const Url& url,
               const Headers& headers, std::string_view payload_hash);

/// `url` with a signature in its query that is good for `valid` from `time` on.
Url PresignV4(const SigV4Key& key, base::WallTime time, std::string_view method, const Url& url,
              std::chrono::seconds valid);

}  // namespace http
