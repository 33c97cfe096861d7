#include "assay/history/file_io.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace assay::history {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

base::Error FileError(std::string_view doing, const std::filesystem::path& path, int error_number) {
  base::ErrorCode code = base::ErrorCode::kIo;
  std::string hint;
  if (error_number == ENOENT) code = base::ErrorCode::kNotFound;
  if (error_number == ENOSPC || error_number == EDQUOT) {
    code = base::ErrorCode::kExhausted;
    hint = "free some space, or choose another results directory";
  }
  std::string reason = std::generic_category().message(error_number);
  if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z') {
    reason[0] = static_cast<char>(reason[0] - 'A' + 'a');
  }
  base::Error error{code, fmt::format("cannot {} {}: {}", doing, path.string(), reason)};
  error.hint = std::move(hint);
  return error;
}

base::Result<std::string> ReadWholeFile(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return base::Fail(FileError("read", path, errno));
  struct stat status{};
  std::string bytes;
  if (::fstat(file.get(), &status) == 0 && status.st_size > 0) {
    bytes.reserve(static_cast<size_t>(status.st_size));
  }
  std::string part(64 * 1024, '\0');
  for (;;) {
    const ssize_t got = ::read(file.get(), part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::Fail(FileError("read", path, errno));
    if (got == 0) return bytes;
    bytes.append(part, 0, static_cast<size_t>(got));
  }
}

base::Result<void> WriteFileAtomically(const std::filesystem::path& path, std::string_view bytes) {
  std::error_code failure;
  std::filesystem::create_directories(path.parent_path(), failure);
  if (failure) return base::Fail(FileError("create", path.parent_path(), failure.value()));
  const std::string temporary = fmt::format("{}.{}.part", path.string(), ::getpid());
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) return base::Fail(FileError("create", path, errno));
    while (!bytes.empty()) {
      const ssize_t wrote = ::write(file.get(), bytes.data(), bytes.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) {
        const int reason = errno;
        ::unlink(temporary.c_str());
        return base::Fail(FileError("write", path, reason));
      }
      bytes.remove_prefix(static_cast<size_t>(wrote));
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary.c_str());
    return base::Fail(FileError("write", path, reason));
  }
  return {};
}

}  // namespace assay::history
