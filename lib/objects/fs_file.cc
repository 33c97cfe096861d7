#include "lib/objects/fs_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/crypto/hash.h"

namespace objects {
namespace {

using base::ErrorCode;
using base::Fail;

constexpr size_t kFooterBytes = 256;
constexpr std::string_view kMagic = "OBJECT1\n";
constexpr size_t kSizeAt = 8;
constexpr size_t kModifiedAt = 16;
constexpr size_t kDigestAt = 24;
constexpr size_t kTypeAt = 56;
constexpr size_t kCheckAt = 224;
constexpr size_t kPieceBytes = size_t{256} * 1024;
static_assert(kTypeAt + 1 + kMaxContentTypeBytes <= kCheckAt);

using Footer = std::array<char, kFooterBytes>;

void PutNumber(Footer& footer, size_t at, uint64_t number) {
  for (size_t i = 0; i < 8; ++i) footer[at + i] = static_cast<char>((number >> (8 * i)) & 0xFF);
}

uint64_t GetNumber(const Footer& footer, size_t at) {
  uint64_t number = 0;
  for (size_t i = 0; i < 8; ++i) {
    number |= uint64_t{static_cast<unsigned char>(footer[at + i])} << (8 * i);
  }
  return number;
}

std::string_view View(const Footer& footer, size_t at, size_t count) {
  return std::string_view(footer.data(), footer.size()).substr(at, count);
}

void PutDigest(Footer& footer, size_t at, const crypto::Digest256& digest) {
  std::memcpy(footer.data() + at, digest.data(), digest.size());
}

bool HoldsDigest(const Footer& footer, size_t at, const crypto::Digest256& digest) {
  return std::memcmp(footer.data() + at, digest.data(), digest.size()) == 0;
}

base::Result<void> WriteAll(const FileHandle& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Fail(SystemFailure("writing", "an object"));
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

base::Result<size_t> ReadAt(const FileHandle& file, std::span<char> into, uint64_t offset) {
  while (true) {
    const ssize_t count = pread(file.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR) return Fail(SystemFailure("reading", "an object"));
  }
}

base::Result<Footer> ReadFooter(const FileHandle& file) {
  struct stat facts = {};
  if (fstat(file.get(), &facts) != 0) return Fail(SystemFailure("examining", "an object"));
  const auto file_size = static_cast<uint64_t>(facts.st_size);
  Footer footer;
  if (file_size < kFooterBytes) {
    return Fail(ErrorCode::kCorrupt, "the object's file is shorter than its footer");
  }
  TRY(const size_t count, ReadAt(file, footer, file_size - kFooterBytes));
  const bool good = count == kFooterBytes && View(footer, 0, kMagic.size()) == kMagic &&
                    HoldsDigest(footer, kCheckAt, crypto::Sha256Of(View(footer, 0, kCheckAt))) &&
                    GetNumber(footer, kSizeAt) == file_size - kFooterBytes;
  if (!good) return Fail(ErrorCode::kCorrupt, "the object's footer is damaged");
  return footer;
}

class FileSource final : public ByteSource {
 public:
  FileSource(FileHandle file, const Footer& footer)
      : file_(std::move(file)), footer_(footer), size_(GetNumber(footer, kSizeAt)) {}

  base::Result<size_t> Read(std::span<char> into, base::Deadline) override {
    const uint64_t left = size_ - at_;
    if (left == 0) return Verify();
    const auto wanted = static_cast<size_t>(std::min<uint64_t>(into.size(), left));
    TRY(const size_t count, ReadAt(file_, into.first(wanted), at_));
    if (count == 0) return Fail(ErrorCode::kCorrupt, "the object's file became shorter");
    hash_.Update(std::string_view(into.data(), count));
    at_ += count;
    return count;
  }

 private:
  base::Result<size_t> Verify() {
    if (!verified_ && !HoldsDigest(footer_, kDigestAt, hash_.Finish())) {
      return Fail(ErrorCode::kCorrupt, "the object's content does not have its recorded SHA-256");
    }
    verified_ = true;
    return 0;
  }

  FileHandle file_;
  Footer footer_;
  uint64_t size_;
  uint64_t at_ = 0;
  bool verified_ = false;
  crypto::Sha256 hash_;
};

}  // namespace

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileHandle::~FileHandle() {
  if (descriptor_ >= 0) close(descriptor_);
}

base::Error SystemFailure(std::string_view doing, const std::filesystem::path& path) {
  const int number = errno;
  ErrorCode code = ErrorCode::kIo;
  if (number == ENOENT) code = ErrorCode::kNotFound;
  if (number == ENOSPC || number == EDQUOT || number == EMFILE) code = ErrorCode::kExhausted;
  return base::Error{code, fmt::format("{} {}: {}", doing, path.string(),
                                       std::generic_category().message(number))};
}

base::Result<FileHandle> OpenFile(const std::filesystem::path& path, int flags) {
  FileHandle file(open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return Fail(SystemFailure("opening", path));
  return file;
}

base::Result<void> SyncFolder(const std::filesystem::path& folder) {
  TRY(const FileHandle handle, OpenFile(folder, O_RDONLY | O_DIRECTORY));
  if (fsync(handle.get()) != 0) return Fail(SystemFailure("syncing", folder));
  return {};
}

base::Result<void> MakeFolders(const std::filesystem::path& root,
                               const std::filesystem::path& relative) {
  std::filesystem::path folder = root;
  for (const auto& part : relative) {
    const std::filesystem::path parent = folder;
    folder /= part;
    if (mkdir(folder.c_str(), 0700) == 0) {
      TRY(SyncFolder(parent));
    } else if (errno != EEXIST) {
      return Fail(SystemFailure("making", folder));
    }
  }
  return {};
}

base::Result<void> WriteObjectFile(const FileHandle& file, ByteSource& content, ObjectStat& stat,
                                   base::Deadline deadline) {
  std::vector<char> piece(kPieceBytes);
  crypto::Sha256 hash;
  while (true) {
    TRY(const size_t count, content.Read(piece, deadline));
    if (count == 0) break;
    const std::string_view bytes(piece.data(), count);
    hash.Update(bytes);
    TRY(WriteAll(file, bytes));
    stat.size += count;
  }
  const crypto::Digest256 digest = hash.Finish();
  stat.sha256 = crypto::ToHex(digest);
  stat.etag = stat.sha256;

  Footer footer = {};
  std::ranges::copy(kMagic, footer.begin());
  PutNumber(footer, kSizeAt, stat.size);
  PutNumber(footer, kModifiedAt,
            std::bit_cast<uint64_t>(int64_t{stat.modified.time_since_epoch().count()}));
  PutDigest(footer, kDigestAt, digest);
  footer[kTypeAt] = static_cast<char>(stat.content_type.size());
  std::ranges::copy(stat.content_type, footer.data() + kTypeAt + 1);
  PutDigest(footer, kCheckAt, crypto::Sha256Of(View(footer, 0, kCheckAt)));
  TRY(WriteAll(file, View(footer, 0, kFooterBytes)));
  if (fsync(file.get()) != 0) return Fail(SystemFailure("syncing", "an object"));
  return {};
}

base::Result<ObjectStat> ReadObjectStat(const FileHandle& file) {
  TRY(const Footer footer, ReadFooter(file));
  ObjectStat stat;
  stat.size = GetNumber(footer, kSizeAt);
  stat.modified =
      base::WallTime(base::Duration(std::bit_cast<int64_t>(GetNumber(footer, kModifiedAt))));
  crypto::Digest256 digest = {};
  std::memcpy(digest.data(), footer.data() + kDigestAt, digest.size());
  stat.sha256 = crypto::ToHex(digest);
  stat.etag = stat.sha256;
  const auto type_length = static_cast<size_t>(static_cast<unsigned char>(footer[kTypeAt]));
  stat.content_type = std::string(View(footer, kTypeAt + 1, type_length));
  return stat;
}

base::Result<std::unique_ptr<ByteSource>> ReadObjectContent(FileHandle file) {
  TRY(const Footer footer, ReadFooter(file));
  return std::make_unique<FileSource>(std::move(file), footer);
}

}  // namespace objects
