#pragma once
// What a running service does now and then: figures of the process, and rows that cannot matter any
// more.

#include <cstdint>
#include <functional>
#include <optional>

#include "lib/sql/database.h"
#include "montage/cache/two_level_cache.h"
#include "montage/identity/sessions.h"
#include "montage/storage/idempotency.h"
#include "montage/telemetry/metrics.h"

namespace montage::app {

/// What it works with; everything outlives it.
struct HousekeepingParts {
  sql::Database& database;
  identity::Sessions& sessions;
  storage::IdempotencyStore& idempotency;
  cache::TwoLevelCache& cache;
  telemetry::Metrics& metrics;
  const base::Clock& clock;
  std::function<int64_t()> active_jobs;
  /// Removes old objects that no row names; null where that is done at the start only.
  std::function<base::Result<void>()> sweep_objects = {};
};

/// Used by one thread at a time.
class Housekeeping {
 public:
  static constexpr base::Duration kEvery = std::chrono::seconds(15);
  static constexpr base::Duration kSweepObjectsEvery = std::chrono::hours(1);

  explicit Housekeeping(HousekeepingParts parts);

  /// The gauge of jobs at every call; once a minute also a row of system_metrics and the sweeps of
  /// rows. Objects are swept at the first call and once an hour.
  base::Result<void> Run();

 private:
  base::Result<void> CountJobs();
  base::Result<void> StoreSample();
  base::Result<void> SweepObjects();

  const HousekeepingParts parts_;
  base::SteadyTime last_minute_;
  std::optional<base::SteadyTime> last_sweep_;  // of objects
  double last_cpu_seconds_ = 0;
};

}  // namespace montage::app
