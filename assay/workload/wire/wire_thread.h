#pragma once
// One thread of WireWorkers.
//
//   loop:  begin what is due -> wait for edges, at most until the next due time -> finish answers
//
// What an answer makes due begins in the next turn of the loop, together with the others.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "assay/workload/figures/collector.h"
#include "assay/workload/load.h"
#include "assay/workload/wire/wire_plan.h"
#include "lib/http/wire/connection.h"

namespace assay::workload {

class WireThread {
 public:
  /// All of them outlive it.
  WireThread(const Load& load, const WirePlan& plan, Flow& flow, Collector& collector,
             size_t number, size_t threads);
  ~WireThread();
  WireThread(const WireThread&) = delete;
  WireThread& operator=(const WireThread&) = delete;

  /// On its thread; returns when everything has ended.
  void Run();
  /// Thread-safe.
  void Wake();
  void Cancel();

 private:
  using SteadyTime = base::SteadyTime;

  /// A user with his connection.
  struct Seat {
    Seat(const http::wire::Server& server, int epoll, std::span<char> buffer, int64_t vu)
        : connection(server, epoll, buffer, this), number(vu) {}
    http::wire::Connection connection;
    int64_t number;
    bool busy = false;
    bool is_late = false;
    size_t task = 0;
    uint64_t index = 0;
    SteadyTime due;
    SteadyTime begin;
    SteadyTime deadline;
    SteadyTime think_from;
    bool pause_is_cut = false;  // by the end of the user's presence
    // closed models
    std::vector<Presence> presences;
    size_t presence = 0;
    int64_t done = 0;
    bool there = false;
  };
  struct Alarm {
    SteadyTime time;
    Seat* seat;
    bool operator>(const Alarm& other) const { return time > other.time; }
  };
  /// Whether a status meets the expectations of a task, asked once for each status.
  struct Judged {
    std::array<int8_t, 600> by_status{};  // 0: not yet, 1: passes, -1: fails
    std::string Reason(const WirePlan& plan, const plan::PlannedStep& step, int status) const;
  };

  void Open();
  bool Over(SteadyTime now);
  void BeginDue(SteadyTime now);
  void BeginArrivals(SteadyTime now);
  Seat* FreeSeat();
  void WakeUsers(SteadyTime now);
  void NextOf(Seat& seat, SteadyTime now);
  void Arrive(Seat& seat, SteadyTime now);
  void Depart(Seat& seat);
  void Start(Seat& seat, uint64_t index, SteadyTime due, SteadyTime last, SteadyTime now);
  void After(Seat& seat, http::wire::Connection::Result result, SteadyTime now);
  void Finish(Seat& seat, bool answered, SteadyTime now);
  bool Passes(size_t task, int status);
  void Release(Seat& seat, SteadyTime now);
  void Expire(SteadyTime now);
  void Interrupt(Seat& seat);
  void Wait(SteadyTime now);
  void Deliver(SteadyTime now);
  static SteadyTime Now() { return std::chrono::steady_clock::now(); }

  const Load& load_;
  const WirePlan& plan_;
  Flow& flow_;
  Collector& collector_;
  const size_t number_;
  const size_t threads_;
  int epoll_ = -1;
  int wake_ = -1;
  std::atomic<bool> cancelled_{false};

  Mix mix_;
  Tally tally_;
  std::vector<Judged> judged_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::vector<Seat*> free_;
  std::vector<Seat*> turn_;    // of a closed model: their next iterations begin now
  std::vector<Seat*> broken_;  // ended inside Start: the next round looks after them
  std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>> alarms_;
  size_t busy_ = 0;
  size_t room_ = 0;
  std::optional<Ticket> pending_;
  bool exhausted_ = false;  // no further arrival
  bool blocked_ = false;    // nobody was free
  SteadyTime free_since_{};
  SteadyTime next_tick_{};
  SteadyTime next_expiry_{};
  SteadyTime delivered_{};
  base::Duration cpu_before_{};
};

}  // namespace assay::workload
