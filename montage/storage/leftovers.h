#pragma once
// Objects without the row that should name them: what a crash between the two leaves behind. They
// are removed once they are so old that no row can come any more.
//
//   object stored at t ---- a row may be written until t + age / 2 ---- swept from t + age on
//
// `t` is the object's own time, and both limits are compared with the clock of the database, at the
// moment when the statement runs there. So it does not matter whose clock is wrong, or how long a
// process was held between two steps; half the age is far more than a statement takes to be
// committed.

#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/objects/object_store.h"
#include "lib/sql/database.h"

namespace montage::storage {

/// Longer than everything that storing an object and its row may take, and its half as well.
inline constexpr base::Duration kLeftoverAge = std::chrono::hours(2);

/// Whose objects they are: keys are `<prefix><id>`, and whatever follows the next `/`.
struct Claims {
  std::string_view bucket;
  std::string_view prefix;
  /// Gives those of the ids that are still in use. `{ids}` stands for the list of parameters, as in
  /// `SELECT file_id FROM files WHERE file_id IN ({ids})`.
  std::string_view statement;
};

/// A condition on the time of an INSERT: true until half of `age` after `stored`. PostgreSQL only.
std::string InTimeFor(base::WallTime stored, base::Duration age);

/// Removes objects older than `age` that nobody claims; returns how many. Asks only the database
/// that takes changes, never a replica that may be behind. Any number of processes may sweep at the
/// same time. Requires: PostgreSQL, and that rows are only written under InTimeFor, or before their
/// objects are stored.
base::Result<int64_t> SweepUnclaimed(sql::Database& database, objects::ObjectStore& store,
                                     const Claims& claims, base::Duration age,
                                     base::Deadline deadline);

}  // namespace montage::storage
