#pragma once
// The job queue in the tables analysis_jobs, analysis_results, analysis_metrics and batches.

#include "lib/sql/database.h"
#include "montage/jobs/job_queue.h"

namespace montage::jobs {

class SqlJobQueue final : public JobQueue {
 public:
  /// Both must outlive the queue; the schema must be there.
  SqlJobQueue(sql::Database& database, const base::Clock& clock)
      : database_(database), clock_(clock) {}

  base::Result<Job> Submit(const JobRequest& request, base::Deadline deadline) override;
  base::Result<Batch> SubmitBatch(const std::vector<JobRequest>& requests,
                                  base::Deadline deadline) override;
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

 private:
  int64_t Now() const { return clock_.Now().time_since_epoch().count(); }
  base::Result<Job> Insert(sql::Connection& connection, const JobRequest& request,
                           const std::string& batch_id, base::Deadline deadline) const;
  base::Result<void> Finish(sql::Connection& connection, const Job& job, JobStatus status,
                            const std::string& error, base::Deadline deadline) const;
  base::Result<JobStatus> EndAttempt(sql::Connection& connection, const Job& job,
                                     const base::Error& error, bool may_pass,
                                     base::Deadline deadline) const;

  sql::Database& database_;
  const base::Clock& clock_;
};

}  // namespace montage::jobs
