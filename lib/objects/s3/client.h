#pragma once
// A client of the S3 REST API: every request is signed with Signature Version 4, payload included.
// One call is one request, apart from its repetitions; UploadInParts in upload.h puts several
// together.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/random.h"
#include "lib/base/result.h"
#include "lib/crypto/hash.h"
#include "lib/http/client.h"
#include "lib/net/task.h"
#include "lib/objects/s3/model.h"
#include "lib/objects/s3/server.h"

namespace objects::s3 {

/// A file whose digest is known, see DigestFile; read while it is sent.
struct DigestedFile {
  std::string path;
  uint64_t size = 0;
  crypto::Digest256 sha256 = {};
  crypto::Digest128 md5 = {};
};
/// Reads the whole file, blocking.
base::Result<DigestedFile> DigestFile(const std::string& path, base::Deadline deadline,
                                      const base::Clock& clock);

using Content = std::variant<std::string, DigestedFile>;

/// What the server compares the content with, besides the signed payload hash.
enum class Checksum {
  kNone,
  kMd5,     ///< Content-MD5
  kSha256,  ///< x-amz-checksum-sha256
};

struct PutOptions {
  std::string content_type = "application/octet-stream";
  Metadata metadata = {};
  Checksum checksum = Checksum::kNone;
  bool only_if_absent = false;  ///< If-None-Match: *; else PreconditionFailed
  http::Headers headers = {};   ///< further ones, such as Cache-Control
};

/// Bytes `first` to `last` inclusive; without `first` the last `last` bytes, without `last` all
/// from `first` on.
struct ByteRange {
  std::optional<uint64_t> first;
  std::optional<uint64_t> last;
};

struct GetOptions {
  std::optional<ByteRange> range = {};
  std::string if_match = {};
  std::string if_none_match = {};
  std::string download_to = {};  ///< file for the content; it is there only when complete
  uint64_t max_bytes = uint64_t{256} << 20;
};

struct ListQuery {
  std::string prefix = {};
  std::string delimiter = {};
  std::string after = {};  ///< only keys behind this one
  std::string next = {};   ///< token of the page before
  size_t limit = 1000;     ///< of the page; servers give at most 1000
};

struct VersionQuery {
  std::string prefix = {};
  std::string delimiter = {};
  std::string next_key = {};
  std::string next_version = {};
  size_t limit = 1000;
};

struct CopyOptions {
  /// Given: replaces metadata and content type; else the copy keeps those of its source.
  std::optional<PutOptions> replace = {};
};

struct ClientOptions {
  const base::Clock* clock = nullptr;  ///< for signatures; null: the system's
  /// Most requests a call may send. Only what may be repeated is, and only after a 5xx, SlowDown or
  /// a broken connection; pauses double from 50 ms to 2 s, half of each random.
  int attempts = 1;
  /// Sees every request and what came of it. The request is signed.
  std::function<void(const http::ClientRequest&, const base::Result<http::ClientResponse>&)>
      observer = {};
};

template <typename T>
using ReplyTask = net::Task<base::Result<Reply<T>>>;

/// Belongs to the loop of its http::Client; outlives its calls. A refusal of the server is a Reply;
/// an error is: no connection or a broken one (kUnavailable), kTimeout, kCancelled, an answer that
/// cannot be read (kCorrupt), a name that cannot be sent (kInvalid).
class Client {
 public:
  Client(http::Client& http, Server server, ClientOptions options = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  ReplyTask<Stored> Put(ObjectName name, Content content, PutOptions options,
                        base::Deadline deadline);
  ReplyTask<GotObject> Get(ObjectName name, GetOptions options, base::Deadline deadline);
  ReplyTask<ObjectFacts> Head(ObjectName name, base::Deadline deadline);
  ReplyTask<Listing> List(std::string bucket, ListQuery query, base::Deadline deadline);
  ReplyTask<VersionListing> ListVersions(std::string bucket, VersionQuery query,
                                         base::Deadline deadline);
  ReplyTask<Deletion> Delete(ObjectName name, base::Deadline deadline);
  /// At most 1000 objects of one bucket.
  ReplyTask<BatchDeletion> DeleteMany(std::string bucket, std::vector<ObjectName> names,
                                      base::Deadline deadline);
  ReplyTask<Stored> Copy(ObjectName from, ObjectName to, CopyOptions options,
                         base::Deadline deadline);

  ReplyTask<std::vector<std::string>> ListBuckets(base::Deadline deadline);
  ReplyTask<Nothing> CreateBucket(std::string bucket, base::Deadline deadline);
  ReplyTask<Nothing> DeleteBucket(std::string bucket, base::Deadline deadline);
  ReplyTask<Nothing> SetVersioning(std::string bucket, bool enabled, base::Deadline deadline);
  /// `Enabled`, `Suspended`, or "".
  ReplyTask<std::string> Versioning(std::string bucket, base::Deadline deadline);

  /// The id of a new multipart upload.
  ReplyTask<std::string> BeginUpload(ObjectName name, PutOptions options, base::Deadline deadline);
  /// `number` from 1; every part but the last has at least 5 MiB.
  ReplyTask<Part> PutPart(ObjectName name, std::string upload, int number, std::string content,
                          base::Deadline deadline);
  ReplyTask<std::vector<Part>> ListParts(ObjectName name, std::string upload,
                                         base::Deadline deadline);
  ReplyTask<Stored> CompleteUpload(ObjectName name, std::string upload, std::vector<Part> parts,
                                   bool only_if_absent, base::Deadline deadline);
  ReplyTask<Nothing> AbortUpload(ObjectName name, std::string upload, base::Deadline deadline);

  /// A URL that needs no key for `valid` from now on. kInvalid without a key.
  base::Result<std::string> Presign(std::string_view method, const ObjectName& name,
                                    std::chrono::seconds valid) const;

  const Server& server() const { return server_; }

 private:
  struct Call;

  net::Task<base::Result<http::ClientResponse>> Send(Call call, base::Deadline deadline);
  net::Task<base::Result<http::ClientResponse>> SendForDownload(Call call, std::string path,
                                                                base::Deadline deadline);
  http::ClientRequest Sign(const Call& call) const;
  base::Duration Pause(int attempt);

  http::Client& http_;
  const Server server_;
  const ClientOptions options_;
  const base::Clock& clock_;
  base::Random random_;
};

}  // namespace objects::s3
