#include "montage/clinical/records.h"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/json/parse.h"

namespace montage::clinical {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Fail;
using base::Result;
namespace json = boost::json;

constexpr std::string_view kColumns = "version, author_id, created_at, sealed";

/// Writers of the same key at the same time meet in the primary key; each loser tries again.
constexpr int kAttempts = 8;

constexpr int64_t kRowsOfAPage = 500;

std::string ContextOf(const RecordKey& key, int64_t version) {
  return fmt::format("clinical/{}/{}/{}", key.tenant, key.name, version);
}

std::string Encode(const Record& record) {
  json::array medications(record.medications.begin(), record.medications.end());
  return json::serialize(json::object{{"patient_id", record.patient_id},
                                      {"diagnosis", record.diagnosis},
                                      {"medications", std::move(medications)}});
}

/// kCorrupt without a word of the text: the message may end up in a log.
Result<Record> Decode(std::string_view text) {
  const auto refuse = [] {
    return Fail(ErrorCode::kCorrupt, "the sealed record is of no known form");
  };
  const auto value = ::json::Parse(text);
  if (!value || !value->is_object()) return refuse();
  const json::object& members = value->get_object();
  const auto text_of = [&](std::string_view name) -> const json::string* {
    const json::value* found = members.if_contains(name);
    return found != nullptr ? found->if_string() : nullptr;
  };
  const json::string* patient_id = text_of("patient_id");
  const json::string* diagnosis = text_of("diagnosis");
  const json::value* medications = members.if_contains("medications");
  if (patient_id == nullptr || diagnosis == nullptr || medications == nullptr ||
      !medications->is_array()) {
    return refuse();
  }
  Record record{.patient_id = std::string(*patient_id),
                .diagnosis = std::string(*diagnosis),
                .medications = {}};
  for (const json::value& one : medications->get_array()) {
    if (!one.is_string()) return refuse();
    record.medications.emplace_back(one.get_string());
  }
  return record;
}

/// To those who read it is all the same: the record is there and cannot be opened.
Result<Record> OpenRecord(const storage::KeyRing& ring, const RecordKey& key, int64_t version,
                          std::string_view sealed) {
  auto text = ring.Open(sealed, ContextOf(key, version));
  if (!text) {
    base::Error error = std::move(text).error();
    if (error.code == ErrorCode::kNotFound) error.code = ErrorCode::kCorrupt;
    return Fail(std::move(error).While("opening a clinical record"));
  }
  return Decode(*text);
}

}  // namespace

Result<void> CheckRecordName(std::string_view name) {
  const bool is_name =
      !name.empty() && name.size() <= kMaxKeyBytes && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == ':' || c == '.' || c == '_' || c == '-';
      });
  if (is_name) return {};
  return Fail(base::Error{ErrorCode::kInvalid,
                          fmt::format("the key of the record has {} bytes or a character it must "
                                      "not have; expected 1 to {} of A-Z a-z 0-9 : . _ -",
                                      name.size(), kMaxKeyBytes)}
                  .Hint("a key looks like patient:12345:medical"));
}

Result<StoredRecord> Records::Read(const RecordKey& key, const sql::Row& row) const {
  sql::RowReader reader(row);
  StoredRecord stored;
  stored.version.version = reader.Int();
  stored.version.author_id = reader.Text();
  stored.version.created_at_ns = reader.Int();
  const sql::Blob sealed = reader.Bytes();
  TRY(reader.Finish());
  TRY(stored.record, OpenRecord(ring_, key, stored.version.version, sealed.bytes));
  return stored;
}

