#include "tests/defects/defects.h"

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "montage/storage/ids.h"

namespace montage::defects {

namespace {

using base::Deadline;
using base::Result;
using jobs::Job;
using jobs::JobQueue;

constexpr int kEvery = 5;

/// Passes everything on.
class PassingQueue : public JobQueue {
 public:
  explicit PassingQueue(JobQueue& queue) : queue_(queue) {}

  Result<Job> Submit(const jobs::JobRequest& request, Deadline deadline) override {
    return queue_.Submit(request, deadline);
  }
  Result<jobs::Batch> SubmitBatch(const std::vector<jobs::JobRequest>& requests,
                                  std::string_view batch_id, Deadline deadline) override {
    return queue_.SubmitBatch(requests, batch_id, deadline);
  }
  Result<Job> Get(std::string_view job_id, Deadline deadline) override {
    return queue_.Get(job_id, deadline);
  }
  Result<std::vector<Job>> List(const jobs::JobFilter& filter, Deadline deadline) override {
    return queue_.List(filter, deadline);
  }
  Result<jobs::Batch> GetBatch(std::string_view batch_id, Deadline deadline) override {
    return queue_.GetBatch(batch_id, deadline);
  }
  Result<Job> Cancel(std::string_view job_id, Deadline deadline) override {
    return queue_.Cancel(job_id, deadline);
  }
  Result<std::optional<jobs::ClaimedJob>> Claim(std::string_view worker, base::Duration lease_time,
                                                Deadline deadline) override {
    return queue_.Claim(worker, lease_time, deadline);
  }
  Result<bool> Heartbeat(const jobs::JobLease& lease, int64_t progress, base::Duration lease_time,
                         Deadline deadline) override {
    return queue_.Heartbeat(lease, progress, lease_time, deadline);
  }
  Result<void> Complete(const jobs::JobLease& lease, const jobs::Completion& completion,
                        const std::function<Result<void>()>& publish, Deadline deadline) override {
    return queue_.Complete(lease, completion, publish, deadline);
  }
  Result<jobs::JobStatus> Fail(const jobs::JobLease& lease, const base::Error& error, bool may_pass,
                               Deadline deadline) override {
    return queue_.Fail(lease, error, may_pass, deadline);
  }
  Result<jobs::Recovered> Recover(bool all, Deadline deadline) override {
    return queue_.Recover(all, deadline);
  }

 protected:
  JobQueue& queue_;
};

class ForgetfulQueue final : public PassingQueue {
 public:
  using PassingQueue::PassingQueue;
  Result<Job> Submit(const jobs::JobRequest& request, Deadline deadline) override {
    if (++submitted_ % kEvery != 0) return PassingQueue::Submit(request, deadline);
    return Job{.job_id = storage::NewId(), .batch_id = {}, .request = request};
  }

 private:
  std::atomic<int> submitted_ = 0;
};

/// The first taking is given up at once, as by a worker whose lease was lost; both run.
class RepeatingQueue final : public PassingQueue {
 public:
  using PassingQueue::PassingQueue;
  Result<std::optional<jobs::ClaimedJob>> Claim(std::string_view worker, base::Duration lease_time,
                                                Deadline deadline) override {
    TRY(auto first, PassingQueue::Claim(worker, lease_time, deadline));
    if (!first || ++taken_ % kEvery != 0) return first;
    TRY(PassingQueue::Fail(first->lease, {base::ErrorCode::kUnavailable, "taken again"},
                           /*may_pass=*/true, deadline));
    return PassingQueue::Claim(worker, lease_time, deadline);
  }

 private:
  std::atomic<int> taken_ = 0;
};

class StaleQueue final : public PassingQueue {
 public:
  using PassingQueue::PassingQueue;
  Result<Job> Get(std::string_view job_id, Deadline deadline) override {
    {
      const std::lock_guard lock(mutex_);
      const auto known = known_.find(std::string(job_id));
      if (std::chrono::steady_clock::now() < stale_until_ && known != known_.end()) {
        return known->second;
      }
    }
    auto job = PassingQueue::Get(job_id, deadline);
    const std::lock_guard lock(mutex_);
    if (job) {
      known_[job->job_id] = *job;
    } else if (job.error().code == base::ErrorCode::kUnavailable) {
      stale_until_ = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    }
    return job;
  }
  Result<Job> Submit(const jobs::JobRequest& request, Deadline deadline) override {
    auto job = PassingQueue::Submit(request, deadline);
    const std::lock_guard lock(mutex_);
    if (job) {
      known_[job->job_id] = *job;
    } else if (job.error().code == base::ErrorCode::kUnavailable) {
      stale_until_ = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    }
    return job;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Job> known_;
  std::chrono::steady_clock::time_point stale_until_;
};

template <typename Queue>
app::Interposers WithQueue() {
  return {.queue = [](JobQueue& queue) { return std::make_unique<Queue>(queue); }};
}

// Written to, so that the pages are there, and shown to others for a moment, so that the compiler
// does not see through it.
void Lose(size_t bytes) {
  static std::atomic<char*> latest;
  char* lost = new char[bytes];
  std::memset(lost, 1, bytes);
  latest = lost;
}

/// Of requests whose path ends in `of`.
app::Interposers Leaking(size_t bytes, std::string_view of) {
  return {.handler = [bytes, of](http::Handler handler) -> http::Handler {
    return [bytes, of, handler](http::Request& request) -> net::Task<http::Response> {
      if (request.path.ends_with(of)) Lose(bytes);
      co_return co_await handler(request);
    };
  }};
}

app::Interposers Slow(std::chrono::microseconds by) {
  return {.handler = [by](http::Handler handler) -> http::Handler {
    return [by, handler](http::Request& request) -> net::Task<http::Response> {
      http::Response response = co_await handler(request);
      // Not by sleeping, which costs what a timer costs.
      const auto until = std::chrono::steady_clock::now() + by;
      while (std::chrono::steady_clock::now() < until) {
      }
      co_return response;
    };
  }};
}

}  // namespace

base::Result<app::Interposers> PlantedDefect(std::string_view name) {
  if (name == "lost-ack") return WithQueue<ForgetfulQueue>();
  if (name == "doubled-job") return WithQueue<RepeatingQueue>();
  if (name == "stale-read") return WithQueue<StaleQueue>();
  if (name == "leak") return Leaking(1024, "");
  if (name == "leak-file") return Leaking(5 << 20, "/upload");
  int64_t micros = 0;
  if (name.starts_with("slow:") &&
      std::from_chars(name.data() + 5, name.data() + name.size(), micros).ec == std::errc() &&
      micros > 0) {
    return Slow(std::chrono::microseconds(micros));
  }
  return base::Fail(base::ErrorCode::kNotFound,
                    fmt::format("MONTAGE_DEFECT is \"{}\"; expected lost-ack, doubled-job, "
                                "stale-read, leak, leak-file or slow:MICROSECONDS",
                                name));
}

}  // namespace montage::defects
