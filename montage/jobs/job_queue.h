#pragma once
// Durable analysis jobs, shared out to workers under leases. Thread-safe and blocking.
//
//   from \ to    pending   processing   completed   failed   cancelled
//   (none)       submit
//   pending                claim                             cancel
//   processing   retry                  complete    fail     cancel, seen by the worker
//
// completed, failed and cancelled are final. A retry (lease expired, worker died, or a failure that
// may pass) adds one to retry_count; when it was kMaxRetries already, the job fails instead.
// Every claim has a new lease token: what a worker reports with an old one is refused (kConflict),
// so a job has at most one result however late a lost worker comes back.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"

namespace montage::jobs {

inline constexpr int64_t kMaxRetries = 3;

enum class JobStatus { kPending, kProcessing, kCompleted, kFailed, kCancelled };
enum class Priority { kLow = 0, kNormal = 1, kHigh = 2 };

std::string_view ToString(JobStatus status);
base::Result<JobStatus> ParseJobStatus(std::string_view text);
std::string_view ToString(Priority priority);
base::Result<Priority> ParsePriority(std::string_view text);
bool IsFinal(JobStatus status);

struct JobRequest {
  /// "": a new one. Of the same id one job is made: who submits it again gets the first.
  std::string job_id;
  std::string tenant;
  std::string owner_id;
  std::string file_id;
  std::string analysis_type;
  std::string parameters = "{}";  ///< JSON
  Priority priority = Priority::kNormal;
};

struct Job {
  std::string job_id;
  std::string batch_id;  ///< "" when in none
  JobRequest request;
  JobStatus status = JobStatus::kPending;
  int64_t progress = 0;  ///< 0 to 100, never decreasing
  int64_t retry_count = 0;
  bool cancel_requested = false;
  int64_t created_at_ns = 0;
  std::optional<int64_t> started_at_ns;
  std::optional<int64_t> completed_at_ns;  ///< when it became final
  std::string results;                     ///< JSON, when completed
  std::string error;                       ///< when failed
};

struct JobLease {
  std::string job_id;
  int64_t token = 0;
};

struct ClaimedJob {
  Job job;
  JobLease lease;
};

struct Completion {
  std::string results;  ///< JSON
  std::string object_key;
  int64_t processing_time_ms = 0;
  int64_t model_inference_time_ms = 0;
};

struct Batch {
  std::string batch_id;
  std::string owner_id;
  int64_t total = 0;
  int64_t completed = 0;
  int64_t failed = 0;  ///< cancelled ones included
  int64_t progress() const { return total == 0 ? 100 : 100 * (completed + failed) / total; }
};

struct Recovered {
  int64_t requeued = 0;
  int64_t failed = 0;
  int64_t cancelled = 0;
};

struct JobFilter {
  std::string tenant;
  std::string owner_id;  ///< "" is every owner
  std::string batch_id;  ///< "" is every batch and none
  std::string file_id;   ///< "" is every file
  int64_t after = 0;     ///< number of jobs to skip, newest first
  int64_t limit = 100;
};

class JobQueue {
 public:
  virtual ~JobQueue() = default;

  /// kConflict: the id that was asked for is that of another caller's job.
  virtual base::Result<Job> Submit(const JobRequest& request, base::Deadline deadline) = 0;
  /// All jobs or none. `batch_id` as the id of a job; "": a new one.
  virtual base::Result<Batch> SubmitBatch(const std::vector<JobRequest>& requests,
                                          std::string_view batch_id, base::Deadline deadline) = 0;
  virtual base::Result<Job> Get(std::string_view job_id, base::Deadline deadline) = 0;
  virtual base::Result<std::vector<Job>> List(const JobFilter& filter, base::Deadline deadline) = 0;
  virtual base::Result<Batch> GetBatch(std::string_view batch_id, base::Deadline deadline) = 0;
  /// A pending job is cancelled at once, a processing one when its worker notices; kConflict when
  /// it is final.
  virtual base::Result<Job> Cancel(std::string_view job_id, base::Deadline deadline) = 0;

  /// The next pending job: by priority, then in order of submission.
  virtual base::Result<std::optional<ClaimedJob>> Claim(std::string_view worker,
                                                        base::Duration lease_time,
                                                        base::Deadline deadline) = 0;
  /// Extends the lease and raises the progress; true when the job should stop (cancelled).
  virtual base::Result<bool> Heartbeat(const JobLease& lease, int64_t progress,
                                       base::Duration lease_time, base::Deadline deadline) = 0;
  /// Job, result and metrics in one transaction. `publish` runs inside it once the lease is proven
  /// and writes the result object; when it fails, nothing happened.
  virtual base::Result<void> Complete(const JobLease& lease, const Completion& completion,
                                      const std::function<base::Result<void>()>& publish,
                                      base::Deadline deadline) = 0;
  /// Ends this attempt; kCancelled ends the job as cancelled, `may_pass` as a retry.
  virtual base::Result<JobStatus> Fail(const JobLease& lease, const base::Error& error,
                                       bool may_pass, base::Deadline deadline) = 0;
  /// Retries jobs whose lease expired; `all`: every processing one (at the start of the only
  /// worker process).
  virtual base::Result<Recovered> Recover(bool all, base::Deadline deadline) = 0;
};

}  // namespace montage::jobs
