#pragma once
// Where workers get their jobs from: the database itself, or a broker in front of it.

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "montage/jobs/job_queue.h"

namespace montage::jobs {

/// Used by one worker thread.
class JobSource {
 public:
  virtual ~JobSource() = default;
  /// The next job, claimed for `worker`; nothing when there is none now. May wait a moment for one,
  /// much shorter than a stopping process is given.
  virtual base::Result<std::optional<ClaimedJob>> Next(std::string_view worker,
                                                       base::Duration lease_time) = 0;
  /// The attempt that Next began is over, however it ended.
  virtual void Settle() = 0;
};

/// Called once for each worker thread.
using JobSourceFactory = std::function<std::unique_ptr<JobSource>()>;

/// Asks the queue and does not wait. The queue outlives it.
class PollingSource final : public JobSource {
 public:
  explicit PollingSource(JobQueue& queue) : queue_(queue) {}
  base::Result<std::optional<ClaimedJob>> Next(std::string_view worker,
                                               base::Duration lease_time) override {
    return queue_.Claim(worker, lease_time, base::Deadline::After(std::chrono::seconds(30)));
  }
  void Settle() override {}

 private:
  JobQueue& queue_;
};

}  // namespace montage::jobs
