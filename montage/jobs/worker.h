#pragma once
// Threads that take jobs from the queue and run them.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "lib/objects/object_store.h"
#include "lib/sql/database.h"
#include "montage/jobs/job_queue.h"
#include "montage/jobs/job_source.h"

namespace montage::jobs {

/// What a running job reports to and asks. Thread-safe.
class JobContext {
 public:
  /// 0 to 100; written to the queue with the next heartbeat.
  void Report(int64_t progress) { progress_ = progress; }
  /// Whether to return soon with kCancelled: cancelled by a user, or the lease was lost.
  bool cancelled() const { return cancelled_; }

 private:
  friend class Workers;
  explicit JobContext(JobLease lease) : lease_(std::move(lease)) {}
  JobLease lease_;
  std::atomic<int64_t> progress_{0};
  std::atomic<bool> cancelled_{false};
};

struct JobOutcome {
  std::string results;  ///< JSON; becomes results/{job_id}/complete.json
  int64_t model_inference_time_ms = 0;
};

/// Whether a run that ended so is retried: kUnavailable, kTimeout, kExhausted, kIo. Others fail the
/// job.
bool MayPass(base::ErrorCode code);

using JobRunner = std::function<base::Result<JobOutcome>(const Job& job, JobContext& context)>;

struct WorkerOptions {
  std::string name = "worker";
  size_t threads = 2;
  base::Duration lease_time = std::chrono::seconds(30);
  base::Duration heartbeat_every = std::chrono::seconds(5);
  /// Between two questions to a source that had nothing; zero for one that waits itself.
  base::Duration poll_every = std::chrono::milliseconds(100);
  JobSourceFactory sources = {};  ///< null: the queue is asked
};

inline constexpr std::string_view kResultsBucket = "results";
/// `results/{job_id}/complete.json`, in the bucket `results`.
std::string ResultKey(std::string_view job_id);

/// Removes result objects of jobs that are not completed, which a crash between the object and its
/// commit leaves behind; returns how many. For the start, before workers run.
base::Result<int64_t> SweepResults(JobQueue& queue, objects::ObjectStore& store,
                                   base::Deadline deadline);
/// The same while workers run, here and elsewhere: only those older than `age` of jobs that are
/// failed, cancelled or gone, which nobody completes any more (storage/leftovers.h). PostgreSQL
/// only.
base::Result<int64_t> SweepOldResults(sql::Database& database, objects::ObjectStore& store,
                                      base::Duration age, base::Deadline deadline);

class Workers {
 public:
  /// Starts the threads. The references must outlive it.
  Workers(JobQueue& queue, objects::ObjectStore& store, const base::Clock& clock, JobRunner runner,
          WorkerOptions options);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers();

  /// A job was submitted; saves waiting for the next poll.
  void Wake();
  /// Takes no more jobs and waits for the running ones.
  void Stop();
  int64_t active() const { return active_; }

 private:
  void Work(size_t index);
  void KeepLeases();
  void RunJob(const ClaimedJob& claimed);
  void GiveBack(const ClaimedJob& claimed, const base::Error& error, bool may_pass);
  bool Wait(base::Duration time);

  JobQueue& queue_;
  objects::ObjectStore& store_;
  const base::Clock& clock_;
  const JobRunner runner_;
  const WorkerOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool finished_ = false;
  uint64_t wakes_ = 0;
  std::set<JobContext*> running_;
  std::atomic<int64_t> active_{0};
  std::vector<std::thread> threads_;
  std::thread keeper_;
};

}  // namespace montage::jobs
