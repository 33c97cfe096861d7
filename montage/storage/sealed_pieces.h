#pragma once
// Pieces of bytes in a file without a name, each sealed with a key that only this object has:
// nothing is on disk in plain form, and nothing stays behind however the process ends.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace montage::storage {

/// Errors are kIo, of the folder's disk. Pieces may be read from several threads at once, but not
/// while one is appended.
class SealedPieces {
 public:
  /// Of every piece; the last one may be shorter.
  static constexpr size_t kBytes = size_t{64} << 10;

  /// `folder` exists.
  static base::Result<std::unique_ptr<SealedPieces>> Create(const std::filesystem::path& folder);
  ~SealedPieces();
  SealedPieces(const SealedPieces&) = delete;
  SealedPieces& operator=(const SealedPieces&) = delete;

  base::Result<void> Append(std::string_view piece);
  /// Requires: `number` below count(), and the piece was appended with `size` bytes.
  base::Result<std::string> Read(uint64_t number, size_t size = kBytes) const;
  uint64_t count() const { return count_; }

 private:
  explicit SealedPieces(int descriptor);

  const int descriptor_;
  const std::string key_;
  uint64_t count_ = 0;
};

}  // namespace montage::storage
