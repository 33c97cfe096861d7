#pragma once
// Clinical records: small documents about a patient, kept under a key that the hospital chooses,
// such as `patient:12345:medical`. They are sealed before they reach the database
// (storage/sealed.h):
//
//   table clinical_records:  tenant | record_key | version | author_id | sealed | created_at
//
// A version is never changed. What an envelope is sealed with names its site, key and version, so
// it opens in no other row. The key stands in plain text beside it, because it is looked up by it:
// it may hold a record number, and must hold no name.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/sql/database.h"
#include "montage/storage/sealed.h"

namespace montage::clinical {

inline constexpr size_t kMaxKeyBytes = 128;
inline constexpr size_t kMaxPatientIdBytes = 128;
inline constexpr size_t kMaxDiagnosisBytes = 16'384;
inline constexpr size_t kMaxMedications = 200;
inline constexpr size_t kMaxMedicationBytes = 256;

/// Where a record is kept: keys of different sites do not meet.
struct RecordKey {
  std::string tenant;
  std::string name;
};

/// kInvalid unless the name has 1 to kMaxKeyBytes bytes out of A-Z a-z 0-9 `:` `.` `_` `-`.
base::Result<void> CheckRecordName(std::string_view name);

/// UTF-8. Sizes are limited as said above; the caller says which field is too large.
struct Record {
  std::string patient_id;
  std::string diagnosis;
  std::vector<std::string> medications;  ///< in the order of the author

  bool operator==(const Record&) const = default;
};

/// How a version is known from outside its envelope.
struct RecordVersion {
  int64_t version = 0;  ///< 1 for the first
  std::string author_id;
  int64_t created_at_ns = 0;
};

struct StoredRecord {
  RecordVersion version;
  Record record;
};

struct Written {
  RecordVersion version;
  bool is_new = true;  ///< false: the newest version was equal, and nothing was written
};

/// Thread-safe. All references must outlive it.
class Records {
 public:
  Records(sql::Database& database, const storage::KeyRing& ring, const base::Clock& clock)
      : database_(database), ring_(ring), clock_(clock) {}

  /// Makes `record` the newest version. Storing what is the newest version already changes nothing.
  /// `expected`: kConflict unless this is the number of the newest version (0: there is none yet).
  /// kInvalid for a wrong key. A newest version that does not open is no obstacle: it stays as it
  /// is, and the new one follows it.
  base::Result<Written> Put(const RecordKey& key, std::string_view author_id, const Record& record,
                            std::optional<int64_t> expected, base::Deadline deadline);
  /// The newest version, or the one of this number; kNotFound when there is none. kCorrupt when it
  /// does not open: changed, cut, of another row, or sealed with a key that is not in the ring.
  base::Result<StoredRecord> Get(const RecordKey& key, std::optional<int64_t> version,
                                 base::Deadline deadline);

 private:
  base::Result<StoredRecord> Read(const RecordKey& key, const sql::Row& row) const;
  base::Result<Written> TryPut(const RecordKey& key, std::string_view author_id,
                               const Record& record, std::optional<int64_t> expected,
                               base::Deadline deadline);

  sql::Database& database_;
  const storage::KeyRing& ring_;
  const base::Clock& clock_;
};

struct Examined {
  int64_t versions = 0;
  std::vector<std::string> damaged;  ///< `key version 3 (site ward)`, those that do not open
};

/// Opens every version of every site, and keeps nothing of what it reads.
base::Result<Examined> ExamineRecords(sql::Database& database, const storage::KeyRing& ring,
                                      base::Deadline deadline);

}  // namespace montage::clinical
