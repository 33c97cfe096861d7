#pragma once
// Bytes that are pushed while they arrive, and read once when they are all there.
//
// Up to kKeptInMemory bytes stay in memory. What is longer goes to a file without a name, in pieces
// sealed with a key that only this object has: nothing is on disk in plain form, and nothing stays
// behind however the process ends.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "lib/objects/byte_source.h"

namespace montage::api {

class UploadSpool final : public objects::ByteSource {
 public:
  static constexpr size_t kKeptInMemory = size_t{1} << 20;

  /// `folder` exists.
  explicit UploadSpool(std::filesystem::path folder);
  ~UploadSpool() override;
  UploadSpool(const UploadSpool&) = delete;
  UploadSpool& operator=(const UploadSpool&) = delete;

  /// kIo when the folder's disk fails. Not after the first Read.
  base::Result<void> Append(std::string_view bytes);
  base::Result<size_t> Read(std::span<char> into, base::Deadline deadline) override;

  uint64_t size() const { return size_; }

 private:
  base::Result<void> Spill();
  base::Result<void> WritePiece(std::string_view piece);
  base::Result<void> LoadPiece();

  const std::filesystem::path folder_;
  const std::string key_;
  int descriptor_ = -1;
  std::string held_;  // not on disk yet; while reading: the current piece
  uint64_t size_ = 0;
  uint64_t written_ = 0;  // pieces on disk
  uint64_t loaded_ = 0;   // pieces read back
  size_t at_ = 0;         // in `held_`
  bool reading_ = false;
  std::string tail_;  // the bytes after the last piece on disk
};

}  // namespace montage::api
