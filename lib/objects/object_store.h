#pragma once
// Named immutable byte sequences in buckets: the model of S3, as far as we use it. Blocking and
// thread-safe.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/objects/byte_source.h"

namespace objects {

inline constexpr size_t kMaxKeyBytes = 1024;
inline constexpr size_t kMaxContentTypeBytes = 128;

struct ObjectStat {
  std::string key;
  uint64_t size = 0;
  std::string sha256;  ///< of the content, 64 lower-case hexadecimal digits
  std::string etag;    ///< equal for equal content, without quotes
  std::string content_type;
  base::WallTime modified;
  bool operator==(const ObjectStat&) const = default;
};

struct PutOptions {
  std::string content_type = "application/octet-stream";
  bool only_if_absent = false;  ///< kConflict when the key exists
};

struct ListQuery {
  std::string prefix;
  std::string after;  ///< only keys behind this one, in byte order
  size_t limit = 1000;
};

struct ListPage {
  std::vector<ObjectStat> objects;  ///< in byte order of the keys
  bool more = false;                ///< continue with `after` = the last key
};

/// Keys are 1 to 1024 bytes of UTF-8 without control characters; every such key is just a name,
/// `../x` as much as `a//b`. A missing bucket or object is kNotFound, a bad name kInvalid.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// Names are 3 to 63 of `a-z 0-9 . -`, beginning and ending with a letter or digit, no `..`.
  /// Succeeds when it exists already.
  virtual base::Result<void> EnsureBucket(std::string_view bucket, base::Deadline deadline) = 0;
  /// Readers see the old object or the whole new one, also after a crash. When this returns the
  /// object is durable; when it fails, the old object is unchanged.
  virtual base::Result<ObjectStat> Put(std::string_view bucket, std::string_view key,
                                       ByteSource& content, const PutOptions& options,
                                       base::Deadline deadline) = 0;
  /// The source stays readable when the object is replaced or deleted meanwhile, and must not
  /// outlive the store. Damaged content ends in kCorrupt instead of the end.
  virtual base::Result<std::unique_ptr<ByteSource>> Get(std::string_view bucket,
                                                        std::string_view key,
                                                        base::Deadline deadline) = 0;
  virtual base::Result<ObjectStat> Head(std::string_view bucket, std::string_view key,
                                        base::Deadline deadline) = 0;
  /// A store whose listings do not tell `sha256` and `content_type` leaves them empty.
  virtual base::Result<ListPage> List(std::string_view bucket, const ListQuery& query,
                                      base::Deadline deadline) = 0;
  /// Succeeds when there is no such object.
  virtual base::Result<void> Delete(std::string_view bucket, std::string_view key,
                                    base::Deadline deadline) = 0;
};

base::Result<ObjectStat> PutText(ObjectStore& store, std::string_view bucket, std::string_view key,
                                 std::string text, const PutOptions& options,
                                 base::Deadline deadline);
/// kTooLarge when it has more than `limit` bytes.
base::Result<std::string> GetText(ObjectStore& store, std::string_view bucket, std::string_view key,
                                  size_t limit, base::Deadline deadline);
/// Within or between buckets; keeps the content type.
base::Result<ObjectStat> Copy(ObjectStore& store, std::string_view from_bucket,
                              std::string_view from_key, std::string_view to_bucket,
                              std::string_view to_key, base::Deadline deadline);

base::Result<void> CheckBucket(std::string_view bucket);
base::Result<void> CheckKey(std::string_view key);
base::Result<void> CheckOptions(const PutOptions& options);

}  // namespace objects
