#include "montage/recordings/recordings.h"

#include <array>

#include <fmt/format.h>

#include "lib/crypto/hash.h"
#include "montage/storage/ids.h"
#include "montage/storage/sealed_stream.h"

namespace montage::recordings {
namespace {

using base::ErrorCode;
using base::Fail;

constexpr std::string_view kColumns =
    "file_id, tenant, owner_id, sha256, size, format, sealed_name, created_at";

std::string KeyOf(std::string_view file_id) { return fmt::format("files/{}", file_id); }
std::string NameContext(std::string_view file_id) { return fmt::format("files/{}/name", file_id); }

/// Passes an upload on, counting, hashing and limiting it.
class MeteredSource final : public objects::ByteSource {
 public:
  MeteredSource(objects::ByteSource& source, uint64_t limit) : source_(source), limit_(limit) {}

  base::Result<size_t> Read(std::span<char> into, base::Deadline deadline) override {
    TRY(const size_t count, source_.Read(into, deadline));
    size_ += count;
    if (size_ > limit_) {
      return Fail(ErrorCode::kTooLarge,
                  fmt::format("the recording has more than {} bytes", limit_));
    }
    hash_.Update(std::string_view(into.data(), count));
    return count;
  }
  uint64_t size() const { return size_; }
  std::string FinishHash() { return hash_.FinishHex(); }

 private:
  objects::ByteSource& source_;
  const uint64_t limit_;
  uint64_t size_ = 0;
  crypto::Sha256 hash_;
};

}  // namespace

base::Result<Recording> Recordings::Read(const sql::Row& row) const {
  sql::RowReader reader(row);
  Recording recording;
  recording.file_id = reader.Text();
  recording.owner.tenant = reader.Text();
  recording.owner.owner_id = reader.Text();
  recording.sha256 = reader.Text();
  recording.size = reader.Int();
  recording.format = reader.Text();
  const sql::Blob sealed = reader.Bytes();
  recording.created_at_ns = reader.Int();
  TRY(reader.Finish());
  TRY(recording.name, ring_.Open(sealed.bytes, NameContext(recording.file_id)));
  return recording;
}

base::Result<std::unique_ptr<objects::ByteSource>> Recordings::OpenObject(std::string_view file_id,
                                                                          base::Deadline deadline) {
  const std::string key = KeyOf(file_id);
  TRY(auto sealed, store_.Get(kBucket, key, deadline));
  return std::make_unique<storage::OpeningSource>(ring_, std::move(sealed), key);
}

base::Result<Recordings::Received> Recordings::Receive(const Owner& owner, std::string_view name,
                                                       objects::ByteSource& content,
                                                       const Validation& validate,
                                                       const std::string& file_id,
                                                       base::Deadline deadline) {
  Recording recording{.file_id = file_id, .owner = owner, .name = std::string(name)};
  const std::string key = KeyOf(file_id);
  MeteredSource metered(content, max_bytes_);
  storage::SealingSource sealing(ring_, metered, key);
  TRY(const auto put, store_.Put(kBucket, key, sealing, {.only_if_absent = true}, deadline));
  if (metered.size() == 0) return Fail(ErrorCode::kInvalid, "the recording is empty");
  recording.size = static_cast<int64_t>(metered.size());
  recording.sha256 = metered.FinishHash();
  recording.created_at_ns = clock_.Now().time_since_epoch().count();
  TRY(const auto stored, OpenObject(file_id, deadline));
  TRY(recording.format, validate(*stored, deadline));
  return Received{std::move(recording), put.modified};
}

base::Result<std::optional<Recording>> Recordings::FindTwin(const Recording& recording,
                                                            base::Deadline deadline) {
  TRY(const sql::Rows rows,
      sql::Query(database_,
                 fmt::format("SELECT {} FROM files WHERE tenant = $1 AND owner_id = $2 AND sha256 "
                             "= $3",
                             kColumns),
                 {recording.owner.tenant, recording.owner.owner_id, recording.sha256}, deadline));
  if (rows.empty()) return std::nullopt;
  TRY(Recording twin, Read(rows.rows[0]));
  return twin;
}

base::Result<void> Recordings::Insert(const Received& received, base::Deadline deadline) {
  const Recording& recording = received.recording;
  const bool is_shared = database_.dialect() == sql::Dialect::kPostgres;
  // As a SELECT it can have a condition; then the parameters need their types.
  const std::string_view values =
      is_shared ? "SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), "
                  "CAST($5 AS {int}), CAST($6 AS TEXT), CAST($7 AS {blob}), CAST($8 AS {int}), "
                  "CAST($9 AS TEXT) WHERE "
                : "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
  TRY(const sql::Rows inserted,
      sql::Change(database_,
                  fmt::format("INSERT INTO files ({}, object_key) {}{}", kColumns,
                              sql::RenderSchema(values, database_.dialect()),
                              is_shared ? storage::InTimeFor(received.stored, leftover_age_) : ""),
                  {recording.file_id, recording.owner.tenant, recording.owner.owner_id,
                   recording.sha256, recording.size, recording.format,
                   sql::Blob{ring_.Seal(recording.name, NameContext(recording.file_id))},
                   recording.created_at_ns, KeyOf(recording.file_id)},
                  deadline));
  if (inserted.changed == 1) return {};
  return Fail(
      base::Error{ErrorCode::kUnavailable,
                  fmt::format("storing the recording took more than {} s by the clock of the "
                              "database",
                              std::chrono::floor<std::chrono::seconds>(leftover_age_ / 2).count())}
          .Hint("upload it again; when it happens each time, the clock of this machine is behind"));
}

base::Result<Uploaded> Recordings::Upload(const Owner& owner, std::string_view name,
                                          objects::ByteSource& content, const Validation& validate,
                                          base::Deadline deadline) {
  const std::string file_id = storage::NewId();
  auto received = Receive(owner, name, content, validate, file_id, deadline);
  base::Result<std::optional<Recording>> twin = std::nullopt;
  base::Result<void> stored;
  if (received) {
    twin = FindTwin(received->recording, deadline);
    if (twin && !*twin) {
      stored = Insert(*received, deadline);
      // Somebody stored the same bytes between the two steps.
      if (!stored && stored.error().code == ErrorCode::kConflict) {
        twin = FindTwin(received->recording, deadline);
      }
    }
  }
  if (received && twin && !*twin && stored) return Uploaded{std::move(received->recording), true};

  // Cleaning up must not fail because the upload used up its time.
  (void)store_.Delete(kBucket, KeyOf(file_id), base::Deadline::Never());
  TRY(std::move(received));
  TRY(std::optional<Recording> before, std::move(twin));
  if (before) return Uploaded{std::move(*before), false};
  return Fail(std::move(stored.error()));
}

base::Result<Recording> Recordings::Find(std::string_view file_id, base::Deadline deadline) {
  TRY(const sql::Rows rows,
      sql::Query(database_, fmt::format("SELECT {} FROM files WHERE file_id = $1", kColumns),
                 {file_id}, deadline));
  if (rows.empty()) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no recording \"{}\"", file_id));
  }
  return Read(rows.rows[0]);
}

