#pragma once
// The time series of the table system_metrics.

#include <span>
#include <vector>

#include "lib/base/clock.h"
#include "lib/sql/database.h"

namespace montage::storage {

struct SystemSample {
  base::WallTime time{};
  int64_t active_jobs = 0;
  double cpu_percent = 0;
  double memory_mb = 0;
  double gpu_percent = 0;
};

struct HourOfSystem {
  base::WallTime hour{};  ///< its beginning, UTC
  double mean_cpu_percent = 0;
  double mean_memory_mb = 0;
  int64_t most_active_jobs = 0;
};

/// All samples or none; kConflict when a time is there already.
base::Result<void> StoreSamples(sql::Database& database, std::span<const SystemSample> samples,
                                base::Deadline deadline);

/// The hours of [from, to) that have samples, in order.
base::Result<std::vector<HourOfSystem>> HoursOfSystem(sql::Database& database, base::WallTime from,
                                                      base::WallTime to, base::Deadline deadline);

}  // namespace montage::storage
