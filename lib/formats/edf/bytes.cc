#include "lib/formats/edf/bytes.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace formats::edf {
namespace {

using base::ErrorCode;
using base::Fail;

base::Result<void> CopyOut(std::span<const uint8_t> bytes, uint64_t offset,
                           std::span<uint8_t> into) {
  if (offset > bytes.size() || into.size() > bytes.size() - offset) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("bytes {} to {} are wanted, but there are only {} bytes", offset,
                            offset + into.size(), bytes.size()));
  }
  if (!into.empty()) std::memcpy(into.data(), bytes.data() + offset, into.size());
  return {};
}

std::unexpected<base::Error> SystemFailure(std::string_view doing,
                                           const std::filesystem::path& path, int number) {
  const ErrorCode code = number == ENOENT                       ? ErrorCode::kNotFound
                         : number == EACCES || number == EPERM  ? ErrorCode::kForbidden
                         : number == ENOSPC || number == EDQUOT ? ErrorCode::kExhausted
                                                                : ErrorCode::kIo;
  return Fail(code, fmt::format("cannot {} \"{}\": {}", doing, path.string(),
                                std::generic_category().message(number)));
}

base::Result<void> CheckDeadline(base::Deadline deadline, std::string_view doing,
                                 const std::filesystem::path& path) {
  if (!deadline.is_never() && std::chrono::steady_clock::now() >= deadline.time()) {
    return Fail(ErrorCode::kTimeout,
                fmt::format("the deadline passed while {} \"{}\"", doing, path.string()));
  }
  return {};
}

base::Result<void> WriteAll(int descriptor, uint64_t offset, std::span<const uint8_t> bytes,
                            const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemFailure("write", path, errno);
    offset += static_cast<uint64_t>(count);
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return {};
}

}  // namespace

base::Result<void> SpanSource::ReadAt(uint64_t offset, std::span<uint8_t> into) const {
  return CopyOut(bytes_, offset, into);
}

base::Result<void> MemorySource::ReadAt(uint64_t offset, std::span<uint8_t> into) const {
  return CopyOut(bytes_, offset, into);
}

FileSource::FileSource(int descriptor, uint64_t size, std::filesystem::path path,
                       base::Deadline deadline)
    : descriptor_(descriptor), size_(size), path_(std::move(path)), deadline_(deadline) {}

FileSource::~FileSource() { ::close(descriptor_); }

base::Result<std::unique_ptr<FileSource>> FileSource::Open(const std::filesystem::path& path,
                                                           base::Deadline deadline) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemFailure("open", path, errno);
  struct stat status{};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return Fail(ErrorCode::kInvalid, fmt::format("\"{}\" is not a regular file", path.string()));
  }
  return std::unique_ptr<FileSource>(
      new FileSource(descriptor, static_cast<uint64_t>(status.st_size), path, deadline));
}

base::Result<void> FileSource::ReadAt(uint64_t offset, std::span<uint8_t> into) const {
  TRY(CheckDeadline(deadline_, "reading", path_));
  while (!into.empty()) {
    const ssize_t count =
        ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemFailure("read", path_, errno);
    if (count == 0) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("\"{}\" ends at byte {}, {} more bytes are wanted", path_.string(),
                              offset, into.size()));
    }
    offset += static_cast<uint64_t>(count);
    into = into.subspan(static_cast<size_t>(count));
  }
  return {};
}

base::Result<void> ByteSink::Patch(uint64_t offset, std::span<const uint8_t>) {
  return Fail(ErrorCode::kUnsupported,
              fmt::format("this sink cannot correct byte {} after it was written", offset));
}

base::Result<void> MemorySink::Write(std::span<const uint8_t> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return {};
}

base::Result<void> MemorySink::Patch(uint64_t offset, std::span<const uint8_t> bytes) {
  if (offset > bytes_.size() || bytes.size() > bytes_.size() - offset) {
    return Fail(ErrorCode::kInternal, fmt::format("byte {} was not written yet", offset));
  }
  std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
  return {};
}

FileSink::FileSink(int descriptor, std::filesystem::path path, base::Deadline deadline)
    : descriptor_(descriptor), path_(std::move(path)), deadline_(deadline) {}

FileSink::~FileSink() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<std::unique_ptr<FileSink>> FileSink::Create(const std::filesystem::path& path,
                                                         base::Deadline deadline) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (descriptor < 0) return SystemFailure("create", path, errno);
  return std::unique_ptr<FileSink>(new FileSink(descriptor, path, deadline));
}

base::Result<void> FileSink::Write(std::span<const uint8_t> bytes) {
  TRY(CheckDeadline(deadline_, "writing", path_));
  TRY(WriteAll(descriptor_, written_, bytes, path_));
  written_ += bytes.size();
  return {};
}

base::Result<void> FileSink::Patch(uint64_t offset, std::span<const uint8_t> bytes) {
  TRY(CheckDeadline(deadline_, "writing", path_));
  return WriteAll(descriptor_, offset, bytes, path_);
}

base::Result<void> FileSink::Close() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (descriptor >= 0 && ::close(descriptor) != 0) return SystemFailure("close", path_, errno);
  return {};
}

}  // namespace formats::edf
