#include "montage/jobs/sql_job_queue.h"

#include <atomic>
#include <set>
#include <thread>

#include "montage/jobs/queue_fixture.h"

namespace montage::jobs {
namespace {

class SqlJobQueueTest : public testing::Test {
 protected:
  JobLease Claim() { return queue_.Claim("w", kLease, kNever).value().value().lease; }
  JobStatus StatusOf(const std::string& id) { return queue_.Get(id, kNever)->status; }

  testing_support::TempDir folder_;
  base::ManualClock clock_{base::WallTime(std::chrono::hours(24 * 365 * 50))};
  std::unique_ptr<sql::SqliteDatabase> database_ = OpenDatabase(folder_ / "jobs.db");
  SqlJobQueue queue_{*database_, clock_};
};

TEST_F(SqlJobQueueTest, CompletionIsJobResultAndMetricsTogether) {
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
  EXPECT_EQ(CountRows(*database_, "analysis_results WHERE status = 'completed'"), 1);
  EXPECT_EQ(CountRows(*database_,
                      "analysis_metrics WHERE processing_time_ms = 45000 AND "
                      "model_inference_time_ms = 12000"),
            1);
}

TEST_F(SqlJobQueueTest, AFailureAtAnyPointOfTheCompletionLeavesNothing) {
  const Job job = queue_.Submit(Request(), kNever).value();
  const JobLease lease = Claim();
  const auto broken = []() -> base::Result<void> {
    return base::Fail(base::ErrorCode::kIo, "disk full");
  };
  EXPECT_FALSE(queue_.Complete(lease, {"{}", "k", 1, 1}, broken, kNever).has_value());
  for (const char* table : {"analysis_results", "analysis_metrics", "analysis_jobs"}) {
    const std::string event = std::string(table) == "analysis_jobs" ? "UPDATE" : "INSERT";
    ASSERT_TRUE(sql::Change(*database_,
                            "CREATE TRIGGER planted AFTER " + event + " ON " + table +
                                " BEGIN SELECT RAISE(ABORT, 'planted'); END",
                            {}, kNever));
    EXPECT_FALSE(queue_.Complete(lease, {"{}", "k", 1, 1}, NoObject, kNever).has_value()) << table;
    ASSERT_TRUE(sql::Change(*database_, "DROP TRIGGER planted", {}, kNever));
    EXPECT_EQ(StatusOf(job.job_id), JobStatus::kProcessing);
    EXPECT_EQ(CountRows(*database_, "analysis_results"), 0);
    EXPECT_EQ(CountRows(*database_, "analysis_metrics"), 0);
  }
  EXPECT_TRUE(queue_.Complete(lease, {"{}", "k", 1, 1}, NoObject, kNever).has_value());
}

TEST_F(SqlJobQueueTest, HighPriorityGoesFirstThenTheOldest) {
  std::vector<std::string> ids;
  for (const Priority priority :
       {Priority::kLow, Priority::kNormal, Priority::kHigh, Priority::kNormal, Priority::kHigh}) {
    ids.push_back(queue_.Submit(Request(priority), kNever)->job_id);
  }
  for (const size_t expected : {2U, 4U, 1U, 3U, 0U}) EXPECT_EQ(Claim().job_id, ids[expected]);
  EXPECT_FALSE(queue_.Claim("w", kLease, kNever).value().has_value());
}

TEST_F(SqlJobQueueTest, AStaleWorkerIsRefusedEverything) {
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
  EXPECT_EQ(CountRows(*database_, "analysis_results"), 1);
}

TEST_F(SqlJobQueueTest, AJobThatKeepsKillingItsWorkerFailsAfterThreeRetries) {
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

TEST_F(SqlJobQueueTest, ALeaseThatIsRenewedIsNotRecoveredAndProgressNeverFalls) {
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

TEST_F(SqlJobQueueTest, CancellingWorksAtOnceOrThroughTheWorker) {
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

TEST_F(SqlJobQueueTest, ABatchCountsItsJobs) {
  const Batch batch = queue_.SubmitBatch(std::vector(10, Request()), kNever).value();
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
  EXPECT_FALSE(queue_.SubmitBatch({}, kNever).has_value());
}

TEST_F(SqlJobQueueTest, ConcurrentWorkersNeverShareAJob) {
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
  EXPECT_EQ(CountRows(*database_, "analysis_results"), 40);
}

TEST(JobNames, UnknownOnesAreRefusedWithASuggestion) {
  EXPECT_EQ(ParsePriority("high").value(), Priority::kHigh);
  EXPECT_EQ(ParsePriority("urgent").error().code, base::ErrorCode::kInvalid);
  EXPECT_THAT(ParseJobStatus("complted").error().hint, testing::HasSubstr("completed"));
}

}  // namespace
}  // namespace montage::jobs
