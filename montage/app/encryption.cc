#include "montage/app/encryption.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "lib/crypto/base64.h"
#include "lib/crypto/secret.h"
#include "montage/recordings/recordings.h"
#include "montage/storage/data_key_shelf.h"

namespace montage::app {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;
using storage::KeyRing;

using Visit = std::function<Result<void>(const std::string& header)>;

Result<void> VisitRecordings(objects::ObjectStore& store, const Visit& visit, Deadline deadline) {
  objects::ListQuery query;
  while (true) {
    const auto page = store.List(recordings::kBucket, query, deadline);
    // Nothing was served yet.
    if (!page && page.error().code == ErrorCode::kNotFound) return {};
    if (!page) return base::Fail(page.error());
    for (const objects::ObjectStat& object : page->objects) {
      query.after = object.key;
      auto content = store.Get(recordings::kBucket, object.key, deadline);
      // Deleted since it was listed.
      if (!content && content.error().code == ErrorCode::kNotFound) continue;
      if (!content) return base::Fail(std::move(content).error());
      std::string header(KeyRing::kHeaderBytes, '\0');
      TRY(const size_t count, objects::ReadFully(**content, header, deadline));
      header.resize(count);
      TRY(visit(header));
    }
    if (!page->more) return {};
  }
}

/// Envelopes in a column; only their first bytes are read.
Result<void> VisitColumn(sql::Database& database, std::string_view table, std::string_view column,
                         const Visit& visit, Deadline deadline) {
  TRY(const sql::Rows rows, sql::Query(database,
                                       fmt::format("SELECT substr({}, 1, {}) FROM {}", column,
                                                   KeyRing::kHeaderBytes, table),
                                       {}, deadline));
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    const sql::Blob sealed = reader.Bytes();
    TRY(reader.Finish());
    TRY(visit(sealed.bytes));
  }
  return {};
}

Result<void> VisitHeaders(DataDirectory& directory, const Visit& visit, Deadline deadline) {
  // In this order: a name is written after its recording, so one that is missed here was sealed
  // after the new key came.
  TRY(VisitColumn(directory.database(), "files", "sealed_name", visit, deadline));
  TRY(VisitColumn(directory.database(), "clinical_records", "sealed", visit, deadline));
  return VisitRecordings(directory.objects(), visit, deadline);
}

/// The key that a payload needs: of the header on the shelf, else of its own.
Result<std::string> NeededKey(const storage::DataKeyShelf& shelf, const std::string& header,
                              Deadline deadline) {
  TRY(const auto newer, shelf.Find(header, deadline));
  return KeyRing::KeyIdOf(newer ? *newer : header);
}

/// Token signing keys are sealed by a key that is derived from a master key. All of them change in
/// one transaction, because all are opened with the same one.
Result<void> ResealSigningKeys(sql::Database& database, const KeyRing& ring, Deadline deadline) {
  const auto derived = ring.Derive("token-signing");
  const std::string& newest = derived.at(ring.newest());
  TRY(auto transaction, sql::Transaction::Begin(database, deadline));
  TRY(const sql::Rows rows,
      transaction->Execute("SELECT kid, sealed_secret FROM signing_keys", {}, deadline));
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    const std::string kid = reader.Text();
    const std::string text = reader.Text();
    TRY(reader.Finish());
    TRY(const std::string sealed, crypto::ParseBase64(text));
    const std::string context = "signing-key:" + kid;
    Result<std::string> secret = crypto::Open(newest, sealed, context);
    if (secret) continue;
    for (const auto& [id, key] : derived) {
      if (!secret) secret = crypto::Open(key, sealed, context);
    }
    if (!secret)
      return base::Fail(std::move(secret).error().While("opening the signing key " + kid));
    TRY(transaction->Execute("UPDATE signing_keys SET sealed_secret = $1 WHERE kid = $2",
                             {crypto::Base64(crypto::Seal(newest, *secret, context)), kid},
                             deadline));
  }
  return transaction.Commit(deadline);
}

