#include "lib/objects/object_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/utf8.h"

namespace objects {

using base::ErrorCode;
using base::Fail;

base::Result<ObjectStat> PutText(ObjectStore& store, std::string_view bucket, std::string_view key,
                                 std::string text, const PutOptions& options,
                                 base::Deadline deadline) {
  TextSource source(std::move(text));
  return store.Put(bucket, key, source, options, deadline);
}

base::Result<std::string> GetText(ObjectStore& store, std::string_view bucket, std::string_view key,
                                  size_t limit, base::Deadline deadline) {
  TRY(const auto source, store.Get(bucket, key, deadline));
  return ReadAll(*source, limit, deadline);
}

base::Result<ObjectStat> Copy(ObjectStore& store, std::string_view from_bucket,
                              std::string_view from_key, std::string_view to_bucket,
                              std::string_view to_key, base::Deadline deadline) {
  TRY(const ObjectStat stat, store.Head(from_bucket, from_key, deadline));
  TRY(const auto source, store.Get(from_bucket, from_key, deadline));
  return store.Put(to_bucket, to_key, *source, {.content_type = stat.content_type}, deadline);
}

base::Result<void> CheckBucket(std::string_view bucket) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const auto allowed = [&](char c) { return plain(c) || c == '.' || c == '-'; };
  const bool good = bucket.size() >= 3 && bucket.size() <= 63 && plain(bucket.front()) &&
                    plain(bucket.back()) && std::ranges::all_of(bucket, allowed) &&
                    bucket.find("..") == std::string_view::npos;
  if (!good) {
    return Fail(
        ErrorCode::kInvalid,
        fmt::format("\"{}\" is no bucket name (3 to 63 of a-z, 0-9, \".\" and \"-\", letter "
                    "or digit at both ends)",
                    bucket));
  }
  return {};
}

base::Result<void> CheckKey(std::string_view key) {
  if (key.empty() || key.size() > kMaxKeyBytes) {
    return Fail(ErrorCode::kInvalid, fmt::format("an object key has {} bytes, expected 1 to {}",
                                                 key.size(), kMaxKeyBytes));
  }
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (!base::IsUtf8(key) || std::ranges::any_of(key, control)) {
    return Fail(ErrorCode::kInvalid, "an object key must be UTF-8 without control characters");
  }
  return {};
}

base::Result<void> CheckOptions(const PutOptions& options) {
  const auto printable = [](char c) { return c >= 0x20 && c < 0x7F; };
  if (options.content_type.empty() || options.content_type.size() > kMaxContentTypeBytes ||
      !std::ranges::all_of(options.content_type, printable)) {
    return Fail(ErrorCode::kInvalid, fmt::format("a content type has 1 to {} printable characters",
                                                 kMaxContentTypeBytes));
  }
  return {};
}

}  // namespace objects
