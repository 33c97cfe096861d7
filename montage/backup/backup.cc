#include "montage/backup/backup.h"

#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "lib/crypto/hash.h"
#include "lib/crypto/secret.h"
#include "montage/backup/table_rows.h"
#include "montage/storage/sealed_stream.h"

namespace montage::backup {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

constexpr int kAttempts = 5;
constexpr size_t kPiece = size_t{256} * 1024;

using Name = std::pair<std::string, std::string>;  // bucket and key

/// `20261130T081500Z-3f9a`: sorts by time, and two at the same second are two.
std::string NewName(base::WallTime now) {
  std::string text;
  for (const char c : base::FormatRfc3339(std::chrono::floor<std::chrono::seconds>(now))) {
    if (c == '.') break;
    if (c != '-' && c != ':') text += c;
  }
  if (text.back() != 'Z') text += 'Z';
  return text + "-" + crypto::Sha256Hex(crypto::RandomBytes(16)).substr(0, 4);
}

class Backup {
 public:
  Backup(const System& system, objects::ObjectStore& backup, const Progress& progress,
         Deadline deadline)
      : system_(system), backup_(backup), progress_(progress), deadline_(deadline) {}

  Result<BackupReport> Take() {
    TRY(const auto status,
        storage::Migrator(system_.database, system_.migrations, system_.clock).Status(deadline_));
    for (const auto& migration : status) {
      if (migration.applied_at_ns) continue;
      return base::Fail(
          base::Error{ErrorCode::kConflict, "the database is of an older schema"}.Hint(
              "`montage migrate up` brings it to this program's"));
    }
    for (const auto bucket : {kContentBucket, kSnapshotBucket})
      TRY(backup_.EnsureBucket(bucket, deadline_));
    TRY(ReadPrevious());
    Manifest& manifest = report_.manifest;
    manifest.created = system_.clock.Now();
    manifest.name = NewName(manifest.created);
    manifest.dialect = sql::ToString(system_.database.dialect());
    manifest.schema = status.empty() ? 0 : status.back().number;
    manifest.key_id = system_.ring.newest();
    TRY(CopyConsistently());
    TRY(WriteLists());
    return std::move(report_);
  }

 private:
  /// What the newest snapshot knows of objects, so that they need not be asked for again.
  Result<void> ReadPrevious() {
    TRY(const auto names, ListSnapshots(backup_, deadline_));
    if (names.empty()) return {};
    TRY(const Manifest newest, ReadManifest(backup_, names.front(), deadline_));
    TRY(auto entries, ReadObjects(backup_, newest, deadline_));
    for (ObjectEntry& entry : entries) {
      Name name{entry.bucket, entry.key};
      known_.insert_or_assign(std::move(name), std::move(entry));
    }
    return {};
  }

  Result<void> CopyConsistently() {
    std::string missing;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      TRY(CopyTables());
      TRY(CopyObjects());
      missing.clear();
      for (const Name& name : referred_) {
        if (!entries_.contains(name)) missing = name.first + "/" + name.second;
      }
      if (missing.empty()) return {};
    }
    return base::Fail(base::Error{
        ErrorCode::kConflict, fmt::format("a row names the object {}, which is not there", missing)}
                          .Hint("`montage doctor` tells whether it is lost, or was deleted while "
                                "the backup was made"));
  }

  Result<void> CopyTables() {
    Manifest& manifest = report_.manifest;
    manifest.tables.clear();
    referred_.clear();
    TRY(auto transaction, sql::Transaction::Begin(system_.database, deadline_, sql::Access::kRead));
    for (const std::string& table : TablesOf(system_.migrations)) {
      const auto watch = [&](const std::vector<std::string>& columns, const sql::Row& row) {
        NoteReferences(table, columns, row);
      };
      TRY(TableSource rows, TableSource::Open(*transaction, table, watch, deadline_));
      storage::SealingSource sealed(system_.ring, rows, TableContext(manifest.name, table));
      TRY(const auto stat,
          backup_.Put(kSnapshotBucket, TableKey(manifest.name, table), sealed, {}, deadline_));
      manifest.tables.push_back(
          {.name = table, .rows = rows.rows(), .size = stat.size, .sha256 = stat.sha256});
    }
    return {};
  }

  void NoteReferences(const std::string& table, const std::vector<std::string>& columns,
                      const sql::Row& row) {
    for (const ObjectReference& reference : system_.references) {
      if (reference.table != table) continue;
      for (size_t i = 0; i < columns.size(); ++i) {
        const auto* key = std::get_if<std::string>(&row[i].storage());
        if (columns[i] == reference.column && key != nullptr)
          referred_.emplace(reference.bucket, *key);
      }
    }
  }

