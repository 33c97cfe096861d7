#pragma once
// What the S3 REST API speaks of (Amazon S3 API Reference, version 2006-03-01).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace objects::s3 {

/// An object, or with `version` one of its versions.
struct ObjectName {
  std::string bucket;
  std::string key;
  std::string version = {};
};

/// User metadata, names without `x-amz-meta-` and in lower case.
using Metadata = std::vector<std::pair<std::string, std::string>>;

/// Why a server did not do what was asked: `NoSuchKey`, `AccessDenied`, `SignatureDoesNotMatch`.
/// A HEAD has no body to say it in; the code is then the status in words, such as `NotFound`.
struct Refusal {
  std::string code;
  std::string message;
};

/// What every answer has, whatever its status.
struct Answer {
  int status = 0;
  std::string request_id;  ///< for the operator of the server
  std::optional<Refusal> refusal;

  bool accepted() const { return !refusal.has_value(); }
};

/// `value` is filled only when the request was accepted.
template <typename T>
struct Reply : Answer {
  T value{};
};

/// Some replies say nothing more.
struct Nothing {};

/// What was stored by a put, a copy or a completed upload.
struct Stored {
  std::string etag;     ///< without quotes
  std::string version;  ///< empty: the bucket keeps no versions
};

/// The description of an object, from the head of an answer.
struct ObjectFacts {
  uint64_t size = 0;  ///< of the whole object, also when a range was asked for
  std::string etag;   ///< without quotes
  std::string version;
  std::string content_type;
  base::WallTime modified;
  Metadata metadata;
};

struct GotObject {
  ObjectFacts facts;
  std::string content;  ///< empty when it went to a file
  uint64_t bytes = 0;   ///< of content, so the length of the range when one was asked for
  std::string content_range = {};  ///< `bytes 0-9/100`
};

struct ListedObject {
  std::string key;
  uint64_t size = 0;
  std::string etag;
  base::WallTime modified;
};

struct Listing {
  std::vector<ListedObject> objects;  ///< in byte order of the keys
  std::vector<std::string> prefixes;  ///< keys cut behind the delimiter
  bool more = false;
  std::string next;  ///< token of the next page
};

struct ListedVersion {
  std::string key;
  std::string version;
  bool latest = false;
  bool delete_marker = false;
  uint64_t size = 0;
  std::string etag;
  base::WallTime modified;
};

struct VersionListing {
  std::vector<ListedVersion> versions;  ///< by key, the newest first
  std::vector<std::string> prefixes;
  bool more = false;
  std::string next_key;
  std::string next_version;
};

struct Deletion {
  bool marker = false;  ///< a delete marker was made or removed
  std::string version;
};

struct FailedDeletion {
  ObjectName name;
  Refusal refusal;
};

struct BatchDeletion {
  std::vector<ObjectName> deleted;
  std::vector<FailedDeletion> failed;
};

/// A part of an upload that the server has.
struct Part {
  int number = 0;  ///< 1 to 10000
  std::string etag;
  uint64_t size = 0;
};

/// `Sun, 29 Nov 2026 03:19:11 GMT` (RFC 9110, 5.6.7); nothing for another form.
std::optional<base::WallTime> ParseHttpDate(std::string_view text);
/// `2026-11-29T03:19:11.123Z`; nothing for another form.
std::optional<base::WallTime> ParseIsoTime(std::string_view text);

/// A refusal as an error: `while` names what was asked for. NoSuchKey becomes kNotFound,
/// AccessDenied kForbidden, a wrong signature kUnauthorized, SlowDown and 5xx kUnavailable, and so
/// on. Requires: !answer.accepted().
base::Error ToError(const Answer& answer, std::string_view doing);

/// The value of an accepted reply, or what went wrong.
template <typename T>
base::Result<T> Accepted(base::Result<Reply<T>> reply, std::string_view doing) {
  if (!reply) return base::Fail(std::move(reply).error());
  if (!reply->accepted()) return base::Fail(ToError(*reply, doing));
  return std::move(reply->value);
}

}  // namespace objects::s3
