#include "montage/app/doctor.h"

#include <set>

#include <fmt/format.h>

#include "lib/crypto/hash.h"
#include "montage/audit/audit_log.h"
#include "montage/clinical/records.h"
#include "montage/jobs/worker.h"
#include "montage/recordings/recordings.h"
#include "montage/storage/schema.h"
#include "montage/storage/sealed_stream.h"

namespace montage::app {
namespace {

using base::Deadline;
using base::Result;

CheckUp ExamineSchema(DataDirectory& directory, const base::Clock& clock, Deadline deadline) {
  storage::Migrator migrator(directory.database(), storage::Migrations(), clock);
  const auto status = migrator.Status(deadline);
  if (!status) return {"schema", false, status.error().ToString()};
  size_t pending = 0;
  for (const auto& migration : *status) pending += migration.applied_at_ns ? 0U : 1U;
  return {"schema", pending == 0,
          fmt::format("{} migrations, {} pending", status->size(), pending)};
}

CheckUp ExamineDatabase(DataDirectory& directory, Deadline deadline) {
  if (sql::SqliteDatabase* const file = directory.database_file()) {
    const auto checked = file->CheckIntegrity(deadline);
    return {"database", checked.has_value(), checked ? "intact" : checked.error().ToString()};
  }
  const auto taken = directory.database().Acquire(sql::Access::kWrite, deadline);
  return {"database", taken.has_value(),
          taken ? "PostgreSQL takes changes" : taken.error().ToString()};
}

CheckUp ExamineAudit(DataDirectory& directory, const base::Clock& clock, Deadline deadline) {
  const auto found = audit::AuditLog(directory.database(), clock).Verify("", deadline);
  if (!found) return {"audit", false, found.error().ToString()};
  if (!found->problem.empty()) {
    return {"audit", false,
            fmt::format("entry {}: {}", found->first_broken.value_or(0), found->problem)};
  }
  return {"audit", true, fmt::format("{} entries, head {}", found->entries, found->head)};
}

CheckUp ExamineKeys(const DataDirectory& directory) {
  std::error_code error;
  const auto status = std::filesystem::status(directory.key_file(), error);
  if (error) return {"keys", false, "the key file cannot be examined: " + error.message()};
  using std::filesystem::perms;
  const bool is_private =
      (status.permissions() & (perms::group_all | perms::others_all)) == perms::none;
  return {"keys", is_private, is_private ? "private" : "others may read the key file"};
}

/// Keys of a bucket.
Result<std::set<std::string>> KeysOf(objects::ObjectStore& store, std::string_view bucket,
                                     Deadline deadline) {
  std::set<std::string> keys;
  objects::ListQuery query;
  while (true) {
    TRY(const auto page, store.List(bucket, query, deadline));
    for (const auto& object : page.objects) keys.insert(query.after = object.key);
    if (!page.more) return keys;
  }
}

Result<std::string> HashOf(DataDirectory& directory, const std::string& key, Deadline deadline) {
  TRY(auto sealed, directory.objects().Get(recordings::kBucket, key, deadline));
  storage::OpeningSource content(directory.keys(), std::move(sealed), key);
  crypto::Sha256 hash;
  std::vector<char> piece(size_t{1} << 18);
  while (true) {
    TRY(const size_t count, content.Read(piece, deadline));
    if (count == 0) return hash.FinishHex();
    hash.Update(std::string_view(piece.data(), count));
  }
}

Result<CheckUp> ExamineRecordings(DataDirectory& directory, Deadline deadline) {
  TRY(auto objects, KeysOf(directory.objects(), recordings::kBucket, deadline));
  TRY(const sql::Rows rows,
      sql::Query(directory.database(), "SELECT file_id, object_key, sha256 FROM files", {},
                 deadline));
  std::string problems;
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    const std::string file_id = reader.Text();
    const std::string key = reader.Text();
    const std::string sha256 = reader.Text();
    TRY(reader.Finish());
    if (objects.erase(key) == 0) {
      problems += fmt::format("; {} has no object", file_id);
      continue;
    }
    const auto hash = HashOf(directory, key, deadline);
    if (!hash) problems += fmt::format("; {}: {}", file_id, hash.error().message);
    if (hash && *hash != sha256) problems += fmt::format("; {} has other content", file_id);
  }
  std::string detail =
      fmt::format("{} recordings, {} objects without a row", rows.rows.size(), objects.size());
  // Those are swept at the next start, or belong to an upload that is under way.
  return CheckUp{"recordings", problems.empty(), detail + problems};
}

Result<CheckUp> ExamineResults(DataDirectory& directory, Deadline deadline) {
  TRY(auto objects, KeysOf(directory.objects(), jobs::kResultsBucket, deadline));
  TRY(const sql::Rows rows,
      sql::Query(directory.database(),
                 "SELECT job_id FROM analysis_jobs WHERE status = 'completed'", {}, deadline));
  std::string problems;
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    const std::string job_id = reader.Text();
    TRY(reader.Finish());
    if (objects.erase(jobs::ResultKey(job_id)) == 0)
      problems += fmt::format("; completed job {} has no result object", job_id);
  }
  std::string detail =
      fmt::format("{} completed jobs, {} results without one", rows.rows.size(), objects.size());
  return CheckUp{"results", problems.empty(), detail + problems};
}

Result<CheckUp> ExamineClinical(DataDirectory& directory, Deadline deadline) {
  TRY(const auto examined,
      clinical::ExamineRecords(directory.database(), directory.keys(), deadline));
  std::string detail = fmt::format("{} versions of records", examined.versions);
  for (const std::string& one : examined.damaged) detail += fmt::format("; {} does not open", one);
  return CheckUp{"clinical", examined.damaged.empty(), std::move(detail)};
}

}  // namespace

Result<std::vector<CheckUp>> Examine(DataDirectory& directory, const base::Clock& clock,
                                     Deadline deadline) {
  std::vector<CheckUp> checks;
  checks.push_back(ExamineSchema(directory, clock, deadline));
  checks.push_back(ExamineDatabase(directory, deadline));
  checks.push_back(ExamineKeys(directory));
  if (!checks[0].ok || !checks[1].ok) return checks;
  checks.push_back(ExamineAudit(directory, clock, deadline));
  TRY(CheckUp recordings, ExamineRecordings(directory, deadline));
  checks.push_back(std::move(recordings));
  TRY(CheckUp records, ExamineClinical(directory, deadline));
  checks.push_back(std::move(records));
  TRY(CheckUp results, ExamineResults(directory, deadline));
  checks.push_back(std::move(results));
  return checks;
}

}  // namespace montage::app
