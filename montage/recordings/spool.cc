#include "montage/recordings/spool.h"

#include <cstring>
#include <list>
#include <mutex>

#include <fmt/format.h>

#include "montage/storage/sealed_pieces.h"

namespace montage::recordings {
namespace {

using base::ErrorCode;
using base::Result;

constexpr size_t kPiece = storage::SealedPieces::kBytes;
constexpr size_t kKeptPieces = 64;

class SealedFile final : public formats::edf::ByteSource {
 public:
  explicit SealedFile(std::unique_ptr<storage::SealedPieces> pieces) : pieces_(std::move(pieces)) {}

  /// Every piece but the last one has kPiece bytes.
  Result<void> Append(std::string_view piece) {
    TRY(pieces_->Append(piece));
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

  Result<const std::string*> Load(uint64_t number) const {
    for (auto at = kept_.begin(); at != kept_.end(); ++at) {
      if (at->number != number) continue;
      kept_.splice(kept_.begin(), kept_, at);
      return &kept_.front().plain;
    }
    TRY(std::string plain,
        pieces_->Read(number, std::min<uint64_t>(kPiece, size_ - number * kPiece)));
    if (kept_.size() == kKeptPieces) kept_.pop_back();
    kept_.push_front({number, std::move(plain)});
    return &kept_.front().plain;
  }

  const std::unique_ptr<storage::SealedPieces> pieces_;
  uint64_t size_ = 0;
  mutable std::mutex mutex_;
  mutable std::list<Piece> kept_;  // most recently used first
};

Result<std::unique_ptr<formats::edf::ByteSource>> SpoolToFile(objects::ByteSource& content,
                                                              std::span<const uint8_t> begun,
                                                              const std::filesystem::path& folder,
                                                              base::Deadline deadline) {
  TRY(auto pieces, storage::SealedPieces::Create(folder));
  auto file = std::make_unique<SealedFile>(std::move(pieces));
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
