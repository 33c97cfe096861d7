#include "montage/app/data_directory.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "montage/app/stores/object_setup.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kDatabaseFile = "montage.db";

base::Error SystemError(std::string_view doing, const std::filesystem::path& path) {
  const ErrorCode code = errno == EACCES ? ErrorCode::kForbidden : ErrorCode::kIo;
  return {code, fmt::format("cannot {} {}: {}", doing, path.string(),
                            std::generic_category().message(errno))};
}

Result<void> MakeFolder(const std::filesystem::path& path) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(path, error);
  if (error) {
    return base::Fail(ErrorCode::kIo, fmt::format("cannot make the directory {}: {}", path.string(),
                                                  error.message()));
  }
  // Health data: for the service's own user only.
  if (made) std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  return {};
}

}  // namespace

Result<FileLock> FileLock::Take(const std::filesystem::path& file, bool shared) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return base::Fail(SystemError("open", file));
  FileLock lock(descriptor);
  if (::flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return base::Fail(SystemError("lock", file));
  return base::Fail(ErrorCode::kConflict,
                    fmt::format("another process has locked {}", file.string()));
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> FileLock::Share() {
  if (::flock(descriptor_, LOCK_SH) == 0) return {};
  return base::Fail(SystemError("share", "the lock"));
}

Result<std::filesystem::path> DataDirectory::MakeFolders(const std::filesystem::path& path) {
  std::filesystem::path spool = path / kSpoolFolder;
  TRY(MakeFolder(path));
  TRY(MakeFolder(spool));
  return spool;
}

Result<std::unique_ptr<DataDirectory>> DataDirectory::Open(const DataDirectoryOptions& options,
                                                           const base::Clock& clock,
                                                           base::Deadline deadline) {
  std::unique_ptr<DataDirectory> directory(new DataDirectory);
  directory->path_ = options.path;
  TRY(MakeFolders(options.path));
  directory->key_file_ = options.key_file.empty() ? options.path / "keys" : options.key_file;
  TRY(auto keys, storage::KeyRing::LoadOrCreate(directory->key_file()));
  directory->keys_ = std::move(keys);
  TRY(directory->database_,
      OpenDatabase(options.database, options.path / kDatabaseFile, clock, deadline));
  TRY(directory->objects_,
      OpenObjects(options.objects_url, options.path / "objects", directory->spool(), clock));
  directory->shelf_ = std::make_unique<storage::DataKeyShelf>(*directory->objects_);
  directory->keys_->UseShelf(*directory->shelf_);
  return directory;
}

Result<std::unique_ptr<DataDirectory>> DataDirectory::OpenExisting(
    const DataDirectoryOptions& options, const base::Clock& clock, base::Deadline deadline) {
  TRY(CheckDatabaseExists(options.database, options.path / kDatabaseFile, deadline));
  return Open(options, clock, deadline);
}

Result<FileLock> DataDirectory::LockForWorkers() const {
  auto lock = FileLock::Take(path_ / "worker.lock", false);
  if (lock || lock.error().code != ErrorCode::kConflict) return lock;
  return base::Fail(
      base::Error{ErrorCode::kConflict,
                  fmt::format("another montage with workers uses {}", path_.string())}
          .Hint("stop it, or start this one with --workers 0 to serve the same data without "
                "analysing"));
}

Result<FileLock> DataDirectory::LockForServing(bool& alone) const {
  const std::filesystem::path file = path_ / "serve.lock";
  auto exclusive = FileLock::Take(file, false);
  alone = exclusive.has_value();
  if (exclusive || exclusive.error().code != ErrorCode::kConflict) return exclusive;
  return FileLock::Take(file, true);
}

}  // namespace montage::app