Result<size_t> ForgetUnused(storage::DataKeyShelf& shelf, const std::set<std::string>& used,
                            Deadline deadline) {
  TRY(const auto names, shelf.Names(deadline));
  size_t forgotten = 0;
  for (const std::string& name : names) {
    if (used.contains(name)) continue;
    TRY(shelf.Remove(name, deadline));
    ++forgotten;
  }
  return forgotten;
}

}  // namespace

Result<std::vector<KeyUse>> CountKeyUse(DataDirectory& directory, Deadline deadline) {
  TRY(const KeyRing ring, KeyRing::LoadOrCreate(directory.key_file()));
  const storage::DataKeyShelf shelf(directory.objects());
  std::map<std::string, size_t> counts{{ring.newest(), 0}};
  const Visit count = [&](const std::string& header) -> Result<void> {
    TRY(const std::string id, NeededKey(shelf, header, deadline));
    ++counts[id];
    return {};
  };
  TRY(VisitHeaders(directory, count, deadline));
  std::vector<KeyUse> uses;
  for (const auto& [id, payloads] : counts)
    uses.push_back({id, id == ring.newest(), ring.Has(id), payloads});
  std::ranges::sort(uses, {}, [](const KeyUse& use) { return std::pair(!use.newest, use.key_id); });
  return uses;
}

Result<Rotation> RotateKeys(DataDirectory& directory, Deadline deadline,
                            const std::function<void(size_t)>& progress) {
  TRY(const auto uses, CountKeyUse(directory, deadline));
  Rotation done;
  done.resumed =
      std::ranges::any_of(uses, [](const KeyUse& use) { return !use.newest && use.payloads > 0; });
  TRY(KeyRing ring, done.resumed ? KeyRing::LoadOrCreate(directory.key_file())
                                 : KeyRing::Rotate(directory.key_file()));
  done.newest = ring.newest();
  storage::DataKeyShelf shelf(directory.objects());
  ring.UseShelf(shelf);
  TRY(shelf.Open(deadline));
  TRY(ResealSigningKeys(directory.database(), ring, deadline));
  std::set<std::string> used;
  size_t seen = 0;
  const Visit rewrap = [&](const std::string& header) -> Result<void> {
    progress(++seen);
    used.insert(storage::DataKeyShelf::NameOf(header));
    TRY(const std::string id, NeededKey(shelf, header, deadline));
    if (id == ring.newest()) return {};
    // The newer header, if there is one, holds the same data key under a key we still have.
    TRY(const auto newer, shelf.Find(header, deadline));
    TRY(std::string rewrapped, ring.Rewrap(newer ? *newer : header));
    ++done.rewrapped;
    return shelf.Put(header, std::move(rewrapped), deadline);
  };
  TRY(VisitHeaders(directory, rewrap, deadline));
  TRY(done.forgotten, ForgetUnused(shelf, used, deadline));
  return done;
}

Result<size_t> RetireKeys(DataDirectory& directory, Deadline deadline) {
  TRY(const auto uses, CountKeyUse(directory, deadline));
  for (const KeyUse& use : uses) {
    if (use.newest || use.payloads == 0) continue;
    return base::Fail(
        base::Error{ErrorCode::kConflict,
                    fmt::format("{} payloads need the older key {}", use.payloads, use.key_id)}
            .Hint("`montage encryption rotate` seals their data keys anew"));
  }
  TRY(const KeyRing before, KeyRing::LoadOrCreate(directory.key_file()));
  // Nothing stays that only a retired key could open.
  TRY(ResealSigningKeys(directory.database(), before, deadline));
  if (before.size() == 1) return 0U;
  TRY(const KeyRing after, KeyRing::RetireOld(directory.key_file()));
  return before.size() - after.size();
}

}  // namespace montage::app
