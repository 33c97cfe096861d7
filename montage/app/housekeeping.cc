#include "montage/app/housekeeping.h"

#include <map>
#include <string>

#include "montage/jobs/job_queue.h"
#include "montage/storage/system_metrics.h"

namespace montage::app {
namespace {

using namespace std::chrono_literals;

base::Deadline Soon() { return base::Deadline::After(30s); }

}  // namespace

Housekeeping::Housekeeping(HousekeepingParts parts)
    : parts_(std::move(parts)),
      last_minute_(parts_.clock.Steady()),
      last_cpu_seconds_(telemetry::ReadProcessUsage().cpu_seconds) {}

base::Result<void> Housekeeping::Run() {
  TRY(CountJobs());
  TRY(SweepObjects());
  if (parts_.clock.Steady() - last_minute_ < 1min) return {};
  TRY(StoreSample());
  TRY(parts_.sessions.Sweep(Soon()));
  TRY(parts_.idempotency.Sweep(Soon()));
  TRY(parts_.cache.SweepMarks(Soon()));
  return {};
}

base::Result<void> Housekeeping::CountJobs() {
  TRY(const sql::Rows rows,
      sql::Query(parts_.database, "SELECT status, count(*) FROM analysis_jobs GROUP BY status", {},
                 Soon(), sql::Access::kReadStale));
  std::map<std::string, int64_t> counts;
  for (const auto status :
       {jobs::JobStatus::kPending, jobs::JobStatus::kProcessing, jobs::JobStatus::kCompleted,
        jobs::JobStatus::kFailed, jobs::JobStatus::kCancelled}) {
    counts[std::string(jobs::ToString(status))] = 0;
  }
  for (const sql::Row& row : rows.rows) {
    sql::RowReader reader(row);
    const std::string status = reader.Text();
    counts[status] = reader.Int();
    TRY(reader.Finish());
  }
  for (const auto& [status, count] : counts)
    parts_.metrics.SetJobs(status, static_cast<uint64_t>(count));
  return {};
}

base::Result<void> Housekeeping::SweepObjects() {
  if (!parts_.sweep_objects) return {};
  const base::SteadyTime now = parts_.clock.Steady();
  if (last_sweep_ && now - *last_sweep_ < kSweepObjectsEvery) return {};
  last_sweep_ = now;
  return parts_.sweep_objects();
}

base::Result<void> Housekeeping::StoreSample() {
  const base::SteadyTime now = parts_.clock.Steady();
  const double seconds = std::chrono::duration<double>(now - last_minute_).count();
  const telemetry::ProcessUsage usage = telemetry::ReadProcessUsage();
  const storage::SystemSample sample{
      .time = parts_.clock.Now(),
      .active_jobs = parts_.active_jobs(),
      .cpu_percent = 100 * (usage.cpu_seconds - last_cpu_seconds_) / seconds,
      .memory_mb = static_cast<double>(usage.resident_bytes) / 1e6};
  last_minute_ = now;
  last_cpu_seconds_ = usage.cpu_seconds;
  return storage::StoreSamples(parts_.database, std::span(&sample, 1), Soon());
}

}  // namespace montage::app
