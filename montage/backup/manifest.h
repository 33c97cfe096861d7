#pragma once
// What a backup consists of. It lies in an object store of its own, a folder or a service:
//
//   bucket backup-content:    <SHA-256>               content of an object, once for all snapshots
//   bucket backup-snapshots:  <name>/tables/<table>   rows of a table, sealed (table_rows.h)
//                             <name>/objects.jsonl    which objects there were, a line for each
//                             <name>/manifest.json    digests of all these; written last
//
// A snapshot without a manifest is one that was not finished, and is none. Nothing in a backup is
// readable without the master keys, which are not part of it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"
#include "lib/objects/object_store.h"

namespace montage::backup {

inline constexpr std::string_view kContentBucket = "backup-content";
inline constexpr std::string_view kSnapshotBucket = "backup-snapshots";

struct TableEntry {
  std::string name;
  uint64_t rows = 0;
  uint64_t size = 0;   ///< bytes as stored
  std::string sha256;  ///< of the bytes as stored
};

struct Manifest {
  std::string name;
  base::WallTime created{};
  std::string dialect;             ///< of the database that was read
  int64_t schema = 0;              ///< number of its newest migration
  std::string key_id;              ///< of the master key that sealed the tables
  std::vector<TableEntry> tables;  ///< in the order in which they can be filled
  uint64_t objects = 0;
  uint64_t object_bytes = 0;
  std::string objects_sha256;  ///< of objects.jsonl
};

std::string FormatManifest(const Manifest& manifest);
/// kCorrupt when it is none, kUnsupported when it is one of a newer program.
base::Result<Manifest> ParseManifest(std::string_view text);

/// One object of the system that was backed up.
struct ObjectEntry {
  std::string bucket;
  std::string key;
  std::string content_type;
  uint64_t size = 0;
  std::string sha256;  ///< of its content, and the name of that in the backup
  std::string etag;    ///< in the store it came from
};

std::string FormatObject(const ObjectEntry& entry);
base::Result<ObjectEntry> ParseObject(std::string_view line);

std::string ManifestKey(std::string_view snapshot);
std::string ObjectsKey(std::string_view snapshot);
std::string TableKey(std::string_view snapshot, std::string_view table);
/// What a table's rows are sealed with besides the key.
std::string TableContext(std::string_view snapshot, std::string_view table);

/// The finished snapshots, the newest first. None when the store is no backup yet.
base::Result<std::vector<std::string>> ListSnapshots(objects::ObjectStore& backup,
                                                     base::Deadline deadline);
/// The manifest of a snapshot, "" for the newest. kNotFound naming those there are.
base::Result<Manifest> ReadManifest(objects::ObjectStore& backup, std::string_view snapshot,
                                    base::Deadline deadline);
/// kCorrupt when the list is not the one that the manifest names.
base::Result<std::vector<ObjectEntry>> ReadObjects(objects::ObjectStore& backup,
                                                   const Manifest& manifest,
                                                   base::Deadline deadline);

}  // namespace montage::backup
