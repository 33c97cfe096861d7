#include "montage/app/data_directory.h"

#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "montage/app/stores/object_setup.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kDatabaseFile = "montage.db";
constexpr std::string_view kServeLock = "serve.lock";

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
  const std::filesystem::path file = path_ / "worker.lock";
  auto lock = FileLock::Take(file, false);
  if (lock || lock.error().code != ErrorCode::kConflict) return lock;
  return base::Fail(
      base::Error{ErrorCode::kConflict, fmt::format("{} works on the jobs of {}",
                                                    JoinHolders(LockHolders(file)), path_.string())}
          .Hint("stop it, or start this one with --workers 0 to serve the same data without "
                "analysing"));
}

Result<FileLock> DataDirectory::LockForServing(bool& alone) const {
  const std::filesystem::path file = path_ / kServeLock;
  auto exclusive = FileLock::Take(file, false);
  alone = exclusive.has_value();
  if (exclusive || exclusive.error().code != ErrorCode::kConflict) return exclusive;
  auto shared = FileLock::Take(file, true);
  if (shared || shared.error().code != ErrorCode::kConflict) return shared;
  return base::Fail(
      base::Error{ErrorCode::kUnavailable,
                  fmt::format("{} has {} for itself at the moment", JoinHolders(LockHolders(file)),
                              path_.string())}
          .Hint("a server has it while it recovers after its start, a restore or a migration until "
                "it "
                "ends; wait until that is over, or end that process, and try again"));
}

Result<FileLock> DataDirectory::LockAlone(std::string_view reason, base::Deadline deadline) const {
  const auto refuse = [&](std::string who) {
    return base::Fail(base::Error{ErrorCode::kConflict, std::move(who)}.Hint(
        fmt::format("stop it first: {}", reason)));
  };
  bool alone = false;
  auto taken = LockForServing(alone);
  if (!taken) {
    base::Error error = std::move(taken).error();
    // A server waits for it, a command does not.
    if (error.code == ErrorCode::kUnavailable) error.code = ErrorCode::kConflict;
    return base::Fail(std::move(error));
  }
  FileLock lock = *std::move(taken);
  if (!alone) {
    // The lock that was just taken is shared as well.
    std::vector<std::string> others = LockHolders(path_ / kServeLock);
    std::erase_if(others, [own = fmt::format("(process {})", ::getpid())](const std::string& one) {
      return one.ends_with(own);
    });
    const std::string who = others.empty() ? "a montage" : JoinHolders(others);
    return refuse(fmt::format("{} serves {}", who, path_.string()));
  }
  if (database_.file != nullptr) return lock;
  TRY(const auto sessions, ListServingSessions(*database_.database, deadline));
  if (!sessions.empty()) return refuse(fmt::format("{} uses the database", JoinHolders(sessions)));
  return lock;
}

}  // namespace montage::app
