#pragma once
// Uploaded recordings: sealed objects in the bucket `recordings` and rows in the table `files`.
//
//   receive, seal, hash -> object files/<file_id> -> validate -> row      (now it exists)
//                              without a row it is a leftover, which a sweep removes
//
// The same bytes from the same owner are one file with one id. The name a file was uploaded under
// may tell whose it is, so it is sealed as well.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/objects/object_store.h"
#include "lib/sql/database.h"
#include "montage/storage/leftovers.h"
#include "montage/storage/sealed.h"

namespace montage::recordings {

inline constexpr std::string_view kBucket = "recordings";

struct Owner {
  std::string tenant;
  std::string owner_id;
};

struct Recording {
  std::string file_id;
  Owner owner;
  std::string sha256;  ///< of the uploaded bytes
  int64_t size = 0;
  std::string format;  ///< what the validation said: `edf`, `edf+`, `bdf`
  std::string name;    ///< as uploaded
  int64_t created_at_ns = 0;
};

struct Uploaded {
  Recording recording;
  bool is_new = true;  ///< false: these bytes were there before
};

/// Looks at the whole uploaded content and returns its format, or why it is refused.
using Validation =
    std::function<base::Result<std::string>(objects::ByteSource& content, base::Deadline deadline)>;

/// Thread-safe. All references must outlive it.
class Recordings {
 public:
  Recordings(sql::Database& database, objects::ObjectStore& store, const storage::KeyRing& ring,
             const base::Clock& clock, uint64_t max_bytes,
             base::Duration leftover_age = storage::kLeftoverAge)
      : database_(database),
        store_(store),
        ring_(ring),
        clock_(clock),
        max_bytes_(max_bytes),
        leftover_age_(leftover_age) {}

  /// kInvalid when empty, kTooLarge over the limit, kUnavailable when on PostgreSQL it took more
  /// than half of the leftovers' age, else the validation's or the source's error; nothing stays
  /// behind then.
  base::Result<Uploaded> Upload(const Owner& owner, std::string_view name,
                                objects::ByteSource& content, const Validation& validate,
                                base::Deadline deadline);
  base::Result<Recording> Find(std::string_view file_id, base::Deadline deadline);
  /// Newest first.
  base::Result<std::vector<Recording>> List(const Owner& owner, base::Deadline deadline);
  /// The plain content; kCorrupt when the stored object was changed.
  base::Result<std::unique_ptr<objects::ByteSource>> Open(std::string_view file_id,
                                                          base::Deadline deadline);
  /// Row, object, and the jobs of the file with their results; kConflict while one of its jobs is
  /// pending or processing.
  base::Result<void> Delete(std::string_view file_id, base::Deadline deadline);
  /// Removes objects without a row; returns how many. For the start, before uploads are taken.
  base::Result<int64_t> SweepLeftovers(base::Deadline deadline);
  /// The same while uploads are taken, here and elsewhere: only those older than the leftovers' age
  /// (storage/leftovers.h). PostgreSQL only.
  base::Result<int64_t> SweepOldLeftovers(base::Deadline deadline);

 private:
  struct Received {
    Recording recording;
    base::WallTime stored;  ///< the object's own time
  };
  base::Result<Received> Receive(const Owner& owner, std::string_view name,
                                 objects::ByteSource& content, const Validation& validate,
                                 const std::string& file_id, base::Deadline deadline);
  base::Result<std::unique_ptr<objects::ByteSource>> OpenObject(std::string_view file_id,
                                                                base::Deadline deadline);
  base::Result<std::optional<Recording>> FindTwin(const Recording& recording,
                                                  base::Deadline deadline);
  base::Result<void> Insert(const Received& received, base::Deadline deadline);
  base::Result<Recording> Read(const sql::Row& row) const;

  sql::Database& database_;
  objects::ObjectStore& store_;
  const storage::KeyRing& ring_;
  const base::Clock& clock_;
  const uint64_t max_bytes_;
  const base::Duration leftover_age_;
};

}  // namespace montage::recordings
