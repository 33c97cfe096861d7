#include "montage/backup/restore.h"

#include <algorithm>
#include <ranges>
#include <set>

#include <fmt/format.h>

#include "lib/crypto/hash.h"
#include "montage/backup/table_rows.h"
#include "montage/storage/sealed_stream.h"

namespace montage::backup {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

constexpr size_t kPiece = size_t{256} * 1024;

/// Reads an object to its end; kCorrupt unless it has this digest.
Result<uint64_t> Verify(objects::ObjectStore& store, std::string_view bucket, std::string_view key,
                        std::string_view sha256, Deadline deadline) {
  const auto damaged = [&](std::string_view how) {
    return base::Fail(ErrorCode::kCorrupt, fmt::format("{}/{} {}", bucket, key, how));
  };
  auto content = store.Get(bucket, key, deadline);
  if (!content && content.error().code == ErrorCode::kNotFound) return damaged("is missing");
  if (!content) return base::Fail(std::move(content).error());
  crypto::Sha256 hash;
  uint64_t size = 0;
  std::string piece(kPiece, '\0');
  while (true) {
    const auto count = (*content)->Read(piece, deadline);
    if (!count && count.error().code == ErrorCode::kCorrupt) return damaged("is damaged");
    if (!count) return base::Fail(count.error());
    if (*count == 0) break;
    hash.Update(std::string_view(piece).substr(0, *count));
    size += *count;
  }
  if (hash.FinishHex() != sha256) return damaged("is not what was backed up");
  return size;
}

class Restore {
 public:
  Restore(const System& system, objects::ObjectStore& backup, const RestoreOptions& options,
          const Progress& progress, Deadline deadline)
      : system_(system),
        backup_(backup),
        options_(options),
        progress_(progress),
        deadline_(deadline) {}

  Result<RestoreReport> Run() {
    TRY(Examination examined, ExamineBackup(backup_, options_.snapshot, progress_, deadline_));
    report_.manifest = std::move(examined.manifest);
    TRY(CheckFits());
    storage::Migrator migrator(system_.database, system_.migrations, system_.clock);
    TRY(migrator.Up(deadline_));
    if (!options_.force) TRY(CheckEmpty());
    TRY(entries_, ReadObjects(backup_, report_.manifest, deadline_));
    TRY(PutObjects());
    TRY(FillTables());
    TRY(RemoveOthers());
    return std::move(report_);
  }

 private:
  Result<void> CheckFits() const {
    const Manifest& manifest = report_.manifest;
    const int64_t newest = system_.migrations.empty() ? 0 : system_.migrations.back().number;
    if (manifest.schema > newest) {
      return base::Fail(base::Error{ErrorCode::kUnsupported,
                                    fmt::format("backup {} has schema {}, this program knows {}",
                                                manifest.name, manifest.schema, newest)}
                            .Hint("use a newer program"));
    }
    if (!system_.ring.Has(manifest.key_id)) {
      return base::Fail(
          base::Error{ErrorCode::kNotFound,
                      fmt::format("backup {} was sealed with the key {}, which is not in the key "
                                  "file",
                                  manifest.name, manifest.key_id)}
              .Hint("put the key file of that time in its place, or name it with --key-file"));
    }
    return {};
  }

  Result<void> CheckEmpty() const {
    const auto refuse = [](std::string what) {
      return base::Fail(base::Error{ErrorCode::kConflict, std::move(what)}.Hint(
          "restore into an empty system, or give up what this one has with --force"));
    };
    for (const std::string& table : TablesOf(system_.migrations)) {
      TRY(const sql::Rows rows,
          sql::Query(system_.database, fmt::format("SELECT 1 FROM {} LIMIT 1", table), {},
                     deadline_));
      if (!rows.empty()) return refuse(fmt::format("the table {} is not empty", table));
    }
    for (const std::string& bucket : system_.buckets) {
      const auto page = system_.objects.List(bucket, {.limit = 1}, deadline_);
      if (page && !page->objects.empty())
        return refuse(fmt::format("the bucket {} is not empty", bucket));
      if (!page && page.error().code != ErrorCode::kNotFound) return base::Fail(page.error());
    }
    return {};
  }

  Result<void> PutObjects() {
    for (const std::string& bucket : system_.buckets)
      TRY(system_.objects.EnsureBucket(bucket, deadline_));
    for (const ObjectEntry& entry : entries_) {
      if (std::ranges::find(system_.buckets, entry.bucket) == system_.buckets.end()) {
        return base::Fail(ErrorCode::kUnsupported,
                          fmt::format("the backup has a bucket \"{}\", which this program does not",
                                      entry.bucket));
      }
      TRY(const auto content, backup_.Get(kContentBucket, entry.sha256, deadline_));
      TRY(const auto put, system_.objects.Put(entry.bucket, entry.key, *content,
                                              {.content_type = entry.content_type}, deadline_));
      if (put.sha256 != entry.sha256) {
        return base::Fail(ErrorCode::kCorrupt, fmt::format("{}/{} did not arrive as it was sent",
                                                           entry.bucket, entry.key));
      }
      progress_(++report_.objects);
    }
    return {};
  }

