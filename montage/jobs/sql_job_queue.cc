#include "montage/jobs/sql_job_queue.h"

#include <algorithm>

#include <fmt/format.h>

#include "montage/storage/ids.h"

namespace montage::jobs {
namespace {

using base::ErrorCode;
using sql::Transaction;

constexpr std::string_view kColumns =
    "job_id, batch_id, tenant, owner_id, file_id, analysis_type, parameters, priority, status, "
    "progress, retry_count, cancel_requested, created_at, started_at, completed_at, results, error";

base::Result<Job> ReadJob(const sql::Row& row) {
  sql::RowReader reader(row);
  Job job;
  job.job_id = reader.Text();
  job.batch_id = reader.OptionalText().value_or("");
  job.request.tenant = reader.Text();
  job.request.owner_id = reader.Text();
  job.request.file_id = reader.OptionalText().value_or("");
  job.request.analysis_type = reader.Text();
  job.request.parameters = reader.Text();
  job.request.priority = static_cast<Priority>(std::clamp<int64_t>(reader.Int(), 0, 2));
  const std::string status = reader.Text();
  job.progress = reader.Int();
  job.retry_count = reader.Int();
  job.cancel_requested = reader.Bool();
  job.created_at_ns = reader.Int();
  job.started_at_ns = reader.OptionalInt();
  job.completed_at_ns = reader.OptionalInt();
  job.results = reader.OptionalText().value_or("");
  job.error = reader.OptionalText().value_or("");
  TRY(reader.Finish());
  TRY(job.status, ParseJobStatus(status));
  return job;
}

/// kChange: the row stays as it is until the transaction ends.
enum class For { kReading, kChange };

base::Result<Job> FindJob(sql::Connection& connection, std::string_view job_id, For purpose,
                          base::Deadline deadline) {
  TRY(const sql::Rows rows,
      connection.Execute(
          fmt::format("SELECT {} FROM analysis_jobs WHERE job_id = $1{}", kColumns,
                      purpose == For::kChange ? sql::LockClause(connection.dialect()) : ""),
          {job_id}, deadline));
  if (rows.empty()) {
    return base::Fail(ErrorCode::kNotFound, fmt::format("there is no job \"{}\"", job_id));
  }
  return ReadJob(rows.rows[0]);
}

/// The job, locked, when the lease still holds it.
base::Result<Job> FindLeased(sql::Connection& connection, const JobLease& lease,
                             base::Deadline deadline) {
  TRY(const sql::Rows rows,
      connection.Execute(fmt::format("SELECT {} FROM analysis_jobs WHERE job_id = $1 AND "
                                     "lease_token = $2 AND status = 'processing'{}",
                                     kColumns, sql::LockClause(connection.dialect())),
                         {lease.job_id, lease.token}, deadline));
  if (rows.empty()) {
    return base::Fail(ErrorCode::kConflict,
                      fmt::format("the lease on job \"{}\" was lost", lease.job_id));
  }
  return ReadJob(rows.rows[0]);
}

/// Whether the lease of a processing job, whose row is locked, is over at `now_ns`.
base::Result<bool> IsAbandoned(sql::Connection& connection, std::string_view job_id, int64_t now_ns,
                               base::Deadline deadline) {
  TRY(const sql::Rows rows,
      connection.Execute("SELECT 1 FROM analysis_jobs WHERE job_id = $1 AND lease_expires_at <= $2",
                         {job_id, now_ns}, deadline));
  return !rows.empty();
}

base::Error LostWorker() {
  return {ErrorCode::kUnavailable, fmt::format("the worker was lost {} times", kMaxRetries + 1)};
}

/// kConflict tells a worker that it lost its lease, which was proven to hold: a refusal of the
/// database is another thing, and may pass.
base::Error NotTheLease(base::Error error) {
  if (error.code == ErrorCode::kConflict) error.code = ErrorCode::kUnavailable;
  return std::move(error).While("completing the job");
}

}  // namespace

base::Result<Job> SqlJobQueue::Insert(sql::Connection& connection, const JobRequest& request,
                                      const std::string& batch_id, base::Deadline deadline) const {
  Job job{.job_id = request.job_id.empty() ? storage::NewId() : request.job_id,
          .batch_id = batch_id,
          .request = request};
  job.created_at_ns = Now();
  const sql::Value batch = batch_id.empty() ? sql::Value() : sql::Value(batch_id);
  TRY(const sql::Rows inserted,
      connection.Execute(
          "INSERT INTO analysis_jobs (job_id, batch_id, file_id, tenant, owner_id, analysis_type, "
          "parameters, priority, status, created_at, announce) VALUES ($1, $2, $3, $4, $5, $6, $7, "
          "$8, "
          "'pending', $9, $10) ON CONFLICT (job_id) DO NOTHING",
          {job.job_id, batch, request.file_id, request.tenant, request.owner_id,
           request.analysis_type, request.parameters, static_cast<int64_t>(request.priority),
           job.created_at_ns, announce()},
          deadline));
  if (inserted.changed == 1) return job;
  TRY(Job first, FindJob(connection, job.job_id, For::kReading, deadline));
  if (first.request.tenant == request.tenant && first.request.owner_id == request.owner_id) {
    return first;
  }
  return base::Fail(ErrorCode::kConflict,
                    fmt::format("the job \"{}\" is somebody else's", job.job_id));
}

base::Result<Job> SqlJobQueue::Submit(const JobRequest& request, base::Deadline deadline) {
  TRY(const sql::Lease lease, database_.Acquire(sql::Access::kWrite, deadline));
  return Insert(*lease, request, "", deadline);
}

base::Result<Batch> SqlJobQueue::SubmitBatch(const std::vector<JobRequest>& requests,
                                             std::string_view batch_id, base::Deadline deadline) {
  if (requests.empty()) return base::Fail(ErrorCode::kInvalid, "a batch needs at least one job");
  TRY(auto transaction, Transaction::Begin(database_, deadline));
  const JobRequest& first = requests.front();
  Batch batch{.batch_id = batch_id.empty() ? storage::NewId() : std::string(batch_id),
              .owner_id = first.owner_id};
  batch.total = std::ssize(requests);
  TRY(const sql::Rows inserted,
      transaction->Execute("INSERT INTO batches (batch_id, tenant, owner_id, total, created_at) "
                           "VALUES ($1, $2, $3, $4, "
                           "$5) ON CONFLICT (batch_id) DO NOTHING",
                           {batch.batch_id, first.tenant, first.owner_id, batch.total, Now()},
                           deadline));
  if (inserted.changed == 0) {
    TRY(transaction.Commit(deadline));
    TRY(Batch before, GetBatch(batch.batch_id, deadline));
    if (before.owner_id == first.owner_id) return before;
    return base::Fail(ErrorCode::kConflict,
                      fmt::format("the batch \"{}\" is somebody else's", batch.batch_id));
  }
  for (const JobRequest& request : requests) {
    TRY(Insert(*transaction, request, batch.batch_id, deadline));
  }
  TRY(transaction.Commit(deadline));
  return batch;
}

base::Result<Job> SqlJobQueue::Get(std::string_view job_id, base::Deadline deadline) {
  TRY(const sql::Lease lease, database_.Acquire(sql::Access::kRead, deadline));
  return FindJob(*lease, job_id, For::kReading, deadline);
}

base::Result<std::vector<Job>> SqlJobQueue::List(const JobFilter& filter, base::Deadline deadline) {
  TRY(const sql::Rows rows,
      sql::Query(database_,
                 fmt::format("SELECT {} FROM analysis_jobs WHERE tenant = $1 AND ($2 = '' OR "
                             "owner_id = $2) AND ($3 = '' OR batch_id = $3) AND ($4 = '' OR "
                             "file_id = $4) ORDER BY sequence DESC LIMIT $5 OFFSET $6",
                             kColumns),
                 {filter.tenant, filter.owner_id, filter.batch_id, filter.file_id, filter.limit,
                  filter.after},
                 deadline,
                 // The jobs of a batch must agree with its counts.
                 filter.batch_id.empty() ? sql::Access::kReadStale : sql::Access::kRead));
  std::vector<Job> jobs;
  for (const sql::Row& row : rows.rows) {
    TRY(Job job, ReadJob(row));
    jobs.push_back(std::move(job));
  }
  return jobs;
}

base::Result<Batch> SqlJobQueue::GetBatch(std::string_view batch_id, base::Deadline deadline) {
  TRY(const sql::Rows rows, sql::Query(database_,
                                       "SELECT batch_id, owner_id, total, completed, failed FROM "
                                       "batches WHERE batch_id = $1",
                                       {batch_id}, deadline));
  if (rows.empty()) {
    return base::Fail(ErrorCode::kNotFound, fmt::format("there is no batch \"{}\"", batch_id));
  }
  sql::RowReader reader(rows.rows[0]);
  Batch batch;
  batch.batch_id = reader.Text();
  batch.owner_id = reader.Text();
  batch.total = reader.Int();
  batch.completed = reader.Int();
  batch.failed = reader.Int();
  TRY(reader.Finish());
  return batch;
}

base::Result<void> SqlJobQueue::Finish(sql::Connection& connection, const Job& job,
                                       JobStatus status, const std::string& error,
                                       base::Deadline deadline) const {
  const bool completed = status == JobStatus::kCompleted;
  TRY(connection.Execute(
      "UPDATE analysis_jobs SET status = $2, error = $3, completed_at = $4, lease_owner = NULL, "
      "lease_expires_at = NULL, announce = $6, progress = CASE WHEN $5 = 1 THEN 100 ELSE progress "
      "END "
      "WHERE job_id = $1",
      {job.job_id, ToString(status), error.empty() ? sql::Value() : sql::Value(error),
       std::max(Now(), job.created_at_ns), completed,
       status == JobStatus::kFailed ? announce() : 0},
      deadline));
  if (!job.batch_id.empty()) {
    TRY(
        connection.Execute("UPDATE batches SET completed = completed + $2, failed = failed + $3 "
                           "WHERE batch_id = $1",
                           {job.batch_id, completed, !completed}, deadline));
  }
  return {};
}

base::Result<Job> SqlJobQueue::Cancel(std::string_view job_id, base::Deadline deadline) {
  TRY(auto transaction, Transaction::Begin(database_, deadline));
  TRY(const Job job, FindJob(*transaction, job_id, For::kChange, deadline));
  if (IsFinal(job.status)) {
    return base::Fail(ErrorCode::kConflict,
                      fmt::format("job \"{}\" is {} already", job_id, ToString(job.status)));
  }
  TRY(transaction->Execute("UPDATE analysis_jobs SET cancel_requested = 1 WHERE job_id = $1",
                           {job_id}, deadline));
  if (job.status == JobStatus::kPending) {
    TRY(Finish(*transaction, job, JobStatus::kCancelled, "", deadline));
  }
  TRY(Job changed, FindJob(*transaction, job_id, For::kReading, deadline));
  TRY(transaction.Commit(deadline));
  return changed;
}

base::Result<std::optional<ClaimedJob>> SqlJobQueue::Claim(std::string_view worker,
                                                           base::Duration lease_time,
                                                           base::Deadline deadline) {
  // An idle worker asks often; only one that found something takes the writer.
  const std::string next =
      "SELECT job_id FROM analysis_jobs WHERE status = 'pending' ORDER BY priority DESC, sequence "
      "LIMIT 1";
  TRY(const sql::Rows seen, sql::Query(database_, next, {}, deadline));
  if (seen.empty()) return std::nullopt;

  TRY(auto transaction, Transaction::Begin(database_, deadline));
  TRY(const sql::Rows rows,
      transaction->Execute(next + std::string(sql::SkipLockedClause(database_.dialect())), {},
                           deadline));
  if (rows.empty()) return std::nullopt;
  sql::RowReader reader(rows.rows[0]);
  TRY(ClaimedJob claimed, Take(*transaction, reader.Text(), worker, lease_time, deadline));
  TRY(transaction.Commit(deadline));
  return claimed;
}

base::Result<ClaimedJob> SqlJobQueue::Take(sql::Connection& connection, std::string_view job_id,
                                           std::string_view worker, base::Duration lease_time,
                                           base::Deadline deadline) const {
  TRY(const sql::Rows rows,
      connection.Execute(
          "UPDATE analysis_jobs SET status = 'processing', lease_owner = $2, lease_token = "
          "lease_token + 1, lease_expires_at = $3, started_at = COALESCE(started_at, $4), "
          "announce = 0 WHERE job_id = $1 RETURNING lease_token",
          {job_id, worker, Now() + lease_time.count(), Now()}, deadline));
  sql::RowReader reader(rows.rows.at(0));
  ClaimedJob claimed;
  claimed.lease = {std::string(job_id), reader.Int()};
  TRY(reader.Finish());
  TRY(claimed.job, FindJob(connection, job_id, For::kReading, deadline));
  return claimed;
}

base::Result<JobClaim> SqlJobQueue::ClaimJob(std::string_view job_id, std::string_view worker,
                                             base::Duration lease_time, base::Deadline deadline) {
  TRY(auto transaction, Transaction::Begin(database_, deadline));
  const auto job = FindJob(*transaction, job_id, For::kChange, deadline);
  if (!job && job.error().code == ErrorCode::kNotFound) return JobClaim{};
  if (!job) return base::Fail(job.error());
  JobStatus status = job->status;
  if (status == JobStatus::kProcessing) {
    TRY(const bool abandoned, IsAbandoned(*transaction, job_id, Now(), deadline));
    if (!abandoned) return JobClaim{.outcome = JobClaim::Outcome::kBusy};
    TRY(status, EndAttempt(*transaction, *job, LostWorker(), true, deadline));
  }
  JobClaim claim;
  if (status == JobStatus::kPending) {
    claim.outcome = JobClaim::Outcome::kClaimed;
    TRY(claim.job, Take(*transaction, job_id, worker, lease_time, deadline));
  }
  TRY(transaction.Commit(deadline));
  return claim;
}

base::Result<bool> SqlJobQueue::Heartbeat(const JobLease& lease, int64_t progress,
                                          base::Duration lease_time, base::Deadline deadline) {
  // 100 is kept for a job that is completed.
  TRY(const sql::Rows rows,
      sql::Change(database_,
                  "UPDATE analysis_jobs SET lease_expires_at = $3, progress = CASE WHEN $4 > "
                  "progress THEN $4 ELSE progress END WHERE job_id = $1 AND lease_token = $2 AND "
                  "status = 'processing' RETURNING cancel_requested",
                  {lease.job_id, lease.token, Now() + lease_time.count(),
                   std::clamp<int64_t>(progress, 0, 99)},
                  deadline));
  if (rows.empty()) {
    return base::Fail(ErrorCode::kConflict,
                      fmt::format("the lease on job \"{}\" was lost", lease.job_id));
  }
  sql::RowReader reader(rows.rows[0]);
  return reader.Bool();
}

base::Result<void> SqlJobQueue::WriteCompletion(sql::Connection& connection, const Job& job,
                                                const Completion& completion,
                                                base::Deadline deadline) const {
  TRY(Finish(connection, job, JobStatus::kCompleted, "", deadline));
  TRY(connection.Execute("UPDATE analysis_jobs SET results = $2 WHERE job_id = $1",
                         {job.job_id, completion.results}, deadline));
  TRY(connection.Execute(
      "INSERT INTO analysis_results (job_id, status, object_key, created_at) VALUES ($1, "
      "'completed', $2, $3)",
      {job.job_id, completion.object_key, Now()}, deadline));
  TRY(connection.Execute(
      "INSERT INTO analysis_metrics (job_id, processing_time_ms, model_inference_time_ms, "
      "created_at) VALUES ($1, $2, $3, $4)",
      {job.job_id, completion.processing_time_ms, completion.model_inference_time_ms, Now()},
      deadline));
  return {};
}

base::Result<void> SqlJobQueue::Complete(const JobLease& lease, const Completion& completion,
                                         const std::function<base::Result<void>()>& publish,
                                         base::Deadline deadline) {
  TRY(auto transaction, Transaction::Begin(database_, deadline));
  TRY(const Job job, FindLeased(*transaction, lease, deadline));
  auto done = WriteCompletion(*transaction, job, completion, deadline);
  if (done) done = publish();
  if (done) done = transaction.Commit(deadline);
  if (!done) return base::Fail(NotTheLease(std::move(done.error())));
  return {};
}

base::Result<JobStatus> SqlJobQueue::EndAttempt(sql::Connection& connection, const Job& job,
                                                const base::Error& error, bool may_pass,
                                                base::Deadline deadline) const {
  JobStatus next = JobStatus::kFailed;
  if (error.code == ErrorCode::kCancelled || job.cancel_requested) next = JobStatus::kCancelled;
  if (next == JobStatus::kFailed && may_pass && job.retry_count < kMaxRetries) {
    TRY(connection.Execute(
        "UPDATE analysis_jobs SET status = 'pending', retry_count = retry_count + 1, lease_owner = "
        "NULL, lease_expires_at = NULL, announce = $2 WHERE job_id = $1",
        {job.job_id, announce()}, deadline));
    return JobStatus::kPending;
  }
  const std::string text = error.message.empty() ? "failed without a reason" : error.message;
  TRY(Finish(connection, job, next, next == JobStatus::kFailed ? text : "", deadline));
  return next;
}

base::Result<JobStatus> SqlJobQueue::Fail(const JobLease& lease, const base::Error& error,
                                          bool may_pass, base::Deadline deadline) {
  TRY(auto transaction, Transaction::Begin(database_, deadline));
  TRY(const Job job, FindLeased(*transaction, lease, deadline));
  TRY(const JobStatus next, EndAttempt(*transaction, job, error, may_pass, deadline));
  TRY(transaction.Commit(deadline));
  return next;
}

base::Result<std::optional<JobStatus>> SqlJobQueue::RecoverOne(bool all, base::Deadline deadline) {
  TRY(auto transaction, Transaction::Begin(database_, deadline));
  TRY(const sql::Rows rows,
      transaction->Execute(
          fmt::format("SELECT {} FROM analysis_jobs WHERE status = 'processing' AND ($1 = 1 OR "
                      "lease_expires_at <= $2) ORDER BY sequence LIMIT 1{}",
                      kColumns, sql::SkipLockedClause(database_.dialect())),
          {all, Now()}, deadline));
  if (rows.empty()) return std::nullopt;
  TRY(const Job job, ReadJob(rows.rows[0]));
  TRY(const JobStatus next, EndAttempt(*transaction, job, LostWorker(), true, deadline));
  TRY(transaction.Commit(deadline));
  return next;
}

base::Result<Recovered> SqlJobQueue::Recover(bool all, base::Deadline deadline) {
  // Asked often and mostly for nothing, which must not take the writer.
  TRY(const sql::Rows seen,
      sql::Query(database_,
                 "SELECT 1 FROM analysis_jobs WHERE status = 'processing' AND ($1 = 1 OR "
                 "lease_expires_at <= $2) LIMIT 1",
                 {all, Now()}, deadline));
  Recovered recovered;
  if (seen.empty()) return recovered;
  while (true) {
    TRY(const std::optional<JobStatus> next, RecoverOne(all, deadline));
    if (!next) return recovered;
    recovered.requeued += *next == JobStatus::kPending ? 1 : 0;
    recovered.failed += *next == JobStatus::kFailed ? 1 : 0;
    recovered.cancelled += *next == JobStatus::kCancelled ? 1 : 0;
  }
}

}  // namespace montage::jobs
