#include "montage/api/upload_spool.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "lib/crypto/secret.h"

namespace montage::api {
namespace {

constexpr size_t kPiece = size_t{64} << 10;
constexpr size_t kSealedPiece = kPiece + 12 + 16;  // nonce and tag, crypto::Seal

base::Error SystemError(std::string_view doing) {
  return {base::ErrorCode::kIo, fmt::format("cannot {} the upload's spool file: {}", doing,
                                            std::generic_category().message(errno))};
}

}  // namespace

UploadSpool::UploadSpool(std::filesystem::path folder)
    : folder_(std::move(folder)), key_(crypto::RandomBytes(32)) {}

UploadSpool::~UploadSpool() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<void> UploadSpool::Append(std::string_view bytes) {
  held_ += bytes;
  size_ += bytes.size();
  if (descriptor_ < 0 && held_.size() <= kKeptInMemory) return {};
  return Spill();
}

base::Result<void> UploadSpool::Spill() {
  if (descriptor_ < 0) {
    std::string path = (folder_ / "upload-XXXXXX").string();
    descriptor_ = ::mkostemp(path.data(), O_CLOEXEC);
    if (descriptor_ < 0) return base::Fail(SystemError("create"));
    ::unlink(path.c_str());
  }
  size_t done = 0;
  for (; held_.size() - done >= kPiece; done += kPiece)
    TRY(WritePiece(std::string_view(held_).substr(done, kPiece)));
  held_.erase(0, done);
  return {};
}

base::Result<void> UploadSpool::WritePiece(std::string_view piece) {
  const std::string sealed = crypto::Seal(key_, piece, std::to_string(written_));
  size_t done = 0;
  while (done < sealed.size()) {
    const ssize_t count = ::pwrite(descriptor_, sealed.data() + done, sealed.size() - done,
                                   static_cast<off_t>(written_ * kSealedPiece + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return base::Fail(SystemError("write"));
    done += static_cast<size_t>(count);
  }
  ++written_;
  return {};
}

base::Result<void> UploadSpool::LoadPiece() {
  std::string sealed(kSealedPiece, '\0');
  size_t done = 0;
  while (done < sealed.size()) {
    const ssize_t count = ::pread(descriptor_, sealed.data() + done, sealed.size() - done,
                                  static_cast<off_t>(loaded_ * kSealedPiece + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return base::Fail(SystemError("read"));
    done += static_cast<size_t>(count);
  }
  auto plain = crypto::Open(key_, sealed, std::to_string(loaded_));
  // The key is ours and new: what does not open was damaged by the disk.
  if (!plain) return base::Fail(base::ErrorCode::kIo, "the upload's spool file was damaged");
  held_ = std::move(*plain);
  ++loaded_;
  return {};
}

base::Result<size_t> UploadSpool::Read(std::span<char> into, base::Deadline /*deadline*/) {
  if (!reading_) {
    reading_ = true;
    tail_ = std::exchange(held_, {});
  }
  if (at_ == held_.size()) {
    at_ = 0;
    if (loaded_ < written_) {
      TRY(LoadPiece());
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
