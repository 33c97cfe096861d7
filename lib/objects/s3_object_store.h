#pragma once
// Objects in a service that speaks S3. Digest and time of an object are kept in its metadata
// (`sha256`, `modified`); an object that others put has the server's time and no digest.

#include <filesystem>
#include <memory>
#include <string>

#include "lib/http/client.h"
#include "lib/net/service/background_loop.h"
#include "lib/objects/fs_file.h"
#include "lib/objects/object_store.h"
#include "lib/objects/s3/client.h"

namespace objects {

struct S3StoreOptions {
  s3::Server server;
  /// Folder for content on its way, which is on disk when it is larger than one part; made when
  /// missing. Nothing in it has a name for longer than it takes to open it.
  std::filesystem::path spool;
  /// Before each bucket's name; names of buckets are shared by all users of a service.
  std::string bucket_prefix;
  size_t part_size = size_t{8} << 20;  ///< at least s3::kSmallestPart
  int attempts = 5;                    ///< see s3::ClientOptions
};

/// `sha256` and `content_type` are empty in a list. Conditional puts of content larger than one
/// part also look before they begin, since not every service knows conditional completions: two of
/// them at the same time may then both succeed.
class S3ObjectStore final : public ObjectStore {
 public:
  /// kIo when the spool folder cannot be used. The clock must outlive the store.
  static base::Result<std::unique_ptr<S3ObjectStore>> Open(S3StoreOptions options,
                                                           const base::Clock& clock);
  ~S3ObjectStore() override;

  base::Result<void> EnsureBucket(std::string_view bucket, base::Deadline deadline) override;
  base::Result<ObjectStat> Put(std::string_view bucket, std::string_view key, ByteSource& content,
                               const PutOptions& options, base::Deadline deadline) override;
  base::Result<std::unique_ptr<ByteSource>> Get(std::string_view bucket, std::string_view key,
                                                base::Deadline deadline) override;
  base::Result<ObjectStat> Head(std::string_view bucket, std::string_view key,
                                base::Deadline deadline) override;
  base::Result<ListPage> List(std::string_view bucket, const ListQuery& query,
                              base::Deadline deadline) override;
  base::Result<void> Delete(std::string_view bucket, std::string_view key,
                            base::Deadline deadline) override;

 private:
  S3ObjectStore(S3StoreOptions options, const base::Clock& clock);
  base::Result<s3::ObjectName> NameOf(std::string_view bucket, std::string_view key) const;
  base::Result<ObjectStat> PutWhole(const s3::ObjectName& name, std::string content,
                                    s3::PutOptions options, ObjectStat stat,
                                    base::Deadline deadline);
  base::Result<ObjectStat> PutInParts(const s3::ObjectName& name, const FileHandle& spooled,
                                      s3::PutOptions options, ObjectStat stat,
                                      base::Deadline deadline);

  const S3StoreOptions options_;
  const base::Clock& clock_;
  net::BackgroundLoop loop_;
  http::Client http_;
  s3::Client client_;
};

}  // namespace objects
