#include "montage/storage/sealed_pieces.h"

#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "lib/crypto/secret.h"

namespace montage::storage {
namespace {

constexpr size_t kSealing = 12 + 16;  // nonce and tag, crypto::Seal
constexpr size_t kSealedBytes = SealedPieces::kBytes + kSealing;

base::Error SystemError(const std::string& doing) {
  // Without space the service cannot answer now; anything else is a fault of it.
  const bool full = errno == ENOSPC || errno == EDQUOT;
  return {full ? base::ErrorCode::kExhausted : base::ErrorCode::kIo,
          "cannot " + doing + " the spool file: " + std::generic_category().message(errno)};
}

}  // namespace

SealedPieces::SealedPieces(int descriptor)
    : descriptor_(descriptor), key_(crypto::RandomBytes(32)) {}

SealedPieces::~SealedPieces() { ::close(descriptor_); }

base::Result<std::unique_ptr<SealedPieces>> SealedPieces::Create(
    const std::filesystem::path& folder) {
  std::string path = (folder / "spool-XXXXXX").string();
  const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
  if (descriptor < 0) return base::Fail(SystemError("create"));
  ::unlink(path.c_str());
  return std::unique_ptr<SealedPieces>(new SealedPieces(descriptor));
}

base::Result<void> SealedPieces::Append(std::string_view piece) {
  assert(piece.size() <= kBytes);
  const std::string sealed = crypto::Seal(key_, piece, std::to_string(count_));
  size_t done = 0;
  while (done < sealed.size()) {
    const ssize_t count = ::pwrite(descriptor_, sealed.data() + done, sealed.size() - done,
                                   static_cast<off_t>(count_ * kSealedBytes + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return base::Fail(SystemError("write"));
    done += static_cast<size_t>(count);
  }
  ++count_;
  return {};
}

base::Result<std::string> SealedPieces::Read(uint64_t number, size_t size) const {
  std::string sealed(size + kSealing, '\0');
  size_t done = 0;
  while (done < sealed.size()) {
    const ssize_t count = ::pread(descriptor_, sealed.data() + done, sealed.size() - done,
                                  static_cast<off_t>(number * kSealedBytes + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::Fail(SystemError("read"));
    if (count == 0) break;  // the file was cut, which does not open either
    done += static_cast<size_t>(count);
  }
  auto plain = crypto::Open(key_, sealed, std::to_string(number));
  // The key is ours and new: what does not open was damaged by the disk, and a retry may do.
  if (!plain) return base::Fail(base::ErrorCode::kIo, "the spool file was damaged");
  return plain;
}

}  // namespace montage::storage