Result<Written> Records::TryPut(const RecordKey& key, std::string_view author_id,
                                const Record& record, std::optional<int64_t> expected,
                                Deadline deadline) {
  TRY(auto transaction, sql::Transaction::Begin(database_, deadline));
  TRY(const sql::Rows newest,
      transaction->Execute(fmt::format("SELECT {} FROM clinical_records WHERE tenant = $1 AND "
                                       "record_key = $2 ORDER BY version DESC LIMIT 1",
                                       kColumns),
                           {key.tenant, key.name}, deadline));
  int64_t number = 0;
  if (!newest.empty()) {
    sql::RowReader reader(newest.rows[0]);
    number = reader.Int();
  }
  if (expected && *expected != number) {
    return Fail(ErrorCode::kConflict,
                number == 0 ? fmt::format("there is no record yet; expected version {}", *expected)
                            : fmt::format("the newest version is {}; expected {}", number,
                                          *expected == 0 ? "none" : std::to_string(*expected)));
  }
  if (!newest.empty()) {
    auto stored = Read(key, newest.rows[0]);
    if (stored && stored->record == record) return Written{std::move(stored->version), false};
  }
  RecordVersion version{.version = number + 1,
                        .author_id = std::string(author_id),
                        .created_at_ns = clock_.Now().time_since_epoch().count()};
  TRY(transaction->Execute(
      fmt::format("INSERT INTO clinical_records (tenant, record_key, {}) VALUES ($1, $2, $3, $4, "
                  "$5, $6)",
                  kColumns),
      {key.tenant, key.name, version.version, author_id, version.created_at_ns,
       sql::Blob{ring_.Seal(Encode(record), ContextOf(key, version.version))}},
      deadline));
  TRY(transaction.Commit(deadline));
  return Written{std::move(version), true};
}

Result<Written> Records::Put(const RecordKey& key, std::string_view author_id, const Record& record,
                             std::optional<int64_t> expected, Deadline deadline) {
  TRY(CheckRecordName(key.name));
  for (int attempt = 1;; ++attempt) {
    auto written = TryPut(key, author_id, record, expected, deadline);
    const bool met_another = !written && written.error().code == ErrorCode::kConflict && !expected;
    if (!met_another || attempt == kAttempts) return written;
  }
}

Result<StoredRecord> Records::Get(const RecordKey& key, std::optional<int64_t> version,
                                  Deadline deadline) {
  TRY(CheckRecordName(key.name));
  // Versions begin at 1, so that 0 is below all of them.
  TRY(const sql::Rows rows,
      sql::Query(database_,
                 fmt::format("SELECT {} FROM clinical_records WHERE tenant = $1 AND record_key = "
                             "$2 AND (version = $3 OR $3 = 0) ORDER BY version DESC LIMIT 1",
                             kColumns),
                 {key.tenant, key.name, version.value_or(0)}, deadline));
  if (rows.empty()) {
    return Fail(ErrorCode::kNotFound,
                version
                    ? fmt::format("there is no version {} of the record \"{}\"", *version, key.name)
                    : fmt::format("there is no record \"{}\"", key.name));
  }
  return Read(key, rows.rows[0]);
}

Result<Examined> ExamineRecords(sql::Database& database, const storage::KeyRing& ring,
                                Deadline deadline) {
  Examined examined;
  RecordKey last;
  int64_t last_version = 0;
  while (true) {
    TRY(const sql::Rows page,
        sql::Query(
            database,
            "SELECT tenant, record_key, version, sealed FROM clinical_records WHERE (tenant, "
            "record_key, version) > ($1, $2, $3) ORDER BY tenant, record_key, version LIMIT $4",
            {last.tenant, last.name, last_version, kRowsOfAPage}, deadline));
    for (const sql::Row& row : page.rows) {
      sql::RowReader reader(row);
      last.tenant = reader.Text();
      last.name = reader.Text();
      last_version = reader.Int();
      const sql::Blob sealed = reader.Bytes();
      TRY(reader.Finish());
      ++examined.versions;
      const auto opened = OpenRecord(ring, last, last_version, sealed.bytes);
      if (opened) continue;
      if (opened.error().code != ErrorCode::kCorrupt) return Fail(opened.error());
      examined.damaged.push_back(
          fmt::format("{} version {} (site {})", last.name, last_version, last.tenant));
    }
    if (std::ssize(page.rows) < kRowsOfAPage) return examined;
  }
}

}  // namespace montage::clinical
