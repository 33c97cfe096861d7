#include "montage/storage/system_metrics.h"

#include <string>

namespace montage::storage {
namespace {

int64_t Nanoseconds(base::WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

base::Result<void> StoreSamples(sql::Database& database, std::span<const SystemSample> samples,
                                base::Deadline deadline) {
  static const std::vector<std::string> kColumns = {"timestamp", "active_jobs", "cpu_usage",
                                                    "memory_usage", "gpu_usage"};
  std::vector<sql::Row> rows;
  rows.reserve(samples.size());
  for (const SystemSample& sample : samples) {
    rows.push_back({Nanoseconds(sample.time), sample.active_jobs, sample.cpu_percent,
                    sample.memory_mb, sample.gpu_percent});
  }
  TRY(const sql::Lease lease, database.Acquire(sql::Access::kWrite, deadline));
  return lease->InsertMany("system_metrics", kColumns, rows, deadline);
}

base::Result<std::vector<HourOfSystem>> HoursOfSystem(sql::Database& database, base::WallTime from,
                                                      base::WallTime to, base::Deadline deadline) {
  // 3.6e12 ns are an hour; integer division is the same in every dialect.
  TRY(const sql::Rows rows,
      sql::Query(database,
                 "SELECT timestamp / 3600000000000, AVG(cpu_usage), AVG(memory_usage), "
                 "MAX(active_jobs) FROM system_metrics WHERE timestamp >= $1 AND timestamp < $2 "
                 "GROUP BY timestamp / 3600000000000 ORDER BY 1",
                 {Nanoseconds(from), Nanoseconds(to)}, deadline));
  std::vector<HourOfSystem> hours;
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    HourOfSystem& hour = hours.emplace_back();
    hour.hour = base::WallTime(std::chrono::hours(reader.Int()));
    hour.mean_cpu_percent = reader.Real();
    hour.mean_memory_mb = reader.Real();
    hour.most_active_jobs = reader.Int();
    TRY(reader.Finish());
  }
  return hours;
}

}  // namespace montage::storage
