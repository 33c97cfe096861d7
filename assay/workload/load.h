#pragma once
// A load as its workers see it: what to do, when, and where to count.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "assay/plan/plan.h"
#include "assay/workload/pacing/executor.h"
#include "assay/workload/pacing/mix.h"
#include "assay/workload/pacing/schedule.h"
#include "assay/workload/pacing/share.h"
#include "assay/workload/rows.h"
#include "lib/base/clock.h"
#include "lib/net/task.h"

namespace assay::workload {

struct LoadTask {
  std::string name;
  int64_t weight = 1;
  const plan::PlannedBlock* block = nullptr;
  std::shared_ptr<const Rows> rows;  ///< null: none
};

/// Evaluated and checked; does not change while the load runs.
struct Load {
  Executor executor;
  Think think;
  std::vector<LoadTask> tasks;                   ///< with at least one weight over zero
  const plan::PlannedBlock* on_start = nullptr;  ///< what a user does first
  uint64_t seed = 0;
  Share share;  ///< users and iterations of `executor` are its own already, see PartOf

  /// What steps see as `vu`: the number in the whole load of the share's own user, both from 1.
  int64_t UserNumber(int64_t own) const {
    return static_cast<int64_t>(share.Whole(static_cast<uint64_t>(own - 1))) + 1;
  }
  std::vector<std::string> TaskNames() const;
  std::vector<int64_t> Weights() const;
};

/// An iteration of an open model.
struct Ticket {
  uint64_t index = 0;
  base::SteadyTime due;
};

/// Hands out iterations to all workers. Thread-safe. An arrival that nobody takes stays in the
/// schedule, so a backlog of any length takes no memory.
class Flow {
 public:
  Flow(const Load& load, base::SteadyTime start);

  base::SteadyTime start() const { return start_; }
  /// No iteration is begun from then on, apart from arrivals that are due already.
  base::SteadyTime end() const { return start_ + span_; }
  /// Everything is over.
  base::SteadyTime last() const { return end() + graceful_stop_; }

  /// Open models: the next arrival; nullopt after the last one or after Stop.
  std::optional<Ticket> Arrive();
  /// Closed models: the number of the next iteration; nullopt when all are taken or after Stop.
  std::optional<uint64_t> Begin();
  /// Nothing further begins.
  void Stop() { stopped_.store(true, std::memory_order_release); }
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }

  /// Arrivals due before `now`; closed models: iterations that were begun.
  uint64_t ScheduledUntil(base::SteadyTime now) const;
  uint64_t begun() const;

  void Enter();  ///< a user comes
  void Leave() { users_.fetch_sub(1, std::memory_order_relaxed); }
  int64_t users() const { return users_.load(std::memory_order_relaxed); }
  int64_t most_users() const { return most_users_.load(std::memory_order_relaxed); }

 private:
  base::SteadyTime start_;
  base::Duration span_;
  base::Duration graceful_stop_;
  Share share_;
  std::optional<ArrivalSchedule> arrivals_;  // of the whole load
  uint64_t count_;                           // iterations of the share
  std::atomic<uint64_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::atomic<int64_t> users_{0};
  std::atomic<int64_t> most_users_{0};
};

struct WorkerOptions {
  size_t threads = 1;  ///< at least one
  std::string user_agent = "assay";
};

/// Threads that carry a load out.
class Workers {
 public:
  virtual ~Workers() = default;
  /// Returns when every iteration has ended. On the loop of the run; must not be cancelled.
  virtual net::Task<void> Run() = 0;
  /// Wakes whoever waits, after Flow::Stop.
  virtual void Wake() = 0;
  /// Ends the iterations that are going on. Thread-safe, as Wake is.
  virtual void Cancel() = 0;
  /// `wire` or `steps`.
  virtual std::string_view name() const = 0;
};

}  // namespace assay::workload
