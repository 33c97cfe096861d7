#include "montage/api/request/upload_spool.h"

#include <algorithm>
#include <cstring>

namespace montage::api {

base::Result<void> UploadSpool::Append(std::string_view bytes) {
  held_ += bytes;
  size_ += bytes.size();
  if (!pieces_ && held_.size() <= kKeptInMemory) return {};
  return Spill();
}

base::Result<void> UploadSpool::Spill() {
  constexpr size_t kPiece = storage::SealedPieces::kBytes;
  if (!pieces_) {
    TRY(pieces_, storage::SealedPieces::Create(folder_));
  }
  size_t done = 0;
  for (; held_.size() - done >= kPiece; done += kPiece)
    TRY(pieces_->Append(std::string_view(held_).substr(done, kPiece)));
  held_.erase(0, done);
  return {};
}

base::Result<size_t> UploadSpool::Read(std::span<char> into, base::Deadline /*deadline*/) {
  if (!reading_) {
    reading_ = true;
    tail_ = std::exchange(held_, {});
  }
  if (at_ == held_.size()) {
    at_ = 0;
    if (pieces_ && loaded_ < pieces_->count()) {
      TRY(held_, pieces_->Read(loaded_));
      ++loaded_;
    } else {
      held_ = std::exchange(tail_, {});
    }
  }
  const size_t count = std::min(into.size(), held_.size() - at_);
  std::memcpy(into.data(), held_.data() + at_, count);
  at_ += count;
  return count;
}

}  // namespace montage::api
