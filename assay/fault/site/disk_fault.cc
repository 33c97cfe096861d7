// Faults of a service's data directory: no space, a flipped bit, a missing end.

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "assay/fault/site/fault.h"
#include "assay/fault/toxics/glob.h"
#include "lib/base/suggest.h"
#include "lib/process/descriptor.h"

namespace assay::fault {

namespace {

namespace fs = std::filesystem;
using base::ErrorCode;

base::Error SystemError(std::string_view what, const fs::path& path) {
  return {.code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
          .message = fmt::format("cannot {} {}: {}", what, path.string(),
                                 std::generic_category().message(errno))};
}

base::Result<process::Descriptor> OpenFile(const fs::path& path, int flags) {
  process::Descriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (file) return file;
  return base::Fail(SystemError("open", path));
}

uint64_t FreeBytes(const fs::path& folder) {
  struct statvfs facts{};
  if (::statvfs(folder.c_str(), &facts) != 0) return 0;
  return static_cast<uint64_t>(facts.f_bavail) * facts.f_frsize;
}

/// A file of our own takes all the space that is left.
class DiskFull final : public Fault {
 public:
  DiskFull(std::string service, fs::path folder)
      : service_(std::move(service)),
        folder_(std::move(folder)),
        ballast_(folder_ / ".assay-ballast") {}

  std::string target() const override { return service_; }
  std::string Describe() const override { return fmt::format("disk of {} full", service_); }

  net::Task<base::Result<void>> Apply(base::Deadline) override {
    CO_TRY(const process::Descriptor file, OpenFile(ballast_, O_WRONLY | O_CREAT | O_TRUNC));
    const std::string piece(size_t{1} << 16, '\0');
    // Smaller and smaller pieces, until not even one byte fits.
    for (size_t size = piece.size(); size > 0;) {
      const ssize_t put = ::write(file.get(), piece.data(), size);
      if (put > 0) {
        taken_ += static_cast<uint64_t>(put);
      } else if (errno == ENOSPC) {
        size /= 2;
      } else if (errno != EINTR) {
        co_return base::Fail(SystemError("write to", ballast_));
      }
    }
    refused_ = ::write(file.get(), piece.data(), 1) < 0 && errno == ENOSPC;
    co_return base::Result<void>();
  }

  net::Task<base::Result<Proof>> Heal(base::Deadline) override {
    std::error_code error;
    fs::remove(ballast_, error);
    const uint64_t free = FreeBytes(folder_);
    const bool healed = !error && !fs::exists(ballast_, error) && free > 0;
    co_return Proof{.shown = healed,
                    .missing = healed ? "" : "there is still no space",
                    .facts = {{"free_bytes", free}}};
  }

  Proof Effect() const override {
    return {.shown = refused_,
            .missing = refused_ ? "" : "a write was still accepted",
            .facts = {{"bytes_taken", taken_}, {"write_refused", refused_}}};
  }

 private:
  std::string service_;
  fs::path folder_;
  fs::path ballast_;
  uint64_t taken_ = 0;
  bool refused_ = false;
};

/// The files below `folder` that fit, sorted.
std::vector<fs::path> FilesLike(const fs::path& folder, const std::string& pattern) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    struct stat facts{};
    if (::lstat(it->path().c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
    if (facts.st_size == 0) continue;
    if (MatchesGlob(pattern, it->path().lexically_relative(folder).string())) {
      files.push_back(it->path());
    }
  }
  std::ranges::sort(files);
  return files;
}

/// flip, truncate: bytes of one file that are others, or missing.
class DamagedFile final : public Fault {
 public:
  DamagedFile(DiskFaultSpec spec, fs::path folder, uint64_t seed)
      : spec_(std::move(spec)), folder_(std::move(folder)), random_(seed) {}

  std::string target() const override { return spec_.service; }
  std::string Describe() const override {
    return fmt::format("{} {} of {}", is_flip() ? "flip a bit in" : "truncate", spec_.file,
                       spec_.service);
  }

  net::Task<base::Result<void>> Apply(base::Deadline) override {
    const std::vector<fs::path> files = FilesLike(folder_, spec_.file);
    if (files.empty()) {
      co_return base::Fail(ErrorCode::kNotFound,
                           fmt::format("service \"{}\" has no file like \"{}\" with bytes in it",
                                       spec_.service, spec_.file));
    }
    path_ = files[random_.Below(files.size())];
    CO_TRY(const process::Descriptor file, OpenFile(path_, O_RDWR));
    struct stat facts{};
    if (::fstat(file.get(), &facts) != 0) co_return base::Fail(SystemError("look at", path_));
    size_ = static_cast<uint64_t>(facts.st_size);
    co_return is_flip() ? Flip(file.get()) : Cut(file.get());
  }

