#pragma once
// For tests only: what the job queue must do on every database.

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "montage/jobs/queue_fixture.h"

namespace montage::jobs {

class JobQueueContract : public storage::DatabaseTest {
 protected:
  JobLease Claim() { return queue_.Claim("w", kLease, kNever).value().value().lease; }
  JobStatus StatusOf(const std::string& id) { return queue_.Get(id, kNever)->status; }

  base::ManualClock clock_{base::WallTime(std::chrono::hours(24 * 365 * 50))};
  SqlJobQueue queue_{*database_, clock_};
};

TEST_P(JobQueueContract, CompletionIsJobResultAndMetricsTogether) {
  const Job job = queue_.Submit(Request(), kNever).value();
  const JobLease lease = Claim();
  clock_.Advance(std::chrono::seconds(1));
  const std::string results = R"({"abnormality_score":0.85,"confidence":0.92})";
  ASSERT_TRUE(queue_.Complete(lease, {results, "k", 45000, 12000}, NoObject, kNever));
  const Job done = queue_.Get(job.job_id, kNever).value();
  EXPECT_EQ(done.status, JobStatus::kCompleted);
  EXPECT_EQ(done.results, results);
  EXPECT_EQ(done.progress, 100);
  EXPECT_GE(done.completed_at_ns.value(), done.created_at_ns);
  EXPECT_EQ(storage::CountRows(*database_, "analysis_results WHERE status = 'completed'"), 1);
  EXPECT_EQ(storage::CountRows(*database_,
                               "analysis_metrics WHERE processing_time_ms = 45000 AND "
                               "model_inference_time_ms = 12000"),
            1);
}

TEST_P(JobQueueContract, AFailureAtAnyPointOfTheCompletionLeavesNothing) {
  const Job job = queue_.Submit(Request(), kNever).value();
  const JobLease lease = Claim();
  const auto broken = []() -> base::Result<void> {
    return base::Fail(base::ErrorCode::kIo, "disk full");
  };
  EXPECT_FALSE(queue_.Complete(lease, {"{}", "k", 1, 1}, broken, kNever).has_value());
  for (const char* table : {"analysis_results", "analysis_metrics", "analysis_jobs"}) {
    const std::string event = std::string(table) == "analysis_jobs" ? "UPDATE" : "INSERT";
    storage::PlantFault(*database_, table, event);
    EXPECT_EQ(queue_.Complete(lease, {"{}", "k", 1, 1}, NoObject, kNever).error().code,
              base::ErrorCode::kUnavailable)
        << table << ": the lease was not lost";
    storage::RemoveFault(*database_, table);
    EXPECT_EQ(StatusOf(job.job_id), JobStatus::kProcessing);
    EXPECT_EQ(storage::CountRows(*database_, "analysis_results"), 0);
    EXPECT_EQ(storage::CountRows(*database_, "analysis_metrics"), 0);
  }
  EXPECT_TRUE(queue_.Complete(lease, {"{}", "k", 1, 1}, NoObject, kNever).has_value());
}

TEST_P(JobQueueContract, HighPriorityGoesFirstThenTheOldest) {
  std::vector<std::string> ids;
  for (const Priority priority :
       {Priority::kLow, Priority::kNormal, Priority::kHigh, Priority::kNormal, Priority::kHigh}) {
    ids.push_back(queue_.Submit(Request(priority), kNever)->job_id);
  }
  for (const size_t expected : {2U, 4U, 1U, 3U, 0U}) EXPECT_EQ(Claim().job_id, ids[expected]);
  EXPECT_FALSE(queue_.Claim("w", kLease, kNever).value().has_value());
}

TEST_P(JobQueueContract, AStaleWorkerIsRefusedEverything) {
  const Job job = queue_.Submit(Request(), kNever).value();
  const JobLease stale = Claim();
  clock_.Advance(kLease);
  EXPECT_EQ(queue_.Recover(false, kNever)->requeued, 1);
  const JobLease fresh = Claim();
  bool published = false;
  const auto publish = [&]() -> base::Result<void> {
    published = true;
    return {};
  };
  EXPECT_EQ(queue_.Complete(stale, {"{}", "k", 1, 1}, publish, kNever).error().code,
            base::ErrorCode::kConflict);
  EXPECT_FALSE(published);
  EXPECT_FALSE(queue_.Heartbeat(stale, 50, kLease, kNever).has_value());
  EXPECT_FALSE(queue_.Fail(stale, {}, false, kNever).has_value());
  EXPECT_TRUE(queue_.Complete(fresh, {"{}", "k", 1, 1}, publish, kNever).has_value());
  EXPECT_FALSE(queue_.Complete(fresh, {"{}", "k", 1, 1}, publish, kNever).has_value());
  EXPECT_EQ(queue_.Get(job.job_id, kNever)->retry_count, 1);
  EXPECT_EQ(storage::CountRows(*database_, "analysis_results"), 1);
}

TEST_P(JobQueueContract, AJobThatKeepsKillingItsWorkerFailsAfterThreeRetries) {
  const Job job = queue_.Submit(Request(), kNever).value();
  for (int i = 0; i < 3; ++i) {
    (void)Claim();
    EXPECT_EQ(queue_.Recover(true, kNever)->requeued, 1);
  }
  (void)Claim();
  EXPECT_EQ(queue_.Recover(true, kNever)->failed, 1);
  const Job failed = queue_.Get(job.job_id, kNever).value();
  EXPECT_EQ(failed.status, JobStatus::kFailed);
  EXPECT_EQ(failed.retry_count, kMaxRetries);
  EXPECT_FALSE(failed.error.empty());
}

TEST_P(JobQueueContract, ALeaseThatIsRenewedIsNotRecoveredAndProgressNeverFalls) {
  const Job job = queue_.Submit(Request(), kNever).value();
  const JobLease lease = Claim();
  clock_.Advance(kLease / 2);
  EXPECT_FALSE(queue_.Heartbeat(lease, 40, kLease, kNever).value());
  clock_.Advance(kLease / 2);
  EXPECT_EQ(queue_.Recover(false, kNever)->requeued, 0);
  (void)queue_.Heartbeat(lease, 20, kLease, kNever);
  EXPECT_EQ(queue_.Get(job.job_id, kNever)->progress, 40);
  (void)queue_.Heartbeat(lease, 1000, kLease, kNever);
  EXPECT_EQ(queue_.Get(job.job_id, kNever)->progress, 99) << "100 means completed";
}

TEST_P(JobQueueContract, CancellingWorksAtOnceOrThroughTheWorker) {
  const Job pending = queue_.Submit(Request(), kNever).value();
  EXPECT_EQ(queue_.Cancel(pending.job_id, kNever)->status, JobStatus::kCancelled);
  EXPECT_EQ(queue_.Cancel(pending.job_id, kNever).error().code, base::ErrorCode::kConflict);
  const Job running = queue_.Submit(Request(), kNever).value();
  const JobLease lease = Claim();
  EXPECT_EQ(queue_.Cancel(running.job_id, kNever)->status, JobStatus::kProcessing);
  EXPECT_TRUE(queue_.Heartbeat(lease, 1, kLease, kNever).value());
  const base::Error stopped{base::ErrorCode::kCancelled, "stopped"};
  EXPECT_EQ(queue_.Fail(lease, stopped, true, kNever).value(), JobStatus::kCancelled);
  EXPECT_EQ(queue_.Cancel("nothing", kNever).error().code, base::ErrorCode::kNotFound);
}

TEST_P(JobQueueContract, ABatchCountsItsJobs) {
  const Batch batch = queue_.SubmitBatch(std::vector(10, Request()), "", kNever).value();
  int64_t before = 0;
  for (int i = 0; i < 10; ++i) {
    const JobLease lease = Claim();
    if (i == 4) {
      const base::Error damaged{base::ErrorCode::kCorrupt, "damaged"};
      EXPECT_EQ(queue_.Fail(lease, damaged, false, kNever).value(), JobStatus::kFailed);
    } else {
      ASSERT_TRUE(queue_.Complete(lease, {"{}", "k", 1, 1}, NoObject, kNever));
    }
    const Batch now = queue_.GetBatch(batch.batch_id, kNever).value();
    EXPECT_EQ(now.completed + now.failed, i + 1);
    EXPECT_GT(now.progress(), before);
    before = now.progress();
  }
  const Batch end = queue_.GetBatch(batch.batch_id, kNever).value();
  EXPECT_EQ(end.completed, 9);
  EXPECT_EQ(end.failed, 1);
  EXPECT_EQ(end.progress(), 100);
  EXPECT_EQ(queue_.List({.tenant = "site", .batch_id = batch.batch_id}, kNever)->size(), 10U);
  EXPECT_FALSE(queue_.SubmitBatch({}, "", kNever).has_value());
}

TEST_P(JobQueueContract, OfAnIdThatIsAskedForThereIsOneJobAndOneBatch) {
  JobRequest request = Request();
  request.job_id = "11111111-2222-8333-8444-555555555555";
  const Job first = queue_.Submit(request, kNever).value();
  EXPECT_EQ(first.job_id, request.job_id);
  EXPECT_EQ(queue_.Submit(request, kNever)->created_at_ns, first.created_at_ns);
  EXPECT_EQ(queue_.List({.tenant = request.tenant}, kNever)->size(), 1U);
  request.owner_id = "somebody else";
  EXPECT_EQ(queue_.Submit(request, kNever).error().code, base::ErrorCode::kConflict);

  const std::string batch = "66666666-7777-8888-8999-000000000000";
  EXPECT_EQ(queue_.SubmitBatch(std::vector(3, Request()), batch, kNever)->batch_id, batch);
  EXPECT_EQ(queue_.SubmitBatch(std::vector(3, Request()), batch, kNever)->total, 3);
  EXPECT_EQ(queue_.List({.tenant = request.tenant, .batch_id = batch}, kNever)->size(), 3U);
}

TEST_P(JobQueueContract, ConcurrentWorkersNeverShareAJob) {
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(queue_.Submit(Request(), kNever));
  std::atomic<int> completed{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        while (true) {
          const auto claimed = queue_.Claim("w", kLease, kNever);
          if (!claimed || !*claimed) return;
          if (queue_.Complete((*claimed)->lease, {"{}", "k", 1, 1}, NoObject, kNever)) ++completed;
        }
      });
    }
  }
  EXPECT_EQ(completed.load(), 40);
  EXPECT_EQ(storage::CountRows(*database_, "analysis_results"), 40);
}

