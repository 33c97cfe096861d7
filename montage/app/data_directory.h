#pragma once
// The directory of everything Montage keeps, opened:
//
//   DIR/keys          master keys, 0600            DIR/montage.db    SQLite
//                                                                    (unless it is PostgreSQL)
//   DIR/objects/      sealed recordings, results   DIR/spool/        uploads on their way
//                     (unless they are in S3)
//   DIR/serve.lock    shared by every server       DIR/worker.lock   held by the one with workers

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/objects/object_store.h"
#include "montage/app/database.h"
#include "montage/app/stores/file_lock.h"
#include "montage/storage/data_key_shelf.h"
#include "montage/storage/sealed.h"

namespace montage::app {

inline constexpr std::string_view kSpoolFolder = "spool";

struct DataDirectoryOptions {
  std::filesystem::path path;
  DatabaseOptions database = {};
  std::filesystem::path key_file = {};  ///< "": `keys` in the directory
  std::string objects_url = {};         ///< see ParseObjectsUrl; "": files in the directory
};

/// Several processes may have it open.
class DataDirectory {
 public:
  /// Makes `path` and its folder for content on its way, for the service's own user only; returns
  /// that folder.
  static base::Result<std::filesystem::path> MakeFolders(const std::filesystem::path& path);
  /// Makes what is missing; does not migrate. The clock outlives it.
  static base::Result<std::unique_ptr<DataDirectory>> Open(const DataDirectoryOptions& options,
                                                           const base::Clock& clock,
                                                           base::Deadline deadline);
  /// The same, but kNotFound when there is no database yet.
  static base::Result<std::unique_ptr<DataDirectory>> OpenExisting(
      const DataDirectoryOptions& options, const base::Clock& clock, base::Deadline deadline);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path spool() const { return path_ / kSpoolFolder; }
  const std::filesystem::path& key_file() const { return key_file_; }
  sql::Database& database() const { return *database_.database; }
  /// The same when it is SQLite, else null.
  sql::SqliteDatabase* database_file() const { return database_.file; }
  objects::ObjectStore& objects() const { return *objects_; }
  const storage::KeyRing& keys() const { return *keys_; }

  /// kConflict with a hint when another server with workers, or `montage migrate down`, has it.
  base::Result<FileLock> LockForWorkers() const;
  /// Every server holds it; exclusive when nobody else does. kUnavailable while somebody has it
  /// exclusively: a server that recovers, a command that must be alone.
  base::Result<FileLock> LockForServing(bool& alone) const;
  /// For commands that nobody may serve beside, not from another machine either: kConflict naming
  /// who does. `reason` says what would happen. Whoever starts on another machine afterwards is not
  /// kept from it.
  base::Result<FileLock> LockAlone(std::string_view reason, base::Deadline deadline) const;

 private:
  DataDirectory() = default;

  std::filesystem::path path_;
  std::filesystem::path key_file_;
  std::optional<storage::KeyRing> keys_;
  OpenedDatabase database_;
  std::unique_ptr<objects::ObjectStore> objects_;
  std::unique_ptr<storage::DataKeyShelf> shelf_;
};

}  // namespace montage::app
