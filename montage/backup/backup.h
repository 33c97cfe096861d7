#pragma once
// Takes a snapshot of database and objects while the system works.
//
//   tables, all in one reading transaction -> objects that are not in the backup yet -> is every
//   object there that a row names? -> manifest
//
// Objects never change, but they are deleted: when one is missing that a row of the snapshot names,
// the tables are read again, and only what is new is copied.

#include <functional>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/objects/object_store.h"
#include "lib/sql/database.h"
#include "montage/backup/manifest.h"
#include "montage/storage/migrator.h"
#include "montage/storage/sealed.h"

namespace montage::backup {

/// A column that names objects of a bucket.
struct ObjectReference {
  std::string table;
  std::string column;
  std::string bucket;
};

/// What is backed up or restored; everything outlives the call.
struct System {
  sql::Database& database;
  objects::ObjectStore& objects;
  const storage::KeyRing& ring;
  const base::Clock& clock;
  std::span<const storage::Migration> migrations;
  /// Buckets that are kept. Others, such as a cache, can be made again.
  std::vector<std::string> buckets;
  std::vector<ObjectReference> references;
};

struct BackupReport {
  Manifest manifest;
  uint64_t copied = 0;  ///< objects that were not in the backup before
  uint64_t copied_bytes = 0;
};

/// Tells how far it is: objects looked at.
using Progress = std::function<void(uint64_t objects)>;

/// kConflict when objects went away again and again while they were copied, or when the database is
/// of another schema than the migrations. What was begun and not finished is no snapshot.
base::Result<BackupReport> TakeBackup(const System& system, objects::ObjectStore& backup,
                                      const Progress& progress, base::Deadline deadline);

}  // namespace montage::backup