  Result<void> CopyObjects() {
    entries_.clear();
    for (const std::string& bucket : system_.buckets) {
      objects::ListQuery query;
      for (bool more = true; more;) {
        const auto page = system_.objects.List(bucket, query, deadline_);
        // Nothing was kept there yet.
        if (!page && page.error().code == ErrorCode::kNotFound) break;
        if (!page) return base::Fail(page.error());
        for (const objects::ObjectStat& object : page->objects) {
          query.after = object.key;
          TRY(CopyObject(bucket, object));
          progress_(entries_.size());
        }
        more = page->more;
      }
    }
    return {};
  }

  Result<void> CopyObject(const std::string& bucket, const objects::ObjectStat& listed) {
    const Name name{bucket, listed.key};
    const auto known = known_.find(name);
    if (known != known_.end() && known->second.etag == listed.etag &&
        known->second.size == listed.size) {
      entries_[name] = known->second;
      return {};
    }
    auto stat = system_.objects.Head(bucket, listed.key, deadline_);
    // Deleted since it was listed.
    if (!stat && stat.error().code == ErrorCode::kNotFound) return {};
    if (!stat) return base::Fail(std::move(stat).error());
    TRY(const auto sha256, Store(bucket, *stat));
    if (!sha256) return {};
    ObjectEntry entry{.bucket = bucket,
                      .key = listed.key,
                      .content_type = stat->content_type,
                      .size = stat->size,
                      .sha256 = *sha256,
                      .etag = stat->etag};
    known_.insert_or_assign(name, entry);
    entries_[name] = std::move(entry);
    return {};
  }

  /// The digest of the object's content, which is then in the backup; nothing when the object is
  /// gone meanwhile.
  Result<std::optional<std::string>> Store(const std::string& bucket,
                                           const objects::ObjectStat& stat) {
    std::string sha256 = stat.sha256;
    if (sha256.empty()) {
      TRY(const auto computed, DigestOf(bucket, stat.key));
      if (!computed) return std::nullopt;
      sha256 = *computed;
    }
    const auto there = backup_.Head(kContentBucket, sha256, deadline_);
    if (there) return sha256;
    if (there.error().code != ErrorCode::kNotFound) return base::Fail(there.error());
    auto content = system_.objects.Get(bucket, stat.key, deadline_);
    if (!content && content.error().code == ErrorCode::kNotFound) return std::nullopt;
    if (!content) return base::Fail(std::move(content).error());
    TRY(const auto put, backup_.Put(kContentBucket, sha256, **content,
                                    {.content_type = stat.content_type}, deadline_));
    if (put.sha256 != sha256) {
      TRY(backup_.Delete(kContentBucket, sha256, deadline_));
      return base::Fail(ErrorCode::kCorrupt,
                        fmt::format("the object {}/{} does not have the digest that it should",
                                    bucket, stat.key));
    }
    ++report_.copied;
    report_.copied_bytes += put.size;
    return sha256;
  }

  Result<std::optional<std::string>> DigestOf(const std::string& bucket, const std::string& key) {
    auto content = system_.objects.Get(bucket, key, deadline_);
    if (!content && content.error().code == ErrorCode::kNotFound) return std::nullopt;
    if (!content) return base::Fail(std::move(content).error());
    crypto::Sha256 hash;
    std::string piece(kPiece, '\0');
    while (true) {
      TRY(const size_t count, (*content)->Read(piece, deadline_));
      if (count == 0) return hash.FinishHex();
      hash.Update(std::string_view(piece).substr(0, count));
    }
  }

  Result<void> WriteLists() {
    Manifest& manifest = report_.manifest;
    std::string list;
    for (const auto& [name, entry] : entries_) {
      list += FormatObject(entry);
      ++manifest.objects;
      manifest.object_bytes += entry.size;
    }
    manifest.objects_sha256 = crypto::Sha256Hex(list);
    TRY(objects::PutText(backup_, kSnapshotBucket, ObjectsKey(manifest.name), std::move(list), {},
                         deadline_));
    TRY(objects::PutText(backup_, kSnapshotBucket, ManifestKey(manifest.name),
                         FormatManifest(manifest), {.content_type = "application/json"},
                         deadline_));
    return {};
  }

  const System& system_;
  objects::ObjectStore& backup_;
  const Progress& progress_;
  const Deadline deadline_;
  BackupReport report_;
  std::map<Name, ObjectEntry> known_;    // of the snapshot before, and what was copied
  std::map<Name, ObjectEntry> entries_;  // of this snapshot
  std::set<Name> referred_;              // by its rows
};

}  // namespace

Result<BackupReport> TakeBackup(const System& system, objects::ObjectStore& backup,
                                const Progress& progress, Deadline deadline) {
  return Backup(system, backup, progress, deadline).Take();
}

}  // namespace montage::backup
