#include "montage/recordings/spool.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "lib/crypto/secret.h"

namespace montage::recordings {
namespace {

using base::ErrorCode;
using base::Result;

constexpr size_t kPiece = size_t{64} << 10;
constexpr size_t kSealedPiece = kPiece + 12 + 16;  // nonce and tag, crypto::Seal
constexpr size_t kKeptPieces = 64;

base::Error SystemError(std::string_view doing) {
  return {ErrorCode::kIo, fmt::format("cannot {} the spool file: {}", doing,
                                      std::generic_category().message(errno))};
}

class SealedFile final : public formats::edf::ByteSource {
 public:
  static Result<std::unique_ptr<SealedFile>> Create(const std::filesystem::path& folder) {
    std::string path = (folder / "spool-XXXXXX").string();
    const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
    if (descriptor < 0) return base::Fail(SystemError("create"));
    ::unlink(path.c_str());
    return std::unique_ptr<SealedFile>(new SealedFile(descriptor));
  }
  ~SealedFile() override { ::close(descriptor_); }
  SealedFile(const SealedFile&) = delete;
  SealedFile& operator=(const SealedFile&) = delete;

  /// Every piece but the last one has kPiece bytes.
  Result<void> Append(std::string_view piece) {
    const uint64_t number = size_ / kPiece;
    const std::string sealed = crypto::Seal(key_, piece, std::to_string(number));
    size_t written = 0;
    while (written < sealed.size()) {
      const ssize_t count = ::pwrite(descriptor_, sealed.data() + written, sealed.size() - written,
                                     static_cast<off_t>(number * kSealedPiece + written));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return base::Fail(SystemError("write"));
      written += static_cast<size_t>(count);
    }
    size_ += piece.size();
    return {};
  }

  uint64_t size() const override { return size_; }

  Result<void> ReadAt(uint64_t offset, std::span<uint8_t> into) const override {
    if (offset > size_ || into.size() > size_ - offset) {
      return base::Fail(
          ErrorCode::kInvalid,
          fmt::format("{} bytes at {} are wanted, expected within {}", into.size(), offset, size_));
    }
    const std::scoped_lock lock(mutex_);
    while (!into.empty()) {
      TRY(const std::string* piece, Load(offset / kPiece));
      const size_t within = offset % kPiece;
      const size_t count = std::min(into.size(), piece->size() - within);
      std::memcpy(into.data(), piece->data() + within, count);
      into = into.subspan(count);
      offset += count;
    }
    return {};
  }

 private:
  struct Piece {
    uint64_t number;
    std::string plain;
  };

  explicit SealedFile(int descriptor) : descriptor_(descriptor) {}

  Result<const std::string*> Load(uint64_t number) const {
    for (auto at = kept_.begin(); at != kept_.end(); ++at) {
      if (at->number != number) continue;
      kept_.splice(kept_.begin(), kept_, at);
      return &kept_.front().plain;
    }
    std::string sealed(std::min<uint64_t>(kPiece, size_ - number * kPiece) + kSealedPiece - kPiece,
                       '\0');
    size_t read = 0;
    while (read < sealed.size()) {
      const ssize_t count = ::pread(descriptor_, sealed.data() + read, sealed.size() - read,
                                    static_cast<off_t>(number * kSealedPiece + read));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return base::Fail(SystemError("read"));
      read += static_cast<size_t>(count);
    }
    auto plain = crypto::Open(key_, sealed, std::to_string(number));
    // The key is ours and new: what does not open was damaged by the disk, and a retry may do.
    if (!plain) return base::Fail(ErrorCode::kIo, "the spool file was damaged");
    if (kept_.size() == kKeptPieces) kept_.pop_back();
    kept_.push_front({number, std::move(*plain)});
    return &kept_.front().plain;
  }

  const int descriptor_;
  const std::string key_ = crypto::RandomBytes(32);
  uint64_t size_ = 0;
  mutable std::mutex mutex_;
  mutable std::list<Piece> kept_;  // most recently used first
};

Result<std::unique_ptr<formats::edf::ByteSource>> SpoolToFile(objects::ByteSource& content,
                                                              std::span<const uint8_t> begun,
                                                              const std::filesystem::path& folder,
                                                              base::Deadline deadline) {
  TRY(auto file, SealedFile::Create(folder));
  std::string piece(kPiece, '\0');
  while (true) {
    const size_t known = std::min(begun.size(), kPiece);
    if (known > 0) std::memcpy(piece.data(), begun.data(), known);
    begun = begun.subspan(known);
    TRY(const size_t more, objects::ReadFully(content, std::span(piece).subspan(known), deadline));
    if (known + more > 0) TRY(file->Append(std::string_view(piece).substr(0, known + more)));
    if (known + more < kPiece) return file;
  }
}

}  // namespace

base::Result<std::unique_ptr<formats::edf::ByteSource>> SpoolAll(
    objects::ByteSource& content, const std::filesystem::path& folder, base::Deadline deadline,
    size_t in_memory) {
  std::vector<uint8_t> bytes;
  size_t room = kPiece;
  while (true) {
    const size_t before = bytes.size();
    bytes.resize(std::min(before + room, in_memory + 1));
    const std::span<char> into(reinterpret_cast<char*>(bytes.data()) + before,
                               bytes.size() - before);
    TRY(const size_t count, objects::ReadFully(content, into, deadline));
    bytes.resize(before + count);
    if (bytes.size() > in_memory) return SpoolToFile(content, bytes, folder, deadline);
    if (count < into.size()) break;
    room = bytes.size();
  }
  return std::make_unique<formats::edf::MemorySource>(std::move(bytes));
}

}  // namespace montage::recordings
