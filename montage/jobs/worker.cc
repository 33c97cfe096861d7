#include "montage/jobs/worker.h"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

#include "montage/storage/leftovers.h"

namespace montage::jobs {
namespace {

using base::ErrorCode;

/// A database that is gone is not asked without pause.
constexpr base::Duration kAfterError = std::chrono::seconds(1);

base::Deadline Soon() { return base::Deadline::After(std::chrono::seconds(30)); }

/// The runner is foreign code: what it throws fails its job and not the service.
base::Result<JobOutcome> Call(const JobRunner& runner, const Job& job, JobContext& context) {
  try {
    return runner(job, context);
  } catch (const std::exception&) {
    return base::Fail(ErrorCode::kInternal, "the analysis ended with an exception");
  }
}

}  // namespace

bool MayPass(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kTimeout ||
         code == ErrorCode::kExhausted || code == ErrorCode::kIo;
}

std::string ResultKey(std::string_view job_id) {
  return fmt::format("results/{}/complete.json", job_id);
}

base::Result<int64_t> SweepResults(JobQueue& queue, objects::ObjectStore& store,
                                   base::Deadline deadline) {
  int64_t removed = 0;
  objects::ListQuery query{.prefix = "results/"};
  while (true) {
    TRY(const auto page, store.List(kResultsBucket, query, deadline));
    for (const auto& object : page.objects) {
      query.after = object.key;
      const std::string id = object.key.substr(8, object.key.find('/', 8) - 8);
      const auto job = queue.Get(id, deadline);
      if (!job && job.error().code != ErrorCode::kNotFound) return base::Fail(job.error());
      if (job && job->status == JobStatus::kCompleted) continue;
      TRY(store.Delete(kResultsBucket, object.key, deadline));
      ++removed;
    }
    if (!page.more) return removed;
  }
}

base::Result<int64_t> SweepOldResults(sql::Database& database, objects::ObjectStore& store,
                                      base::Duration age, base::Deadline deadline) {
  return storage::SweepUnclaimed(
      database, store,
      {.bucket = kResultsBucket,
       .prefix = "results/",
       .statement = "SELECT job_id FROM analysis_jobs WHERE status IN ('pending', 'processing', "
                    "'completed') AND job_id IN ({ids})"},
      age, deadline);
}

Workers::Workers(JobQueue& queue, objects::ObjectStore& store, const base::Clock& clock,
                 JobRunner runner, WorkerOptions options)
    : queue_(queue),
      store_(store),
      clock_(clock),
      runner_(std::move(runner)),
      options_(std::move(options)) {
  for (size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this, i] { Work(i); });
  keeper_ = std::thread([this] { KeepLeases(); });
}

Workers::~Workers() { Stop(); }

void Workers::Wake() {
  {
    const std::scoped_lock lock(mutex_);
    ++wakes_;
  }
  changed_.notify_all();
}

void Workers::Stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  {
    const std::scoped_lock lock(mutex_);
    finished_ = true;
  }
  changed_.notify_all();
  if (keeper_.joinable()) keeper_.join();
}

bool Workers::Wait(base::Duration time) {
  std::unique_lock lock(mutex_);
  const uint64_t before = wakes_;
  changed_.wait_for(lock, time, [&] { return stopping_ || wakes_ != before; });
  return !stopping_;
}

void Workers::Work(size_t index) {
  const std::string name = fmt::format("{}-{}", options_.name, index);
  const auto source =
      options_.sources ? options_.sources() : std::make_unique<PollingSource>(queue_);
  while (true) {
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) return;
    }
    const auto claimed = source->Next(name, options_.lease_time);
    if (claimed && *claimed) {
      RunJob(**claimed);
      source->Settle();
    } else if (!Wait(claimed ? options_.poll_every : std::max(options_.poll_every, kAfterError))) {
      return;
    }
  }
}

void Workers::KeepLeases() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, options_.heartbeat_every, [&] { return finished_; })) {
    // Contexts leave the set under the lock, so they live as long as it is held.
    for (JobContext* context : running_) {
      const auto cancel =
          queue_.Heartbeat(context->lease_, context->progress_, options_.lease_time, Soon());
      const bool lost = !cancel && cancel.error().code == ErrorCode::kConflict;
      if (lost || (cancel && *cancel)) context->cancelled_ = true;
    }
    lock.unlock();
    (void)queue_.Recover(false, Soon());
    lock.lock();
  }
}

void Workers::GiveBack(const ClaimedJob& claimed, const base::Error& error, bool may_pass) {
  const auto ended = queue_.Fail(claimed.lease, error, may_pass, Soon());
  // An attempt before this one may have died between its result object and its commit. Nobody else
  // can write one now.
  if (ended && IsFinal(*ended) && claimed.job.retry_count > 0) {
    (void)store_.Delete(kResultsBucket, ResultKey(claimed.job.job_id), Soon());
  }
}

void Workers::RunJob(const ClaimedJob& claimed) {
  JobContext context(claimed.lease);
  {
    const std::scoped_lock lock(mutex_);
    running_.insert(&context);
  }
  ++active_;
  const base::SteadyTime started = clock_.Steady();
  const auto outcome = Call(runner_, claimed.job, context);
  const base::Duration took = clock_.Steady() - started;
  {
    const std::scoped_lock lock(mutex_);
    running_.erase(&context);
  }
  if (!outcome) {
    GiveBack(claimed, outcome.error(), MayPass(outcome.error().code));
  } else {
    const Completion completion{
        .results = outcome->results,
        .object_key = ResultKey(claimed.job.job_id),
        .processing_time_ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count(),
        .model_inference_time_ms = outcome->model_inference_time_ms};
    const auto publish = [&]() -> base::Result<void> {
      TRY(objects::PutText(store_, kResultsBucket, completion.object_key, completion.results,
                           {.content_type = "application/json"}, Soon()));
      return {};
    };
    const auto done = queue_.Complete(claimed.lease, completion, publish, Soon());
    if (!done && done.error().code != ErrorCode::kConflict) {
      // A lease that still holds proves that nothing was committed. The object goes before the job
      // becomes another worker's, which may write its own.
      if (queue_.Heartbeat(claimed.lease, context.progress_, options_.lease_time, Soon())) {
        (void)store_.Delete(kResultsBucket, completion.object_key, Soon());
      }
      GiveBack(claimed, done.error(), true);
    }
  }
  --active_;
}

}  // namespace montage::jobs
