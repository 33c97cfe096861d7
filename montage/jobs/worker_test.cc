#include "montage/jobs/worker.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "lib/objects/memory_object_store.h"
#include "montage/jobs/queue_fixture.h"

namespace montage::jobs {
namespace {

using namespace std::chrono_literals;

class WorkersTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(store_.EnsureBucket(kResultsBucket, kNever)); }
  /// The job once it is final.
  Job Final(const std::string& id) {
    while (true) {
      Job job = queue_.Get(id, kNever).value();
      if (IsFinal(job.status)) return job;
      std::this_thread::yield();
    }
  }
  bool HasObject(const std::string& id) {
    return store_.Head(kResultsBucket, ResultKey(id), kNever).has_value();
  }

  storage::SqliteFile home_;
  base::SystemClock clock_;
  std::unique_ptr<sql::Database> database_ = storage::ConnectMigrated(home_);
  SqlJobQueue queue_{*database_, clock_};
  objects::MemoryObjectStore store_{clock_};
  WorkerOptions options_{.heartbeat_every = 2ms, .poll_every = 2ms};
};

TEST_F(WorkersTest, ACompletedJobHasItsObject) {
  Workers workers(
      queue_, store_, clock_,
      [](const Job& job, JobContext&) {
        return base::Result<JobOutcome>({R"({"type":")" + job.request.analysis_type + R"("})"});
      },
      options_);
  const std::string id = queue_.Submit(Request(), kNever)->job_id;
  workers.Wake();
  const Job job = Final(id);
  EXPECT_EQ(job.status, JobStatus::kCompleted);
  EXPECT_EQ(objects::GetText(store_, kResultsBucket, ResultKey(id), 1000, kNever).value(),
            job.results);
}

TEST_F(WorkersTest, FailuresAreRetriedOrFinalAndLeaveNoObject) {
  std::atomic<int> attempts{0};
  Workers workers(
      queue_, store_, clock_,
      [&](const Job& job, JobContext&) -> base::Result<JobOutcome> {
        if (job.request.analysis_type == "throws") throw std::runtime_error("boom");
        if (job.request.analysis_type == "damaged") {
          return base::Fail(base::ErrorCode::kCorrupt, "the recording is damaged");
        }
        if (++attempts < 3) return base::Fail(base::ErrorCode::kUnavailable, "later");
        return JobOutcome{"{}"};
      },
      options_);
  JobRequest damaged = Request();
  damaged.analysis_type = "damaged";
  JobRequest throwing = Request();
  throwing.analysis_type = "throws";
  const std::string a = queue_.Submit(damaged, kNever)->job_id;
  const std::string b = queue_.Submit(throwing, kNever)->job_id;
  const std::string c = queue_.Submit(Request(), kNever)->job_id;
  EXPECT_EQ(Final(a).error, "the recording is damaged");
  EXPECT_EQ(Final(b).status, JobStatus::kFailed);
  EXPECT_FALSE(HasObject(a) || HasObject(b));
  const Job retried = Final(c);
  EXPECT_EQ(retried.status, JobStatus::kCompleted);
  EXPECT_EQ(retried.retry_count, 2);
}

TEST_F(WorkersTest, ARunningJobHearsItsCancellation) {
  std::atomic<bool> started{false};
  Workers workers(
      queue_, store_, clock_,
      [&](const Job&, JobContext& context) -> base::Result<JobOutcome> {
        started = true;
        while (!context.cancelled()) std::this_thread::yield();
        return base::Fail(base::ErrorCode::kCancelled, "cancelled");
      },
      options_);
  const std::string id = queue_.Submit(Request(), kNever)->job_id;
  while (!started) std::this_thread::yield();
  ASSERT_TRUE(queue_.Cancel(id, kNever).has_value());
  EXPECT_EQ(Final(id).status, JobStatus::kCancelled);
}

TEST_F(WorkersTest, StopWaitsForTheRunningJobAndTakesNoOther) {
  std::atomic<bool> started{false};
  std::atomic<bool> go{false};
  options_.threads = 1;
  Workers workers(
      queue_, store_, clock_,
      [&](const Job&, JobContext&) -> base::Result<JobOutcome> {
        started = true;
        while (!go) std::this_thread::yield();
        return JobOutcome{"{}"};
      },
      options_);
  const std::string first = queue_.Submit(Request(), kNever)->job_id;
  while (!started) std::this_thread::yield();
  const std::string second = queue_.Submit(Request(), kNever)->job_id;
  std::thread stopper([&] { workers.Stop(); });
  go = true;
  stopper.join();
  EXPECT_EQ(queue_.Get(first, kNever)->status, JobStatus::kCompleted);
  EXPECT_NE(queue_.Get(second, kNever)->status, JobStatus::kProcessing);
}

TEST_F(WorkersTest, TheSweepRemovesResultsWithoutACompletedJob) {
  const std::string done = queue_.Submit(Request(), kNever)->job_id;
  const auto claimed = queue_.Claim("w", kLease, kNever).value().value();
  const std::string open = queue_.Submit(Request(), kNever)->job_id;
  for (const std::string& id : {done, open, std::string("unknown")}) {
    ASSERT_TRUE(objects::PutText(store_, kResultsBucket, ResultKey(id), "{}", {}, kNever));
  }
  ASSERT_TRUE(queue_.Complete(claimed.lease, {"{}", ResultKey(done), 1, 1}, NoObject, kNever));
  EXPECT_EQ(SweepResults(queue_, store_, kNever).value(), 2);
  EXPECT_TRUE(HasObject(done));
  EXPECT_FALSE(HasObject(open));
}

}  // namespace
}  // namespace montage::jobs
