#pragma once
// The audit trail: append-only, each entry carrying the hash of the one before, so that a change, a
// removal or an insertion anywhere is found.
//
//   hash(n) = SHA-256( hash(n-1) + RFC 8785 form of entry n without its hash ),  hash(0) = 64 zeros
//
// Entries name who did what to which object and what was decided. They hold ids and closed words,
// never contents: no PHI, no passwords, no tokens.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/sql/database.h"

namespace montage::audit {

enum class Decision { kAllowed, kDenied, kFailed };
std::string_view ToString(Decision decision);

struct Entry {
  int64_t seq = 0;
  base::WallTime time{};
  std::string actor;   ///< user id, key id, `anonymous` or `system`
  std::string action;  ///< closed word: `eeg.upload`, `auth.token`, `jobs.cancel`, ...
  std::string object;  ///< id of what it was done to, or ""
  Decision decision = Decision::kAllowed;
  std::string request_id;
  std::string prev;
  std::string hash;
};

/// All of it; what its hash is over is this without `hash`.
boost::json::object ToJson(const Entry& entry);

/// What is to be recorded; time, number and hashes are added.
struct Record {
  std::string actor;
  std::string action;
  std::string object;
  Decision decision = Decision::kAllowed;
  std::string request_id;
};

struct Verification {
  int64_t entries = 0;
  std::string head;                     ///< hash of the last entry
  std::optional<int64_t> first_broken;  ///< seq of the first entry that does not fit
  std::string problem;                  ///< what is wrong with it
};

/// Thread-safe; the references outlive it.
class AuditLog {
 public:
  AuditLog(sql::Database& database, const base::Clock& clock);

  base::Result<void> Append(const Record& record, base::Deadline deadline);
  /// Within a transaction of the caller: the entry exists exactly if what it tells about was
  /// committed.
  base::Result<void> AppendIn(sql::Connection& connection, const Record& record,
                              base::Deadline deadline);

  struct Filter {
    std::string actor;  ///< "" for all
    std::string action;
    int64_t after_seq = 0;
    int64_t limit = 100;
  };
  base::Result<std::vector<Entry>> List(const Filter& filter, base::Deadline deadline);

  /// Reads the whole chain in pieces. `expected_head`, when given, must be the hash of some entry:
  /// it proves that the end was not cut off.
  base::Result<Verification> Verify(std::string_view expected_head, base::Deadline deadline);

 private:
  sql::Database& database_;
  const base::Clock& clock_;
};

}  // namespace montage::audit
