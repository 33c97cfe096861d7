#include "lib/sql/replicated_database.h"

#include <utility>

namespace sql {

ReplicatedDatabase::ReplicatedDatabase(std::unique_ptr<Database> primary,
                                       std::unique_ptr<Database> copy, const base::Clock& clock)
    : clock_(clock), primary_{.database = std::move(primary)}, copy_{.database = std::move(copy)} {}

bool ReplicatedDatabase::IsLost(const Server& server) {
  const std::scoped_lock lock(mutex_);
  return clock_.Steady() < server.lost_until;
}

base::Result<Lease> ReplicatedDatabase::AcquireFrom(Server& server, Access access,
                                                    base::Deadline deadline) {
  auto lease = server.database->Acquire(access, deadline);
  const bool lost = !lease && lease.error().code == base::ErrorCode::kUnavailable;
  const std::scoped_lock lock(mutex_);
  server.lost_until = lost ? clock_.Steady() + kLostFor : base::SteadyTime{};
  return lease;
}

base::Result<Lease> ReplicatedDatabase::Acquire(Access access, base::Deadline deadline) {
  if (access == Access::kWrite) return AcquireFrom(primary_, access, deadline);
  Server* first = access == Access::kReadStale ? &copy_ : &primary_;
  Server* second = access == Access::kReadStale ? &primary_ : &copy_;
  if (IsLost(*first)) std::swap(first, second);
  auto lease = AcquireFrom(*first, access, base::Deadline::After(kPatience).Earlier(deadline));
  if (lease || lease.error().code != base::ErrorCode::kUnavailable) return lease;
  return AcquireFrom(*second, access, deadline);
}

}  // namespace sql
