#pragma once
// Bytes that are pushed while they arrive, and read once when they are all there.
//
// Up to kKeptInMemory bytes stay in memory. What is longer goes to storage::SealedPieces.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "lib/objects/byte_source.h"
#include "montage/storage/sealed_pieces.h"

namespace montage::api {

class UploadSpool final : public objects::ByteSource {
 public:
  static constexpr size_t kKeptInMemory = size_t{1} << 20;

  /// `folder` exists.
  explicit UploadSpool(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// kIo when the folder's disk fails. Not after the first Read.
  base::Result<void> Append(std::string_view bytes);
  base::Result<size_t> Read(std::span<char> into, base::Deadline deadline) override;

  uint64_t size() const { return size_; }

 private:
  base::Result<void> Spill();

  const std::filesystem::path folder_;
  std::unique_ptr<storage::SealedPieces> pieces_;  // null: all is in memory
  std::string held_;  // not on disk yet; while reading: the current piece
  uint64_t size_ = 0;
  uint64_t loaded_ = 0;  // pieces read back
  size_t at_ = 0;        // in `held_`
  bool reading_ = false;
  std::string tail_;  // the bytes after the last piece on disk
};

}  // namespace montage::api