TEST_P(JobQueueContract, WorkersRecoveriesAndCancellationsAtTheSameTimeEndEachJobOnce) {
  constexpr size_t kJobs = 60;
  const Batch batch = queue_.SubmitBatch(std::vector(kJobs, Request()), "", kNever).value();
  const std::vector<Job> jobs =
      queue_.List({.tenant = "site", .batch_id = batch.batch_id, .limit = kJobs}, kNever).value();
  std::atomic<size_t> acknowledged = 0;
  std::atomic<bool> done = false;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!done) {
        // A lease that is over at once: the recovery below takes the job as often as not.
        const auto claimed = queue_.Claim("w", base::Duration::zero(), kNever);
        if (!claimed || !*claimed) continue;
        if (queue_.Complete((*claimed)->lease, {"{}", "k", 1, 1}, NoObject, kNever)) ++acknowledged;
      }
    });
  }
  threads.emplace_back([&] {
    while (!done) ASSERT_TRUE(queue_.Recover(false, kNever).has_value());
  });
  for (size_t i = 0; i < kJobs; i += 5) (void)queue_.Cancel(jobs[i].job_id, kNever);
  const auto open = [&] {
    const Batch now = queue_.GetBatch(batch.batch_id, kNever).value();
    return now.completed + now.failed < now.total;
  };
  while (open()) std::this_thread::yield();
  done = true;
  threads.clear();
  const Batch end = queue_.GetBatch(batch.batch_id, kNever).value();
  EXPECT_EQ(static_cast<size_t>(end.completed), acknowledged);
  EXPECT_EQ(storage::CountRows(*database_, "analysis_results"), end.completed);
  EXPECT_EQ(storage::CountRows(*database_, "analysis_metrics"), end.completed);
  EXPECT_EQ(storage::CountRows(*database_, "analysis_jobs WHERE status = 'completed'"),
            end.completed);
  EXPECT_EQ(storage::CountRows(*database_,
                               "analysis_jobs WHERE status IN ('pending', "
                               "'processing')"),
            0);
}

