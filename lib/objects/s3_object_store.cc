#include "lib/objects/s3_object_store.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "lib/crypto/hash.h"
#include "lib/crypto/secret.h"
#include "lib/objects/s3/upload.h"

namespace objects {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Fail;

constexpr std::string_view kDigestName = "sha256";
constexpr std::string_view kTimeName = "modified";
constexpr size_t kPieceBytes = size_t{256} << 10;

std::string RandomName() {
  const std::string bytes = crypto::RandomBytes(16);
  std::string name;
  for (const char c : bytes) name += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return name;
}

std::string Asked(std::string_view doing, const s3::ObjectName& name) {
  return name.key.empty() ? fmt::format("{} the bucket \"{}\"", doing, name.bucket)
                          : fmt::format("{} \"{}/{}\"", doing, name.bucket, name.key);
}

ObjectStat StatOf(std::string_view key, const s3::ObjectFacts& facts) {
  ObjectStat stat{.key = std::string(key),
                  .size = facts.size,
                  .etag = facts.etag,
                  .content_type = facts.content_type,
                  .modified = facts.modified};
  for (const auto& [name, value] : facts.metadata) {
    if (name == kDigestName) stat.sha256 = value;
    if (name == kTimeName) stat.modified = s3::ParseIsoTime(value).value_or(stat.modified);
  }
  return stat;
}

/// A file that is gone with its last descriptor.
base::Result<FileHandle> OpenSpool(const fs::path& folder) {
  const fs::path path = folder / RandomName();
  TRY(FileHandle file, OpenFile(path, O_RDWR | O_CREAT | O_EXCL));
  unlink(path.c_str());
  return file;
}

base::Result<void> WriteAll(const FileHandle& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Fail(SystemFailure("writing", "an object in the spool folder"));
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

base::Result<size_t> ReadAt(const FileHandle& file, std::span<char> into, uint64_t offset) {
  while (true) {
    const ssize_t count = pread(file.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) return Fail(SystemFailure("reading", "an object in the spool folder"));
  }
}

/// A downloaded object; verified against the digest of its metadata when its end is reached.
class SpooledObject final : public ByteSource {
 public:
  SpooledObject(FileHandle file, std::string sha256)
      : file_(std::move(file)), sha256_(std::move(sha256)) {}

  base::Result<size_t> Read(std::span<char> into, base::Deadline) override {
    TRY(const size_t count, ReadAt(file_, into, offset_));
    offset_ += count;
    hash_.Update(std::string_view(into.data(), count));
    if (count == 0 && !into.empty() && !std::exchange(verified_, true) && !sha256_.empty() &&
        hash_.FinishHex() != sha256_) {
      return Fail(ErrorCode::kCorrupt, "the object does not match the digest in its metadata");
    }
    return count;
  }

 private:
  FileHandle file_;
  std::string sha256_;
  crypto::Sha256 hash_;
  uint64_t offset_ = 0;
  bool verified_ = false;
};

/// Copies the rest of `content` behind `head` into a file; sets size and digest of `stat`.
base::Result<FileHandle> Spool(const fs::path& folder, std::string_view head, ByteSource& content,
                               ObjectStat& stat, base::Deadline deadline) {
  TRY(FileHandle file, OpenSpool(folder));
  crypto::Sha256 hash;
  std::string piece(head);
  stat.size = 0;
  while (!piece.empty()) {
    TRY(WriteAll(file, piece));
    hash.Update(piece);
    stat.size += piece.size();
    piece.resize(kPieceBytes);
    TRY(const size_t count, content.Read(piece, deadline));
    piece.resize(count);
  }
  stat.sha256 = hash.FinishHex();
  return file;
}

}  // namespace

base::Result<std::unique_ptr<S3ObjectStore>> S3ObjectStore::Open(S3StoreOptions options,
                                                                 const base::Clock& clock) {
  std::error_code error;
  fs::create_directories(options.spool, error);
  if (error) {
    return Fail(ErrorCode::kIo, fmt::format("cannot make the spool folder {}: {}",
                                            options.spool.string(), error.message()));
  }
  if (options.part_size < s3::kSmallestPart) {
    return Fail(ErrorCode::kInvalid, fmt::format("parts of {} bytes are too small, expected {}",
                                                 options.part_size, s3::kSmallestPart));
  }
  return std::unique_ptr<S3ObjectStore>(new S3ObjectStore(std::move(options), clock));
}

S3ObjectStore::S3ObjectStore(S3StoreOptions options, const base::Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      http_(loop_.executor(), {.user_agent = "objects"}),
      client_(http_, options_.server, {.clock = &clock, .attempts = options_.attempts}) {}

// The HTTP client belongs to the loop: it goes when the loop does not run any more.
S3ObjectStore::~S3ObjectStore() { loop_.Stop(); }

base::Result<s3::ObjectName> S3ObjectStore::NameOf(std::string_view bucket,
                                                   std::string_view key) const {
  TRY(CheckBucket(bucket));
  return s3::ObjectName{options_.bucket_prefix + std::string(bucket), std::string(key)};
}

base::Result<void> S3ObjectStore::EnsureBucket(std::string_view bucket, base::Deadline deadline) {
  TRY(const s3::ObjectName name, NameOf(bucket, ""));
  TRY(CheckBucket(name.bucket));
  TRY(const auto reply, loop_.Run(client_.CreateBucket(name.bucket, deadline)));
  if (reply.accepted() || reply.refusal->code == "BucketAlreadyOwnedByYou") return {};
  return Fail(s3::ToError(reply, Asked("making", name)));
}

base::Result<ObjectStat> S3ObjectStore::PutWhole(const s3::ObjectName& name, std::string content,
                                                 s3::PutOptions options, ObjectStat stat,
                                                 base::Deadline deadline) {
  TRY(const s3::Stored stored,
      s3::Accepted(loop_.Run(client_.Put(name, std::move(content), std::move(options), deadline)),
                   Asked("putting", name)));
  stat.etag = stored.etag;
  return stat;
}

base::Result<ObjectStat> S3ObjectStore::PutInParts(const s3::ObjectName& name,
                                                   const FileHandle& spooled,
                                                   s3::PutOptions options, ObjectStat stat,
                                                   base::Deadline deadline) {
  if (options.only_if_absent) {
    TRY(const auto existing, loop_.Run(client_.Head(name, deadline)));
    if (existing.accepted()) {
      return Fail(ErrorCode::kConflict, fmt::format("the object \"{}\" exists", name.key));
    }
  }
  uint64_t offset = 0;
  const auto read = [&](size_t bytes) -> net::Task<base::Result<std::string>> {
    std::string part(bytes, '\0');
    size_t filled = 0;
    while (filled < bytes) {
      CO_TRY(const size_t count, ReadAt(spooled, std::span(part).subspan(filled), offset));
      if (count == 0) break;
      filled += count;
      offset += count;
    }
    part.resize(filled);
    co_return part;
  };
  TRY(const s3::Uploaded uploaded,
      s3::Accepted(loop_.Run(s3::UploadInParts(client_, name, std::move(options),
                                               options_.part_size, read, deadline)),
                   Asked("putting", name)));
  stat.etag = uploaded.stored.etag;
  return stat;
}

base::Result<ObjectStat> S3ObjectStore::Put(std::string_view bucket, std::string_view key,
                                            ByteSource& content, const PutOptions& options,
                                            base::Deadline deadline) {
  TRY(CheckKey(key));
  TRY(CheckOptions(options));
  TRY(const s3::ObjectName name, NameOf(bucket, key));
  ObjectStat stat{
      .key = std::string(key), .content_type = options.content_type, .modified = clock_.Now()};
  std::string head(options_.part_size, '\0');
  TRY(const size_t count, ReadFully(content, head, deadline));
  head.resize(count);
  s3::PutOptions put{.content_type = options.content_type,
                     .only_if_absent = options.only_if_absent};
  const auto describe = [&] {
    put.metadata = {{std::string(kDigestName), stat.sha256},
                    {std::string(kTimeName), base::FormatRfc3339(stat.modified)}};
  };
  if (count < options_.part_size) {
    stat.size = count;
    stat.sha256 = crypto::Sha256Hex(head);
    describe();
    return PutWhole(name, std::move(head), std::move(put), std::move(stat), deadline);
  }
  TRY(const FileHandle spooled, Spool(options_.spool, head, content, stat, deadline));
  describe();
  return PutInParts(name, spooled, std::move(put), std::move(stat), deadline);
}

base::Result<std::unique_ptr<ByteSource>> S3ObjectStore::Get(std::string_view bucket,
                                                             std::string_view key,
                                                             base::Deadline deadline) {
  TRY(CheckKey(key));
  TRY(const s3::ObjectName name, NameOf(bucket, key));
  const fs::path path = options_.spool / RandomName();
  s3::GetOptions get{.download_to = path.string(),
                     .max_bytes = std::numeric_limits<uint64_t>::max()};
  TRY(const s3::GotObject got,
      s3::Accepted(loop_.Run(client_.Get(name, std::move(get), deadline)), Asked("getting", name)));
  auto file = OpenFile(path, O_RDONLY);
  unlink(path.c_str());
  TRY(FileHandle opened, std::move(file));
  return std::make_unique<SpooledObject>(std::move(opened), StatOf(key, got.facts).sha256);
}

base::Result<ObjectStat> S3ObjectStore::Head(std::string_view bucket, std::string_view key,
                                             base::Deadline deadline) {
  TRY(CheckKey(key));
  TRY(const s3::ObjectName name, NameOf(bucket, key));
  TRY(const s3::ObjectFacts facts,
      s3::Accepted(loop_.Run(client_.Head(name, deadline)), Asked("looking for", name)));
  return StatOf(key, facts);
}

base::Result<ListPage> S3ObjectStore::List(std::string_view bucket, const ListQuery& query,
                                           base::Deadline deadline) {
  TRY(const s3::ObjectName name, NameOf(bucket, ""));
  ListPage page;
  s3::ListQuery ask{.prefix = query.prefix, .after = query.after};
  while (true) {
    // One more than asked for, as servers do not agree on what a page of nothing says.
    ask.limit = std::min<size_t>(query.limit - page.objects.size(), 999) + 1;
    TRY(const s3::Listing listing,
        s3::Accepted(loop_.Run(client_.List(name.bucket, ask, deadline)), Asked("listing", name)));
    for (const s3::ListedObject& object : listing.objects) {
      if (page.objects.size() == query.limit) {
        page.more = true;
        return page;
      }
      page.objects.push_back({.key = object.key,
                              .size = object.size,
                              .sha256 = {},
                              .etag = object.etag,
                              .content_type = {},
                              .modified = object.modified});
    }
    if (!listing.more) return page;
    ask.next = listing.next;
    ask.after.clear();
  }
}

base::Result<void> S3ObjectStore::Delete(std::string_view bucket, std::string_view key,
                                         base::Deadline deadline) {
  TRY(CheckKey(key));
  TRY(const s3::ObjectName name, NameOf(bucket, key));
  TRY(s3::Accepted(loop_.Run(client_.Delete(name, deadline)), Asked("deleting", name)));
  return {};
}

}  // namespace objects
