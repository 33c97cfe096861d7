#pragma once
// A database with a copy that follows it: reads that may be stale go to the copy, and all reads do
// while the database itself cannot be reached.
//
//   kWrite       primary
//   kRead        primary; while it is lost: copy
//   kReadStale   copy; while it is lost: primary

#include <memory>
#include <mutex>

#include "lib/base/clock.h"
#include "lib/sql/database.h"

namespace sql {

/// Both must be of the same dialect. What was committed last may be missing in the copy, so a read
/// that decides about a change belongs into the transaction that changes.
class ReplicatedDatabase final : public Database {
 public:
  /// After a failed attempt the lost one is left alone for so long.
  static constexpr base::Duration kLostFor = std::chrono::seconds(1);
  /// Longest wait for one of them when the other could answer.
  static constexpr base::Duration kPatience = std::chrono::seconds(2);

  /// The clock outlives it.
  ReplicatedDatabase(std::unique_ptr<Database> primary, std::unique_ptr<Database> copy,
                     const base::Clock& clock);

  Dialect dialect() const override { return primary_.database->dialect(); }
  base::Result<Lease> Acquire(Access access, base::Deadline deadline) override;

 private:
  struct Server {
    std::unique_ptr<Database> database;
    base::SteadyTime lost_until{};
  };

  bool IsLost(const Server& server);
  base::Result<Lease> AcquireFrom(Server& server, Access access, base::Deadline deadline);

  const base::Clock& clock_;
  std::mutex mutex_;  // lost_until
  Server primary_;
  Server copy_;
};

}  // namespace sql
