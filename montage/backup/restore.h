#pragma once
// Examines a snapshot, and brings database and objects back to it.
//
//   every digest is verified -> the keys are there -> the system is empty -> objects -> rows, in
//   one transaction -> objects that do not belong to it are removed
//
// Before the transaction is committed the old rows are there, and with them every object they name.

#include <string_view>

#include "montage/backup/backup.h"

namespace montage::backup {

struct Examination {
  Manifest manifest;
  uint64_t bytes = 0;  ///< that were read and are as they should be
};

/// Reads everything that belongs to the snapshot ("" for the newest) and compares it with its
/// digest. Needs no keys. kCorrupt names what is missing or damaged.
base::Result<Examination> ExamineBackup(objects::ObjectStore& backup, std::string_view snapshot,
                                        const Progress& progress, base::Deadline deadline);

struct RestoreOptions {
  std::string snapshot = {};  ///< "": the newest
  bool force = false;         ///< also over a system that is not empty; what it had is then gone
  /// Buckets that are emptied because what they hold is derived from the rest.
  std::vector<std::string> derived_buckets = {};
};

struct RestoreReport {
  Manifest manifest;
  uint64_t rows = 0;
  uint64_t objects = 0;
};

/// Migrates the database first. kCorrupt as ExamineBackup, before anything is changed; kConflict
/// when the system is not empty, kUnsupported when the snapshot's schema is newer than the
/// program's, kNotFound when the key that sealed it is not in the ring. Nobody else may use the
/// system.
base::Result<RestoreReport> RestoreBackup(const System& system, objects::ObjectStore& backup,
                                          const RestoreOptions& options, const Progress& progress,
                                          base::Deadline deadline);

}  // namespace montage::backup