base::Result<std::vector<Recording>> Recordings::List(const Owner& owner, base::Deadline deadline) {
  TRY(const sql::Rows rows,
      sql::Query(database_,
                 fmt::format("SELECT {} FROM files WHERE tenant = $1 AND owner_id = $2 ORDER BY "
                             "created_at DESC, file_id",
                             kColumns),
                 {owner.tenant, owner.owner_id}, deadline));
  std::vector<Recording> recordings;
  for (const sql::Row& row : rows.rows) {
    TRY(Recording recording, Read(row));
    recordings.push_back(std::move(recording));
  }
  return recordings;
}

base::Result<std::unique_ptr<objects::ByteSource>> Recordings::Open(std::string_view file_id,
                                                                    base::Deadline deadline) {
  TRY(Find(file_id, deadline));
  return OpenObject(file_id, deadline);
}

base::Result<void> Recordings::Delete(std::string_view file_id, base::Deadline deadline) {
  TRY(auto transaction, sql::Transaction::Begin(database_, deadline));
  TRY(const sql::Rows open,
      transaction->Execute("SELECT job_id FROM analysis_jobs WHERE file_id = $1 AND status IN "
                           "('pending', 'processing') LIMIT 1",
                           {file_id}, deadline));
  if (!open.empty()) {
    return Fail(base::Error{ErrorCode::kConflict,
                            fmt::format("recording \"{}\" has unfinished jobs", file_id)}
                    .Hint("cancel them first"));
  }
  TRY(const sql::Rows results,
      transaction->Execute("SELECT object_key FROM analysis_results WHERE job_id IN (SELECT job_id "
                           "FROM analysis_jobs WHERE file_id = $1)",
                           {file_id}, deadline));
  // A job that was submitted since then stays: it fails because its recording is gone.
  TRY(transaction->Execute(
      "DELETE FROM analysis_jobs WHERE file_id = $1 AND status NOT IN ('pending', 'processing')",
      {file_id}, deadline));
  TRY(const sql::Rows deleted,
      transaction->Execute("DELETE FROM files WHERE file_id = $1", {file_id}, deadline));
  if (deleted.changed == 0) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no recording \"{}\"", file_id));
  }
  TRY(transaction.Commit(deadline));
  // A crash from here on leaves objects without rows, which the sweeps at the start remove.
  TRY(store_.Delete(kBucket, KeyOf(file_id), deadline));
  for (const sql::Row& row : results.rows) {
    sql::RowReader reader(row);
    TRY(store_.Delete("results", reader.Text(), deadline));
  }
  return {};
}

base::Result<int64_t> Recordings::SweepLeftovers(base::Deadline deadline) {
  TRY(store_.EnsureBucket(kBucket, deadline));
  int64_t removed = 0;
  objects::ListQuery query{.prefix = "files/"};
  while (true) {
    TRY(const auto page, store_.List(kBucket, query, deadline));
    for (const objects::ObjectStat& object : page.objects) {
      query.after = object.key;
      TRY(const sql::Rows rows, sql::Query(database_, "SELECT 1 FROM files WHERE object_key = $1",
                                           {object.key}, deadline));
      if (!rows.empty()) continue;
      TRY(store_.Delete(kBucket, object.key, deadline));
      ++removed;
    }
    if (!page.more) return removed;
  }
}

base::Result<int64_t> Recordings::SweepOldLeftovers(base::Deadline deadline) {
  return storage::SweepUnclaimed(
      database_, store_,
      {.bucket = kBucket,
       .prefix = "files/",
       .statement = "SELECT file_id FROM files WHERE file_id IN ({ids})"},
      leftover_age_, deadline);
}

}  // namespace montage::recordings