  Result<void> FillTables() {
    TRY(auto transaction, sql::Transaction::Begin(system_.database, deadline_));
    for (const std::string& table : TablesOf(system_.migrations) | std::views::reverse)
      TRY(transaction->Execute(fmt::format("DELETE FROM {}", table), {}, deadline_));
    for (const TableEntry& table : report_.manifest.tables) {
      TRY(sql::CheckName(table.name));
      TRY(auto sealed,
          backup_.Get(kSnapshotBucket, TableKey(report_.manifest.name, table.name), deadline_));
      storage::OpeningSource rows(system_.ring, std::move(sealed),
                                  TableContext(report_.manifest.name, table.name));
      TRY(const uint64_t inserted, InsertRows(*transaction, table.name, rows, deadline_));
      if (inserted != table.rows) {
        return base::Fail(ErrorCode::kCorrupt, fmt::format("{} has {} rows instead of {}",
                                                           table.name, inserted, table.rows));
      }
      report_.rows += inserted;
      TRY(AdvanceIdentity(*transaction, table.name));
    }
    return transaction.Commit(deadline_);
  }

  /// PostgreSQL counts an identity column by itself and does not notice what was copied into it.
  Result<void> AdvanceIdentity(sql::Connection& connection, const std::string& table) const {
    if (connection.dialect() != sql::Dialect::kPostgres) return {};
    TRY(const sql::Rows columns,
        connection.Execute(
            "SELECT CAST(column_name AS text) FROM information_schema.columns WHERE table_schema = "
            "current_schema() AND table_name = $1 AND is_identity = 'YES'",
            {table}, deadline_));
    for (const sql::Row& row : columns.rows) {
      sql::RowReader reader(row);
      const std::string column = reader.Text();
      TRY(reader.Finish());
      TRY(sql::CheckName(column));
      TRY(connection.Execute(
          fmt::format("SELECT setval(pg_get_serial_sequence('{0}', '{1}'), (SELECT max({1}) FROM "
                      "{0})) WHERE EXISTS (SELECT 1 FROM {0})",
                      table, column),
          {}, deadline_));
    }
    return {};
  }

  Result<void> RemoveOthers() {
    std::set<std::pair<std::string_view, std::string_view>> kept;
    for (const ObjectEntry& entry : entries_) kept.emplace(entry.bucket, entry.key);
    std::vector<std::string> buckets = system_.buckets;
    buckets.insert(buckets.end(), options_.derived_buckets.begin(), options_.derived_buckets.end());
    for (const std::string& bucket : buckets) {
      objects::ListQuery query;
      for (bool more = true; more;) {
        const auto page = system_.objects.List(bucket, query, deadline_);
        if (!page && page.error().code == ErrorCode::kNotFound) break;
        if (!page) return base::Fail(page.error());
        for (const objects::ObjectStat& object : page->objects) {
          query.after = object.key;
          if (kept.contains({bucket, object.key})) continue;
          TRY(system_.objects.Delete(bucket, object.key, deadline_));
        }
        more = page->more;
      }
    }
    return {};
  }

  const System& system_;
  objects::ObjectStore& backup_;
  const RestoreOptions& options_;
  const Progress& progress_;
  const Deadline deadline_;
  RestoreReport report_;
  std::vector<ObjectEntry> entries_;
};

}  // namespace

Result<Examination> ExamineBackup(objects::ObjectStore& backup, std::string_view snapshot,
                                  const Progress& progress, Deadline deadline) {
  Examination examined;
  TRY(examined.manifest, ReadManifest(backup, snapshot, deadline));
  const Manifest& manifest = examined.manifest;
  for (const TableEntry& table : manifest.tables) {
    TRY(const uint64_t size, Verify(backup, kSnapshotBucket, TableKey(manifest.name, table.name),
                                    table.sha256, deadline));
    examined.bytes += size;
  }
  TRY(const auto entries, ReadObjects(backup, manifest, deadline));
  if (entries.size() != manifest.objects) {
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("backup {} lists {} objects instead of {}", manifest.name,
                                  entries.size(), manifest.objects));
  }
  uint64_t seen = 0;
  std::set<std::string_view> verified;  // the same content may belong to several objects
  for (const ObjectEntry& entry : entries) {
    progress(++seen);
    if (!verified.insert(entry.sha256).second) continue;
    TRY(const uint64_t size, Verify(backup, kContentBucket, entry.sha256, entry.sha256, deadline));
    examined.bytes += size;
  }
  return examined;
}

Result<RestoreReport> RestoreBackup(const System& system, objects::ObjectStore& backup,
                                    const RestoreOptions& options, const Progress& progress,
                                    Deadline deadline) {
  return Restore(system, backup, options, progress, deadline).Run();
}

}  // namespace montage::backup