  net::Task<base::Result<Proof>> Heal(base::Deadline) override {
    if (!applied_) co_return Proof{.shown = true};
    auto file = OpenFile(path_, O_RDWR);
    if (!file) {
      // The service threw the damaged file away: nothing is left to mend.
      co_return Proof{.shown = true, .facts = {{"file", "removed by the service"}}};
    }
    CO_TRY(const std::string now, ReadAt(file->get(), offset_, damaged_.size() + 1));
    const bool untouched = is_flip() ? now.substr(0, 1) == damaged_ : now.empty();
    if (!untouched) {
      co_return Proof{.shown = true, .facts = {{"file", "written anew by the service"}}};
    }
    CO_TRY(WriteAt(file->get(), offset_, original_));
    CO_TRY(const std::string back, ReadAt(file->get(), offset_, original_.size()));
    co_return Proof{.shown = back == original_,
                    .missing = back == original_ ? "" : "the file is not what it was"};
  }

  Proof Effect() const override {
    return {.shown = applied_,
            .missing = applied_ ? "" : "the file was not changed",
            .facts = {{"file", path_.lexically_relative(folder_).string()},
                      {"offset", offset_},
                      {"bytes", original_.size()}}};
  }

 private:
  bool is_flip() const { return spec_.kind == DiskFaultKind::kFlip; }

  base::Result<void> Flip(int file) {
    offset_ = random_.Below(size_);
    TRY(original_, ReadAt(file, offset_, 1));
    damaged_ = original_;
    damaged_[0] =
        static_cast<char>(static_cast<unsigned char>(damaged_[0]) ^ (1U << random_.Below(8)));
    TRY(WriteAt(file, offset_, damaged_));
    TRY(const std::string now, ReadAt(file, offset_, 1));
    applied_ = now == damaged_;
    return {};
  }

  base::Result<void> Cut(int file) {
    offset_ = size_ - std::min(size_, spec_.bytes);
    TRY(original_, ReadAt(file, offset_, static_cast<size_t>(size_ - offset_)));
    if (::ftruncate(file, static_cast<off_t>(offset_)) != 0) {
      return base::Fail(SystemError("truncate", path_));
    }
    struct stat facts{};
    applied_ = ::fstat(file, &facts) == 0 && static_cast<uint64_t>(facts.st_size) == offset_;
    return {};
  }

  base::Result<std::string> ReadAt(int file, uint64_t offset, size_t size) const {
    std::string bytes(size, '\0');
    const ssize_t got = ::pread(file, bytes.data(), size, static_cast<off_t>(offset));
    if (got < 0) return base::Fail(SystemError("read", path_));
    bytes.resize(static_cast<size_t>(got));
    return bytes;
  }

  base::Result<void> WriteAt(int file, uint64_t offset, const std::string& bytes) const {
    const ssize_t put = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put == static_cast<ssize_t>(bytes.size())) return {};
    return base::Fail(SystemError("write to", path_));
  }

  DiskFaultSpec spec_;
  fs::path folder_;
  base::Random random_;
  fs::path path_;
  uint64_t size_ = 0;
  uint64_t offset_ = 0;
  std::string original_;
  std::string damaged_;
  bool applied_ = false;
};

bool IsDiskOfItsOwn(const fs::path& folder, const fs::path& run_directory) {
  struct stat own{};
  struct stat other{};
  return ::stat(folder.c_str(), &own) == 0 && ::stat(run_directory.c_str(), &other) == 0 &&
         own.st_dev != other.st_dev;
}

}  // namespace

base::Result<std::unique_ptr<Fault>> MakeDiskFault(const Ground& ground, DiskFaultSpec spec,
                                                   uint64_t seed) {
  std::vector<std::string> names;
  std::optional<fs::path> folder;
  if (ground.environment != nullptr) {
    for (const auto& status : ground.environment->services()) {
      names.push_back(status.name);
      if (status.name == spec.service) folder = status.directory;
    }
  }
  if (!folder) {
    return base::Fail(
        base::Error{.code = ErrorCode::kNotFound,
                    .message = fmt::format("the environment has no service \"{}\"", spec.service),
                    .hint = names.empty() ? "" : base::SuggestionFor(spec.service, names)});
  }
  if (folder->empty()) {
    return base::Fail(
        ErrorCode::kUnsupported,
        fmt::format("the data directory of service \"{}\" is not on this machine", spec.service));
  }
  if (spec.kind != DiskFaultKind::kFull) {
    return std::make_unique<DamagedFile>(std::move(spec), *folder, seed);
  }
  if (IsDiskOfItsOwn(*folder, ground.run_directory)) {
    return std::make_unique<DiskFull>(std::move(spec.service), *folder);
  }
  return base::Fail(base::Error{
      .code = ErrorCode::kUnsupported,
      .message =
          fmt::format("service \"{}\" has no disk of its own that could be full", spec.service),
      .hint = "give it `limits: {disk: 64MiB}`; that needs root"});
}

}  // namespace assay::fault