TEST_P(JobQueueContract, ACertainJobIsClaimedOnceAndAgainWhenItsWorkerWasLost) {
  using Outcome = JobClaim::Outcome;
  const std::string id = queue_.Submit(Request(), kNever)->job_id;
  const auto claim = [&] { return queue_.ClaimJob(id, "w", kLease, kNever).value(); };
  const JobClaim first = claim();
  ASSERT_EQ(first.outcome, Outcome::kClaimed);
  EXPECT_EQ(first.job->job.status, JobStatus::kProcessing);
  EXPECT_EQ(claim().outcome, Outcome::kBusy);
  clock_.Advance(kLease);
  const JobClaim second = claim();
  ASSERT_EQ(second.outcome, Outcome::kClaimed);
  EXPECT_EQ(second.job->job.retry_count, 1);
  EXPECT_FALSE(queue_.Complete(first.job->lease, {"{}", "k", 1, 1}, NoObject, kNever));
  EXPECT_TRUE(queue_.Complete(second.job->lease, {"{}", "k", 1, 1}, NoObject, kNever));
  EXPECT_EQ(claim().outcome, Outcome::kOver);
  EXPECT_EQ(queue_.ClaimJob("nothing", "w", kLease, kNever)->outcome, Outcome::kOver);
}

TEST_P(JobQueueContract, ACertainJobThatKeepsLosingItsWorkerFails) {
  const std::string id = queue_.Submit(Request(), kNever)->job_id;
  for (int i = 0; i <= kMaxRetries; ++i) {
    EXPECT_EQ(queue_.ClaimJob(id, "w", kLease, kNever)->outcome, JobClaim::Outcome::kClaimed);
    clock_.Advance(kLease);
  }
  EXPECT_EQ(queue_.ClaimJob(id, "w", kLease, kNever)->outcome, JobClaim::Outcome::kOver);
  EXPECT_EQ(StatusOf(id), JobStatus::kFailed);
}

}  // namespace montage::jobs
