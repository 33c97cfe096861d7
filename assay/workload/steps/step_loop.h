#pragma once
// The users of one event loop.

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "assay/action/nested/step_bodies.h"
#include "assay/history/blob_store.h"
#include "assay/workload/figures/collector.h"
#include "assay/workload/load.h"
#include "lib/http/client.h"
#include "lib/net/event.h"
#include "lib/net/task_group.h"

namespace assay::workload {

/// What one iteration stored; kept only when it fails.
class IterationBlobs final : public history::BlobSink {
 public:
  base::Result<std::string> Put(std::string_view bytes) override;
  void Clear();
  std::vector<std::string> Take();

 private:
  std::vector<std::string> contents_;
  size_t bytes_ = 0;
};

/// Belongs to its loop, apart from the constructor.
class StepLoop {
 public:
  struct Shared {
    const Load& load;
    const action::StepBodies& bodies;
    Flow& flow;
    Collector& collector;
    size_t loops = 1;
  };
  StepLoop(const Shared& shared, size_t number, http::Client& http);

  net::Task<void> Run();
  /// Wakes sleepers after Flow::Stop.
  void Wake();
  /// The same, and ends what is going on.
  void Cancel();

 private:
  /// A user and what he is told to do next.
  struct Seat {
    int64_t number = 0;  // from 1
    IterationBlobs blobs;
    std::unique_ptr<action::BodyUser> user;
    std::optional<Ticket> ticket;
    base::SteadyTime ready;  // when the ticket could begin
    bool is_late = false;    // nobody was free when it was due
    net::Event given;
  };
  struct Iteration {
    uint64_t index = 0;
    base::SteadyTime due;
    base::SteadyTime last;
  };

  net::Task<void> Tick();
  net::Task<void> Dispatch(net::TaskGroup& users);
  net::Task<void> OpenUser(std::unique_ptr<Seat> seat);
  net::Task<void> ClosedUser(int64_t number);
  net::Task<bool> Stay(Seat& seat, const Presence& presence, int64_t& done);
  net::Task<bool> Begin(Seat& seat);
  net::Task<void> Iterate(Seat& seat, Iteration iteration);
  net::Task<void> Pause(uint64_t index, base::SteadyTime until);
  /// False when the load was stopped meanwhile.
  net::Task<bool> SleepUntil(base::SteadyTime time);
  void Hand(Seat& seat, const Ticket& ticket);
  void Note(const action::BodyStep& step, size_t task, Failure& failure);
  std::unique_ptr<Seat> NewSeat(int64_t number);
  void Deliver();
  base::SteadyTime Now() const { return clock_.Steady(); }

  const Shared shared_;
  const size_t number_;
  http::Client& http_;
  base::SystemClock clock_;
  Mix mix_;
  Tally tally_;
  std::set<Seat*> seats_;
  std::vector<Seat*> free_;
  size_t room_ = 0;  // seats that there may be
  base::SteadyTime free_since_{};
  net::Event changed_;  // a user is free
  net::Event stop_;
  net::Event over_;
  base::Duration cpu_before_{};
  base::SteadyTime delivered_{};
};

}  // namespace assay::workload
