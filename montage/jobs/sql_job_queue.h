#pragma once
// The job queue in the tables analysis_jobs, analysis_results, analysis_metrics and batches.
//
// Right also when several processes work on one PostgreSQL: every change first locks the job's row,
// so that what it decided on still holds when it writes, and only that row (and then its batch's),
// so that nobody waits for each other in a circle.

#include "lib/sql/database.h"
#include "montage/jobs/job_queue.h"

namespace montage::jobs {

/// Whether changes of jobs are to be told to a broker (outbox.h).
enum class Announcing { kNo, kYes };

/// What became of a claim for one job.
struct JobClaim {
  enum class Outcome {
    kClaimed,  ///< it is `job`
    kBusy,     ///< another worker has it under a lease that holds
    kOver,     ///< it is final, failed now for the last time, or there is no such job
  };
  Outcome outcome = Outcome::kOver;
  std::optional<ClaimedJob> job;
};

class SqlJobQueue final : public JobQueue {
 public:
  /// Both must outlive the queue; the schema must be there.
  SqlJobQueue(sql::Database& database, const base::Clock& clock,
              Announcing announcing = Announcing::kNo)
      : database_(database), clock_(clock), announcing_(announcing) {}

  base::Result<Job> Submit(const JobRequest& request, base::Deadline deadline) override;
  base::Result<Batch> SubmitBatch(const std::vector<JobRequest>& requests,
                                  std::string_view batch_id, base::Deadline deadline) override;
  base::Result<Job> Get(std::string_view job_id, base::Deadline deadline) override;
  base::Result<std::vector<Job>> List(const JobFilter& filter, base::Deadline deadline) override;
  base::Result<Batch> GetBatch(std::string_view batch_id, base::Deadline deadline) override;
  base::Result<Job> Cancel(std::string_view job_id, base::Deadline deadline) override;
  base::Result<std::optional<ClaimedJob>> Claim(std::string_view worker, base::Duration lease_time,
                                                base::Deadline deadline) override;
  base::Result<bool> Heartbeat(const JobLease& lease, int64_t progress, base::Duration lease_time,
                               base::Deadline deadline) override;
  base::Result<void> Complete(const JobLease& lease, const Completion& completion,
                              const std::function<base::Result<void>()>& publish,
                              base::Deadline deadline) override;
  base::Result<JobStatus> Fail(const JobLease& lease, const base::Error& error, bool may_pass,
                               base::Deadline deadline) override;
  base::Result<Recovered> Recover(bool all, base::Deadline deadline) override;

  /// One certain job, when it is pending, or when its worker was lost: then this is its retry.
  base::Result<JobClaim> ClaimJob(std::string_view job_id, std::string_view worker,
                                  base::Duration lease_time, base::Deadline deadline);

 private:
  int64_t Now() const { return clock_.Now().time_since_epoch().count(); }
  int64_t announce() const { return announcing_ == Announcing::kYes ? 1 : 0; }
  base::Result<Job> Insert(sql::Connection& connection, const JobRequest& request,
                           const std::string& batch_id, base::Deadline deadline) const;
  base::Result<void> Finish(sql::Connection& connection, const Job& job, JobStatus status,
                            const std::string& error, base::Deadline deadline) const;
  base::Result<ClaimedJob> Take(sql::Connection& connection, std::string_view job_id,
                                std::string_view worker, base::Duration lease_time,
                                base::Deadline deadline) const;
  base::Result<void> WriteCompletion(sql::Connection& connection, const Job& job,
                                     const Completion& completion, base::Deadline deadline) const;
  /// Ends the attempt of one job whose worker was lost; kPending is a retry, nothing: there is
  /// none.
  base::Result<std::optional<JobStatus>> RecoverOne(bool all, base::Deadline deadline);
  base::Result<JobStatus> EndAttempt(sql::Connection& connection, const Job& job,
                                     const base::Error& error, bool may_pass,
                                     base::Deadline deadline) const;

  sql::Database& database_;
  const base::Clock& clock_;
  const Announcing announcing_;
};

}  // namespace montage::jobs
